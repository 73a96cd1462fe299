internal import CofferShapes
internal import Foundation

/// What a database loses by lying on a volume: SQLite on ext4 on a volume, and on ext4 on a loop device over a bare file
/// on the same disk.
public struct DatabaseBench {
    /// What `--load` may name.
    public static let loadNames = SQLiteSubject.Work.allCases.map(\.rawValue)

    private let settings: BenchSettings
    private let program: String
    private let voice: BenchVoice

    /// `program` is the path of `coffer`.
    public init(_ settings: BenchSettings, program: String, voice: BenchVoice) {
        (self.settings, self.program, self.voice) = (settings, program, voice)
    }

    public func run() throws -> Measurement {
        let works = SQLiteSubject.Work.allCases.filter { settings.names($0.rawValue) }
        let disk = BackingDisk(settings.backing, voice)
        return try Scratch.use(in: settings.backing, complain: voice.notice) { scratch in
            voice.progress(0, "making two filesystems")
            let pair = try FilesystemPair(
                // Room for what is inserted while it is measured, and for the log.
                sizeBytes: settings.sizeBytes * 4 + 128 << 20,
                program: program,
                scratch: scratch
            )
            let subjects = try pair.folders.map { folder in
                voice.progress(0, "filling a database")
                return try SQLiteSubject(path: "\(folder)/bench.sqlite", sizeBytes: settings.sizeBytes)
            }
            let rounds = Rounds(
                settings.rounds,
                lines: works.map(\.line),
                subjects: FilesystemPair.subjects
            )
            let rows = try rounds.run(progress: voice.progress) { line, subject in
                PageCache.drop(subjects[subject].path)
                let outcome = try subjects[subject].run(works[line], for: .seconds(settings.seconds)) {
                    disk.flushCount
                }
                return .init(
                    value: outcome.rate,
                    latency: outcome.latency,
                    details: works[line].commits
                        ? outcome.flushes.details(each: outcome.latency.count) : []
                )
            }
            return Measurement(
                bench: "database",
                date: Date(),
                machine: .current(versions: [.init("SQLite", try SQLiteSubject.version())]),
                settings: settings.labelled([
                    .init("backing", Filesystem.title(of: settings.backing)),
                    .init("SQLite", "write-ahead log, synchronous=FULL, rows of 1000 bytes"),
                ]),
                tables: [
                    .init(title: "SQLite on a volume", subjects: FilesystemPair.subjects, rows: rows)
                ]
            )
        }
    }
}
