internal import CofferShapes
internal import Foundation
internal import Glibc

/// What the cipher costs on the path of a byte, and what the path costs at all: files served with the cipher and without,
/// and a bare one, under the same loads in the same rounds.
public struct VolumeBench {
    /// What `--load` may name.
    public static let loadNames = Load.ofDevice.map(\.name) + [VolumeCost.loadName]

    private let settings: BenchSettings
    private let program: String
    private let server: String
    private let voice: BenchVoice

    /// `program` is the path of `coffer`; the bench server, which has a kernel that does not cipher, lies beside it
    /// where it was built.
    public init(_ settings: BenchSettings, program: String, voice: BenchVoice) {
        (self.settings, self.program, self.voice) = (settings, program, voice)
        server =
            URL(fileURLWithPath: program).deletingLastPathComponent()
            .appendingPathComponent("CofferBenchServer").path
    }

    private static let subjects = ["cipher on", "cipher off", "raw file"]

    public func run() throws -> Measurement {
        let loads = Load.ofDevice.filter { settings.names($0.name) }
        guard loads.isEmpty || FileManager.default.isExecutableFile(atPath: server) else {
            throw AWSError(
                .missingRequirement,
                "cannot measure without the cipher: CofferBenchServer is not beside \(program)",
                hint:
                    "build it with `swift build -c release --product CofferBenchServer`, or run `tools/bench volume`"
            )
        }
        let engine = try LoadEngines.choose(own: settings.usesOwnEngine)
        return try Scratch.use(in: settings.backing, complain: voice.notice) { scratch in
            var tables: [Measurement.Table] = []
            var caches: Measurement.Labelled?
            if !loads.isEmpty {
                let targets = try targets(scratch)
                let isBareDirect = targets[2].takesDirect
                caches = Self.caches(settings.backing, isBareDirect: isBareDirect)
                tables.append(try path(loads, engine, targets, isBareDirect: isBareDirect))
            }
            if settings.names(VolumeCost.loadName) {
                let cost = VolumeCost(settings, engine, ScratchHome(program: program, scratch: scratch))
                tables.append(try cost.table(voice))
            }
            return Measurement(
                bench: "volume",
                date: Date(),
                machine: .current(versions: [.init("load", engine.title)]),
                settings: settings.labelled(
                    [
                        .init("backing", Filesystem.title(of: settings.backing)),
                        .init("serving threads", "\(Self.threadCount)"),
                    ] + [caches].compactMap(\.self)
                ),
                tables: tables
            )
        }
    }

    /// As many as coffer-volumed has by default where it serves through the page cache, as here.
    private static let threadCount = max(2, min(16, ProcessInfo.processInfo.activeProcessorCount))

    /// What stands between the loads and a disk, which is not the same for all; nil where there is none.
    private static func caches(_ backing: String, isBareDirect: Bool) -> Measurement.Labelled? {
        guard Filesystem.kind(of: backing) != .tmpfs else { return nil }
        let bare = isBareDirect ? "past it" : "through the page cache"
        return .init("caches", "served files through the daemon's page cache, the bare file \(bare)")
    }

    /// What each subject loads, full of data: what two servers expose of one file, with the cipher and without, and a
    /// bare file. One file, as where its pages lie in memory counts for as much as the cipher. The bare one is another,
    /// as direct writes to it would take the served one's pages from the cache.
    private func targets(_ scratch: Scratch) throws -> [LoadTarget] {
        voice.progress(0, "filling two files")
        // A volume's data begins after the first MiB.
        let served = try full("served", scratch, sizeBytes: settings.sizeBytes + 1 << 20)
        let bare = try full("bare", scratch, sizeBytes: settings.sizeBytes)
        let exposed = try ["on", "off"].map { try serve(served, cipher: $0, scratch) }
        return (exposed + [bare]).map { LoadTarget(path: $0, sizeBytes: settings.sizeBytes) }
    }

    /// A file of random bytes: a unit of zeroes would count as a hole, and only without the cipher.
    private func full(_ name: String, _ scratch: Scratch, sizeBytes: Int) throws -> String {
        let path = try scratch.sparseFile(name, sizeBytes: sizeBytes)
        try Noise.fill(path, sizeBytes: sizeBytes)
        return path
    }

    private func path(
        _ loads: [Load],
        _ engine: any LoadEngine,
        _ targets: [LoadTarget],
        isBareDirect: Bool
    ) throws -> Measurement.Table {
        if !isBareDirect {
            voice.notice(
                "\(settings.backing) knows no direct I/O: the raw file is measured through the page cache, "
                    + "at depth 1 alone"
            )
        }
        let rounds = Rounds(settings.rounds, lines: loads.map { .init($0) }, subjects: Self.subjects)
        let rows = try rounds.run(progress: voice.progress) { line, subject in
            guard let load = loads[line].onFile(takesDirect: subject != 2 || isBareDirect) else { return nil }
            let result = try engine.run(load, on: targets[subject], for: settings.runTime)
            return Rounds.Sample(result, of: load)
        }
        return Measurement.Table(title: "The path of a byte", subjects: Self.subjects, rows: rows)
    }

    /// The file that a server exposes of `backing`.
    private func serve(_ backing: String, cipher: String, _ scratch: Scratch) throws -> String {
        let directory = try scratch.folder("cipher-\(cipher)")
        let exposed = "\(directory)/volume"
        try scratch.serve(
            server,
            ["serve", backing, directory, "--cipher", cipher, "--threads", "\(Self.threadCount)"],
            name: "cipher-\(cipher)",
            environment: ScratchHome.environment
        ) { unsafe access(exposed, R_OK | W_OK) == 0 }
        return exposed
    }
}
