internal import CofferShapes

/// What each operation takes, exactly as AWS's service model of KMS (2014-11-01) has it: names, order, which are
/// required, and the constraints. What the service itself checks on top is the key service's business.
enum KMSInputs {
    /// The members of an operation's input in the model's order, which is the order of the complaints.
    static func members(of operation: KMSOperation) -> [InputMember] { table[operation.rawValue] }

    private static let table = KMSOperation.allCases.map(describe)

    private static func describe(_ operation: KMSOperation) -> [InputMember] {
        switch operation {
        case .cancelKeyDeletion: [required("KeyId", keyID)]
        case .connectCustomKeyStore: [required("CustomKeyStoreId", customKeyStoreID)]
        case .createAlias: [required("AliasName", aliasName), required("TargetKeyId", keyID)]
        case .createCustomKeyStore:
            [
                required("CustomKeyStoreName", customKeyStoreName),
                optional("CloudHsmClusterId", clusterID),
                optional("TrustAnchorCertificate", .text(1...5000)),
                optional("KeyStorePassword", .secretText(7...32)),
                optional("CustomKeyStoreType", .choice(["AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"])),
                optional("XksProxyUriEndpoint", proxyEndpoint), optional("XksProxyUriPath", proxyPath),
                optional("XksProxyVpcEndpointServiceName", proxyServiceName),
                optional("XksProxyVpcEndpointServiceOwner", ownerAccount),
                optional("XksProxyAuthenticationCredential", proxyCredential),
                optional("XksProxyConnectivity", proxyConnectivity),
            ]
        case .createGrant:
            [
                required("KeyId", keyID), required("GranteePrincipal", principal),
                optional("RetiringPrincipal", principal),
                required("Operations", .list(.choice(GrantOperation.self))),
                optional("Constraints", constraints), optional("GrantTokens", grantTokens),
                optional("Name", grantName), optional("DryRun", .boolean),
            ]
        case .createKey:
            [
                optional("Policy", policy), optional("Description", description),
                optional("KeyUsage", .choice(KeyUsage.self)),
                optional("CustomerMasterKeySpec", customerMasterKeySpec),
                optional("KeySpec", .choice(KeySpec.self)), optional("Origin", .choice(KeyOrigin.self)),
                optional("CustomKeyStoreId", customKeyStoreID),
                optional("BypassPolicyLockoutSafetyCheck", .boolean), optional("Tags", tags),
                optional("MultiRegion", .boolean), optional("XksKeyId", proxyKeyID),
            ]
        case .decrypt:
            [
                optional("CiphertextBlob", .blob(1...6144)), optional("EncryptionContext", .map),
                optional("GrantTokens", grantTokens), optional("KeyId", keyID),
                optional("EncryptionAlgorithm", encryptionAlgorithm), optional("Recipient", recipient),
                optional("DryRun", .boolean), optional("DryRunModifiers", dryRunModifiers),
            ]
        case .deleteAlias: [required("AliasName", aliasName)]
        case .deleteCustomKeyStore: [required("CustomKeyStoreId", customKeyStoreID)]
        case .deleteImportedKeyMaterial: [required("KeyId", keyID), optional("KeyMaterialId", materialID)]
        case .deriveSharedSecret:
            [
                required("KeyId", keyID),
                required("KeyAgreementAlgorithm", .choice(KeyAgreementAlgorithm.self)),
                required("PublicKey", .blob(1...8192)), optional("GrantTokens", grantTokens),
                optional("DryRun", .boolean), optional("Recipient", recipient),
            ]
        case .describeCustomKeyStores:
            [
                optional("CustomKeyStoreId", customKeyStoreID),
                optional("CustomKeyStoreName", customKeyStoreName), optional("Limit", limit),
                optional("Marker", marker),
            ]
        case .describeKey: [required("KeyId", keyID), optional("GrantTokens", grantTokens)]
        case .disableKey: [required("KeyId", keyID)]
        case .disableKeyRotation: [required("KeyId", keyID)]
        case .disconnectCustomKeyStore: [required("CustomKeyStoreId", customKeyStoreID)]
        case .enableKey: [required("KeyId", keyID)]
        case .enableKeyRotation:
            [
                required("KeyId", keyID), optional("RotationPeriodInDays", .integer(90...2560)),
            ]
        case .encrypt:
            [
                required("KeyId", keyID), required("Plaintext", .blob(1...4096)),
                optional("EncryptionContext", .map), optional("GrantTokens", grantTokens),
                optional("EncryptionAlgorithm", encryptionAlgorithm), optional("DryRun", .boolean),
            ]
        case .generateDataKey:
            [
                required("KeyId", keyID), optional("EncryptionContext", .map),
                optional("NumberOfBytes", byteCount), optional("KeySpec", dataKeySpec),
                optional("GrantTokens", grantTokens), optional("Recipient", recipient),
                optional("DryRun", .boolean),
            ]
        case .generateDataKeyPair:
            [
                optional("EncryptionContext", .map), required("KeyId", keyID),
                required("KeyPairSpec", dataKeyPairSpec), optional("GrantTokens", grantTokens),
                optional("Recipient", recipient), optional("DryRun", .boolean),
            ]
        case .generateDataKeyPairWithoutPlaintext:
            [
                optional("EncryptionContext", .map), required("KeyId", keyID),
                required("KeyPairSpec", dataKeyPairSpec), optional("GrantTokens", grantTokens),
                optional("DryRun", .boolean),
            ]
        case .generateDataKeyWithoutPlaintext:
            [
                required("KeyId", keyID), optional("EncryptionContext", .map),
                optional("KeySpec", dataKeySpec), optional("NumberOfBytes", byteCount),
                optional("GrantTokens", grantTokens), optional("DryRun", .boolean),
            ]
        case .generateMac:
            [
                required("Message", .blob(1...4096)), required("KeyId", keyID),
                required("MacAlgorithm", macAlgorithm), optional("GrantTokens", grantTokens),
                optional("DryRun", .boolean),
            ]
        case .generateRandom:
            [
                optional("NumberOfBytes", byteCount), optional("CustomKeyStoreId", customKeyStoreID),
                optional("Recipient", recipient),
            ]
        case .getKeyLastUsage: [required("KeyId", keyID)]
        case .getKeyPolicy: [required("KeyId", keyID), optional("PolicyName", policyName)]
        case .getKeyRotationStatus: [required("KeyId", keyID)]
        case .getParametersForImport:
            [
                required("KeyId", keyID), required("WrappingAlgorithm", .choice(WrappingAlgorithm.self)),
                required("WrappingKeySpec", .choice(WrappingKeySpec.self)),
            ]
        case .getPublicKey: [required("KeyId", keyID), optional("GrantTokens", grantTokens)]
        case .importKeyMaterial:
            [
                required("KeyId", keyID), required("ImportToken", .blob(1...6144)),
                required("EncryptedKeyMaterial", .blob(1...6144)), optional("ValidTo", .timestamp),
                optional("ExpirationModel", .choice(ExpirationModel.self)),
                optional("ImportType", .choice(ImportType.self)),
                optional("KeyMaterialDescription", materialDescription),
                optional("KeyMaterialId", materialID),
            ]
        case .listAliases: [optional("KeyId", keyID), optional("Limit", limit), optional("Marker", marker)]
        case .listGrants:
            [
                optional("Limit", limit), optional("Marker", marker), required("KeyId", keyID),
                optional("GrantId", grantID), optional("GranteePrincipal", principal),
            ]
        case .listKeyPolicies:
            [
                required("KeyId", keyID), optional("Limit", limit), optional("Marker", marker),
            ]
        case .listKeyRotations:
            [
                required("KeyId", keyID),
                optional("IncludeKeyMaterial", .choice(["ALL_KEY_MATERIAL", "ROTATIONS_ONLY"])),
                optional("Limit", limit), optional("Marker", marker),
            ]
        case .listKeys: [optional("Limit", limit), optional("Marker", marker)]
        case .listResourceTags:
            [
                required("KeyId", keyID), optional("Limit", limit), optional("Marker", marker),
            ]
        case .listRetirableGrants:
            [
                optional("Limit", limit), optional("Marker", marker),
                required("RetiringPrincipal", principal),
            ]
        case .putKeyPolicy:
            [
                required("KeyId", keyID), optional("PolicyName", policyName), required("Policy", policy),
                optional("BypassPolicyLockoutSafetyCheck", .boolean),
            ]
        case .reEncrypt:
            [
                optional("CiphertextBlob", .blob(1...6144)), optional("SourceEncryptionContext", .map),
                optional("SourceKeyId", keyID), required("DestinationKeyId", keyID),
                optional("DestinationEncryptionContext", .map),
                optional("SourceEncryptionAlgorithm", encryptionAlgorithm),
                optional("DestinationEncryptionAlgorithm", encryptionAlgorithm),
                optional("GrantTokens", grantTokens), optional("DryRun", .boolean),
                optional("DryRunModifiers", dryRunModifiers),
            ]
        case .replicateKey:
            [
                required("KeyId", keyID), required("ReplicaRegion", region), optional("Policy", policy),
                optional("BypassPolicyLockoutSafetyCheck", .boolean), optional("Description", description),
                optional("Tags", tags),
            ]
        case .retireGrant:
            [
                optional("GrantToken", grantToken), optional("KeyId", keyID), optional("GrantId", grantID),
                optional("DryRun", .boolean),
            ]
        case .revokeGrant:
            [
                required("KeyId", keyID), required("GrantId", grantID), optional("DryRun", .boolean),
            ]
        case .rotateKeyOnDemand: [required("KeyId", keyID)]
        case .scheduleKeyDeletion:
            [
                required("KeyId", keyID), optional("PendingWindowInDays", .integer(1...365)),
            ]
        case .sign:
            [
                required("KeyId", keyID), required("Message", .blob(1...4096)),
                optional("MessageType", messageType), optional("GrantTokens", grantTokens),
                required("SigningAlgorithm", signingAlgorithm), optional("DryRun", .boolean),
            ]
        case .tagResource: [required("KeyId", keyID), required("Tags", tags)]
        case .untagResource: [required("KeyId", keyID), required("TagKeys", .list(.text(1...128)))]
        case .updateAlias: [required("AliasName", aliasName), required("TargetKeyId", keyID)]
        case .updateCustomKeyStore:
            [
                required("CustomKeyStoreId", customKeyStoreID),
                optional("NewCustomKeyStoreName", customKeyStoreName),
                optional("KeyStorePassword", .secretText(7...32)), optional("CloudHsmClusterId", clusterID),
                optional("XksProxyUriEndpoint", proxyEndpoint), optional("XksProxyUriPath", proxyPath),
                optional("XksProxyVpcEndpointServiceName", proxyServiceName),
                optional("XksProxyVpcEndpointServiceOwner", ownerAccount),
                optional("XksProxyAuthenticationCredential", proxyCredential),
                optional("XksProxyConnectivity", proxyConnectivity),
            ]
        case .updateKeyDescription: [required("KeyId", keyID), required("Description", description)]
        case .updatePrimaryRegion: [required("KeyId", keyID), required("PrimaryRegion", region)]
        case .verify:
            [
                required("KeyId", keyID), required("Message", .blob(1...4096)),
                optional("MessageType", messageType), required("Signature", .blob(1...6144)),
                required("SigningAlgorithm", signingAlgorithm), optional("GrantTokens", grantTokens),
                optional("DryRun", .boolean),
            ]
        case .verifyMac:
            [
                required("Message", .blob(1...4096)), required("KeyId", keyID),
                required("MacAlgorithm", macAlgorithm), required("Mac", .blob(1...6144)),
                optional("GrantTokens", grantTokens), optional("DryRun", .boolean),
            ]
        }
    }

