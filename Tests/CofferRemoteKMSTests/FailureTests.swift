internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import NIOCore
internal import NIOPosix
internal import Testing

@testable internal import CofferRemoteKMS

/// A KMS that refuses, is busy, breaks, hangs, or is none.
@Suite struct FailureTests {
    private let good = ServerAction.answer(#"{"KeyId":"\#(TestKey.keyARN)","Plaintext":"AA=="}"#)

    /// Decrypts, and gives the error; nil where it went well.
    private func failure(
        _ actions: [ServerAction],
        environment: [String: String] = TestKey.environment,
        timeLimit: Duration = .seconds(5)
    ) async throws -> (error: AWSError?, url: String, count: Int) {
        try await TestKey.withService(actions, environment: environment, timeLimit: timeLimit) {
            service,
            server in
            (await Self.decrypt(service), server.url, server.requests.count)
        }
    }

    private static func decrypt(_ service: RemoteKeyService) async -> AWSError? {
        do {
            _ = try await service.decrypt(CiphertextBlob([1]), key: nil, context: [:], caller: TestKey.caller)
            return nil
        } catch let error as AWSError {
            return error
        } catch { return AWSError(.internalError, "\(error)") }
    }

    // MARK: - Errors of a KMS

    @Test(arguments: [
        ("AccessDeniedException", AWSError.Kind.accessDenied), ("NotFoundException", .notFound),
        ("DisabledException", .wrongState), ("KMSInvalidStateException", .wrongState),
        ("ValidationException", .usage), ("InvalidCiphertextException", .refused),
        ("SomethingNewException", .refused),
    ])
    func `an error of the KMS is the caller's, tried once`(name: String, kind: AWSError.Kind) async throws {
        let (error, _, count) = try await failure([TestKey.error(name, "words")])
        #expect(error == AWSError(AWSError.Code(name, kind), "words"))
        #expect(count == 1)
    }

    @Test func `an error's name and message are found in all their places`() async throws {
        let long = #"{"__type":"com.amazonaws.kms#DisabledException:http://x/","Message":"m"}"#
        #expect(try await failure([.answer(long, status: 400)]).error == AWSError(.disabled, "m"))
        let bare = #"{"__type":"InvalidCiphertextException"}"#
        #expect(try await failure([.answer(bare, status: 400)]).error == AWSError(.invalidCiphertext, ""))
    }

    @Test func `a wrong secret is refused by the KMS, and not tried again`() async throws {
        var environment = TestKey.environment
        environment["AWS_SECRET_ACCESS_KEY"] = "another"
        let (error, _, count) = try await failure([good], environment: environment)
        #expect(error?.code.name == "InvalidSignatureException")
        #expect(error?.code.kind == .accessDenied)
        #expect(count == 1)
    }

    // MARK: - Patience

    @Test(arguments: [
        TestKey.error("ThrottlingException"), TestKey.error("KMSInternalException", status: 500),
        .answer("<html>", status: 503, type: "text/html"),
        TestKey.error("TooManyRequestsException", status: 429),
        .close, .closeMidway("{"),
    ])
    func `what passes is tried again`(_ action: ServerAction) async throws {
        let (error, _, count) = try await failure([action, action, good])
        #expect(error == nil)
        #expect(count == 3)
    }

    @Test func `patience ends after four tries`() async throws {
        let (error, _, count) = try await failure([TestKey.error("ThrottlingException", "slow down")])
        #expect(error == AWSError(.throttling, "slow down"))
        #expect(count == 4)
        let (last, _, _) = try await failure([TestKey.error("KMSInternalException", status: 500)])
        #expect(last?.code.kind == .internalFailure)
    }

    @Test func `a KMS that hangs is given up in time`() async throws {
        let start = ContinuousClock.now
        let (error, url, count) = try await failure([.hang], timeLimit: .milliseconds(4500))
        #expect(error == AWSError(.kmsUnreachable, "the KMS at \(url) did not answer within 4500 ms"))
        #expect(count == 1)
        #expect(ContinuousClock.now - start < .seconds(9))
    }

    @Test func `the time limit counts for all tries together`() async throws {
        let start = ContinuousClock.now
        let busy = TestKey.error("ThrottlingException")
        let (error, _, count) = try await failure([busy, .hang], timeLimit: .milliseconds(4500))
        #expect(error?.code == .kmsUnreachable)
        #expect(count == 2)
        #expect(ContinuousClock.now - start < .seconds(9))
    }

    @Test func `a listener that never accepts is given up in time`() async throws {
        // The kernel completes the connection, and nobody reads it.
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.autoRead, value: false)
            .bind(host: "127.0.0.1", port: 0).get()
        var settings = RemoteKMSSettings(endpoint: "http://127.0.0.1:\(listener.localAddress?.port ?? 0)")
        settings.timeLimit = .milliseconds(4500)
        let service = try RemoteKeyService(settings, environment: TestKey.environment)
        let error = await Self.decrypt(service)
        #expect(error?.message == "the KMS at \(service.endpoint) did not answer within 4500 ms")
        try await service.shutdown()
        try await listener.close()
    }

