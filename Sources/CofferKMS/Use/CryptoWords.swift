internal import CofferCrypto
internal import CofferShapes

// From the API's words to libcrypto's.

extension KeyPairKind {
    /// nil for specs that are no key pairs, or none that Coffer makes.
    init?(_ spec: KeySpec) {
        switch spec {
        case .rsa2048: self = .rsa2048
        case .rsa3072: self = .rsa3072
        case .rsa4096: self = .rsa4096
        case .eccNISTP256: self = .p256
        case .eccNISTP384: self = .p384
        case .eccNISTP521: self = .p521
        case .eccSECGP256K1: self = .secp256k1
        case .eccNISTEdwards25519: self = .ed25519
        default: return nil
        }
    }

    init?(_ spec: WrappingKeySpec) {
        switch spec {
        case .rsa2048: self = .rsa2048
        case .rsa3072: self = .rsa3072
        case .rsa4096: self = .rsa4096
        case .sm2: return nil
        }
    }
}

extension SignatureScheme {
    /// nil for an algorithm that no key of Coffer's signs with.
    init?(_ algorithm: SigningAlgorithm) {
        switch algorithm {
        case .rsassaPSSSHA256: self = .rsaPSS(.sha256)
        case .rsassaPSSSHA384: self = .rsaPSS(.sha384)
        case .rsassaPSSSHA512: self = .rsaPSS(.sha512)
        case .rsassaPKCS1SHA256: self = .rsaPKCS1(.sha256)
        case .rsassaPKCS1SHA384: self = .rsaPKCS1(.sha384)
        case .rsassaPKCS1SHA512: self = .rsaPKCS1(.sha512)
        case .ecdsaSHA256: self = .ecdsa(.sha256)
        case .ecdsaSHA384: self = .ecdsa(.sha384)
        case .ecdsaSHA512: self = .ecdsa(.sha512)
        case .ed25519SHA512: self = .ed25519
        case .ed25519phSHA512, .sm2DSA, .mldsaSHAKE256: return nil
        }
    }
}

extension SigningAlgorithm {
    /// The length of a digest that may be signed, bytes; nil where the message itself must be given.
    var digestBytes: Int? {
        switch self {
        case .rsassaPSSSHA256, .rsassaPKCS1SHA256, .ecdsaSHA256: 32
        case .rsassaPSSSHA384, .rsassaPKCS1SHA384, .ecdsaSHA384: 48
        case .rsassaPSSSHA512, .rsassaPKCS1SHA512, .ecdsaSHA512: 64
        case .ed25519SHA512, .ed25519phSHA512, .sm2DSA, .mldsaSHAKE256: nil
        }
    }
}

extension MACAlgorithm {
    var digest: Digest {
        switch self {
        case .hmacSHA224: .sha224
        case .hmacSHA256: .sha256
        case .hmacSHA384: .sha384
        case .hmacSHA512: .sha512
        }
    }
}

extension EncryptionAlgorithm {
    /// Of the algorithms of RSA keys.
    var oaepHash: OAEPHash { self == .rsaesOAEPSHA1 ? .sha1 : .sha256 }
}

extension KeyTransport.Scheme {
    /// nil for a wrapping algorithm that Coffer does not take.
    init?(_ algorithm: WrappingAlgorithm) {
        switch algorithm {
        case .rsaesOAEPSHA1: self = .oaep(.sha1)
        case .rsaesOAEPSHA256: self = .oaep(.sha256)
        case .rsaAESKeyWrapSHA1: self = .aesKeyWrap(.sha1)
        case .rsaAESKeyWrapSHA256: self = .aesKeyWrap(.sha256)
        case .rsaesPKCS1, .sm2PKE: return nil
        }
    }
}
