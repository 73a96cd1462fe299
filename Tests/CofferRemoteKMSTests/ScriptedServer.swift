internal import CofferShapes
internal import CofferSigV4
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import Synchronization

/// What the scripted server does with one request.
enum ServerAction: Sendable {
    case answer(String, status: Int = 200, type: String = "application/x-amz-json-1.1")
    /// Reads and never answers.
    case hang
    case close
    /// Promises more bytes than it sends, and closes.
    case closeMidway(String)
    /// Answers with this, whatever it is.
    case raw([UInt8])
}

/// A request as the server got it.
struct ServedRequest: Sendable {
    let method: String
    let target: String
    let headers: [SigV4Request.Header]
    let body: [UInt8]

    func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}

/// A server on the loopback that answers by a list: one action a request, the last one again and again. A request whose
/// signature is wrong gets AWS's error in place of its action.
final class ScriptedServer: Sendable {
    private let channel: any Channel
    private let recorder: Recorder
    private let isSecure: Bool
    let port: Int

    /// What came, in order.
    var requests: [ServedRequest] { recorder.requests }

    var url: String { isSecure ? "https://localhost:\(port)" : "http://127.0.0.1:\(port)" }

    init(_ actions: [ServerAction], isSecure: Bool = false) async throws {
        let recorder = Recorder(actions)
        var context: NIOSSLContext?
        if isSecure {
            let certificate = try NIOSSLCertificate(
                bytes: Array(TestCertificate.certificate.utf8),
                format: .pem
            )
            let key = try NIOSSLPrivateKey(bytes: Array(TestCertificate.key.utf8), format: .pem)
            context = try NIOSSLContext(
                configuration: .makeServerConfiguration(
                    certificateChain: [.certificate(certificate)],
                    privateKey: .privateKey(key)
                )
            )
        }
        let tls = context
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
                    }
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(ServerHandler(recorder))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
        self.isSecure = isSecure
        self.recorder = recorder
    }

    func stop() async throws { try await channel.close() }
}

/// The list of actions and what has been asked.
private final class Recorder: Sendable {
    private let state: Mutex<(actions: [ServerAction], requests: [ServedRequest])>

    init(_ actions: [ServerAction]) { state = Mutex((actions, [])) }

    var requests: [ServedRequest] { state.withLock { $0.requests } }

    func take(_ request: ServedRequest) -> ServerAction {
        state.withLock { state in
            state.requests.append(request)
            return state.actions.count > 1 ? state.actions.removeFirst() : state.actions.first ?? .close
        }
    }
}

/// One connection's side of it.
private final class ServerHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let recorder: Recorder
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []

    init(_ recorder: Recorder) { self.recorder = recorder }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): (self.head, body) = (head, [])
        case .body(let part): body += part.readableBytesView
        case .end:
            guard let head else { return }
            let request = ServedRequest(
                method: head.method.rawValue,
                target: head.uri,
                headers: head.headers.map { SigV4Request.Header($0.name, $0.value) },
                body: body
            )
            let action = recorder.take(request)
            perform(Self.refusal(request).map { .answer($0, status: 400) } ?? action, context)
        }
    }

    /// The KMS's own check of the signature.
    private static func refusal(_ request: ServedRequest) -> String? {
        let signed = SigV4Request(
            method: request.method,
            target: request.target,
            headers: request.headers,
            body: .bytes(request.body)
        )
        do {
            let rules = SignatureRules(services: ["kms": ["eu-central-1"]])
            let claim = try SignatureClaim(signed, rules: rules, now: SystemClock().now)
            try claim.verify(signed, with: TestKey.accessKey.signingKey(claim.scope))
            return nil
        } catch {
            let error = error.awsError(.json)
            return #"{"__type":"\#(error.code.name)","message":"\#(error.message)"}"#
        }
    }

    private func perform(_ action: ServerAction, _ context: ChannelHandlerContext) {
        switch action {
        case .answer(let text, let status, let type): send(text, status, type, text.utf8.count, context)
        case .hang: break
        case .close: context.close(promise: nil)
        case .closeMidway(let text):
            send(text, 200, "application/x-amz-json-1.1", text.utf8.count + 10, context)
            context.close(promise: nil)
        case .raw(let bytes):
            // Past the encoder, which would make it HTTP.
            let outermost = try? context.pipeline.syncOperations.context(
                handlerType: HTTPResponseEncoder.self
            )
            outermost?.writeAndFlush(NIOAny(ByteBuffer(bytes: bytes)), promise: nil)
            context.close(promise: nil)
        }
    }

    private func send(
        _ text: String,
        _ status: Int,
        _ type: String,
        _ count: Int,
        _ context: ChannelHandlerContext
    ) {
        var headers = HTTPHeaders([("content-type", type), ("content-length", "\(count)")])
        headers.add(name: "x-amzn-requestid", value: "test")
        let head = HTTPResponseHead(
            version: .http1_1,
            status: HTTPResponseStatus(statusCode: status),
            headers: headers
        )
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
        if count == text.utf8.count {
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        } else {
            context.flush()
        }
    }
}