    @Test func `a refused connection is told as one`() async throws {
        let server = try await ScriptedServer([])
        let service = try TestKey.service(server)
        try await server.stop()
        let error = await Self.decrypt(service)
        #expect(error == AWSError(.kmsUnreachable, "cannot connect to \(server.url): connection refused"))
        try await service.shutdown()
    }

    @Test func `a host that does not exist is told as one`() async throws {
        var settings = RemoteKMSSettings(endpoint: "https://kms.invalid")
        settings.retry.tryCount = 1
        let service = try RemoteKeyService(settings, environment: TestKey.environment)
        let error = await Self.decrypt(service)
        #expect(error?.message == "cannot connect to https://kms.invalid: the host's name is not known")
        try await service.shutdown()
    }

    // MARK: - What is no KMS

    @Test func `what is no KMS is told as that`() async throws {
        let page = ServerAction.answer("<!doctype html><html></html>", type: "text/html")
        let (error, url, count) = try await failure([page])
        #expect(error == AWSError(.kmsUnreachable, "what answers at \(url) is no KMS: its answer is no JSON"))
        #expect(count == 1)
        let lost = try await failure([.answer("<html>", status: 404, type: "text/html")])
        #expect(lost.error?.message == "what answers at \(lost.url) is no KMS: HTTP 404 with text/html")
        let moved = try await failure([.answer("", status: 301, type: "text/plain")])
        #expect(moved.error?.message.hasSuffix("HTTP 301 with text/plain") == true)
    }

    @Test(arguments: [
        "", "null", "[]", "{", "{}", #"{"Plaintext":"AA=="}"#, #"{"KeyId":"\#(TestKey.keyARN)"}"#,
        #"{"KeyId":"\#(TestKey.keyARN)","Plaintext":""}"#, #"{"KeyId":"\#(TestKey.keyARN)","Plaintext":"A"}"#,
        #"{"KeyId":"\#(TestKey.keyARN)","Plaintext":7}"#, #"{"KeyId":"app","Plaintext":"AA=="}"#,
        #"{"KeyId":"\#(TestKey.keyARN)","Plaintext":"AA==","Plaintext":"AQ=="}"#,
    ])
    func `an answer without what was asked for is refused`(_ text: String) async throws {
        let (error, url, _) = try await failure([.answer(text)])
        #expect(error?.code == .kmsUnreachable)
        #expect(error?.message.hasPrefix("what answers at \(url) is no KMS: ") == true)
    }

