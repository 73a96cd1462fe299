internal import CofferSecrets
internal import CofferShapes
internal import CofferSigV4
internal import CofferTesting
internal import Testing

@testable internal import CofferRemoteKMS

/// Where the endpoint, the region and the access key are found. Every environment here is made up.
@Suite struct ConfigurationTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// An environment whose shared files lie in the test's folder.
    private func environment(
        credentials: String? = nil,
        config: String? = nil,
        _ others: [String: String] = [:]
    ) throws -> [String: String] {
        if let credentials { try folder.write(Array(credentials.utf8), to: "credentials") }
        if let config { try folder.write(Array(config.utf8), to: "config") }
        return [
            "AWS_SHARED_CREDENTIALS_FILE": folder.path("credentials"),
            "AWS_CONFIG_FILE": folder.path("config"),
            "PATH": "/usr/bin:/bin",
        ].merging(others) { _, other in other }
    }

    private func found(
        _ environment: [String: String],
        profile: String? = nil,
        timeLimit: Duration = .seconds(10)
    ) async throws -> Credentials {
        let settings = RemoteKMSSettings(profile: profile)
        return try await CredentialSource.find(
            SharedConfiguration(settings, environment: environment),
            timeLimit: timeLimit
        )
    }

    private func message(_ environment: [String: String], profile: String? = nil) async -> String {
        do {
            _ = try await found(environment, profile: profile, timeLimit: .seconds(1))
            return "found"
        } catch { return "\(error)" }
    }

    private func expect(_ credentials: Credentials, _ id: String, _ secret: String, _ token: String? = nil) {
        #expect(credentials.accessKey.id == id)
        #expect(credentials.accessKey.secret.withBytes { $0.array() } == Array(secret.utf8))
        #expect(credentials.accessKey.sessionToken == token)
    }

    // MARK: - Access keys

    @Test func `the environment goes before the shared files`() async throws {
        let environment = try environment(
            credentials: "[default]\naws_access_key_id = file\naws_secret_access_key = secret\n",
            ["AWS_ACCESS_KEY_ID": "env", "AWS_SECRET_ACCESS_KEY": "s/+=", "AWS_SESSION_TOKEN": "t"]
        )
        expect(try await found(environment), "env", "s/+=", "t")
        expect(try await found(environment, profile: "default"), "file", "secret")
    }

    @Test func `half an access key in the environment is an error`() async throws {
        let half = try environment(["AWS_ACCESS_KEY_ID": "env"])
        #expect(await message(half).contains("AWS_SECRET_ACCESS_KEY is not"))
        let other = try environment(["AWS_SECRET_ACCESS_KEY": "env", "AWS_ACCESS_KEY_ID": ""])
        #expect(await message(other).contains("AWS_ACCESS_KEY_ID is not"))
    }

    @Test func `a profile is found under its name, whatever stands around it`() async throws {
        let environment = try environment(
            credentials: """
                # aws_access_key_id = comment
                [other]
                aws_access_key_id = other
                aws_secret_access_key = other
                [ app ]\r
                ; a comment
                  aws_access_key_id = nested
                AWS_ACCESS_KEY_ID=app
                aws_secret_access_key   =   a/b+c==  \t
                aws_session_token = t=1
                junk
                [default]
                aws_access_key_id = default
                aws_secret_access_key = default
                """,
            ["AWS_PROFILE": "app"]
        )
        expect(try await found(environment), "app", "a/b+c==", "t=1")
        expect(try await found(environment, profile: "other"), "other", "other")
        #expect(
            await message(environment, profile: "none").contains(
                "there is no profile \"none\" in \(folder.path)"
            )
        )
    }

    @Test func `the credentials file goes before the config file, where profiles have a prefix`() async throws
    {
        let config = """
            [profile app]
            aws_access_key_id = config
            aws_secret_access_key = config
            [app]
            aws_access_key_id = wrong
            aws_secret_access_key = wrong
            [profile "with blanks"]
            aws_access_key_id = blanks
            aws_secret_access_key = blanks
            """
        let environment = try environment(config: config)
        expect(try await found(environment, profile: "app"), "config", "config")
        expect(try await found(environment, profile: "with blanks"), "blanks", "blanks")
        let both = try self.environment(
            credentials: "[app]\naws_access_key_id = c\naws_secret_access_key = c",
            config: config
        )
        expect(try await found(both, profile: "app"), "c", "c")
    }

    @Test(arguments: ["role_arn = arn:aws:iam::1:role/x", "sso_session = s", "web_identity_token_file = /t"])
    func `what another service of AWS would have to give is refused by name`(_ line: String) async throws {
        let environment = try environment(config: "[default]\n\(line)\naws_access_key_id = a\n")
        let name = String(line.prefix { $0 != " " })
        #expect(await message(environment).contains("the profile \"default\" sets \(name)"))
    }

    @Test func `nothing found says where it was looked for`() async throws {
        let text = await message(try environment(["AWS_WEB_IDENTITY_TOKEN_FILE": "/t"]))
        #expect(
            text == "Coffer.NoCredentials: no access key in the environment or in the profile \"default\" of "
                + "\(folder.path("credentials")) and \(folder.path("config")); AWS_WEB_IDENTITY_TOKEN_FILE is not supported"
        )
        let half = try environment(credentials: "[default]\naws_access_key_id = a\naws_secret_access_key =\n")
        #expect(await message(half).contains("no aws_secret_access_key"))
        #expect(await message(["AWS_SHARED_CREDENTIALS_FILE": folder.path]).contains("is no file of at most"))
        let long = String(repeating: "#", count: ProfileFile.maximumCount + 1)
        #expect(await message(try environment(credentials: long)).contains("is no file of at most"))
    }

    // MARK: - credential_process

    private func process(_ command: String) throws -> [String: String] {
        try environment(config: "[default]\ncredential_process = \(command)\n")
    }

    @Test func `a program's access key is taken, with its end`() async throws {
        try folder.write(
            Array(
                #"{"Version":1,"AccessKeyId":"id","SecretAccessKey":"a\/b+","SessionToken":"t","Expiration":"2026-11-25T02:21:05+00:00"}"#
                    .utf8
            ),
            to: "key.json"
        )
        let credentials = try await found(try process("cat '\(folder.path("key.json"))'"))
        expect(credentials, "id", "a/b+", "t")
        let end = try #require(SigningTime("20261125T022105Z"))
        #expect(credentials.expires == end)
        let before = Timestamp(nanoseconds: UInt64(end.secondsSince1970 - 61) * 1_000_000_000)
        let after = Timestamp(nanoseconds: UInt64(end.secondsSince1970 - 60) * 1_000_000_000)
        #expect(credentials.isCurrent(before))
        #expect(!credentials.isCurrent(after))
    }

    @Test func `a program that fails, hangs or prints something else is told as one`() async throws {
        #expect(await message(try process("exit 3")).contains("credential_process ended with code 3"))
        #expect(await message(try process("kill -9 $$")).contains("credential_process ended with code 137"))
        #expect(await message(try process("echo junk")).contains("printed no credentials of version 1"))
        #expect(
            await message(try process("echo '{\"Version\":2}'")).contains(
                "printed no credentials of version 1"
            )
        )
        #expect(await message(try process("head -c 100000 /dev/zero")).contains("printed too much"))
        let start = ContinuousClock.now
        #expect(await message(try process("sleep 60")).contains("did not end in time"))
        #expect(await message(try process("exec >&-; sleep 60")).contains("did not end in time"))
        #expect(ContinuousClock.now - start < .seconds(10))
    }

    @Test(arguments: [
        "", "[]", #"{"Version":1,"AccessKeyId":"a"}"#,
        #"{"Version":1,"AccessKeyId":"a","SecretAccessKey":""}"#,
        #"{"Version":1,"AccessKeyId":"","SecretAccessKey":"s"}"#,
        #"{"Version":1,"AccessKeyId":"a","SecretAccessKey":["s"]}"#,
        #"{"Version":1,"AccessKeyId":"a","SecretAccessKey":"s","Expiration":"tomorrow"}"#,
    ])
    func `output that is no access key is refused`(_ text: String) {
        let bytes = Array(text.utf8)
        #expect(throws: AWSError.self) { _ = unsafe try CredentialProcess.credentials(bytes.span.bytes) }
    }

    // MARK: - Region and endpoint

    private func endpoint(
        _ environment: [String: String],
        _ settings: RemoteKMSSettings = RemoteKMSSettings()
    ) throws -> String {
        let configuration = SharedConfiguration(settings, environment: environment)
        return try configuration.endpoint(settings, region: configuration.region(settings)).description
    }

    @Test func `the endpoint is the nearest that is named, AWS's own where none is`() throws {
        let config = "[default]\nregion = eu-west-1\nendpoint_url = https://file:1\n"
        var others = ["AWS_REGION": "eu-north-1"]
        #expect(try endpoint(["AWS_REGION": "eu-north-1"]) == "https://kms.eu-north-1.amazonaws.com")
        #expect(try endpoint(try environment(config: config, others)) == "https://file:1")
        others["AWS_ENDPOINT_URL"] = "https://all"
        #expect(try endpoint(try environment(others)) == "https://all")
        others["AWS_ENDPOINT_URL_KMS"] = "https://kms"
        #expect(try endpoint(try environment(others)) == "https://kms")
        #expect(
            try endpoint(try environment(others), RemoteKMSSettings(endpoint: "https://given"))
                == "https://given"
        )
        others["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true"
        #expect(try endpoint(try environment(others)) == "https://kms.eu-north-1.amazonaws.com")
    }

    @Test func `the region is the nearest that is named`() throws {
        let environment = try environment(
            config: "[default]\nregion = eu-west-1\n",
            ["AWS_DEFAULT_REGION": "us-west-2"]
        )
        #expect(try endpoint(environment) == "https://kms.us-west-2.amazonaws.com")
        var other = environment
        other["AWS_DEFAULT_REGION"] = nil
        #expect(try endpoint(other) == "https://kms.eu-west-1.amazonaws.com")
        #expect(throws: AWSError.self) { try endpoint([:]) }
        #expect(throws: AWSError.self) { try endpoint(["AWS_REGION": "Not/A/Region"]) }
        let region = RemoteKMSSettings(region: Region("sa-east-1"))
        #expect(try endpoint(environment, region) == "https://kms.sa-east-1.amazonaws.com")
    }

    @Test(arguments: [
        ("http://127.0.0.1:4566/", "http://127.0.0.1:4566"), ("HTTP://LOCALHOST", "http://localhost"),
        ("http://[::1]:80", "http://[::1]"), ("https://a.b-c.example:443", "https://a.b-c.example"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
    ])
    func `an endpoint is read`(text: String, description: String) throws {
        #expect(try Endpoint(text, allowsPlainHTTP: false).description == description)
    }

    @Test(arguments: [
        "", "kms", "ftp://a", "https://", "https://a/b", "https://a?b", "https://u@a", "https://a:0",
        "https://a:65536",
        "https://a:", "https://a:x", "https://a b", "https://[::1", "https://[]", "https://[g]",
        "https://a\r\nb",
        "https://ä", "https://" + String(repeating: "a", count: 300),
    ])
    func `what is no endpoint is refused`(_ text: String) {
        #expect(throws: AWSError.self) { try Endpoint(text, allowsPlainHTTP: true) }
    }

    @Test(arguments: [
        "http://10.0.0.1", "http://127.0.0.1.example", "http://localhost.example", "http://127.1",
    ])
    func `http leaves this machine only when that is allowed`(_ text: String) throws {
        #expect(throws: AWSError.self) { try Endpoint(text, allowsPlainHTTP: false) }
        #expect(try Endpoint(text, allowsPlainHTTP: true).description == text)
    }

    @Test func `a bundle of certificates that is none is refused at once`() throws {
        try folder.write([1, 2, 3], to: "ca.pem")
        for path in [folder.path("ca.pem"), folder.path("none.pem")] {
            let environment = ["AWS_REGION": "eu-central-1", "AWS_CA_BUNDLE": path]
            #expect(throws: AWSError.self) { try RemoteKeyService(environment: environment) }
        }
    }
}
