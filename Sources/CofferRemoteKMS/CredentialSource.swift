internal import CofferSecrets
internal import CofferShapes
internal import CofferSigV4

/// An access key, and until when it is good.
final class Credentials: Sendable {
    let accessKey: AccessKey
    /// nil where it does not expire.
    let expires: SigningTime?

    init(_ accessKey: consuming AccessKey, expires: SigningTime? = nil) {
        self.accessKey = accessKey
        self.expires = expires
    }

    /// Whether the key is good for a while yet.
    func isCurrent(_ now: Timestamp) -> Bool {
        let time = SigningTime(now)
        return expires.map { time.secondsSince1970 + Self.marginSeconds < $0.secondsSince1970 } ?? true
    }

    /// A key that ends within a minute is asked for anew.
    private static let marginSeconds = 60
}

/// Finds an access key where the AWS SDKs find it: the environment, the shared files, a program that they name. What
/// needs AWS's other services (roles, single sign-on, an instance's metadata) is refused by name.
enum CredentialSource {
    static func find(_ configuration: SharedConfiguration, timeLimit: Duration) async throws -> Credentials {
        if !configuration.isProfileFirst, let credentials = try ofEnvironment(configuration.variables) {
            return credentials
        }
        let command: String
        switch try ofFiles(configuration) {
        case .key(let credentials): return credentials
        case .process(let text): command = text
        case .nothing: throw nothingFound(configuration)
        }
        return try await CredentialProcess.run(
            command,
            environment: configuration.variables,
            timeLimit: timeLimit
        )
    }

    private static func ofEnvironment(_ variables: [String: String]) throws(AWSError) -> Credentials? {
        switch (variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"]) {
        case (nil, nil): return nil
        case (let id?, let secret?):
            return Credentials(
                AccessKey(
                    id: id,
                    secret: SecretBytes(copying: Array(secret.utf8)),
                    sessionToken: variables["AWS_SESSION_TOKEN"]
                )
            )
        case (nil, _):
            throw AWSError(.noCredentials, "AWS_SECRET_ACCESS_KEY is set, and AWS_ACCESS_KEY_ID is not")
        case (_, nil):
            throw AWSError(.noCredentials, "AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not")
        }
    }

    private enum Found {
        case key(Credentials)
        case process(String)
        case nothing
    }

    /// The credentials file goes before the config file, and an access key before a program.
    private static func ofFiles(_ configuration: SharedConfiguration) throws(AWSError) -> Found {
        let credentials = try configuration.credentialsSection()
        let config = try configuration.configSection()
        let values = config.values.merging(credentials.values) { _, first in first }
        if configuration.isProfileChosen && !credentials.isPresent && !config.isPresent {
            throw AWSError(
                .noCredentials,
                "there is no profile \"\(configuration.profile)\" in \(places(configuration))"
            )
        }
        if let name = unsupported.first(where: { values[$0] != nil }) {
            throw AWSError(
                .noCredentials,
                "the profile \"\(configuration.profile)\" sets \(name), and Coffer assumes no roles and signs nobody on",
                hint: "let another program do it with `credential_process = aws configure export-credentials`"
            )
        }
        if let key = try key(credentials, configuration) { return .key(key) }
        if let key = try key(config, configuration) { return .key(key) }
        return values["credential_process"].map { .process($0) } ?? .nothing
    }

    private static func key(
        _ section: consuming ProfileSection,
        _ configuration: SharedConfiguration
    ) throws(AWSError) -> Credentials? {
        guard let id = section.values["aws_access_key_id"] else { return nil }
        let token = section.values["aws_session_token"]
        guard let secret = section.secretAccessKey else {
            throw AWSError(
                .noCredentials,
                "the profile \"\(configuration.profile)\" has an aws_access_key_id and no aws_secret_access_key"
            )
        }
        return Credentials(AccessKey(id: id, secret: secret, sessionToken: token))
    }

    /// Settings that ask for AWS's STS, IAM Identity Center or an instance's metadata.
    private static let unsupported = [
        "role_arn", "source_profile", "credential_source", "web_identity_token_file", "sso_session",
        "sso_start_url",
        "login_session",
    ]

    private static func nothingFound(_ configuration: SharedConfiguration) -> AWSError {
        let others = [
            "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        ]
        let set = others.first { configuration.variables[$0] != nil }
        return AWSError(
            .noCredentials,
            "no access key in the environment or in the profile \"\(configuration.profile)\" of "
                + places(configuration) + (set.map { "; \($0) is not supported" } ?? ""),
            hint: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; roles and instance metadata are not asked"
        )
    }

    private static func places(_ configuration: SharedConfiguration) -> String {
        let paths = [configuration.credentialsPath, configuration.configPath].compactMap { $0 }
        return paths.isEmpty ? "the shared files, as HOME is not set" : paths.joined(separator: " and ")
    }
}
