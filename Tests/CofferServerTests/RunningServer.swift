import CofferShapes
import Logging
import ServiceLifecycle

@testable import CofferServer

/// A server on a free port of the loopback, until `stop`.
final class RunningServer: Sendable {
    let url: String
    let port: Int
    private let group: ServiceGroup
    private let running: Task<Void, any Error>

    private static let logger = {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }()

    /// `respond` answers in place of the services, where a test brings its own.
    init(
        _ subject: ServerSubject,
        tls: ServerOptions.TLS = .none,
        limits: ConnectionLimits = ConnectionLimits(),
        respond: (@Sendable (HTTPRequest) async -> HTTPAnswer)? = nil
    ) async throws {
        let server = CofferServer(
            options: ServerOptions(port: 0, tls: tls),
            responder: subject.responder,
            limits: limits,
            logger: Self.logger
        )
        let (urls, announcing) = AsyncStream.makeStream(of: String.self)
        let service = try server.service(respond: respond) { url in
            announcing.yield(url)
            announcing.finish()
        }
        let group = ServiceGroup(
            configuration: .init(services: [.init(service: service)], logger: Self.logger)
        )
        self.group = group
        running = Task { try await group.run() }
        var first: String?
        for await url in urls { first = url }
        guard let url = first, let port = url.split(separator: ":").last.flatMap({ Int($0) }) else {
            throw UnexpectedAnswer(text: "the server announced nothing")
        }
        (self.url, self.port) = (url, port)
    }

    /// Asks the server to stop.
    func beginStop() async { await group.triggerGracefulShutdown() }

    /// Returns when it has stopped.
    func waitForEnd() async throws { try await running.value }

    func stop() async throws {
        await beginStop()
        try await waitForEnd()
    }
}
