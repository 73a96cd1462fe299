internal import CPKCS11
internal import CofferShapes

/// What a module's return codes mean. (PKCS #11 v2.40, base specification, 5.1)
enum ReturnCode {
    /// Throws for every code but CKR_OK. `.gone` stands for whatever a new session may heal, `.keyNotFound` for a
    /// handle that names nothing any more.
    static func check(_ code: CK_RV, _ function: String) throws(HardwareTokenError) {
        switch code {
        case CKR_OK: return
        case CKR_DEVICE_ERROR, CKR_DEVICE_REMOVED, CKR_SESSION_CLOSED, CKR_SESSION_HANDLE_INVALID,
            CKR_SLOT_ID_INVALID, CKR_TOKEN_NOT_PRESENT, CKR_TOKEN_NOT_RECOGNIZED, CKR_USER_NOT_LOGGED_IN,
            CKR_CRYPTOKI_NOT_INITIALIZED:
            throw .gone
        case CKR_PIN_INCORRECT, CKR_PIN_INVALID, CKR_PIN_LEN_RANGE: throw .wrongPIN
        case CKR_PIN_LOCKED: throw .pinLocked
        case CKR_KEY_HANDLE_INVALID, CKR_OBJECT_HANDLE_INVALID: throw .keyNotFound
        case CKR_ENCRYPTED_DATA_INVALID, CKR_ENCRYPTED_DATA_LEN_RANGE, CKR_AEAD_DECRYPT_FAILED:
            throw .authenticationFailed
        case CKR_FUNCTION_NOT_SUPPORTED, CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID,
            CKR_KEY_SIZE_RANGE, CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_FUNCTION_NOT_PERMITTED,
            CKR_TEMPLATE_INCOMPLETE, CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_TYPE_INVALID,
            CKR_ATTRIBUTE_VALUE_INVALID, CKR_TOKEN_WRITE_PROTECTED:
            throw .unsupported(
                "the token does not do what Coffer needs of \(function): \(HardwareTokenError.name(of: code))"
            )
        default: throw .failed(function: function, code: code)
        }
    }

    /// Whether the error is one that tokens give for a wrong tag, for want of a better code, and for other failures as
    /// well: SoftHSM answers CKR_GENERAL_ERROR.
    static func mayMeanWrongTag(_ error: HardwareTokenError) -> Bool {
        guard case .failed("C_Decrypt", let code) = error else { return false }
        return [
            CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED, CKR_DATA_INVALID, CKR_DATA_LEN_RANGE,
            CKR_SIGNATURE_INVALID,
        ].contains(code)
    }

    /// Whether the code says that a session's handle names no session any more.
    static func meansNoSession(_ code: CK_RV) -> Bool {
        code == CKR_SESSION_HANDLE_INVALID || code == CKR_SESSION_CLOSED
    }
}
