internal import CofferBench
internal import CofferShapes
internal import CofferXTS
internal import Foundation

/// All benches in short, one after the other: enough for a picture, and a few minutes long.
struct QuickBenches {
    let program: String
    let voice: BenchVoice

    private static let rounds = 3

    /// What could be measured. `voice` hears of the others, and why.
    func run() throws -> [CofferBench.Measurement] {
        let benches: [(name: String, run: () throws -> CofferBench.Measurement)] = [
            ("crypto", crypto),
            (
                "volume",
                { try VolumeBench(settings("/dev/shm", Self.loads), program: program, voice: voice).run() }
            ),
            (
                "filesystem",
                { try FilesystemBench(settings("/var/tmp"), program: program, voice: voice).run() }
            ),
            ("database", { try DatabaseBench(settings("/var/tmp"), program: program, voice: voice).run() }),
            ("peers", { try PeersBench(settings("/dev/shm"), program: program, voice: voice).run() }),
        ]
        return try benches.compactMap { bench in
            do {
                return try bench.run()
            } catch let error as AWSError {
                voice.notice("\(bench.name) is left out: \(error.message)")
                return nil
            }
        }
    }

    /// One client, and no queue deeper than 16.
    private static let loads = [
        "seqread-1m-d4", "seqwrite-1m-d4", "randread-4k-d1", "randwrite-4k-d1", "randread-4k-d16",
        "randwrite-4k-d16",
    ]

    private func settings(_ backing: String, _ loads: [String] = []) -> BenchSettings {
        BenchSettings(
            rounds: Self.rounds,
            seconds: 1,
            backing: backing,
            sizeBytes: 64 << 20,
            loadNames: loads,
            usesOwnEngine: false
        )
    }

    private func crypto() throws -> CofferBench.Measurement {
        let bench = CryptoBench(
            kernels: XTSKernel.all,
            unitBytes: [512, 4096],
            threadCounts: [1],
            rounds: Self.rounds,
            roundMilliseconds: 100
        )
        return bench.measurement(try bench.run(progress: voice.progress), date: Date(), machine: .current())
    }
}
