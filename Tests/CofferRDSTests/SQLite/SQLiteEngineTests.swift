internal import CofferCatalog
internal import CofferShapes
internal import CofferTesting
internal import Foundation
internal import Testing

@testable internal import CofferRDS

/// What an SQLite instance takes and gives.
@Suite struct SQLiteEngineTests {
    @Test(arguments: [
        ("cache_size", "-64000", true), ("page_size", "8192", true), ("page_size", "5000", false),
        ("synchronous", "normal", true), ("synchronous", "1;DROP TABLE t", false),
        ("wal_autocheckpoint", "0", false), ("mmap_size", "-1", false), ("foreign_keys", "ON", true),
        ("journal_mode", "DELETE", false),
    ])
    func `parameters are checked by name and value`(_ name: String, _ value: String, _ isFine: Bool) {
        do {
            try SQLiteParameters.check([name: value])
            #expect(isFine)
        } catch {
            #expect(!isFine && (error as? AWSError)?.code == .invalidParameterValue)
        }
    }

    @Test func `a client waits for others, and makes the instance's settings without a word`() async throws {
        let instance = try await SQLiteInstance([
            "cache_size": "-5000", "mmap_size": "1048576", "foreign_keys": "on",
        ])
        let engine = try await instance.create()
        let client = try SQLiteEngine().client(instance.site)
        let answer = try Client.run(
            client.program,
            client.arguments + [
                "PRAGMA busy_timeout; PRAGMA cache_size; PRAGMA mmap_size; PRAGMA foreign_keys"
            ]
        )
        #expect(answer == "5000\n-5000\n1048576\n1")
        #expect(SQLiteEngine().url(instance.site) == "sqlite:///" + instance.database)
        try await engine.stop()
    }

    @Test func `an export is one file with all that is committed, and clients go on meanwhile`() async throws
    {
        let instance = try await SQLiteInstance()
        let engine = try await instance.create()
        try Client.sql(
            instance.database,
            "CREATE TABLE t(a); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO t SELECT randomblob(1000) FROM n"
        )
        let path = instance.folder.path("export.db")
        var steps: [Int] = []
        try SQLiteEngine().export(instance.site, to: path) { done, total in
            if steps.isEmpty { _ = try? Client.sql(instance.database, "INSERT INTO t VALUES (0)") }
            steps.append(done * 100 / max(total, 1))
        }
        #expect(steps.last == 100)
        #expect(try Client.sql(path, "SELECT count(*) FROM t") == "3000")
        #expect(try Client.sql(path, "PRAGMA journal_mode; PRAGMA integrity_check") == "delete\nok")
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(throws: AWSError.self) { try SQLiteEngine().export(instance.site, to: path) }
        try await engine.stop()
    }

    @Test func `what no restore needs is removed from the archive, and restores still work`() async throws {
        let instance = try await SQLiteInstance()
        var engine = try await instance.create()
        try Client.sql(instance.database, "CREATE TABLE t(a)")
        try await engine.archiveNew(isLast: false)
        for number in 0..<6 {
            try await engine.stop()
            engine = try await instance.start()
            try Client.sql(instance.database, "INSERT INTO t VALUES (\(number))")
            try await engine.archiveNew(isLast: false)
            if number == 4 { try instance.snapshot("snapshot") }
        }
        let snapshot = SystemClock().now
        let all = try instance.site.archive.names()
        try await SQLiteEngine().prune(instance.site.archive, keeping: Timestamp(nanoseconds: 1))
        #expect(try instance.site.archive.names() == all)
        try await SQLiteEngine().prune(instance.site.archive, keeping: snapshot)
        #expect(try instance.site.archive.names() == Array(all.suffix(2)))
        let restored = try await instance.restore("snapshot", to: SystemClock().now)
        #expect(try Client.sql(restored, "SELECT group_concat(a) FROM t") == "0,1,2,3,4,5")
        try await engine.stop()
    }

    @Test
    func `without backups nothing is archived, and switched on they begin with a generation of their own`()
        async throws
    {
        let instance = try await SQLiteInstance()
        var record = instance.site.record
        record.backupRetentionDays = 0
        let site = EngineSite(
            record: record,
            parameters: [:],
            mount: instance.site.mount,
            socketFolder: instance.site.mount,
            archive: instance.site.archive,
            clock: SystemClock(),
            logger: instance.site.logger
        )
        try await SQLiteEngine().create(site, password: nil)
        let engine = try await RunningSQLite(site)
        try Client.sql(instance.database, "CREATE TABLE t(a)")
        try await engine.archiveNew(isLast: false)
        #expect(engine.latestRestorable == nil)
        #expect(try instance.site.archive.names().isEmpty)
        #expect(try await engine.reload(instance.site).isEmpty)
        #expect(engine.latestRestorable != nil)
        #expect(try instance.site.archive.names().count == 1)
        try await engine.stop()
    }
}
