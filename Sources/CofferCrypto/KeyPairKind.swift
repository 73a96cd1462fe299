internal import COpenSSL

/// The kinds of asymmetric keys that Coffer makes and takes.
public enum KeyPairKind: Sendable, CaseIterable {
    case rsa2048, rsa3072, rsa4096
    /// NIST's curves (FIPS 186-4) and Bitcoin's (SEC 2).
    case p256, p384, p521, secp256k1
    /// Edwards25519 (RFC 8032).
    case ed25519

    /// Length of an RSA modulus, bits; nil for the others.
    var modulusBits: Int? {
        switch self {
        case .rsa2048: 2048
        case .rsa3072: 3072
        case .rsa4096: 4096
        case .p256, .p384, .p521, .secp256k1, .ed25519: nil
        }
    }

    /// A curve of Weierstrass form; nil for the others.
    var curve: Curve? {
        switch self {
        case .p256:
            Curve(name: "prime256v1", fieldBytes: 32, identifier: [0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7])
        case .p384: Curve(name: "secp384r1", fieldBytes: 48, identifier: [0x2B, 0x81, 0x04, 0x00, 0x22])
        case .p521: Curve(name: "secp521r1", fieldBytes: 66, identifier: [0x2B, 0x81, 0x04, 0x00, 0x23])
        case .secp256k1: Curve(name: "secp256k1", fieldBytes: 32, identifier: [0x2B, 0x81, 0x04, 0x00, 0x0A])
        case .rsa2048, .rsa3072, .rsa4096, .ed25519: nil
        }
    }

    /// What SEC 2 and RFC 5480 say of a curve.
    struct Curve {
        /// libcrypto's name.
        let name: String
        /// Length of a coordinate.
        let fieldBytes: Int
        /// The curve's object identifier, without tag and length.
        let identifier: [UInt8]

        /// Whether bytes may be a point: 04 ‖ x ‖ y, or 02 or 03 ‖ x. Not the point at infinity, and no hybrid form.
        func isPointShaped(_ point: [UInt8]) -> Bool {
            switch point.first {
            case 4: point.count == 1 + 2 * fieldBytes
            case 2, 3: point.count == 1 + fieldBytes
            default: false
            }
        }
    }

    /// The kind of a key that libcrypto read, or nil for any other. An elliptic-curve key that spells its curve's
    /// parameters out is none of ours, and neither is an RSA key of more than two primes.
    init?(of key: EVPKey) {
        if key.isA("RSA") {
            let kind = Self.allCases.first { unsafe $0.modulusBits == Int(EVP_PKEY_get_bits(key.pointer)) }
            guard let kind, !key.hasNumber("rsa-factor3"), key.hasAcceptableExponent else {
                return nil
            }
            self = kind
        } else if key.isA("EC") {
            guard let name = key.curveName, !key.isCurveSpelledOut,
                let kind = Self.allCases.first(where: { $0.curve?.name == name })
            else { return nil }
            self = kind
        } else if key.isA("ED25519") {
            self = .ed25519
        } else {
            return nil
        }
    }
}
