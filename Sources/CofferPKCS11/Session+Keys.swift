internal import CPKCS11
internal import CofferShapes

/// Keys in the token, by label.
extension Session {
    /// Bytes of a key, and what the token is told of them.
    private static let keyBytes: CK_ULONG = 32

    /// What tells a key of ours from everything else in the token. That it cannot be taken out is a part of it: a key
    /// of the same label that somebody put there in the clear is not found, and so never used.
    private static func search(_ label: [UInt8]) -> [Attribute] {
        [
            .number(CKA_CLASS, CKO_SECRET_KEY), .number(CKA_KEY_TYPE, CKK_AES),
            .flag(CKA_TOKEN, true), .flag(CKA_PRIVATE, true),
            .flag(CKA_SENSITIVE, true), .flag(CKA_EXTRACTABLE, false),
            .bytes(CKA_LABEL, label),
        ]
    }

    /// The one key with this label, asked of the token. Throws `.keyNotFound`.
    func key(_ label: [UInt8]) throws(HardwareTokenError) -> CK_OBJECT_HANDLE {
        let found = try keys(label)
        guard let key = found.first else { throw .keyNotFound }
        guard found.count == 1 else { throw .unsupported("the token holds several keys with one label") }
        return key
    }

    /// The keys with this label; two stand for more.
    func keys(_ label: [UInt8]) throws(HardwareTokenError) -> [CK_OBJECT_HANDLE] {
        let code = unsafe try Attribute.withTemplate(Self.search(label)) { template, count in
            unsafe module.functions.C_FindObjectsInit(handle, template, count)
        }
        try check(code, "C_FindObjectsInit")
        var keys: [CK_OBJECT_HANDLE] = []
        var isDone = false
        while !isDone {
            let more = try nextKeys()
            keys += more
            isDone = more.isEmpty || keys.count >= 2
        }
        try check(module.functions.C_FindObjectsFinal(handle), "C_FindObjectsFinal")
        return keys
    }

    private func nextKeys() throws(HardwareTokenError) -> ArraySlice<CK_OBJECT_HANDLE> {
        var room: [CK_OBJECT_HANDLE] = [0, 0]
        var count: CK_ULONG = 0
        let code = unsafe module.functions.C_FindObjects(handle, &room, CK_ULONG(room.count), &count)
        try check(code, "C_FindObjects")
        guard count <= room.count else { throw .unsupported("the module found more keys than fit") }
        return room.prefix(Int(count))
    }

    /// Makes a key with this label that never leaves the token. It is taken away again where the token says that it
    /// may leave, or where another process made one of the same label meanwhile.
    func generateKey(_ label: [UInt8]) throws(HardwareTokenError) {
        let key = try makeKey(label)
        do throws(HardwareTokenError) {
            guard try staysInside(key) else {
                throw .unsupported("the token makes keys that can be taken out of it")
            }
            _ = try self.key(label)
        } catch {
            // Best effort: what is told is why the key could not stay.
            _ = module.functions.C_DestroyObject(handle, key)
            throw error
        }
    }

    func destroy(_ key: CK_OBJECT_HANDLE) throws(HardwareTokenError) {
        try check(module.functions.C_DestroyObject(handle, key), "C_DestroyObject")
    }

    private func makeKey(_ label: [UInt8]) throws(HardwareTokenError) -> CK_OBJECT_HANDLE {
        let attributes: [Attribute] =
            Self.search(label) + [
                .number(CKA_VALUE_LEN, Self.keyBytes), .bytes(CKA_ID, label),
                .flag(CKA_ENCRYPT, true), .flag(CKA_DECRYPT, true),
                .flag(CKA_WRAP, false), .flag(CKA_UNWRAP, false),
            ]
        var mechanism = unsafe CK_MECHANISM(mechanism: CKM_AES_KEY_GEN, pParameter: nil, ulParameterLen: 0)
        var key: CK_OBJECT_HANDLE = 0
        let code = unsafe try Attribute.withTemplate(attributes) { template, count in
            unsafe module.functions.C_GenerateKey(handle, &mechanism, template, count, &key)
        }
        try check(code, "C_GenerateKey")
        return key
    }

    private func staysInside(_ key: CK_OBJECT_HANDLE) throws(HardwareTokenError) -> Bool {
        for type in [CKA_SENSITIVE, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE] {
            guard try flag(type, of: key) else { return false }
        }
        return try !flag(CKA_EXTRACTABLE, of: key)
    }

    private func flag(
        _ type: CK_ATTRIBUTE_TYPE,
        of key: CK_OBJECT_HANDLE
    ) throws(HardwareTokenError) -> Bool {
        var value: CK_BBOOL = 0
        var length: CK_ULONG = 0
        let code = unsafe withUnsafeMutablePointer(to: &value) { value in
            var attribute = unsafe CK_ATTRIBUTE(type: type, pValue: value, ulValueLen: 1)
            let code = unsafe module.functions.C_GetAttributeValue(handle, key, &attribute, 1)
            unsafe length = attribute.ulValueLen
            return code
        }
        try check(code, "C_GetAttributeValue")
        guard length == 1, value <= 1 else {
            throw .unsupported("the module gave something else than a yes or no about a key")
        }
        return value == 1
    }
}