    @Test func `an answer that never ends is refused`() async throws {
        let text = #"{"Plaintext":""# + String(repeating: "A", count: 65_536)
        let (error, url, count) = try await failure([.answer(text)])
        #expect(
            error?.message == "what answers at \(url) is no KMS: its answer is longer than any of a KMS"
        )
        #expect(count == 1)
    }

    @Test(arguments: ["SSH-2.0-OpenSSH_9.6\r\n", "\0\u{1}\u{2}", "HTTP/1.1 junk\r\n\r\n"])
    func `an answer that is no HTTP is refused`(_ text: String) async throws {
        let (error, _, _) = try await failure([.raw(Array(text.utf8))])
        #expect(error?.code == .kmsUnreachable)
    }

    // MARK: - TLS

    @Test func `a certificate counts when its authority is in AWS_CA_BUNDLE`() async throws {
        let folder = try TemporaryFolder()
        try folder.write(Array(TestCertificate.certificate.utf8), to: "ca.pem")
        var environment = TestKey.environment
        environment["AWS_CA_BUNDLE"] = folder.path("ca.pem")
        let trusting = environment
        let error = try await TestKey.withService([good], isSecure: true, environment: trusting) {
            service,
            _ in
            await Self.decrypt(service)
        }
        #expect(error == nil)
        let server = try await ScriptedServer([good], isSecure: true)
        let byAddress = try RemoteKeyService(
            RemoteKMSSettings(endpoint: "https://127.0.0.1:\(server.port)"),
            environment: trusting
        )
        #expect(await Self.decrypt(byAddress)?.message.contains("no TLS with https://127.0.0.1") == true)
        #expect(server.requests.isEmpty)
        try await byAddress.shutdown()
        try await server.stop()
    }

    @Test func `a certificate that nobody trusts is refused, once`() async throws {
        let error = try await TestKey.withService([good], isSecure: true) { service, server in
            let error = await Self.decrypt(service)
            #expect(error?.message == "no TLS with \(server.url): the certificate is not trusted")
            #expect(server.requests.isEmpty)
            return error
        }
        #expect(error?.hint == "name the authority's certificate in AWS_CA_BUNDLE")
    }

    @Test func `TLS with a server that speaks none fails`() async throws {
        let server = try await ScriptedServer([good])
        let service = try RemoteKeyService(
            RemoteKMSSettings(endpoint: "https://127.0.0.1:\(server.port)"),
            environment: TestKey.environment
        )
        #expect(await Self.decrypt(service)?.code == .kmsUnreachable)
        try await service.shutdown()
        try await server.stop()
    }

    // MARK: - Access keys

    @Test func `an access key that the KMS refuses is looked for anew at the next call`() async throws {
        let folder = try TemporaryFolder()
        let keys = "[default]\naws_access_key_id = \(TestKey.id)\naws_secret_access_key = \(TestKey.secret)\n"
        let environment = ["AWS_SHARED_CREDENTIALS_FILE": folder.path("keys"), "AWS_REGION": "eu-central-1"]
        let actions = [good, TestKey.error("ExpiredTokenException"), good]
        try await TestKey.withService(actions, environment: environment) { service, server in
            for token in ["first", "second", "third"] {
                try folder.write(Array("\(keys)aws_session_token = \(token)\n".utf8), to: "keys")
                _ = await Self.decrypt(service)
            }
            let tokens = server.requests.map { $0.header("x-amz-security-token") }
            #expect(tokens == ["first", "first", "third"])
        }
    }

    // MARK: - Wiping

    @Test func `a buffer is wiped where it lies, for all who share it`() {
        let buffer = ByteBuffer(string: "plaintext")
        let shared = buffer
        wipeStorage(of: buffer)
        #expect(Array(shared.readableBytesView) == [UInt8](repeating: 0, count: 9))
        wipeStorage(of: ByteBuffer())
    }

    // MARK: - The end

    @Test func `a call after the end fails, and a client that is forgotten ends by itself`() async throws {
        let server = try await ScriptedServer([good])
        do {
            let forgotten = try TestKey.service(server)
            #expect(await Self.decrypt(forgotten) == nil)
        }
        let service = try TestKey.service(server)
        try await service.shutdown()
        #expect(await Self.decrypt(service)?.code == .kmsUnreachable)
        try await server.stop()
    }

    @Test func `waits double up to their bound`() {
        /// The largest draw there is, so that the bound shows.
        struct Highest: ByteSource {
            let value: UInt8
            func fill(_ span: inout MutableRawSpan) {
                for at in 0..<span.byteCount { span.storeBytes(of: value, toByteOffset: at, as: UInt8.self) }
            }
        }
        let policy = RetryPolicy()
        for (number, bound) in [(1, 100), (2, 200), (3, 400), (9, 2000), (100, 2000)] {
            #expect(policy.delay(afterTry: number, random: Highest(value: 0)) == .zero)
            let delays = (0...255).map { policy.delay(afterTry: number, random: Highest(value: $0)) }
            #expect(delays.allSatisfy { $0 <= .milliseconds(bound) })
            #expect(delays.contains { $0 > .milliseconds(bound / 2) })
        }
    }
}
