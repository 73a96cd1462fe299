internal import CofferRemoteKMS
internal import CofferSecrets
internal import CofferShapes
internal import CofferSigV4

/// The access key that the tests' clients and servers share, and clients made with it.
enum TestKey {
    static let id = "AKIDEXAMPLE"
    static let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

    static var accessKey: AccessKey {
        AccessKey(id: id, secret: SecretBytes(copying: Array(secret.utf8)))
    }

    /// An environment that leads to no file of this machine.
    static let environment = [
        "AWS_ACCESS_KEY_ID": id, "AWS_SECRET_ACCESS_KEY": secret, "AWS_REGION": "eu-central-1",
        "HOME": "/nowhere",
    ]

    /// A client that waits for nothing longer than it must.
    static func service(
        _ server: ScriptedServer,
        environment: [String: String] = environment,
        timeLimit: Duration = .seconds(5)
    ) throws -> RemoteKeyService {
        var settings = RemoteKMSSettings(endpoint: server.url)
        settings.timeLimit = timeLimit
        settings.retry.baseMilliseconds = 1
        return try RemoteKeyService(settings, environment: environment)
    }

    /// A client of a server that answers by the list, for the length of `body`.
    static func withService<Result: Sendable>(
        _ actions: [ServerAction],
        isSecure: Bool = false,
        environment: [String: String] = environment,
        timeLimit: Duration = .seconds(5),
        _ body: (RemoteKeyService, ScriptedServer) async throws -> Result
    ) async throws -> Result {
        let server = try await ScriptedServer(actions, isSecure: isSecure)
        let service = try service(server, environment: environment, timeLimit: timeLimit)
        do {
            let result = try await body(service, server)
            try await service.shutdown()
            try await server.stop()
            return result
        } catch {
            try await service.shutdown()
            try await server.stop()
            throw error
        }
    }

    static let caller = Caller(principal: .root(AccountID(random: [1, 2, 3, 4, 5, 6])))
    static let keyARN = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

    /// An error's answer.
    static func error(_ name: String, _ message: String = "no", status: Int = 400) -> ServerAction {
        .answer(#"{"__type":"\#(name)","message":"\#(message)"}"#, status: status)
    }
}
