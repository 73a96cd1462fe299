internal import CofferShapes

/// The environment's variables that the AWS SDKs read, and the shared files that they name.
struct SharedConfiguration: Sendable {
    let variables: [String: String]
    /// The profile of the shared files that counts.
    let profile: String
    /// Whether somebody chose it, so that it has to exist.
    let isProfileChosen: Bool
    /// Whether it was chosen over the environment's access key.
    let isProfileFirst: Bool

    init(_ settings: RemoteKMSSettings, environment: [String: String]) {
        // The SDKs take an empty variable for one that is not set.
        variables = environment.filter { !$0.value.isEmpty }
        let chosen = settings.profile ?? variables["AWS_PROFILE"] ?? variables["AWS_DEFAULT_PROFILE"]
        profile = chosen ?? "default"
        (isProfileChosen, isProfileFirst) = (chosen != nil, settings.profile != nil)
    }

    var credentialsPath: String? { path("AWS_SHARED_CREDENTIALS_FILE", "credentials") }
    var configPath: String? { path("AWS_CONFIG_FILE", "config") }

    /// The profile in `~/.aws/credentials`.
    func credentialsSection() throws(AWSError) -> ProfileSection {
        guard let path = credentialsPath else { return ProfileSection() }
        return try ProfileFile.read(path, section: profile)
    }

    /// The profile in `~/.aws/config`, whose sections but the default one begin with a word.
    func configSection() throws(AWSError) -> ProfileSection {
        guard let path = configPath else { return ProfileSection() }
        if profile == "default" {
            let section = try ProfileFile.read(path, section: profile)
            if section.isPresent { return section }
        }
        return try ProfileFile.read(path, section: "profile \(profile)")
    }

    func region(_ settings: RemoteKMSSettings) throws(AWSError) -> Region {
        if let region = settings.region { return region }
        let name: String
        if let variable = variables["AWS_REGION"] ?? variables["AWS_DEFAULT_REGION"] {
            name = variable
        } else if let value = try configSection().values["region"] {
            name = value
        } else {
            throw AWSError(
                .invalidConfiguration,
                "no region is set for the KMS",
                hint: "set AWS_REGION, or `region` in the profile \"\(profile)\""
            )
        }
        guard let region = Region(name) else {
            throw AWSError(.invalidConfiguration, "\"\(name)\" is no name of a region")
        }
        return region
    }

    func endpoint(_ settings: RemoteKMSSettings, region: Region) throws(AWSError) -> Endpoint {
        var text = settings.endpoint
        if text == nil { text = try configuredEndpoint() }
        guard let text else { return Endpoint(of: region) }
        return try Endpoint(text, allowsPlainHTTP: settings.allowsPlainHTTP)
    }

    /// A PEM file of certificates to trust in place of the system's.
    func certificateBundlePath() throws(AWSError) -> String? {
        if let path = variables["AWS_CA_BUNDLE"] { return path }
        return try configSection().values["ca_bundle"]
    }

    private func configuredEndpoint() throws(AWSError) -> String? {
        guard variables["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]?.lowercased() != "true" else { return nil }
        if let url = variables["AWS_ENDPOINT_URL_KMS"] ?? variables["AWS_ENDPOINT_URL"] { return url }
        return try configSection().values["endpoint_url"]
    }

    private func path(_ variable: String, _ name: String) -> String? {
        let home = variables["HOME"]
        guard let path = variables[variable] else { return home.map { "\($0)/.aws/\(name)" } }
        guard path.hasPrefix("~/"), let home else { return path }
        return home + path.dropFirst()
    }
}
