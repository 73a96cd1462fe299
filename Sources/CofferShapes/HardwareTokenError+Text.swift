extension HardwareTokenError: CustomStringConvertible {
    /// What failed and what to do next. No PIN and no key is ever part of an error.
    public var description: String {
        switch self {
        case .moduleNotFound(let path):
            "there is no PKCS #11 module at \(path): install the token's driver, or correct the path"
        case .tokenNotFound(let label):
            "no token is labelled \"\(label)\": plug it in, or initialise it with this label"
        case .wrongPIN:
            "the token refused the PIN: check it before trying again, as a token locks after a few wrong ones"
        case .pinLocked:
            "the token's PIN is locked after too many wrong ones: its security officer can set a new one"
        case .gone:
            "the token does not answer: check that it is plugged in and switched on, then connect again"
        case .keyNotFound:
            "the token holds no such key: check that it is the right token"
        case .authenticationFailed:
            "the token could not decrypt: the data was changed, or it belongs to another key or place"
        case .unsupported(let sentence):
            sentence
        case .failed(let function, let code):
            "\(function) failed with \(Self.name(of: code))\(Self.advice(on: code))"
        }
    }

    /// A return code as the standard spells it, `CKR_DEVICE_MEMORY`, and in hexadecimal where it has no name here.
    public static func name(of code: UInt) -> String {
        names[code] ?? "the code 0x\(String(code, radix: 16))"
    }

    private static func advice(on code: UInt) -> String {
        switch code {
        case 0xA3: ": set a new PIN with the token's own tool, then connect again"
        case 0x102: ": set the token's user PIN with its own tool, then connect again"
        case 0x31, 0x201: ": the token is full; delete keys that nothing needs"
        case 0xB1: ": other programs hold all of the token's sessions; end one of them"
        default: ": the module's own log may say more"
        }
    }

    /// PKCS #11 v2.40, base specification, 3.6 ("Function return values"), and 3.0 from 0x42 and 0x201 on.
    private static let names: [UInt: String] = [
        0x01: "CKR_CANCEL", 0x02: "CKR_HOST_MEMORY", 0x03: "CKR_SLOT_ID_INVALID", 0x05: "CKR_GENERAL_ERROR",
        0x06: "CKR_FUNCTION_FAILED", 0x07: "CKR_ARGUMENTS_BAD", 0x09: "CKR_NEED_TO_CREATE_THREADS",
        0x0A: "CKR_CANT_LOCK", 0x10: "CKR_ATTRIBUTE_READ_ONLY", 0x11: "CKR_ATTRIBUTE_SENSITIVE",
        0x12: "CKR_ATTRIBUTE_TYPE_INVALID", 0x13: "CKR_ATTRIBUTE_VALUE_INVALID",
        0x1B: "CKR_ACTION_PROHIBITED", 0x20: "CKR_DATA_INVALID", 0x21: "CKR_DATA_LEN_RANGE",
        0x30: "CKR_DEVICE_ERROR", 0x31: "CKR_DEVICE_MEMORY", 0x32: "CKR_DEVICE_REMOVED",
        0x40: "CKR_ENCRYPTED_DATA_INVALID", 0x41: "CKR_ENCRYPTED_DATA_LEN_RANGE",
        0x42: "CKR_AEAD_DECRYPT_FAILED", 0x50: "CKR_FUNCTION_CANCELED", 0x54: "CKR_FUNCTION_NOT_SUPPORTED",
        0x60: "CKR_KEY_HANDLE_INVALID", 0x62: "CKR_KEY_SIZE_RANGE", 0x63: "CKR_KEY_TYPE_INCONSISTENT",
        0x68: "CKR_KEY_FUNCTION_NOT_PERMITTED", 0x70: "CKR_MECHANISM_INVALID",
        0x71: "CKR_MECHANISM_PARAM_INVALID", 0x82: "CKR_OBJECT_HANDLE_INVALID",
        0x90: "CKR_OPERATION_ACTIVE", 0x91: "CKR_OPERATION_NOT_INITIALIZED", 0xA0: "CKR_PIN_INCORRECT",
        0xA1: "CKR_PIN_INVALID", 0xA2: "CKR_PIN_LEN_RANGE", 0xA3: "CKR_PIN_EXPIRED", 0xA4: "CKR_PIN_LOCKED",
        0xB0: "CKR_SESSION_CLOSED", 0xB1: "CKR_SESSION_COUNT", 0xB3: "CKR_SESSION_HANDLE_INVALID",
        0xB5: "CKR_SESSION_READ_ONLY", 0xB8: "CKR_SESSION_READ_WRITE_SO_EXISTS",
        0xD0: "CKR_TEMPLATE_INCOMPLETE", 0xD1: "CKR_TEMPLATE_INCONSISTENT", 0xE0: "CKR_TOKEN_NOT_PRESENT",
        0xE1: "CKR_TOKEN_NOT_RECOGNIZED", 0xE2: "CKR_TOKEN_WRITE_PROTECTED",
        0x100: "CKR_USER_ALREADY_LOGGED_IN", 0x101: "CKR_USER_NOT_LOGGED_IN",
        0x102: "CKR_USER_PIN_NOT_INITIALIZED", 0x103: "CKR_USER_TYPE_INVALID",
        0x104: "CKR_USER_ANOTHER_ALREADY_LOGGED_IN", 0x105: "CKR_USER_TOO_MANY_TYPES",
        0x150: "CKR_BUFFER_TOO_SMALL", 0x190: "CKR_CRYPTOKI_NOT_INITIALIZED",
        0x191: "CKR_CRYPTOKI_ALREADY_INITIALIZED", 0x1A0: "CKR_MUTEX_BAD", 0x1A1: "CKR_MUTEX_NOT_LOCKED",
        0x200: "CKR_FUNCTION_REJECTED", 0x201: "CKR_TOKEN_RESOURCE_EXCEEDED",
        0x202: "CKR_OPERATION_CANCEL_FAILED",
    ]
}
