internal import CofferShapes
internal import Foundation

/// What a volume costs beside its speed, at a small and at a huge size: time to attach, memory of its daemon, and the
/// processor's time for what is written and read.
struct VolumeCost {
    static let loadName = "cost"

    private let settings: BenchSettings
    private let engine: any LoadEngine
    private let home: ScratchHome

    init(_ settings: BenchSettings, _ engine: any LoadEngine, _ home: ScratchHome) {
        (self.settings, self.engine, self.home) = (settings, engine, home)
    }

    private static let lines = [
        Rounds.Line("attach, by the command", unit: "ms", higherIsBetter: false),
        Rounds.Line("resident memory of the daemon, under load", unit: "MiB", higherIsBetter: false),
        Rounds.Line("the daemon's processor time, writing", unit: "s/GiB", higherIsBetter: false),
        Rounds.Line("the daemon's processor time, reading", unit: "s/GiB", higherIsBetter: false),
    ]

    func table(_ voice: BenchVoice) throws -> Measurement.Table {
        let tebibytes = try makeVolumes()
        // The same part of both volumes holds data.
        let usedBytes = min(settings.sizeBytes, Self.smallBytes)
        for name in Self.names {
            voice.progress(0, "filling: \(name) volume")
            try attached(name) { exposed, _ in try Noise.fill(exposed, sizeBytes: usedBytes) }
        }
        let subjects = ["volume of 1 GiB", "volume of \(tebibytes) TiB"]
        let rounds = Rounds(settings.rounds, lines: Self.lines, subjects: subjects)
        let rows = try rounds.run(progress: voice.progress) { line, subject in
            try sample(line, Self.names[subject], usedBytes)
        }
        return Measurement.Table(title: "What a volume costs", subjects: subjects, rows: rows)
    }

    private static let names = ["small", "huge"]
    private static let smallBytes = 1 << 30

    /// Both are all hole. Gives the huge one's size, TiB: ext4 with blocks of 4 KiB has files below 16 TiB, and the file
    /// of a volume is larger than the volume.
    private func makeVolumes() throws -> Int {
        try home.create(Self.names[0], sizeBytes: Self.smallBytes)
        let tebibytes = Filesystem.kind(of: settings.backing) == .ext4 ? 15 : 16
        try home.create(Self.names[1], sizeBytes: tebibytes << 40)
        return tebibytes
    }

    private func sample(_ line: Int, _ name: String, _ usedBytes: Int) throws -> Rounds.Sample {
        switch line {
        case 0:
            let clock = ContinuousClock()
            let duration = try clock.measure { _ = try home.attach(name) }
            try home.detach(name)
            return .init(value: duration / .milliseconds(1))
        case 1:
            return try attached(name) { exposed, daemon in
                let before = try ProcessFigures.residentMebibytes(of: daemon)
                for direction in [Load.Direction.write, .read] {
                    _ = try run(direction, exposed, usedBytes, milliseconds: 300)
                }
                return .init(
                    value: try ProcessFigures.residentMebibytes(of: daemon),
                    details: [("MiB when just attached", before)]
                )
            }
        default:
            return try attached(name) { exposed, daemon in
                let (own, all) = (
                    try ProcessFigures.processorSeconds(of: daemon), ProcessFigures.busySeconds()
                )
                let direction: Load.Direction = line == 2 ? .write : .read
                let result = try run(direction, exposed, usedBytes, milliseconds: settings.seconds * 1000)
                let gibibytes = Double(result.byteCount) / Double(1 << 30)
                return .init(
                    value: (try ProcessFigures.processorSeconds(of: daemon) - own) / gibibytes,
                    details: [
                        ("s/GiB of the whole machine", (ProcessFigures.busySeconds() - all) / gibibytes)
                    ]
                )
            }
        }
    }

    private func run(
        _ direction: Load.Direction,
        _ exposed: String,
        _ usedBytes: Int,
        milliseconds: Int
    ) throws -> LoadResult {
        try engine.run(
            Load(.sequential, direction, blockBytes: 1 << 20, depth: 4),
            on: LoadTarget(path: exposed, sizeBytes: usedBytes),
            // All that is done counts.
            for: RunTime(milliseconds: milliseconds, warmUpMilliseconds: 0)
        )
    }

    private func attached<Result>(
        _ name: String,
        _ body: (_ exposed: String, _ daemon: Int32) throws -> Result
    ) throws -> Result {
        let exposed = try home.attach(name)
        let result = try body(exposed, try home.daemon(of: name))
        try home.detach(name)
        return result
    }
}
