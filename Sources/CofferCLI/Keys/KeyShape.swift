internal import CofferShapes

/// A KMS key in JSON. (AWS KMS API reference, `KeyMetadata`.) What does not apply is absent.
struct KeyShape: Encodable {
    let AWSAccountId: String
    let Arn: String
    let CloudHsmClusterId: String?
    let CreationDate: String
    let CurrentKeyMaterialId: String?
    let CustomKeyStoreId: String?
    let CustomerMasterKeySpec: String
    let DeletionDate: String?
    let Description: String
    let Enabled: Bool
    let EncryptionAlgorithms: [String]?
    let ExpirationModel: String?
    let KeyAgreementAlgorithms: [String]?
    let KeyId: String
    let KeyManager: String
    let KeySpec: String
    let KeyState: String
    let KeyUsage: String
    let MacAlgorithms: [String]?
    let MultiRegion: Bool
    let Origin: String
    let SigningAlgorithms: [String]?
    let ValidTo: String?

    init(_ key: KeyMetadata) {
        func present(_ names: [String]) -> [String]? { names.isEmpty ? nil : names }
        AWSAccountId = key.accountID.digits
        Arn = key.arn.description
        CloudHsmClusterId = key.cloudHSMClusterID
        CreationDate = key.created.iso8601
        CurrentKeyMaterialId = key.currentKeyMaterialID
        CustomKeyStoreId = key.customKeyStoreID
        CustomerMasterKeySpec = key.spec.rawValue
        DeletionDate = key.deletionDate?.iso8601
        Description = key.description
        Enabled = key.isEnabled
        EncryptionAlgorithms = present(key.encryptionAlgorithms.map(\.rawValue))
        ExpirationModel = key.expirationModel?.rawValue
        KeyAgreementAlgorithms = present(key.keyAgreementAlgorithms.map(\.rawValue))
        KeyId = key.keyID.description
        KeyManager = key.manager.rawValue
        KeySpec = key.spec.rawValue
        KeyState = key.state.rawValue
        KeyUsage = key.usage.rawValue
        MacAlgorithms = present(key.macAlgorithms.map(\.rawValue))
        MultiRegion = key.multiRegion != nil
        Origin = key.origin.rawValue
        SigningAlgorithms = present(key.signingAlgorithms.map(\.rawValue))
        ValidTo = key.validTo?.iso8601
    }
}
