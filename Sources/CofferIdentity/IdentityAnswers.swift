public import CofferSecrets
public import CofferShapes

/// A user. (IAM API, `User`.)
public struct User: Sendable, Hashable {
    public let path: String
    public let userName: String
    /// `AIDA…`
    public let userID: String
    public let arn: ARN
    public let created: Timestamp
}

/// What an access key may do: everything or nothing. (IAM API, "Status".)
public enum AccessKeyStatus: String, Sendable, CaseIterable {
    case active = "Active"
    case inactive = "Inactive"
}

/// An access key without its secret. (IAM API, `AccessKeyMetadata`.)
public struct AccessKeyMetadata: Sendable, Hashable {
    /// nil for a key of the root user, who has no name.
    public let userName: String?
    public let accessKeyID: String
    public let status: AccessKeyStatus
    public let created: Timestamp
}

/// A fresh access key: the only answer that ever holds the secret. (IAM API, `AccessKey`.)
public struct CreatedAccessKey: ~Copyable, Sendable {
    public let metadata: AccessKeyMetadata
    /// The secret access key: 40 ASCII characters.
    public let secret: SecretBytes
}

/// Who asks. (STS API, `GetCallerIdentity`.)
public struct CallerIdentity: Sendable, Hashable {
    /// A user's unique id; of the root user the account id.
    public let userID: String
    public let account: AccountID
    public let arn: ARN
}
