internal import CPKCS11
internal import CofferSecrets
internal import CofferShapes

/// The bytes of a wrapped secret, AES-256-GCM:
/// ```
///  0       12                     12 + n      12 + n + 16
///  | IV    | ciphertext (n bytes) | tag       |
/// ```
enum WrappedForm {
    static let ivCount = 12
    static let tagCount = 16
    /// Longest secret, bytes.
    static let maximumSecret = 4096

    /// The length of the secret in `count` bytes, or nil where they are not a wrapped secret.
    static func secretCount(ofWrapped count: Int) -> Int? {
        let secret = count - ivCount - tagCount
        return (1...maximumSecret).contains(secret) ? secret : nil
    }
}

/// AES-GCM within the token, in one call each way.
extension Session {
    /// Encrypts under a key with the IV given. Some tokens make an IV of their own and write it in the place of ours:
    /// what stands there afterwards is what was used.
    func encrypt(
        _ secret: borrowing SecretBytes,
        iv: [UInt8],
        key: CK_OBJECT_HANDLE,
        additionalData: [UInt8]
    ) throws(HardwareTokenError) -> [UInt8] {
        precondition(iv.count == WrappedForm.ivCount, "an IV has 12 bytes")
        let room = secret.count + WrappedForm.tagCount
        var wrapped = iv + [UInt8](repeating: 0, count: room)
        var length = CK_ULONG(room)
        unsafe try withGCM(&wrapped, additionalData) { (mechanism, ciphertext) throws(HardwareTokenError) in
            let functions = module.functions
            try check(unsafe functions.C_EncryptInit(handle, mechanism, key), "C_EncryptInit")
            let code = secret.withBytes { bytes in
                unsafe bytes.withUnsafeBytes { buffer in
                    // Not empty: a secret has at least one byte.
                    let plaintext = unsafe buffer.bindMemory(to: CK_BYTE.self).baseAddress!
                    let count = CK_ULONG(buffer.count)
                    return unsafe functions.C_Encrypt(handle, plaintext, count, ciphertext, &length)
                }
            }
            try check(code, "C_Encrypt")
        }
        guard length == CK_ULONG(room) else { throw Self.wrongLength("C_Encrypt", length) }
        return wrapped
    }

    /// Decrypts what `encrypt` gave. Throws `.authenticationFailed`.
    func decrypt(
        _ wrapped: [UInt8],
        key: CK_OBJECT_HANDLE,
        additionalData: [UInt8]
    ) throws(HardwareTokenError) -> SecretBytes {
        guard let secretCount = WrappedForm.secretCount(ofWrapped: wrapped.count) else {
            throw .authenticationFailed
        }
        var wrapped = wrapped
        // Modules may ask for room for the tag as well.
        let room = secretCount + WrappedForm.tagCount
        var length = CK_ULONG(room)
        let plaintext = try SecretBytes(count: room) { (span) throws(HardwareTokenError) in
            unsafe try span.withUnsafeMutableBytes { (buffer) throws(HardwareTokenError) in
                let target = unsafe buffer.bindMemory(to: CK_BYTE.self).baseAddress
                unsafe try withGCM(&wrapped, additionalData) {
                    (mechanism, ciphertext) throws(HardwareTokenError) in
                    let functions = module.functions
                    try check(unsafe functions.C_DecryptInit(handle, mechanism, key), "C_DecryptInit")
                    let code = unsafe functions.C_Decrypt(handle, ciphertext, CK_ULONG(room), target, &length)
                    try check(code, "C_Decrypt")
                }
            }
        }
        guard length == CK_ULONG(secretCount) else { throw Self.wrongLength("C_Decrypt", length) }
        return plaintext.part(at: 0, count: secretCount)
    }

    /// Lends the mechanism with the IV at the start of `wrapped`, and where the ciphertext begins.
    private func withGCM(
        _ wrapped: inout [UInt8],
        _ additionalData: [UInt8],
        _ body: (UnsafeMutablePointer<CK_MECHANISM>, UnsafeMutablePointer<CK_BYTE>) throws(HardwareTokenError)
            -> Void
    ) throws(HardwareTokenError) {
        unsafe try wrapped.withUnsafeMutableBufferPointer { (buffer) throws(HardwareTokenError) in
            unsafe try additionalData.withUnsafeBufferPointer { (additional) throws(HardwareTokenError) in
                // Not empty: it holds an IV at least.
                let start = buffer.baseAddress!
                var parameters = unsafe CK_GCM_PARAMS(
                    pIv: start,
                    ulIvLen: CK_ULONG(WrappedForm.ivCount),
                    ulIvBits: CK_ULONG(WrappedForm.ivCount * 8),
                    pAAD: additional.baseAddress,
                    ulAADLen: CK_ULONG(additional.count),
                    ulTagBits: CK_ULONG(WrappedForm.tagCount * 8)
                )
                unsafe try withUnsafeMutablePointer(to: &parameters) {
                    (pointer) throws(HardwareTokenError) in
                    var mechanism = unsafe CK_MECHANISM(
                        mechanism: CKM_AES_GCM,
                        pParameter: pointer,
                        ulParameterLen: CK_ULONG(MemoryLayout<CK_GCM_PARAMS>.size)
                    )
                    unsafe try body(&mechanism, start + WrappedForm.ivCount)
                }
            }
        }
    }

    private static func wrongLength(_ function: String, _ length: CK_ULONG) -> HardwareTokenError {
        .unsupported("the token's \(function) gave \(length) bytes, which is not AES-GCM with a 16-byte tag")
    }
}
