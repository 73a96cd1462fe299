public import Coffer
public import CofferEBS
public import CofferRDS
internal import CofferShapes
internal import HummingbirdCore
public import Logging
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import ServiceLifecycle
internal import UnixSignals

/// The AWS APIs of one home over HTTP: KMS (AWS JSON 1.1), IAM, STS, EC2 and RDS (Query), EBS direct (REST), `/health`
/// and `/metrics`. It translates between the wire and the services, and decides nothing.
public struct CofferServer: Sendable {
    private let options: ServerOptions
    private let responder: Responder
    private let limits: ConnectionLimits
    private let clock: any WallClock
    private let logger: Logger

    /// Requests under way when the server is told to stop may take so long, seconds; then their connections are closed.
    private static let stopSeconds: Int64 = 8

    /// Opens the home's services: its root key is unsealed here, and not at the first request. `volumes` and `databases`
    /// are the home's. Goes on with deletions of databases that a server before has begun.
    public init(
        home: Home,
        volumes: VolumeService,
        databases: DatabaseService,
        options: ServerOptions,
        logger: Logger
    ) async throws {
        try await databases.finishDeletionsAfterwards()
        self.init(
            options: options,
            responder: Responder(
                kms: try await home.keyManagement(),
                identity: try await home.identityService(),
                volumes: volumes,
                databases: databases,
                host: HostFacts(
                    account: home.root.principal.account,
                    enforcesLimits: options.enforcesLimits
                )
            ),
            logger: logger
        )
    }

    /// With its parts, for tests.
    init(
        options: ServerOptions,
        responder: Responder,
        limits: ConnectionLimits = ConnectionLimits(),
        clock: any WallClock = SystemClock(),
        logger: Logger
    ) {
        (self.options, self.responder, self.limits) = (options, responder, limits)
        (self.clock, self.logger) = (clock, logger)
    }

    /// Serves until SIGTERM or SIGINT: then takes no new request, lets those under way finish, and returns. `onListening`
    /// gets the URL of the bound address as soon as requests are answered.
    public func run(onListening: @escaping @Sendable (String) -> Void) async throws {
        var configuration = ServiceGroupConfiguration(
            services: [.init(service: try service(onListening: onListening))],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = .seconds(Self.stopSeconds)
        do {
            try await ServiceGroup(configuration: configuration).run()
            await finishBegunWork()
        } catch let error as IOError {
            throw AWSError(
                .internalError,
                "cannot listen on \(options.host), port \(options.port): \(error.description)",
                hint: "choose another address with --listen, or stop who listens there"
            )
        }
    }

    /// Lets what answered requests have begun, such as attachments, come to its end. What takes longer is cut short, which
    /// whoever looks next will tell.
    private func finishBegunWork() async {
        let (ended, end) = AsyncStream.makeStream(of: Never.self)
        Task {
            await responder.finishBegunWork()
            end.finish()
        }
        Task {
            try? await Task.sleep(for: .seconds(Self.stopSeconds))
            end.finish()
        }
        for await _ in ended {}
    }

    /// The server itself, for whoever stops it by other means than a signal; `respond` in place of the services.
    func service(
        respond: ConnectionHandler.Responder? = nil,
        onListening: @escaping @Sendable (String) -> Void
    ) throws -> any Service {
        let tls = try options.tls.context(clock: clock)
        let (host, scheme) = (options.host, tls == nil ? "http" : "https")
        return Server(
            childChannelSetup: ConnectionChannel(
                tls: tls,
                limits: limits,
                clock: clock,
                metrics: responder.metrics,
                respond: respond ?? { [responder] request in await responder.answer(request) }
            ),
            configuration: ServerConfiguration(
                address: .hostname(options.host, port: options.port),
                availableConnectionsDelegate: .maximum(limits.connectionCount, logger: logger)
            ),
            onServerRunning: { channel in
                let address = host.contains(":") ? "[\(host)]" : host
                onListening("\(scheme)://\(address):\(channel.localAddress?.port ?? 0)")
            },
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: logger
        )
    }
}
