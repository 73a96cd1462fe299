internal import CofferShapes
internal import Foundation

/// What a filesystem loses by lying on a volume: the same loads on a file in ext4 on a volume, and in ext4 on a loop
/// device over a bare file on the same disk.
public struct FilesystemBench {
    /// What `--load` may name.
    public static let loadNames = Load.ofFile.map(\.name)

    private let settings: BenchSettings
    private let program: String
    private let voice: BenchVoice

    /// `program` is the path of `coffer`.
    public init(_ settings: BenchSettings, program: String, voice: BenchVoice) {
        (self.settings, self.program, self.voice) = (settings, program, voice)
    }

    public func run() throws -> Measurement {
        let loads = Load.ofFile.filter { settings.names($0.name) }
        let engine = try LoadEngines.choose(own: settings.usesOwnEngine)
        let disk = BackingDisk(settings.backing, voice)
        return try Scratch.use(in: settings.backing, complain: voice.notice) { scratch in
            voice.progress(0, "making two filesystems")
            let pair = try FilesystemPair(
                // Room for ext4's own structures, its journal above all.
                sizeBytes: settings.sizeBytes / 4 * 5 + 128 << 20,
                program: program,
                scratch: scratch
            )
            let targets = try pair.folders.map { folder in
                voice.progress(0, "filling a file")
                let path = "\(folder)/load"
                try Noise.fill(path, sizeBytes: settings.sizeBytes)
                return LoadTarget(path: path, sizeBytes: settings.sizeBytes)
            }
            let pageCache = PageCache(notice: voice.notice)
            let rounds = Rounds(
                settings.rounds,
                lines: loads.map { .init($0) },
                subjects: FilesystemPair.subjects
            )
            let rows = try rounds.run(progress: voice.progress) { line, subject in
                pageCache.drop(targets[subject].path)
                let before = disk.flushCount
                let result = try engine.run(loads[line], on: targets[subject], for: settings.runTime)
                var sample = Rounds.Sample(result, of: loads[line])
                if loads[line].durability == .eachWrite {
                    sample.details = FlushCounts(before: before, after: disk.flushCount)
                        .details(each: result.operationCount)
                }
                return sample
            }
            return Measurement(
                bench: "filesystem",
                date: Date(),
                machine: .current(versions: [.init("load", engine.title)]),
                settings: settings.labelled([.init("backing", Filesystem.title(of: settings.backing))]),
                tables: [
                    .init(title: "ext4 on a volume", subjects: FilesystemPair.subjects, rows: rows)
                ]
            )
        }
    }
}
