internal import COpenSSL
public import CofferSecrets

/// A private key with its public half. It does not change, and any number of threads may use it at once.
///
/// Its numbers lie in libcrypto's memory, outside of `SecretBytes` (in locked memory where `LibcryptoMemory` is
/// installed), and are wiped with the last reference. It is written down as PKCS #8 (RFC 5208), which the caller wraps.
public final class PrivateKey: Sendable {
    public let kind: KeyPairKind
    let key: EVPKey

    private init(_ kind: KeyPairKind, _ key: EVPKey) { (self.kind, self.key) = (kind, key) }

    /// The longest PKCS #8 that is looked at, bytes; RSA with 4096 bits takes some 2400.
    public static let maximumEncodedCount = 4096

    /// A new key from libcrypto's generator. RSA takes from tenths of a second to seconds; its exponent is 65537.
    public static func generate(_ kind: KeyPairKind) throws(KeyPairError) -> PrivateKey {
        let type = kind.curve != nil ? "EC" : kind == .ed25519 ? "ED25519" : "RSA"
        defer { forgetLibcryptoErrors() }
        guard let context = unsafe EVP_PKEY_CTX_new_from_name(nil, type, nil) else { throw .engine }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        var isReady = unsafe EVP_PKEY_keygen_init(context) == 1
        if let bits = kind.modulusBits {
            isReady = unsafe isReady && EVP_PKEY_CTX_set_rsa_keygen_bits(context, Int32(bits)) == 1
        }
        if let curve = kind.curve {
            isReady =
                unsafe isReady && EVP_PKEY_CTX_set_group_name(context, curve.name) == 1
                && EVP_PKEY_CTX_set_ec_param_enc(context, OPENSSL_EC_NAMED_CURVE) == 1
        }
        var made: OpaquePointer?
        guard isReady, unsafe EVP_PKEY_generate(context, &made) == 1, let key = unsafe EVPKey(owning: made)
        else { throw .engine }
        return PrivateKey(kind, key)
    }

    /// Reads a stranger's PKCS #8 and checks all of it: one key and nothing after it, of that kind, whose numbers
    /// belong together. For RSA that includes the primes, and takes some tenths of a second.
    public convenience init(
        importing encoded: borrowing SecretBytes,
        kind: KeyPairKind
    ) throws(KeyPairError) {
        try self.init(encoded: encoded, kind: kind)
        defer { forgetLibcryptoErrors() }
        guard key.isConsistent else { throw .malformedKey }
    }

    /// Reads what `encoded()` gave and the caller has kept under authentication: the numbers are not proven again.
    /// Reading costs about a millisecond, and an RSA key's first use more: a caller that signs often keeps the key.
    public init(encoded: borrowing SecretBytes, kind: KeyPairKind) throws(KeyPairError) {
        defer { forgetLibcryptoErrors() }
        guard encoded.count <= Self.maximumEncodedCount,
            let key = encoded.withBytes({ unsafe $0.withUnsafeBytes { unsafe Self.decode($0) } })
        else { throw .malformedKey }
        guard let actual = KeyPairKind(of: key) else { throw .unsupportedKey }
        guard actual == kind else { throw .otherKind(actual) }
        guard kind.curve == nil || key.setUncompressed() else { throw .engine }
        (self.kind, self.key) = (kind, key)
    }

    private static func decode(_ encoded: UnsafeRawBufferPointer) -> EVPKey? {
        guard let start = unsafe encoded.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return nil }
        var cursor: UnsafePointer<UInt8>? = unsafe start
        guard let information = unsafe d2i_PKCS8_PRIV_KEY_INFO(nil, &cursor, encoded.count) else {
            return nil
        }
        defer { unsafe PKCS8_PRIV_KEY_INFO_free(information) }
        guard unsafe cursor == start + encoded.count else { return nil }
        return unsafe EVPKey(owning: EVP_PKCS82PKEY(information))
    }

    /// The key as PKCS #8 in DER, unencrypted; a curve is named.
    public func encoded() throws(KeyPairError) -> SecretBytes {
        defer { forgetLibcryptoErrors() }
        guard let information = unsafe EVP_PKEY2PKCS8(key.pointer) else { throw .engine }
        defer { unsafe PKCS8_PRIV_KEY_INFO_free(information) }
        let count = unsafe Int(i2d_PKCS8_PRIV_KEY_INFO(information, nil))
        guard count > 0 else { throw .engine }
        return try SecretBytes(count: count) { (span) throws(KeyPairError) in
            let written = unsafe span.withUnsafeMutableBytes { target in
                var cursor = unsafe target.baseAddress?.assumingMemoryBound(to: UInt8.self)
                return unsafe i2d_PKCS8_PRIV_KEY_INFO(information, &cursor)
            }
            guard Int(written) == count else { throw .engine }
        }
    }

    /// The public half.
    public var publicKey: PublicKey { PublicKey(kind, key) }
}
