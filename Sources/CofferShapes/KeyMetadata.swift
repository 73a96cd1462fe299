/// What `DescribeKey` tells of a KMS key. (AWS KMS API reference, `KeyMetadata`.)
public struct KeyMetadata: Sendable, Hashable, Codable {
    public var accountID: AccountID
    public var keyID: KeyID
    public var arn: ARN
    public var created: Timestamp
    public var description: String
    public var state: KeyState
    public var manager: KeyManager
    public var currentKeyMaterialID: String

    public init(
        accountID: AccountID,
        keyID: KeyID,
        arn: ARN,
        created: Timestamp,
        description: String,
        state: KeyState,
        manager: KeyManager,
        currentKeyMaterialID: String
    ) {
        (self.accountID, self.keyID, self.arn, self.created) = (accountID, keyID, arn, created)
        (self.description, self.state, self.manager) = (description, state, manager)
        self.currentKeyMaterialID = currentKeyMaterialID
    }
}

/// A KMS key's state. (AWS KMS developer guide, "Key states of AWS KMS keys"; those that occur here.)
public enum KeyState: String, Sendable, Codable, CaseIterable {
    case enabled = "Enabled"
    case disabled = "Disabled"
}

/// Who manages a KMS key.
public enum KeyManager: String, Sendable, Codable {
    case customer = "CUSTOMER"
    case aws = "AWS"
}

/// An alias and the key it points to. (`ListAliases`)
public struct AliasEntry: Sendable, Hashable, Codable {
    public let name: AliasName
    public let arn: ARN
    public let target: KeyID
    public let created: Timestamp

    public init(name: AliasName, arn: ARN, target: KeyID, created: Timestamp) {
        (self.name, self.arn, self.target, self.created) = (name, arn, target, created)
    }
}
