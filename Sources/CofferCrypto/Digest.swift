internal import COpenSSL
public import CofferSecrets

/// SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104) by libcrypto.
public enum SHA256 {
    public static let count = 32

    /// The digest of bytes that are not secret.
    public static func digest(_ bytes: RawSpan) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: count)
        unsafe bytes.withUnsafeBytes { input in
            unsafe digest.withUnsafeMutableBytes { output in
                let done = unsafe COpenSSL.SHA256(
                    input.baseAddress?.assumingMemoryBound(to: UInt8.self),
                    input.count,
                    output.baseAddress?.assumingMemoryBound(to: UInt8.self)
                )
                // Fails only when libcrypto has no memory or no SHA-256.
                precondition(unsafe done != nil, "SHA-256 failed")
            }
        }
        return digest
    }

    public static func digest(_ bytes: [UInt8]) -> [UInt8] { unsafe digest(bytes.span.bytes) }

    /// The authentication code of `message` under `key`, 32 bytes.
    public static func authenticationCode(_ message: RawSpan, key: borrowing SecretBytes) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: count)
        let done = key.withBytes { key in
            unsafe key.withUnsafeBytes { key in
                unsafe message.withUnsafeBytes { input in
                    unsafe code.withUnsafeMutableBytes { output in
                        var length: UInt32 = 0
                        return unsafe HMAC(
                            EVP_sha256(),
                            key.baseAddress,
                            Int32(key.count),
                            input.baseAddress?.assumingMemoryBound(to: UInt8.self),
                            input.count,
                            output.baseAddress?.assumingMemoryBound(to: UInt8.self),
                            &length
                        ) != nil
                    }
                }
            }
        }
        // Fails only when libcrypto has no memory or no SHA-256: nothing can be authenticated then.
        precondition(done, "HMAC-SHA-256 failed")
        return code
    }
}
