internal import CofferShapes

/// A KMS key as it is stored, without its materials.
struct StoredKey: Sendable {
    let id: KeyID
    let region: Region
    let created: Timestamp
    var description: String
    let spec: KeySpec
    let usage: KeyUsage
    let origin: KeyOrigin
    var isEnabled = true
    /// The service whose AWS managed key this is; nil for a customer's.
    var service: AWSService?
    var policy: String
    var deletionDate: Timestamp?
    var pendingWindowInDays: Int?
    var rotationPeriodInDays: Int?
    var nextRotation: Timestamp?
    var customKeyStoreID: String?
    /// Of multi-Region keys.
    var primaryRegion: Region?

    /// What names this row to its children.
    var place: KeyPlace { KeyPlace(region: region, id: id) }

    var isReplica: Bool { primaryRegion.map { $0 != region } ?? false }
}

/// A KMS key's row: multi-Region keys have one in each of their regions.
struct KeyPlace: Hashable, Sendable {
    let region: Region
    let id: KeyID
}

/// One material of a KMS key as it is stored.
struct StoredMaterial: Sendable {
    /// 32 bytes.
    let id: [UInt8]
    /// From 0, in the order in which the key got them.
    let ordinal: Int
    let created: Timestamp
    var state: KeyRotation.MaterialState
    /// nil for material in an HSM, and for imported material that has expired or was deleted.
    var wrapped: [UInt8]?
    /// SubjectPublicKeyInfo in DER, of key pairs.
    var publicKey: [UInt8]?
    var rotationKind: KeyRotation.Kind?
    var rotationDate: Timestamp?
    var isImported = false
    var expirationModel: ExpirationModel?
    var validTo: Timestamp?
    var description: String?

    var textID: String { Hex.lower(id) }
}

/// An alias as it is stored.
struct StoredAlias: Sendable {
    let name: AliasName
    let target: KeyID
    let created: Timestamp
    let updated: Timestamp
}

/// A grant as it is stored.
struct StoredGrant: Sendable {
    let id: String
    let keyID: KeyID
    let created: Timestamp
    let order: GrantOrder
}

/// A custom key store as it is stored.
struct StoredKeyStore: Sendable {
    let id: String
    var name: String
    var tokenLabel: String
    let module: String
    let certificate: String?
    var wrappedPIN: [UInt8]
    let created: Timestamp
    var state: CustomKeyStore.ConnectionState
    var errorCode: String?
}
