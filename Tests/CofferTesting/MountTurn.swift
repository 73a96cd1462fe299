public import Testing

/// Lets suites with mounts run one at a time, in one process, however many run in parallel beside them.
public struct MountTurn: SuiteTrait, TestScoping {
    public func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable () async throws -> Void
    ) async throws {
        try await Turns.mounts.holding(function)
    }
}

extension Trait where Self == MountTurn {
    /// The suite mounts, and takes its turn.
    public static var mounts: MountTurn { MountTurn() }
}

extension Trait where Self == ConditionTrait {
    /// Where nothing can be mounted the suite is skipped, loudly.
    public static var mountable: ConditionTrait {
        .enabled(if: FuseConnection.obstacle == nil, "NO MOUNT IS TESTED: \(FuseConnection.obstacle ?? "")")
    }
}

/// One holder at a time, in the order of asking.
actor Turns {
    static let mounts = Turns()
    static let modules = Turns()

    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    nonisolated func holding(_ body: @Sendable () async throws -> Void) async throws {
        await take()
        do {
            try await body()
        } catch {
            await give()
            throw error
        }
        await give()
    }

    private func take() async {
        guard isTaken else {
            isTaken = true
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    private func give() {
        if waiting.isEmpty { isTaken = false } else { waiting.removeFirst().resume() }
    }
}
