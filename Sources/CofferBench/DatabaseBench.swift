internal import CofferShapes
internal import Foundation

/// What a database loses by lying on a volume: SQLite, and PostgreSQL where it is installed, on ext4 on a volume, and on
/// ext4 on a loop device over a bare file on the same disk.
public struct DatabaseBench {
    /// What `--load` may name.
    public static let loadNames = SQLiteSubject.Work.allCases.map(\.rawValue) + [pgbench]

    private static let pgbench = "pgbench"

    private let settings: BenchSettings
    private let program: String
    private let voice: BenchVoice
    private let disk: BackingDisk

    /// `program` is the path of `coffer`.
    public init(_ settings: BenchSettings, program: String, voice: BenchVoice) {
        (self.settings, self.program, self.voice) = (settings, program, voice)
        disk = BackingDisk(settings.backing, voice)
    }

    public func run() throws -> Measurement {
        let works = SQLiteSubject.Work.allCases.filter { settings.names($0.rawValue) }
        let postgres = settings.names(Self.pgbench) ? PostgreSQLSubject.programs() : nil
        guard postgres != nil || !settings.loadNames.contains(Self.pgbench) else {
            throw AWSError(
                .missingRequirement,
                "cannot run pgbench: PostgreSQL is not installed",
                hint: "install it with `apt-get install postgresql postgresql-contrib`"
            )
        }
        return try Scratch.use(in: settings.backing, complain: voice.notice) { scratch in
            voice.progress(0, "making two filesystems")
            let pair = try FilesystemPair(
                // Room for what is inserted while it is measured, and for the logs.
                sizeBytes: settings.sizeBytes * 4 + 2 << 30,
                program: program,
                scratch: scratch
            )
            var tables: [Measurement.Table] = []
            var versions = [Measurement.Labelled("SQLite", try SQLiteSubject.version())]
            if !works.isEmpty { tables.append(try sqlite(works, pair)) }
            if let postgres {
                tables.append(try postgreSQL(postgres, pair, scratch))
                versions.append(.init("PostgreSQL", try PostgreSQLSubject.version(programs: postgres)))
            }
            return Measurement(
                bench: "database",
                date: Date(),
                machine: .current(versions: versions),
                settings: settings.labelled([
                    .init("backing", Filesystem.title(of: settings.backing)),
                    .init("SQLite", "write-ahead log, synchronous=FULL, rows of 1000 bytes"),
                ]),
                tables: tables
            )
        }
    }

    private func sqlite(_ works: [SQLiteSubject.Work], _ pair: FilesystemPair) throws -> Measurement.Table {
        let subjects = try pair.folders.map { folder in
            voice.progress(0, "filling a database")
            return try SQLiteSubject(path: "\(folder)/bench.sqlite", sizeBytes: settings.sizeBytes)
        }
        let pageCache = PageCache(notice: voice.notice)
        let rounds = Rounds(settings.rounds, lines: works.map(\.line), subjects: FilesystemPair.subjects)
        let rows = try rounds.run(progress: voice.progress) { line, subject in
            pageCache.drop(subjects[subject].path)
            let outcome = try subjects[subject].run(works[line], for: .seconds(settings.seconds)) {
                disk.flushCount
            }
            return .init(
                value: outcome.rate,
                latency: outcome.latency,
                details: works[line].commits ? outcome.flushes.details(each: outcome.latency.count) : []
            )
        }
        return Measurement.Table(title: "SQLite on a volume", subjects: FilesystemPair.subjects, rows: rows)
    }

    private func postgreSQL(
        _ programs: String,
        _ pair: FilesystemPair,
        _ scratch: Scratch
    ) throws -> Measurement.Table {
        let subjects = try zip(FilesystemPair.subjects, pair.folders).map { name, folder in
            voice.progress(0, "filling a PostgreSQL cluster")
            return try PostgreSQLSubject(
                programs: programs,
                filesystem: folder,
                name: name.replacing(" ", with: "-"),
                scale: max(1, settings.sizeBytes >> 25),
                scratch: scratch
            )
        }
        let rounds = Rounds(
            settings.rounds,
            lines: [PostgreSQLSubject.line],
            subjects: FilesystemPair.subjects
        )
        let rows = try rounds.run(progress: voice.progress) { _, subject in
            let before = disk.flushCount
            let outcome = try subjects[subject].run(seconds: settings.seconds)
            let flushes = FlushCounts(before: before, after: disk.flushCount)
            return .init(value: outcome.rate, details: flushes.details(each: outcome.transactionCount))
        }
        return Measurement.Table(
            title: "PostgreSQL on a volume",
            subjects: FilesystemPair.subjects,
            rows: rows
        )
    }
}
