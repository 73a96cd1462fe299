/// What `DescribeKey` tells of a KMS key. (AWS KMS API reference, `KeyMetadata`.) What does not apply is nil or empty.
public struct KeyMetadata: Sendable, Hashable {
    public var accountID: AccountID
    public var keyID: KeyID
    public var arn: ARN
    public var created: Timestamp
    public var description: String
    public var state: KeyState
    public var manager: KeyManager
    public var spec: KeySpec = .symmetricDefault
    public var usage: KeyUsage = .encryptDecrypt
    public var origin: KeyOrigin = .awsKMS
    /// Whether cryptographic operations are allowed: `Enabled` of the API.
    public var isEnabled: Bool { state == .enabled }
    public var deletionDate: Timestamp?
    /// Set while a multi-Region primary key waits for its replicas to be deleted.
    public var pendingDeletionWindowInDays: Int?
    public var validTo: Timestamp?
    public var expirationModel: ExpirationModel?
    public var customKeyStoreID: String?
    public var cloudHSMClusterID: String?
    public var multiRegion: MultiRegionConfiguration?
    /// 64 hex digits, of symmetric encryption keys with material.
    public var currentKeyMaterialID: String?

    public init(
        accountID: AccountID,
        keyID: KeyID,
        arn: ARN,
        created: Timestamp,
        description: String,
        state: KeyState,
        manager: KeyManager,
        currentKeyMaterialID: String?
    ) {
        (self.accountID, self.keyID, self.arn, self.created) = (accountID, keyID, arn, created)
        (self.description, self.state, self.manager) = (description, state, manager)
        self.currentKeyMaterialID = currentKeyMaterialID
    }
}

/// A KMS key's state. (AWS KMS developer guide, "Key states of AWS KMS keys".)
public enum KeyState: String, Sendable, Codable, CaseIterable {
    case enabled = "Enabled"
    case disabled = "Disabled"
    case pendingDeletion = "PendingDeletion"
    case pendingImport = "PendingImport"
    case pendingReplicaDeletion = "PendingReplicaDeletion"
    case unavailable = "Unavailable"
}

/// Who manages a KMS key.
public enum KeyManager: String, Sendable, Codable {
    case customer = "CUSTOMER"
    case aws = "AWS"
}

/// The regions of a multi-Region key. (`MultiRegionConfiguration`)
public struct MultiRegionConfiguration: Sendable, Hashable {
    public enum Kind: String, Sendable, Codable {
        case primary = "PRIMARY"
        case replica = "REPLICA"
    }

    public struct Member: Sendable, Hashable {
        public let arn: ARN
        public let region: Region

        public init(arn: ARN, region: Region) { (self.arn, self.region) = (arn, region) }
    }

    public let kind: Kind
    public let primary: Member
    /// Ordered by region.
    public let replicas: [Member]

    public init(kind: Kind, primary: Member, replicas: [Member]) {
        (self.kind, self.primary, self.replicas) = (kind, primary, replicas)
    }
}

/// An alias and the key it points to. (`ListAliases`)
public struct AliasEntry: Sendable, Hashable {
    public let name: AliasName
    public let arn: ARN
    /// nil for the reserved alias of an AWS managed key that nobody has used yet.
    public let target: KeyID?
    public let created: Timestamp?
    public let updated: Timestamp?

    public init(name: AliasName, arn: ARN, target: KeyID?, created: Timestamp?, updated: Timestamp?) {
        (self.name, self.arn, self.target) = (name, arn, target)
        (self.created, self.updated) = (created, updated)
    }
}
