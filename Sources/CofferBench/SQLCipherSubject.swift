internal import CofferShapes
internal import Foundation
internal import Glibc

/// One database, worked on by the program sqlcipher, which without a passphrase is SQLite. Each piece of work is a script
/// that it reads from a file, passphrase included; what it prints of the clock tells how long the work took, and neither
/// the program's start nor the derivation of its key counts.
struct SQLCipherSubject {
    let path: String
    private let scriptFile: String
    private let passphrase: String?
    private let rowCount: Int

    init(_ scratch: Scratch, folder: String, passphrase: String?, rowCount: Int) {
        path = "\(folder)/bench.sqlite"
        scriptFile = scratch.path("\(passphrase == nil ? "sqlite" : "sqlcipher").sql")
        (self.passphrase, self.rowCount) = (passphrase, rowCount)
    }

    func fill(rowBytes: Int) throws {
        _ = try run(
            """
            PRAGMA synchronous = OFF;
            CREATE TABLE item (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
            WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < \(rowCount))
                INSERT INTO item SELECT i, randomblob(\(rowBytes)) FROM k;
            PRAGMA journal_mode = WAL;
            """
        )
    }

    /// Reads of one row each, at random keys. A second.
    func reads(count: Int) throws -> Double {
        let seconds = try run(
            """
            -- Each read but those of the tree's root misses SQLite's own cache.
            PRAGMA cache_size = 16;
            SELECT count(*) FROM sqlite_master;
            \(Self.clock)
            WITH RECURSIVE k(i, n) AS (
                    SELECT \(Int.random(in: 1..<1 << 30)), 1
                    UNION ALL SELECT (i * 1103515245 + 12345) % 2147483648, n + 1 FROM k WHERE n < \(count))
                SELECT count(item.body) FROM k CROSS JOIN item ON item.id = (k.i / 256) % \(rowCount) + 1;
            \(Self.clock)
            """
        )
        return Double(count) / seconds
    }

    /// Commits of one row each, durable one by one; taken back afterwards. A second.
    func inserts(count: Int, rowBytes: Int) throws -> Double {
        let insert = "INSERT INTO item (body) VALUES (randomblob(\(rowBytes)));\n"
        let seconds = try run(
            """
            PRAGMA synchronous = FULL;
            SELECT count(*) FROM sqlite_master;
            \(Self.clock)
            \(String(repeating: insert, count: count))\(Self.clock)
            DELETE FROM item WHERE id > \(rowCount);
            PRAGMA wal_checkpoint(TRUNCATE);
            """
        )
        return Double(count) / seconds
    }

    /// Reads the whole file, so that the system has it in its cache.
    func fillSystemCache() throws {
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        defer { try? file.close() }  // Opened for reading: nothing is lost.
        while let piece = try file.read(upToCount: 1 << 20), !piece.isEmpty {}
    }

    /// Days since noon in Greenwich on 24 November 4714 BC, right to a millisecond.
    private static let clock = "SELECT 'clock ' || julianday('now');"

    /// Runs a script. Gives the seconds between the two times that it asks the clock; 0 where it does not.
    private func run(_ script: String) throws -> Double {
        let key = passphrase.map { "PRAGMA key = '\($0)';\nPRAGMA cipher_page_size = 4096;\n" }
        let text = "\(key ?? "PRAGMA page_size = 4096;\n")\(script)\n"
        try Data(text.utf8).write(to: URL(fileURLWithPath: scriptFile))
        let output = try Tool.run(
            "sh",
            ["-c", "exec <\"$0\" sqlcipher -batch -bail \"$@\"", scriptFile, path],
            limitSeconds: 900
        )
        let times = output.split(separator: "\n").filter { $0.hasPrefix("clock ") }
            .compactMap { Double($0.dropFirst("clock ".count)) }
        guard let first = times.first, let last = times.last else { return 0 }
        return (last - first) * 86400
    }
}
