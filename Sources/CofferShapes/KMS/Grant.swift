/// What a grant allows. (`CreateGrant`, "Operations")
public enum GrantOperation: String, Sendable, Codable, CaseIterable {
    case decrypt = "Decrypt"
    case encrypt = "Encrypt"
    case generateDataKey = "GenerateDataKey"
    case generateDataKeyWithoutPlaintext = "GenerateDataKeyWithoutPlaintext"
    case reEncryptFrom = "ReEncryptFrom"
    case reEncryptTo = "ReEncryptTo"
    case sign = "Sign"
    case verify = "Verify"
    case getPublicKey = "GetPublicKey"
    case createGrant = "CreateGrant"
    case retireGrant = "RetireGrant"
    case describeKey = "DescribeKey"
    case generateDataKeyPair = "GenerateDataKeyPair"
    case generateDataKeyPairWithoutPlaintext = "GenerateDataKeyPairWithoutPlaintext"
    case generateMac = "GenerateMac"
    case verifyMac = "VerifyMac"
    case deriveSharedSecret = "DeriveSharedSecret"
}

/// Under which encryption contexts a grant allows cryptography. (`GrantConstraints`)
public struct GrantConstraints: Sendable, Hashable, Codable {
    public var subset: EncryptionContext?
    public var equals: EncryptionContext?

    public init(subset: EncryptionContext? = nil, equals: EncryptionContext? = nil) {
        (self.subset, self.equals) = (subset, equals)
    }
}

/// What `CreateGrant` is asked for.
public struct GrantOrder: Sendable {
    /// An ARN, or a service of ours as AWS names it.
    public var grantee: String
    public var retiring: String?
    public var operations: [GrantOperation]
    public var constraints: GrantConstraints?
    public var name: String?

    public init(
        grantee: String,
        retiring: String? = nil,
        operations: [GrantOperation],
        constraints: GrantConstraints? = nil,
        name: String? = nil
    ) {
        (self.grantee, self.retiring, self.operations) = (grantee, retiring, operations)
        (self.constraints, self.name) = (constraints, name)
    }
}

/// A permission on one KMS key for one principal. (`GrantListEntry`)
public struct Grant: Sendable, Hashable {
    /// 64 hex digits.
    public let id: String
    public let keyARN: ARN
    public let name: String?
    public let created: Timestamp
    public let grantee: String
    public let retiring: String?
    /// The account that made it, as its root's ARN.
    public let issuingAccount: ARN
    public let operations: [GrantOperation]
    public let constraints: GrantConstraints?

    public init(id: String, keyARN: ARN, created: Timestamp, issuingAccount: ARN, order: GrantOrder) {
        (self.id, self.keyARN, self.created, self.issuingAccount) = (id, keyARN, created, issuingAccount)
        (name, grantee, retiring) = (order.name, order.grantee, order.retiring)
        (operations, constraints) = (order.operations, order.constraints)
    }
}

/// Answer of `CreateGrant`.
public struct GrantResponse: Sendable, Hashable {
    public let id: String
    public let token: String

    public init(id: String, token: String) { (self.id, self.token) = (id, token) }
}

/// Which grant `RetireGrant` means.
public enum GrantReference: Sendable, Hashable {
    case token(String)
    case id(String, key: KeyReference)
}
