internal import CPKCS11
internal import CofferShapes
internal import Testing

/// A session beside Coffer's own, through the module's functions directly: what another program would see and do.
final class RawToken {
    private let functions: CK_FUNCTION_LIST
    private let session: CK_SESSION_HANDLE

    /// Module and login are shared within the process. `initialises` is for one that comes before Coffer and ends with
    /// `finalise`; otherwise the token is open already.
    init(module: String, tokenLabel: String, initialises: Bool = false) throws {
        let list = UnsafeMutablePointer<CK_FUNCTION_LIST>.allocate(capacity: 1)
        defer { unsafe list.deallocate() }
        var reason: CChar = 0
        try #require(unsafe cpkcs11_load(module, list, &reason, 1) == CPKCS11_LOADED)
        let functions = unsafe list.pointee
        if initialises {
            var arguments = unsafe CK_C_INITIALIZE_ARGS()
            unsafe arguments.flags = CKF_OS_LOCKING_OK
            try #require(unsafe functions.C_Initialize(&arguments) == CKR_OK)
        }
        var slots = [CK_SLOT_ID](repeating: 0, count: 64)
        var count = CK_ULONG(slots.count)
        try #require(unsafe functions.C_GetSlotList(1, &slots, &count) == CKR_OK)
        let slot = try #require(
            slots.prefix(Int(count)).first { slot in
                var info = CK_TOKEN_INFO()
                guard unsafe functions.C_GetTokenInfo(slot, &info) == CKR_OK else { return false }
                let label = unsafe withUnsafeBytes(of: info.label) { unsafe [UInt8]($0) }
                return String(decoding: label, as: UTF8.self).hasPrefix(tokenLabel)
            }
        )
        var session: CK_SESSION_HANDLE = 0
        let flags = CKF_SERIAL_SESSION | CKF_RW_SESSION
        try #require(unsafe functions.C_OpenSession(slot, flags, nil, nil, &session) == CKR_OK)
        (self.functions, self.session) = (functions, session)
    }

    deinit { _ = functions.C_CloseSession(session) }

    func logIn(_ pin: String) throws {
        let pin = Array(pin.utf8)
        try #require(unsafe functions.C_Login(session, CKU_USER, pin, CK_ULONG(pin.count)) == CKR_OK)
    }

    func finalise() { _ = functions.C_Finalize(nil) }

    func keys(label: [UInt8]) throws -> [CK_OBJECT_HANDLE] {
        var label = label
        let code = unsafe label.withUnsafeMutableBytes { value in
            var attribute = unsafe CK_ATTRIBUTE(
                type: CKA_LABEL,
                pValue: value.baseAddress,
                ulValueLen: CK_ULONG(value.count)
            )
            return unsafe functions.C_FindObjectsInit(session, &attribute, 1)
        }
        try #require(code == CKR_OK)
        var room = [CK_OBJECT_HANDLE](repeating: 0, count: 8)
        var count: CK_ULONG = 0
        try #require(unsafe functions.C_FindObjects(session, &room, 8, &count) == CKR_OK)
        try #require(functions.C_FindObjectsFinal(session) == CKR_OK)
        return Array(room.prefix(Int(count)))
    }

    func destroy(_ key: CK_OBJECT_HANDLE) throws {
        try #require(functions.C_DestroyObject(session, key) == CKR_OK)
    }

    /// Whether the session still is one.
    var isOpen: Bool {
        var info = CK_SESSION_INFO()
        return unsafe functions.C_GetSessionInfo(session, &info) == CKR_OK
    }

    /// What a key's attributes say.
    struct Flags: Equatable {
        var sensitive, alwaysSensitive, extractable, neverExtractable, isPrivate, inToken: Bool
    }

    func flags(of key: CK_OBJECT_HANDLE) throws -> Flags {
        func flag(_ type: CK_ATTRIBUTE_TYPE) throws -> Bool {
            try read(type, of: key, as: CK_BBOOL.self) == 1
        }
        return Flags(
            sensitive: try flag(CKA_SENSITIVE),
            alwaysSensitive: try flag(CKA_ALWAYS_SENSITIVE),
            extractable: try flag(CKA_EXTRACTABLE),
            neverExtractable: try flag(CKA_NEVER_EXTRACTABLE),
            isPrivate: try flag(CKA_PRIVATE),
            inToken: try flag(CKA_TOKEN)
        )
    }

    func valueLength(of key: CK_OBJECT_HANDLE) throws -> Int {
        Int(try read(CKA_VALUE_LEN, of: key, as: CK_ULONG.self))
    }

    /// The code that the module answers when asked for the key itself.
    func readValue(of key: CK_OBJECT_HANDLE) -> CK_RV {
        var room = [UInt8](repeating: 0, count: 64)
        return unsafe room.withUnsafeMutableBytes { value in
            var attribute = unsafe CK_ATTRIBUTE(type: CKA_VALUE, pValue: value.baseAddress, ulValueLen: 64)
            return unsafe functions.C_GetAttributeValue(session, key, &attribute, 1)
        }
    }

    private func read<Value: FixedWidthInteger>(
        _ type: CK_ATTRIBUTE_TYPE,
        of key: CK_OBJECT_HANDLE,
        as: Value.Type
    ) throws -> Value {
        var value: Value = 0
        let code = unsafe withUnsafeMutablePointer(to: &value) { value in
            var attribute = unsafe CK_ATTRIBUTE(
                type: type,
                pValue: value,
                ulValueLen: CK_ULONG(MemoryLayout<Value>.size)
            )
            return unsafe functions.C_GetAttributeValue(session, key, &attribute, 1)
        }
        try #require(code == CKR_OK)
        return value
    }
}

extension RawToken.Flags {
    /// A key that never leaves the token.
    init(insideOnly: Void) {
        self.init(
            sensitive: true,
            alwaysSensitive: true,
            extractable: false,
            neverExtractable: true,
            isPrivate: true,
            inToken: true
        )
    }
}
