// Which key is for what. (AWS KMS developer guide, "Key spec reference".)
extension KeySpec {
    /// What keys of this spec may be for; empty for a spec that Coffer does not make.
    public var usages: [KeyUsage] {
        switch self {
        case .symmetricDefault: [.encryptDecrypt]
        case .hmac224, .hmac256, .hmac384, .hmac512: [.generateVerifyMAC]
        case .rsa2048, .rsa3072, .rsa4096: [.encryptDecrypt, .signVerify]
        case .eccNISTP256, .eccNISTP384, .eccNISTP521: [.signVerify, .keyAgreement]
        case .eccSECGP256K1, .eccNISTEdwards25519: [.signVerify]
        case .mldsa44, .mldsa65, .mldsa87, .sm2: []
        }
    }

    /// The algorithms of a key for encryption.
    public var encryptionAlgorithms: [EncryptionAlgorithm] {
        switch self {
        case .symmetricDefault: [.symmetricDefault]
        case .rsa2048, .rsa3072, .rsa4096: [.rsaesOAEPSHA1, .rsaesOAEPSHA256]
        default: []
        }
    }

    /// The algorithms of a key for signatures.
    public var signingAlgorithms: [SigningAlgorithm] {
        switch self {
        case .rsa2048, .rsa3072, .rsa4096:
            [
                .rsassaPKCS1SHA256, .rsassaPKCS1SHA384, .rsassaPKCS1SHA512,
                .rsassaPSSSHA256, .rsassaPSSSHA384, .rsassaPSSSHA512,
            ]
        case .eccNISTP256, .eccSECGP256K1: [.ecdsaSHA256]
        case .eccNISTP384: [.ecdsaSHA384]
        case .eccNISTP521: [.ecdsaSHA512]
        case .eccNISTEdwards25519: [.ed25519SHA512, .ed25519phSHA512]
        default: []
        }
    }

    /// The algorithms of a key for authentication codes: each spec has its own.
    public var macAlgorithms: [MACAlgorithm] {
        switch self {
        case .hmac224: [.hmacSHA224]
        case .hmac256: [.hmacSHA256]
        case .hmac384: [.hmacSHA384]
        case .hmac512: [.hmacSHA512]
        default: []
        }
    }
}

extension KeyMetadata {
    public var encryptionAlgorithms: [EncryptionAlgorithm] {
        usage == .encryptDecrypt ? spec.encryptionAlgorithms : []
    }

    public var signingAlgorithms: [SigningAlgorithm] { usage == .signVerify ? spec.signingAlgorithms : [] }

    public var macAlgorithms: [MACAlgorithm] { usage == .generateVerifyMAC ? spec.macAlgorithms : [] }

    public var keyAgreementAlgorithms: [KeyAgreementAlgorithm] { usage == .keyAgreement ? [.ecdh] : [] }
}
