internal import CofferShapes
internal import CofferSystem
internal import Foundation
internal import Glibc

/// A database that SQLCipher encrypts, on a plain disk, beside the same program's plain database on a volume: what differs
/// is where the encryption is, and not the engine.
struct SQLCipherBench {
    enum Work: String, CaseIterable {
        case read = "sqlcipher-read"
        case readCold = "sqlcipher-read-cold"
        case insert = "sqlcipher-insert"

        var line: Rounds.Line {
            switch self {
            case .read: Rounds.Line("read by key, past SQLite's cache", unit: "reads/s")
            case .readCold: Rounds.Line("read by key, past the system's cache too", unit: "reads/s")
            case .insert: Rounds.Line("insert, a row a commit", unit: "commits/s")
            }
        }
    }

    static let sqlcipher = Peer.Program(name: "sqlcipher", package: "sqlcipher")
    private static let rowBytes = 1000

    private let settings: BenchSettings
    private let program: String
    private let voice: BenchVoice
    private let pageCache: PageCache
    private let rowCount: Int

    /// `program` is the path of `coffer`. nil where it cannot be measured here; `voice` says why.
    init?(_ settings: BenchSettings, program: String, voice: BenchVoice) {
        // Its absence has been told along with the others'.
        guard [Self.sqlcipher].missingPackages.isEmpty else { return nil }
        guard geteuid() == 0 else {
            voice.notice("SQLCipher is left out: a filesystem on a volume is mounted by root alone")
            return nil
        }
        (self.settings, self.program, self.voice) = (settings, program, voice)
        pageCache = PageCache(notice: voice.notice)
        rowCount = settings.sizeBytes / Self.rowBytes
    }

    func table(_ works: [Work]) throws -> Measurement.Table {
        try Scratch.use(in: settings.backing, complain: voice.notice) { scratch in
            voice.progress(0, "making two filesystems")
            let pair = try FilesystemPair(
                // Room for what is inserted while it is measured, and for the log.
                sizeBytes: settings.sizeBytes * 2 + 256 << 20,
                program: program,
                scratch: scratch
            )
            let subjects = [
                SQLCipherSubject(scratch, folder: pair.folders[0], passphrase: nil, rowCount: rowCount),
                SQLCipherSubject(
                    scratch,
                    folder: pair.folders[1],
                    passphrase: Passphrase.random(),
                    rowCount: rowCount
                ),
            ]
            let names = ["Coffer, SQLite on a volume", "SQLCipher on a plain disk"]
            for (name, subject) in zip(names, subjects) {
                voice.progress(0, "filling a database: \(name)")
                try subject.fill(rowBytes: Self.rowBytes)
            }
            let rounds = Rounds(settings.rounds, lines: works.map(\.line), subjects: names)
            let rows = try rounds.run(progress: voice.progress) { line, subject in
                .init(value: try rate(works[line], subjects[subject]))
            }
            return Measurement.Table(title: "A database that is encrypted", subjects: names, rows: rows)
        }
    }

    /// Operations a second.
    private func rate(_ work: Work, _ subject: SQLCipherSubject) throws -> Double {
        switch work {
        case .read:
            try subject.fillSystemCache()
            return try subject.reads(count: 100_000 * settings.seconds)
        case .readCold:
            pageCache.drop(subject.path)
            return try subject.reads(count: 5000 * settings.seconds)
        case .insert:
            return try subject.inserts(count: 500 * settings.seconds, rowBytes: Self.rowBytes)
        }
    }
}
