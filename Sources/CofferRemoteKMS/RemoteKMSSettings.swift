public import CofferShapes

/// Where a KMS is and how long to wait for it. What is nil is found as the AWS SDKs find it.
public struct RemoteKMSSettings: Sendable {
    /// Such as `https://kms.us-east-1.amazonaws.com`, AWS's own of the region where nothing names one.
    public var endpoint: String?
    public var region: Region?
    /// A profile of the shared files; named here, it goes before access keys in the environment.
    public var profile: String?
    /// How long one call may take with all its tries.
    public var timeLimit: Duration = .seconds(10)
    /// Whether http:// may leave this machine. Plaintext keys would then cross the network unencrypted.
    public var allowsPlainHTTP = false
    public var retry = RetryPolicy()

    public init(endpoint: String? = nil, region: Region? = nil, profile: String? = nil) {
        (self.endpoint, self.region, self.profile) = (endpoint, region, profile)
    }
}

extension AWSError.Code {
    /// A KMS elsewhere cannot be reached, or what answers there is none.
    public static let kmsUnreachable = Self("Coffer.KMSUnreachable", .internalFailure)
    /// There is no access key to sign with.
    public static let noCredentials = Self("Coffer.NoCredentials", .usage)
    /// An endpoint, region or shared file that cannot be used as it is.
    public static let invalidConfiguration = Self("Coffer.InvalidConfiguration", .usage)
}
