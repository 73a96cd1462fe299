internal import CofferCatalog
internal import CofferShapes
internal import CofferTesting
internal import Foundation
internal import Testing

@testable internal import CofferRDS

/// Restores to a time of databases that are in use.
@Suite(.serialized) struct SQLitePointInTimeTests {
    /// A row that a writer committed: between these times.
    private struct Row {
        let writer: Int
        let number: Int
        let before: UInt64
        let after: UInt64
    }

    private static let tables =
        "CREATE TABLE t(writer, number, filling); CREATE TABLE c(n); INSERT INTO c VALUES (0)"

    /// All rows of a writer that is told to end.
    private func rows(_ writer: Client, _ number: Int) -> [Row] {
        var rows: [Row] = []
        while true {
            let words = writer.line().split(separator: " ").compactMap { UInt64($0) }
            guard words.count == 3 else { break }
            rows.append(Row(writer: number, number: Int(words[0]), before: words[1], after: words[2]))
        }
        return rows
    }

    /// That a restored database has what was committed by the last look before `time`, nothing of after `time`, and is
    /// whole. On a machine that keeps up, looks are a tenth of a second apart.
    private func expect(
        _ database: String,
        has rows: [Row],
        of looks: [Timestamp],
        at time: Timestamp
    ) throws {
        // A commit is seen a little after the look began.
        let look = looks.last { $0.nanoseconds + 5_000_000 <= time.nanoseconds }?.nanoseconds ?? 0
        let found = Set(
            try Client.sql(database, "SELECT writer || ' ' || number FROM t").split(separator: "\n").map(
                String.init
            )
        )
        for row in rows {
            let name = "\(row.writer) \(row.number)"
            if row.after <= look {
                #expect(found.contains(name), "\(name) is missing")
            }
            if row.before > time.nanoseconds { #expect(!found.contains(name), "\(name) is of later") }
        }
        #expect(try Client.sql(database, "SELECT n FROM c") == "\(found.count)")
        #expect(try Client.sql(database, "PRAGMA integrity_check") == "ok")
    }

    @Test func `restores to random moments have what was committed by then, whoever checkpoints meanwhile`()
        async throws
    {
        let instance = try await SQLiteInstance(["wal_autocheckpoint": "40"])
        let engine = try await instance.create()
        try Client.sql(instance.database, Self.tables)
        try await engine.archiveNew(isLast: false)
        let writers = try (0..<3).map { try Client(Client.writer, instance.database, "\($0)") }
        let checkpointer = try Client(Client.checkpointer, instance.database)
        for writer in writers { _ = writer.line() }
        try await instance.supervise(engine, seconds: 2)
        for client in writers + [checkpointer] { client.signal(SIGSTOP) }
        let start = SystemClock().now
        try instance.snapshot("snapshot")
        for client in writers + [checkpointer] { client.signal(SIGCONT) }
        let looks = try await instance.supervise(engine, seconds: 6)
        let end = try #require(engine.latestRestorable)
        for writer in writers { writer.say("end") }
        checkpointer.end()
        var all: [Row] = []
        for (number, writer) in writers.enumerated() {
            try? await engine.archiveNew(isLast: false)
            writer.end()
            all += rows(writer, number)
        }
        #expect(all.count > 200)
        #expect(try instance.site.archive.names().count > 3, "the log has begun anew")
        for _ in 0..<20 {
            let time = Timestamp(nanoseconds: .random(in: start.nanoseconds...end.nanoseconds))
            try expect(try await instance.restore("snapshot", to: time), has: all, of: looks, at: time)
        }
        try await engine.stop()
    }

    @Test(arguments: ["512", "4096", "65536"])
    func `every page size, growth and VACUUM are restored`(_ pageSize: String) async throws {
        let instance = try await SQLiteInstance(["page_size": pageSize, "wal_autocheckpoint": "50"])
        let engine = try await instance.create()
        #expect(try Client.sql(instance.database, "PRAGMA page_size") == pageSize)
        try Client.sql(instance.database, "CREATE TABLE t(a, b)")
        try await engine.archiveNew(isLast: false)
        try instance.snapshot("snapshot")
        var states: [(Timestamp, String)] = []
        let dump =
            "SELECT count(*) || ' ' || coalesce(sum(length(b)), 0) || ' ' || coalesce(max(a), 0) FROM t"
        for statement in [
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO t SELECT i, randomblob(700) FROM n",
            "DELETE FROM t WHERE a % 3",
            "VACUUM",
            "INSERT INTO t VALUES (9999, zeroblob(300000))",
            "VACUUM",
        ] {
            try Client.sql(instance.database, statement)
            try await instance.supervise(engine, seconds: 0.2)
            states.append((SystemClock().now, try Client.sql(instance.database, dump)))
            try await Task.sleep(for: .milliseconds(20))
        }
        for (time, state) in states {
            let restored = try await instance.restore("snapshot", to: time)
            #expect(try Client.sql(restored, dump) == state)
            #expect(try Client.sql(restored, "PRAGMA integrity_check") == "ok")
        }
        try await engine.stop()
    }

    @Test func `a transaction of 200 MB is archived in little memory, and comes back`() async throws {
        let instance = try await SQLiteInstance()
        let engine = try await instance.create()
        try Client.sql(instance.database, "CREATE TABLE t(a)")
        try await engine.archiveNew(isLast: false)
        try instance.snapshot("snapshot")
        try Client.sql(
            instance.database,
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO t SELECT randomblob(1000000) FROM n"
        )
        let before = residentKiB()
        try await engine.archiveNew(isLast: true)
        #expect(residentKiB() - before < 64 << 10)
        let time = SystemClock().now
        let restored = try await instance.restore("snapshot", to: time)
        #expect(try Client.sql(restored, "SELECT count(*), sum(length(a)) FROM t") == "200|200000000")
        try await engine.stop()
    }

    private func residentKiB() -> Int {
        let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS") } ?? ""
        return line.split(separator: " ").compactMap { Int($0) }.first ?? 0
    }

    @Test func `a snapshot is restored as it is, with what only its log has`() async throws {
        let instance = try await SQLiteInstance()
        let engine = try await instance.create()
        try Client.sql(instance.database, "CREATE TABLE t(a); INSERT INTO t VALUES (1)")
        try instance.snapshot("snapshot")
        let restored = try await instance.restore("snapshot", to: nil)
        #expect(try Client.sql(restored, "SELECT a FROM t") == "1")
        #expect(!FileManager.default.fileExists(atPath: restored + "-wal"))
        try await engine.stop()
    }

    @Test func `a time in which nobody looked is refused, and one at its ends is not`() async throws {
        let instance = try await SQLiteInstance()
        let engine = try await instance.create()
        try Client.sql(instance.database, "CREATE TABLE t(a); INSERT INTO t VALUES (1)")
        try await engine.archiveNew(isLast: false)
        try instance.snapshot("snapshot")
        let before = SystemClock().now
        try await engine.archiveNew(isLast: false)
        try await Task.sleep(for: .seconds(1.5))
        try Client.sql(instance.database, "INSERT INTO t VALUES (2)")
        let within = SystemClock().now
        try await Task.sleep(for: .seconds(1.2))
        try await engine.archiveNew(isLast: false)
        let after = SystemClock().now
        #expect(
            try Client.sql(try await instance.restore("snapshot", to: before), "SELECT max(a) FROM t") == "1"
        )
        #expect(
            try Client.sql(try await instance.restore("snapshot", to: after), "SELECT max(a) FROM t") == "2"
        )
        let error = await #expect(throws: AWSError.self) {
            try await instance.restore("snapshot", to: within)
        }
        #expect(error?.code == .invalidRestore)
        try await engine.stop()
    }
}
