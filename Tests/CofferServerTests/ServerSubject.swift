import Coffer
import CofferEBS
import CofferIdentity
import CofferJSON
import CofferSecrets
import CofferShapes
import CofferSigV4
import CofferTesting
import Logging
import NIOHTTP1

@testable import CofferServer

/// A home of a test's own behind a responder, without a socket, and a signer with its root user's access key.
final class ServerSubject: Sendable {
    let responder: Responder
    let home: Home
    let accessKeyID: String
    private let secretAccessKey: String
    private let folder: TemporaryFolder

    init(clock: any WallClock = SystemClock()) async throws {
        folder = try TemporaryFolder()
        home = try Home(
            at: HomeLocation(option: folder.path("home"), environment: [:], isRoot: false),
            region: nil,
            secrets: SecretPrompts(
                passphrase: { SecretBytes(copying: Array("not used".utf8)) },
                pin: { _ in SecretBytes(copying: Array("not used".utf8)) },
                environment: [:]
            ),
            logger: Logger(label: "test")
        )
        let identity = try await home.identityService()
        let key = try identity.createAccessKey(caller: home.root)
        accessKeyID = key.metadata.accessKeyID
        secretAccessKey = String(decoding: key.secret.withBytes { $0.array() }, as: UTF8.self)
        responder = Responder(
            kms: try await home.keyManagement(),
            identity: identity,
            volumes: try await home.volumes(daemon: { throw NoDaemon() }),
            databases: try await home.databases(
                daemon: { throw NoDaemon() },
                supervisor: { throw NoDaemon() }
            ),
            host: HostFacts(account: home.root.principal.account),
            clock: clock
        )
    }

    /// Where a test may put files.
    func path(_ name: String) -> String { folder.path(name) }

    /// The environment of an AWS client that asks as the root user.
    func clientEnvironment(_ url: String) -> [String: String] {
        [
            "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": accessKeyID,
            "AWS_SECRET_ACCESS_KEY": secretAccessKey,
            "AWS_DEFAULT_REGION": "us-east-1",
        ]
    }

    /// How a test departs from a request that is right.
    struct Departure {
        var accessKeyID: String?
        var secretAccessKey: String?
        var region = "us-east-1"
        var service: String?
        var signsAt = SystemClock().now
        /// Sent in place of the body that was signed.
        var bodySent: [UInt8]?
        var sessionToken: String?
    }

    /// A signed request to the KMS.
    func request(
        _ operation: String,
        _ body: String,
        _ departure: Departure = Departure()
    ) -> HTTPRequest {
        signed(
            headers: [
                ("Host", "localhost"), ("X-Amz-Target", "TrentService.\(operation)"),
                ("Content-Type", "application/x-amz-json-1.1"),
            ],
            body: Array(body.utf8),
            service: departure.service ?? "kms",
            departure
        )
    }

    /// A signed request in the Query protocol.
    func query(_ body: String, service: String = "iam", _ departure: Departure = Departure()) -> HTTPRequest {
        signed(
            headers: [
                ("Host", "localhost"), ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
            ],
            body: Array(body.utf8),
            service: departure.service ?? service,
            departure
        )
    }

    /// A signed request to EBS direct; where the body is not signed, a header says so.
    func direct(
        _ method: String,
        _ target: String,
        headers: [(String, String)] = [],
        body: [UInt8] = [],
        signsBody: Bool = true,
        _ departure: Departure = Departure()
    ) -> HTTPRequest {
        signed(
            method,
            target,
            headers: [("Host", "localhost")] + headers,
            body: body,
            signsBody: signsBody,
            service: departure.service ?? "ebs",
            departure
        )
    }

    private func signed(
        _ method: String = "POST",
        _ target: String = "/",
        headers: [(String, String)],
        body: [UInt8],
        signsBody: Bool = true,
        service: String,
        _ departure: Departure
    ) -> HTTPRequest {
        let key = CofferSigV4.AccessKey(
            id: departure.accessKeyID ?? accessKeyID,
            secret: SecretBytes(copying: Array((departure.secretAccessKey ?? secretAccessKey).utf8)),
            sessionToken: departure.sessionToken
        )
        let signer = RequestSigner(key, region: departure.region, service: service, now: departure.signsAt)
        let unsigned = SigV4Request(
            method: method,
            target: target,
            headers: headers.map { SigV4Request.Header($0.0, $0.1) },
            body: signsBody ? .bytes(body) : .unread
        )
        let added = signer.headers(
            for: unsigned,
            now: departure.signsAt,
            includingContentHash: !signsBody
        ).map { ($0.name, $0.value) }
        return HTTPRequest(
            method: method,
            target: target,
            headers: HTTPHeaders(headers + added),
            body: RequestBody(departure.bodySent ?? body),
            peer: Peer(address: "192.0.2.7", isSecure: false)
        )
    }

    /// The answer to a signed request to the KMS.
    func answer(_ operation: String, _ body: String, _ departure: Departure = Departure()) async -> HTTPAnswer
    {
        await responder.answer(request(operation, body, departure))
    }

    /// The body of an answer that has to be a success.
    func value(_ operation: String, _ body: String) async throws -> JSONValue {
        let answer = await answer(operation, body)
        guard answer.status == 200 else { throw UnexpectedAnswer(text: answer.text) }
        return try JSONDocument(answer.body).root
    }
}

/// These tests attach nothing: what needs a daemon is tested against the built program.
struct NoDaemon: Error {}

struct UnexpectedAnswer: Error { let text: String }

extension HTTPAnswer {
    var text: String { String(decoding: body, as: UTF8.self) }
}

/// A request that nobody signed.
func unsigned(
    _ method: String,
    _ target: String,
    headers: [(String, String)] = [],
    body: String = ""
) -> HTTPRequest {
    HTTPRequest(
        method: method,
        target: target,
        headers: HTTPHeaders(headers),
        body: RequestBody(Array(body.utf8)),
        peer: Peer(address: "192.0.2.7", isSecure: false)
    )
}

/// The error that a body ends in; nil where it ends well.
func refusal(_ body: () throws -> Void) -> AWSError? {
    do {
        try body()
        return nil
    } catch {
        return error as? AWSError
    }
}
