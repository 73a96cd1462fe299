internal import COpenSSL
public import CofferSecrets

/// AES-256 key wrap with padding (RFC 5649, NIST SP 800-38F "KWP"), for key material from elsewhere. What Coffer keeps
/// itself is under `WrappedKey`, which binds it to a place.
public enum AESKeyWrap {
    /// The longest material, bytes.
    public static let maximumCount = 8192

    /// Wraps 1 byte up to `maximumCount`: 8 bytes, and the material rounded up to 8.
    public static func wrap(
        _ material: borrowing SecretBytes,
        under key: borrowing SecretBytes
    ) throws(CryptoError) -> [UInt8] {
        guard material.count <= maximumCount else { throw .engine }
        var wrapped = [UInt8](repeating: 0, count: (material.count + 7) / 8 * 8 + 8)
        let count = try material.withBytes { (material) throws(CryptoError) in
            var elements = wrapped.mutableSpan
            var target = unsafe elements.mutableBytes
            return try run(material, under: key, encrypts: true, into: &target)
        }
        guard count == wrapped.count else { throw .engine }
        return wrapped
    }

    /// Unwraps what `wrap` gave. Another key, a changed bit or another length: `.authenticationFailed`.
    public static func unwrap(
        _ wrapped: [UInt8],
        under key: borrowing SecretBytes
    ) throws(CryptoError) -> SecretBytes {
        guard wrapped.count >= 16, wrapped.count.isMultiple(of: 8), wrapped.count <= maximumCount + 8 else {
            throw .authenticationFailed
        }
        var count = 0
        // libcrypto uses as much room as the input has, and wipes that much when it refuses.
        let room = try SecretBytes(count: wrapped.count) { (target) throws(CryptoError) in
            count = unsafe try run(wrapped.span.bytes, under: key, encrypts: false, into: &target)
        }
        guard count > 0, count <= wrapped.count - 8 else { throw .authenticationFailed }
        return room.part(at: 0, count: count)
    }

    /// How many bytes were written to `target`.
    private static func run(
        _ input: RawSpan,
        under key: borrowing SecretBytes,
        encrypts: Bool,
        into target: inout MutableRawSpan
    ) throws(CryptoError) -> Int {
        guard key.count == 32, let context = unsafe EVP_CIPHER_CTX_new() else { throw .engine }
        defer {
            unsafe EVP_CIPHER_CTX_free(context)
            forgetLibcryptoErrors()
        }
        unsafe EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW)
        let isReady = key.withBytes { key in
            unsafe key.withUnsafeBytes { key in
                unsafe EVP_CipherInit_ex2(
                    context,
                    FetchedAlgorithm.aes256WrapPad.pointer,
                    key.baseAddress?.assumingMemoryBound(to: UInt8.self),
                    nil,
                    encrypts ? 1 : 0,
                    nil
                ) == 1
            }
        }
        guard isReady else { throw .engine }
        var count: Int32 = 0
        let isDone = unsafe target.withUnsafeMutableBytes { target in
            unsafe input.withUnsafeBytes { input in
                unsafe EVP_CipherUpdate(
                    context,
                    target.baseAddress?.assumingMemoryBound(to: UInt8.self),
                    &count,
                    input.baseAddress?.assumingMemoryBound(to: UInt8.self),
                    Int32(input.count)
                ) == 1
            }
        }
        guard isDone else { throw .authenticationFailed }
        return Int(count)
    }
}
