internal import CofferCrypto
internal import CofferKMS
internal import CofferSecrets
internal import CofferShapes

/// A key in some state, with what every verb needs of it: the blob, signature and code that it made, an alias, a
/// grant, a tag, and another key of its kind with its alias.
struct Subject: Sendable {
    /// What a key is for.
    enum Kind: CaseIterable {
        case symmetric, imported, multiRegion, signing, hmac, agreement
    }

    static let message = "a message"
    static let replicaRegion = Region("eu-west-1")!  // a region's name
    static let freeRegion = Region("eu-west-2")!  // a region's name
    /// 32 bytes, as imported into symmetric keys.
    static let material = [UInt8](repeating: 0x77, count: 32)

    let kms: KeyManagementService
    let key: KeyReference
    let arn: ARN
    let alias: AliasName
    let grant: String
    let other: KeyReference
    let othersAlias: AliasName
    /// Of another key, to be moved to this one.
    var othersBlob = CiphertextBlob([])
    var blob = CiphertextBlob([])
    var signature: [UInt8] = []
    var mac: [UInt8] = []
    /// SubjectPublicKeyInfo, to agree with.
    var peer: [UInt8] = []

    /// Makes a key and brings it to `state`. A key that is to be pending import gets its material first, so that there
    /// is something it made; one that is to be unavailable lies in a custom key store.
    init(_ kind: Kind, _ state: KeyState, in kms: KeyManagementService) async throws {
        self.kms = kms
        let keyStore = state == .unavailable ? try await kms.connectedStore() : nil
        let made = try await Self.make(kind, isImported: state == .pendingImport, keyStore, in: kms)
        key = made.reference
        arn = made.arn
        other = try await Self.make(kind, isImported: false, nil, in: kms).reference
        alias = try AliasName("alias/\(made.keyID)")
        try await kms.createAlias(alias, target: key, caller: root)
        othersAlias = try AliasName("alias/other/\(made.keyID)")
        try await kms.createAlias(othersAlias, target: other, caller: root)
        try await kms.tagResource(key, [Tag(key: "t", value: "v")], caller: root)
        let order = GrantOrder(grantee: root.principal.description, operations: [.describeKey])
        grant = try await kms.createGrant(order, on: key, caller: root).id
        try await use(kind)
        switch state {
        case .enabled, .pendingReplicaDeletion: break
        case .disabled: try await kms.disableKey(key, caller: root)
        case .pendingDeletion:
            _ = try await kms.scheduleKeyDeletion(key, pendingWindowInDays: 7, caller: root)
        case .pendingImport:
            _ = try await kms.deleteImportedKeyMaterial(key, materialID: nil, caller: root)
        case .unavailable:
            if let keyStore { try await kms.disconnectCustomKeyStore(keyStore, caller: root) }
        }
    }

    /// Lets the key, and the other, make what the verbs take.
    private mutating func use(_ kind: Kind) async throws {
        switch kind {
        case .symmetric, .imported, .multiRegion:
            blob = try await kms.encrypt(Self.message, key)
            othersBlob = try await kms.encrypt(Self.message, other)
        case .signing:
            signature = try await kms.sign(
                secret(Self.message),
                type: .raw,
                algorithm: .ecdsaSHA256,
                key: key,
                caller: root
            ).signature
        case .hmac:
            mac = try await kms.generateMac(
                secret(Self.message),
                algorithm: .hmacSHA256,
                key: key,
                caller: root
            ).mac
        case .agreement: peer = try PrivateKey.generate(.p256).publicKey.spki()
        }
    }

    private static func make(
        _ kind: Kind,
        isImported: Bool,
        _ keyStore: String?,
        in kms: KeyManagementService
    ) async throws -> KeyMetadata {
        var order =
            switch kind {
            case .symmetric: KeyOrder()
            case .imported: KeyOrder(.symmetricDefault, .encryptDecrypt, origin: .external)
            case .multiRegion: KeyOrder(.symmetricDefault, .encryptDecrypt, isMultiRegion: true)
            case .signing: KeyOrder(.eccNISTP256, .signVerify)
            case .hmac: KeyOrder(.hmac256, .generateVerifyMAC)
            case .agreement: KeyOrder(.eccNISTP256, .keyAgreement)
            }
        if isImported { order.origin = .external }
        if let keyStore { (order.origin, order.customKeyStoreID) = (.awsCloudHSM, keyStore) }
        let key = try await kms.createKey(order, caller: root)
        if order.origin == .external {
            switch kind {
            case .signing, .agreement:
                let pair = try PrivateKey.generate(.p256).encoded()
                try await kms.importMaterial(pair, into: key.reference)
            case .symmetric, .imported, .multiRegion, .hmac:
                try await kms.importMaterial(SecretBytes(copying: material), into: key.reference)
            }
        }
        if order.isMultiRegion {
            _ = try await kms.replicateKey(key.reference, to: replicaRegion, order: KeyOrder(), caller: root)
        }
        return key
    }
}