    private static func required(_ name: String, _ shape: InputShape) -> InputMember {
        InputMember(name, shape, isRequired: true)
    }

    private static func optional(_ name: String, _ shape: InputShape) -> InputMember {
        InputMember(name, shape, isRequired: false)
    }

    // MARK: - Shapes that several operations share

    private static let keyID = InputShape.text(1...2048)
    private static let grantToken = InputShape.text(1...8192)
    private static let grantTokens = InputShape.list(grantToken, 0...10)
    private static let grantID = InputShape.text(1...128)
    private static let grantName = InputShape.text(1...256, .name)
    private static let principal = InputShape.text(1...256, .principal)
    private static let constraints = InputShape.structure([
        optional("EncryptionContextSubset", .map), optional("EncryptionContextEquals", .map),
    ])
    private static let aliasName = InputShape.text(1...256, .name)
    private static let policy = InputShape.text(1...131_072, .policy)
    private static let policyName = InputShape.text(1...128, .word)
    private static let description = InputShape.text(0...8192)
    private static let tags = InputShape.list(
        .structure([required("TagKey", .text(1...128)), required("TagValue", .text(0...256))])
    )
    private static let region = InputShape.text(1...32, .region)
    private static let marker = InputShape.text(1...1024, .marker)
    private static let limit = InputShape.integer(1...1000)
    private static let byteCount = InputShape.integer(1...1024)
    private static let materialID = InputShape.text(64...64, .lowerHex)
    private static let materialDescription = InputShape.text(0...256, .materialDescription)
    private static let encryptionAlgorithm = InputShape.choice(EncryptionAlgorithm.self)
    private static let signingAlgorithm = InputShape.choice(SigningAlgorithm.self)
    private static let macAlgorithm = InputShape.choice(MACAlgorithm.self)
    private static let messageType = InputShape.choice(MessageType.self)
    private static let dataKeySpec = InputShape.choice(["AES_256", "AES_128"])
    private static let dataKeyPairSpec = InputShape.choice(DataKeyPairSpec.self)
    private static let customerMasterKeySpec = InputShape.choice([
        "RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521",
        "ECC_SECG_P256K1",
        "SYMMETRIC_DEFAULT", "HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512", "SM2",
    ])
    private static let dryRunModifiers = InputShape.list(.choice(["IGNORE_CIPHERTEXT"]))
    private static let recipient = InputShape.structure([
        optional("KeyEncryptionAlgorithm", .choice(["RSAES_OAEP_SHA_256"])),
        optional("AttestationDocument", .blob(1...262_144)),
    ])
    private static let customKeyStoreID = InputShape.text(1...64)
    private static let customKeyStoreName = InputShape.text(1...256)
    /// Coffer takes a token's label here. The model's pattern, `cluster-[2-7a-zA-Z]{11,16}`, is left out: the example in
    /// AWS's own documentation, `cluster-1a23b4cdefg`, does not match it.
    private static let clusterID = InputShape.text(19...24)

    // Of external key stores, which Coffer does not offer and yet reads as AWS does.
    private static let proxyEndpoint = InputShape.text(10...128, .proxyEndpoint)
    private static let proxyPath = InputShape.text(10...128, .proxyPath)
    private static let proxyServiceName = InputShape.text(20...64, .proxyServiceName)
    private static let proxyConnectivity = InputShape.choice(["PUBLIC_ENDPOINT", "VPC_ENDPOINT_SERVICE"])
    private static let proxyKeyID = InputShape.text(1...128, .proxyKeyID)
    private static let proxyCredential = InputShape.structure([
        required("AccessKeyId", .secretText(20...30)), required("RawSecretAccessKey", .secretText(43...64)),
    ])
    private static let ownerAccount = InputShape.text(12...12, .digits)
}
