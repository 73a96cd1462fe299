// The enumerations of the AWS KMS API reference that say what a key is. Raw values are the API's.

/// What a KMS key's material is. (`CreateKey`, "KeySpec")
public enum KeySpec: String, Sendable, Codable, CaseIterable {
    case symmetricDefault = "SYMMETRIC_DEFAULT"
    case hmac224 = "HMAC_224"
    case hmac256 = "HMAC_256"
    case hmac384 = "HMAC_384"
    case hmac512 = "HMAC_512"
    case rsa2048 = "RSA_2048"
    case rsa3072 = "RSA_3072"
    case rsa4096 = "RSA_4096"
    case eccNISTP256 = "ECC_NIST_P256"
    case eccNISTP384 = "ECC_NIST_P384"
    case eccNISTP521 = "ECC_NIST_P521"
    case eccSECGP256K1 = "ECC_SECG_P256K1"
    case eccNISTEdwards25519 = "ECC_NIST_EDWARDS25519"
    // Known by name, so that they are refused as unsupported rather than as misspelt.
    case mldsa44 = "ML_DSA_44"
    case mldsa65 = "ML_DSA_65"
    case mldsa87 = "ML_DSA_87"
    case sm2 = "SM2"

    public var isSymmetricEncryption: Bool { self == .symmetricDefault }

    public var isHMAC: Bool {
        switch self {
        case .hmac224, .hmac256, .hmac384, .hmac512: true
        default: false
        }
    }

    /// Whether the material is a key pair.
    public var isAsymmetric: Bool { !isSymmetricEncryption && !isHMAC }
}

/// What a KMS key is for: fixed for its life. (`CreateKey`, "KeyUsage")
public enum KeyUsage: String, Sendable, Codable, CaseIterable {
    case encryptDecrypt = "ENCRYPT_DECRYPT"
    case signVerify = "SIGN_VERIFY"
    case generateVerifyMAC = "GENERATE_VERIFY_MAC"
    case keyAgreement = "KEY_AGREEMENT"
}

/// Where a KMS key's material comes from: fixed for its life. (`CreateKey`, "Origin")
public enum KeyOrigin: String, Sendable, Codable, CaseIterable {
    case awsKMS = "AWS_KMS"
    case external = "EXTERNAL"
    case awsCloudHSM = "AWS_CLOUDHSM"
    case externalKeyStore = "EXTERNAL_KEY_STORE"
}

/// (`Encrypt`, "EncryptionAlgorithm")
public enum EncryptionAlgorithm: String, Sendable, Codable, CaseIterable {
    case symmetricDefault = "SYMMETRIC_DEFAULT"
    case rsaesOAEPSHA1 = "RSAES_OAEP_SHA_1"
    case rsaesOAEPSHA256 = "RSAES_OAEP_SHA_256"
    case sm2PKE = "SM2PKE"
}

/// (`Sign`, "SigningAlgorithm")
public enum SigningAlgorithm: String, Sendable, Codable, CaseIterable {
    case rsassaPSSSHA256 = "RSASSA_PSS_SHA_256"
    case rsassaPSSSHA384 = "RSASSA_PSS_SHA_384"
    case rsassaPSSSHA512 = "RSASSA_PSS_SHA_512"
    case rsassaPKCS1SHA256 = "RSASSA_PKCS1_V1_5_SHA_256"
    case rsassaPKCS1SHA384 = "RSASSA_PKCS1_V1_5_SHA_384"
    case rsassaPKCS1SHA512 = "RSASSA_PKCS1_V1_5_SHA_512"
    case ecdsaSHA256 = "ECDSA_SHA_256"
    case ecdsaSHA384 = "ECDSA_SHA_384"
    case ecdsaSHA512 = "ECDSA_SHA_512"
    case ed25519SHA512 = "ED25519_SHA_512"
    case ed25519phSHA512 = "ED25519_PH_SHA_512"
    case sm2DSA = "SM2DSA"
    case mldsaSHAKE256 = "ML_DSA_SHAKE_256"
}

/// (`Sign`, "MessageType")
public enum MessageType: String, Sendable, Codable, CaseIterable {
    case raw = "RAW"
    case digest = "DIGEST"
    case externalMu = "EXTERNAL_MU"
}

/// (`GenerateMac`, "MacAlgorithm")
public enum MACAlgorithm: String, Sendable, Codable, CaseIterable {
    case hmacSHA224 = "HMAC_SHA_224"
    case hmacSHA256 = "HMAC_SHA_256"
    case hmacSHA384 = "HMAC_SHA_384"
    case hmacSHA512 = "HMAC_SHA_512"
}

/// (`DeriveSharedSecret`, "KeyAgreementAlgorithm")
public enum KeyAgreementAlgorithm: String, Sendable, Codable, CaseIterable {
    case ecdh = "ECDH"
}

/// (`GenerateDataKeyPair`, "KeyPairSpec")
public enum DataKeyPairSpec: String, Sendable, Codable, CaseIterable {
    case rsa2048 = "RSA_2048"
    case rsa3072 = "RSA_3072"
    case rsa4096 = "RSA_4096"
    case eccNISTP256 = "ECC_NIST_P256"
    case eccNISTP384 = "ECC_NIST_P384"
    case eccNISTP521 = "ECC_NIST_P521"
    case eccSECGP256K1 = "ECC_SECG_P256K1"
    case sm2 = "SM2"
    case eccNISTEdwards25519 = "ECC_NIST_EDWARDS25519"
}

/// (`GetParametersForImport`, "WrappingAlgorithm")
public enum WrappingAlgorithm: String, Sendable, Codable, CaseIterable {
    case rsaesPKCS1 = "RSAES_PKCS1_V1_5"
    case rsaesOAEPSHA1 = "RSAES_OAEP_SHA_1"
    case rsaesOAEPSHA256 = "RSAES_OAEP_SHA_256"
    case rsaAESKeyWrapSHA1 = "RSA_AES_KEY_WRAP_SHA_1"
    case rsaAESKeyWrapSHA256 = "RSA_AES_KEY_WRAP_SHA_256"
    case sm2PKE = "SM2PKE"
}

/// (`GetParametersForImport`, "WrappingKeySpec")
public enum WrappingKeySpec: String, Sendable, Codable, CaseIterable {
    case rsa2048 = "RSA_2048"
    case rsa3072 = "RSA_3072"
    case rsa4096 = "RSA_4096"
    case sm2 = "SM2"
}

/// (`ImportKeyMaterial`, "ExpirationModel")
public enum ExpirationModel: String, Sendable, Codable, CaseIterable {
    case expires = "KEY_MATERIAL_EXPIRES"
    case doesNotExpire = "KEY_MATERIAL_DOES_NOT_EXPIRE"
}

/// (`ImportKeyMaterial`, "ImportType")
public enum ImportType: String, Sendable, Codable, CaseIterable {
    case new = "NEW_KEY_MATERIAL"
    case existing = "EXISTING_KEY_MATERIAL"
}
