internal import COpenSSL

/// A public key. It does not change, and any number of threads may use it at once.
public struct PublicKey: Sendable {
    public let kind: KeyPairKind
    let key: EVPKey

    init(_ kind: KeyPairKind, _ key: EVPKey) { (self.kind, self.key) = (kind, key) }

    /// The longest SubjectPublicKeyInfo that is looked at, bytes; RSA with 4096 bits takes 550.
    public static let maximumEncodedCount = 1024

    /// Reads a SubjectPublicKeyInfo in DER (RFC 5280, RFC 5480, RFC 8410), one key and nothing after it. A point of an
    /// elliptic curve is checked to lie on it; its curve has to be named.
    public init(spki: [UInt8]) throws(KeyPairError) {
        defer { forgetLibcryptoErrors() }
        guard spki.count <= Self.maximumEncodedCount, let parts = PublicKeyInformation(spki) else {
            throw .malformedKey
        }
        switch parts.algorithm {
        case .rsa:
            guard let key = Self.rsaKey(spki) else { throw .malformedKey }
            guard let kind = KeyPairKind(of: key) else { throw .unsupportedKey }
            self.init(kind, key)
        case .curve(let identifier):
            let kind = KeyPairKind.allCases.first { $0.curve?.identifier == identifier }
            guard let kind, let curve = kind.curve else { throw .unsupportedKey }
            guard curve.isPointShaped(parts.key) else { throw .malformedKey }
            guard let key = Self.key(at: parts.key, of: curve) else { throw .pointNotOnCurve }
            self.init(kind, key)
        case .ed25519:
            guard parts.key.count == 32,
                let key = unsafe EVPKey(
                    owning: EVP_PKEY_new_raw_public_key_ex(nil, "ED25519", nil, parts.key, parts.key.count)
                )
            else { throw .malformedKey }
            self.init(.ed25519, key)
        case .other:
            throw .unsupportedKey
        }
    }

    /// The key as SubjectPublicKeyInfo in DER; a curve is named, and a point uncompressed.
    public func spki() throws(KeyPairError) -> [UInt8] {
        guard let spki = Self.encode(key) else { throw .engine }
        return spki
    }

    private static func encode(_ key: EVPKey) -> [UInt8]? {
        defer { forgetLibcryptoErrors() }
        let count = unsafe Int(i2d_PUBKEY(key.pointer, nil))
        guard count > 0 else { return nil }
        var encoded = [UInt8](repeating: 0, count: count)
        let written = unsafe encoded.withUnsafeMutableBufferPointer { target in
            var cursor = target.baseAddress
            return unsafe i2d_PUBKEY(key.pointer, &cursor)
        }
        return Int(written) == count ? encoded : nil
    }

    /// libcrypto's reading of an RSA key; nil unless it would write down the same bytes, which leaves one encoding for
    /// each key.
    private static func rsaKey(_ spki: [UInt8]) -> EVPKey? {
        let read = unsafe spki.withUnsafeBufferPointer { bytes in
            var cursor = bytes.baseAddress
            return unsafe EVPKey(owning: d2i_PUBKEY(nil, &cursor, bytes.count))
        }
        guard let read, encode(read) == spki else { return nil }
        return read
    }

    /// The key at a point; nil for one that is not on the curve, which libcrypto checks as it decodes it.
    private static func key(at point: [UInt8], of curve: KeyPairKind.Curve) -> EVPKey? {
        guard let context = unsafe EVP_PKEY_CTX_new_from_name(nil, "EC", nil) else { return nil }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        // First a key that has its curve alone.
        var made: OpaquePointer?
        guard
            unsafe EVP_PKEY_paramgen_init(context) == 1
                && EVP_PKEY_CTX_set_group_name(context, curve.name) == 1
                && EVP_PKEY_CTX_set_ec_param_enc(context, OPENSSL_EC_NAMED_CURVE) == 1
                && EVP_PKEY_paramgen(context, &made) == 1,
            let key = unsafe EVPKey(owning: made),
            unsafe EVP_PKEY_set1_encoded_public_key(key.pointer, point, point.count) == 1,
            key.setUncompressed()
        else { return nil }
        return key
    }
}
