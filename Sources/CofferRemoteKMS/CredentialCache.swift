internal import CofferShapes
internal import CofferSigV4

/// The access key in use and the signer made with it; found at the first call, and again when it ends or is refused.
actor CredentialCache {
    private let configuration: SharedConfiguration
    private let region: Region
    private var credentials: Credentials?
    private var signer: RequestSigner?

    init(_ configuration: SharedConfiguration, region: Region) {
        (self.configuration, self.region) = (configuration, region)
    }

    /// A signer that is good at `now`.
    func signer(now: Timestamp, timeLimit: Duration) async throws -> RequestSigner {
        if let signer, let credentials, credentials.isCurrent(now), signer.isCurrent(now) { return signer }
        var current = credentials
        if current?.isCurrent(now) != true {
            // Two callers may look at the same time; the later one's find stays.
            current = try await CredentialSource.find(configuration, timeLimit: timeLimit)
        }
        guard let current else { throw AWSError(.noCredentials, "no access key was found") }
        let made = RequestSigner(current.accessKey, region: region.name, service: "kms", now: now)
        (credentials, signer) = (current, made)
        return made
    }

    /// Forgets a key that the KMS refused.
    func forget() { (credentials, signer) = (nil, nil) }
}
