internal import COpenSSL
public import CofferSecrets

/// AES-256-GCM (NIST SP 800-38D) by libcrypto, over secrets: a key's plaintext comes from and goes to `SecretBytes` only.
public enum AEAD {
    public static let keyCount = 32
    public static let nonceCount = 12
    public static let tagCount = 16

    /// Ciphertext followed by the tag. A nonce must never serve twice under one key.
    public static func seal(
        _ plaintext: borrowing SecretBytes,
        key: borrowing SecretBytes,
        nonce: [UInt8],
        additionalData: [UInt8]
    ) throws(CryptoError) -> [UInt8] {
        try key.withBytes { (key) throws(CryptoError) in
            try seal(plaintext, key: key, nonce: nonce, additionalData: additionalData)
        }
    }

    /// The same under a key that is part of a longer secret.
    static func seal(
        _ plaintext: borrowing SecretBytes,
        key: RawSpan,
        nonce: [UInt8],
        additionalData: [UInt8]
    ) throws(CryptoError) -> [UInt8] {
        try plaintext.withBytes { (plaintext) throws(CryptoError) in
            try seal(plaintext, key, nonce, additionalData)
        }
    }

    /// The same for data that is no key, and may be empty.
    public static func seal(
        data: [UInt8],
        key: borrowing SecretBytes,
        nonce: [UInt8],
        additionalData: [UInt8]
    ) throws(CryptoError) -> [UInt8] {
        try key.withBytes { (key) throws(CryptoError) in
            unsafe try seal(data.span.bytes, key, nonce, additionalData)
        }
    }

    private static func seal(
        _ plaintext: RawSpan,
        _ key: RawSpan,
        _ nonce: [UInt8],
        _ additionalData: [UInt8]
    ) throws(CryptoError) -> [UInt8] {
        let plaintextCount = plaintext.byteCount
        var sealed = [UInt8](repeating: 0, count: plaintextCount + tagCount)
        let done = unsafe try withContext(key, nonce, additionalData, encrypts: true) { context in
            unsafe plaintext.withUnsafeBytes { input in
                unsafe sealed.withUnsafeMutableBytes { output in
                    let target = unsafe output.baseAddress?.assumingMemoryBound(to: UInt8.self)
                    var put: Int32 = 0
                    let isEncrypted =
                        unsafe input.isEmpty
                        || EVP_EncryptUpdate(
                            context,
                            target,
                            &put,
                            input.baseAddress?.assumingMemoryBound(to: UInt8.self),
                            Int32(input.count)
                        ) == 1
                    return unsafe isEncrypted
                        && EVP_EncryptFinal_ex(context, target.map { unsafe $0 + Int(put) }, &put) == 1
                        && EVP_CIPHER_CTX_ctrl(
                            context,
                            EVP_CTRL_AEAD_GET_TAG,
                            Int32(tagCount),
                            target.map { unsafe $0 + plaintextCount }
                        ) == 1
                }
            }
        }
        guard done else { throw .engine }
        return sealed
    }

    /// The plaintext of what `seal` gave; at least one byte of it.
    public static func open(
        _ sealed: [UInt8],
        key: borrowing SecretBytes,
        nonce: [UInt8],
        additionalData: [UInt8]
    ) throws(CryptoError) -> SecretBytes {
        try key.withBytes { (key) throws(CryptoError) in
            try open(sealed, key: key, nonce: nonce, additionalData: additionalData)
        }
    }

    /// The same under a key that is part of a longer secret.
    static func open(
        _ sealed: [UInt8],
        key: RawSpan,
        nonce: [UInt8],
        additionalData: [UInt8]
    ) throws(CryptoError) -> SecretBytes {
        let count = sealed.count - tagCount
        guard count > 0 else { throw .authenticationFailed }
        return try SecretBytes(count: count) { (target) throws(CryptoError) in
            // What a wrong tag leaves in the secret is wiped as this throws.
            unsafe try target.withUnsafeMutableBytes { (output) throws(CryptoError) in
                unsafe try open(sealed, into: output, key, nonce, additionalData)
            }
        }
    }

    /// The same for data that is no key, and may be empty.
    public static func open(
        data sealed: [UInt8],
        key: borrowing SecretBytes,
        nonce: [UInt8],
        additionalData: [UInt8]
    ) throws(CryptoError) -> [UInt8] {
        guard sealed.count >= tagCount else { throw .authenticationFailed }
        var plaintext = [UInt8](repeating: 0, count: sealed.count - tagCount)
        try key.withBytes { (key) throws(CryptoError) in
            // Arrays know no typed throws.
            let opened = unsafe plaintext.withUnsafeMutableBytes { output in
                Result { () throws(CryptoError) in
                    unsafe try open(sealed, into: output, key, nonce, additionalData)
                }
            }
            try opened.get()
        }
        return plaintext
    }

    /// Decrypts into `output`, which is as long as the plaintext.
    private static func open(
        _ sealed: [UInt8],
        into output: UnsafeMutableRawBufferPointer,
        _ key: RawSpan,
        _ nonce: [UInt8],
        _ additionalData: [UInt8]
    ) throws(CryptoError) {
        var tag = Array(sealed.suffix(tagCount))
        let opened = unsafe try withContext(key, nonce, additionalData, encrypts: false) { context in
            let plaintext = unsafe output.baseAddress?.assumingMemoryBound(to: UInt8.self)
            var put: Int32 = 0
            let isDecrypted =
                unsafe output.isEmpty
                || EVP_DecryptUpdate(context, plaintext, &put, sealed, Int32(output.count)) == 1
            return unsafe isDecrypted
                && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tagCount), &tag) == 1
                && EVP_DecryptFinal_ex(context, plaintext.map { unsafe $0 + Int(put) }, &put) == 1
        }
        guard opened else { throw .authenticationFailed }
    }

    /// A context with key, nonce and additional data in place, freed (and its schedule wiped) after `body`.
    private static func withContext<Result: ~Copyable>(
        _ key: RawSpan,
        _ nonce: [UInt8],
        _ additionalData: [UInt8],
        encrypts: Bool,
        _ body: (OpaquePointer) throws(CryptoError) -> Result
    ) throws(CryptoError) -> Result {
        guard key.byteCount == keyCount, nonce.count == nonceCount,
            let context = unsafe EVP_CIPHER_CTX_new()
        else { throw .engine }
        defer { unsafe EVP_CIPHER_CTX_free(context) }
        let ready = unsafe key.withUnsafeBytes { key in
            var put: Int32 = 0
            return unsafe EVP_CipherInit_ex2(
                context,
                FetchedAlgorithm.aes256GCM.pointer,
                key.baseAddress?.assumingMemoryBound(to: UInt8.self),
                nonce,
                encrypts ? 1 : 0,
                nil
            ) == 1
                && (additionalData.isEmpty
                    || EVP_CipherUpdate(context, nil, &put, additionalData, Int32(additionalData.count)) == 1)
        }
        guard ready else { throw .engine }
        return try unsafe body(context)
    }
}
