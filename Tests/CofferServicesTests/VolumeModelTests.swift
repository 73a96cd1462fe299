internal import CofferEBS
internal import CofferTesting
internal import Foundation
internal import Testing

/// Random operations on the volumes, snapshots and KMS keys of a home beside a plain model of them: what each is, holds
/// and refuses. The seed is printed; `COFFER_MODEL_SEED` gives it again, and `COFFER_MODEL_OPERATIONS` says how many.
@Suite(.serialized, .mounts, .mountable)
struct VolumeModelTests {
    private static func setting(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    @Test func `random operations on volumes, snapshots and keys leave what the model says`() async throws {
        let seed = Self.setting("COFFER_MODEL_SEED") ?? UInt64.random(in: 0..<1 << 32)
        let count = Self.setting("COFFER_MODEL_OPERATIONS") ?? 2000
        print("model: seed \(seed), \(count) operations")
        let run = try await ModelRun(seed: seed)
        do {
            for _ in 0..<count { try await run.step() }
            try await run.end()
        } catch {
            Issue.record(
                """
                seed \(seed), operation \(run.number), \(run.words): \(error)
                before it: \(run.history.suffix(40).joined(separator: "; "))
                """
            )
            await run.giveUp()
        }
        print("model: \(run.tally)")
    }
}
