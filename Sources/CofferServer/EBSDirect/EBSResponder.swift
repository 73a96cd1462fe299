internal import CofferEBS
internal import CofferShapes
internal import CofferSigV4
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// The EBS direct APIs: REST with JSON, but for blocks, which are bodies as they are.
struct EBSResponder: Sendable {
    let volumes: VolumeService

    /// Whether a path belongs to them.
    static func isMeant(_ path: Substring) -> Bool { path == "/snapshots" || path.hasPrefix("/snapshots/") }

    /// A block is not signed: its checksum is.
    static func rules(of operation: EBSOperation) -> SignatureRules {
        operation == .putSnapshotBlock ? blockRules : signedRules
    }

    private static let signedRules = SignatureRules(services: ["ebs": []])
    private static let blockRules = {
        var rules = signedRules
        rules.allowsUnsignedPayload = true
        return rules
    }()

    /// Makes the call, off the connection's thread.
    func answer(
        _ request: HTTPRequest,
        _ route: EBSRoute,
        _ caller: Caller,
        requestID: String
    ) async throws -> HTTPAnswer {
        let call = EBSCall(
            volumes: volumes,
            request: request,
            route: route,
            caller: caller,
            requestID: requestID
        )
        return try await withTaskExecutorPreference(Self.nextExecutor) { try await call.answer() }
    }

    /// Threads of their own, in turn: blocks are encrypted, hashed, written and read by as many at once, and whoever
    /// waits for a disk holds up neither the KMS nor the volumes.
    private static var nextExecutor: LoopExecutor {
        executors[turn.wrappingAdd(1, ordering: .relaxed).oldValue % executors.count]
    }

    private static let executors: [LoopExecutor] = {
        let count = max(4, min(16, 2 * System.coreCount))
        let group = MultiThreadedEventLoopGroup(numberOfThreads: count)
        return (0..<count).map { _ in LoopExecutor(group.next()) }
    }()

    /// Never below zero while the server lives.
    private static let turn = Atomic<Int>(0)
}
