internal import CofferShapes
internal import Foundation
internal import GRDB

/// A SQLite database in one filesystem: write-ahead log, synchronous=FULL, so that a commit is durable when it returns.
struct SQLiteSubject {
    enum Work: String, CaseIterable {
        case insert = "insert-each"
        case insertMany = "insert-1000"
        case update = "update"
        case read = "read"

        var line: Rounds.Line {
            switch self {
            case .insert: Rounds.Line("insert, a row a commit", unit: "commits/s")
            case .insertMany: Rounds.Line("insert, 1000 rows a commit", unit: "rows/s")
            case .update: Rounds.Line("update by key, a row a commit", unit: "commits/s")
            case .read: Rounds.Line("read by key, caches dropped", unit: "reads/s")
            }
        }

        var commits: Bool { self != .read }
    }

    struct Outcome {
        /// In the line's unit.
        let rate: Double
        /// Of commits, or of reads.
        let latency: LatencyHistogram
        let flushes: FlushCounts
    }

    let path: String
    private let rowCount: Int

    private static let rowBytes = 1000
    private static let rowsPerBatch = 1000

    /// Makes the database, with about `sizeBytes` of rows.
    init(path: String, sizeBytes: Int) throws {
        self.path = path
        let rowCount = max(Self.rowsPerBatch, sizeBytes / Self.rowBytes)
        self.rowCount = rowCount
        try open { database in
            try database.execute(sql: "CREATE TABLE item (id INTEGER PRIMARY KEY, body BLOB NOT NULL)")
            for first in stride(from: 0, to: rowCount, by: Self.rowsPerBatch) {
                try Interruption.check()
                try Self.insert(database, min(Self.rowsPerBatch, rowCount - first))
            }
            try database.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
        }
    }

    /// Does one kind of work for a while, and takes back what it has inserted, so that every run finds the same.
    func run(
        _ work: Work,
        for duration: Duration,
        countingFlushes flushCount: () -> UInt64?
    ) throws -> Outcome {
        try open { database in
            // Each key once, near ones long after each other; and of a page's few rows about one, so that a read misses.
            let keys = BlockCursor(first: 1, count: rowCount, isRandom: true, repeats: true)
            let update = try database.makeStatement(sql: "UPDATE item SET body = ? WHERE id = ?")
            let select = try database.makeStatement(sql: "SELECT body FROM item WHERE id = ?")
            let limit = work == .read ? rowCount / 4 : .max
            var latency = LatencyHistogram()
            let flushesBefore = flushCount()
            let clock = ContinuousClock()
            let start = clock.now
            var before = start
            while before - start < duration, latency.count < limit {
                try Interruption.check()
                switch work {
                case .insert: try Self.insert(database, 1)
                case .insertMany: try Self.insert(database, Self.rowsPerBatch)
                case .update: try update.execute(arguments: [Self.body(), keys.next()])
                case .read:
                    guard try Data.fetchOne(select, arguments: [keys.next()])?.count == Self.rowBytes else {
                        throw AWSError(.internalError, "\(path) lost a row while it was measured")
                    }
                }
                let after = clock.now
                latency.record(UInt64((after - before) / .nanoseconds(1)))
                before = after
            }
            let seconds = (before - start) / .seconds(1)
            let flushesAfter = flushCount()
            try database.execute(sql: "DELETE FROM item WHERE id > ?", arguments: [rowCount])
            try database.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            let perOperation = work == .insertMany ? Self.rowsPerBatch : 1
            return Outcome(
                rate: Double(latency.count) * Double(perOperation) / seconds,
                latency: latency,
                flushes: FlushCounts(before: flushesBefore, after: flushesAfter)
            )
        }
    }

    /// One transaction.
    private static func insert(_ database: Database, _ count: Int) throws {
        try database.inTransaction {
            let statement = try database.cachedStatement(sql: "INSERT INTO item (body) VALUES (?)")
            for _ in 0..<count { try statement.execute(arguments: [body()]) }
            return .commit
        }
    }

    /// Of the library that this program uses.
    static func version() throws -> String {
        try DatabaseQueue().read { try String.fetchOne($0, sql: "SELECT sqlite_version()") } ?? "unknown"
    }

    private static func body() -> Data {
        var noise = Noise()
        var bytes = [UInt8](repeating: 0, count: rowBytes)
        unsafe bytes.withUnsafeMutableBytes { unsafe $0.fill(from: &noise) }
        return Data(bytes)
    }

    /// A connection of its own for each run: none finds pages that another has read.
    private func open<Result>(_ body: (Database) throws -> Result) throws -> Result {
        do {
            var configuration = Configuration()
            configuration.prepareDatabase { database in
                try database.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
            }
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            let result = try queue.writeWithoutTransaction(body)
            try queue.close()
            return result
        } catch let error as DatabaseError {
            let isFull = error.resultCode == .SQLITE_FULL
            throw AWSError(
                isFull ? .storageFull : .internalError,
                "SQLite failed on \(path): \(error.message ?? "error \(error.resultCode.rawValue)")",
                hint: isFull ? "name a folder with more room with --backing" : nil
            )
        }
    }
}
