internal import COpenSSL
public import CofferSecrets

/// The hash functions of FIPS 180-4 that Coffer knows, by libcrypto. SHA-1 is here for OAEP alone, which does not need
/// its collision resistance.
public enum Digest: Int, CaseIterable, Sendable {
    case sha1, sha224, sha256, sha384, sha512

    /// Length of a digest, bytes.
    public var count: Int {
        switch self {
        case .sha1: 20
        case .sha224: 28
        case .sha256: 32
        case .sha384: 48
        case .sha512: 64
        }
    }

    /// libcrypto's name.
    var name: String {
        switch self {
        case .sha1: "SHA1"
        case .sha224: "SHA2-224"
        case .sha256: "SHA2-256"
        case .sha384: "SHA2-384"
        case .sha512: "SHA2-512"
        }
    }

    /// The digest of bytes that are not secret.
    public func of(_ bytes: RawSpan) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: count)
        let done = unsafe bytes.withUnsafeBytes { input in
            var length: UInt32 = 0
            return unsafe EVP_Digest(
                input.baseAddress,
                input.count,
                &digest,
                &length,
                FetchedAlgorithm.digest(self).pointer,
                nil
            ) == 1 && Int(length) == digest.count
        }
        // Fails only when libcrypto has no memory or no such function.
        precondition(done, "a digest failed")
        return digest
    }

    public func of(_ bytes: [UInt8]) -> [UInt8] { unsafe of(bytes.span.bytes) }
}

/// SHA-256 and HMAC-SHA-256, for what always uses these.
public enum SHA256 {
    public static let count = 32

    /// The digest of bytes that are not secret.
    public static func digest(_ bytes: RawSpan) -> [UInt8] { Digest.sha256.of(bytes) }

    public static func digest(_ bytes: [UInt8]) -> [UInt8] { Digest.sha256.of(bytes) }

    /// The authentication code of `message` under `key`, 32 bytes.
    public static func authenticationCode(_ message: RawSpan, key: borrowing SecretBytes) -> [UInt8] {
        do {
            return try HMAC.code(.sha256, of: message, key: key)
        } catch {
            // Only when libcrypto has no memory or no SHA-256: nothing can be authenticated then.
            preconditionFailure("HMAC-SHA-256 failed")
        }
    }
}
