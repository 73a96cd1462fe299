internal import CofferCatalog
internal import CofferShapes
internal import CofferTesting
internal import Foundation
internal import Testing

@testable internal import CofferRDS

/// Whether an archive goes on after its supervisor was away, or begins anew.
@Suite(.serialized) struct SQLiteGenerationTests {
    private let instance: SQLiteInstance

    init() async throws { instance = try await SQLiteInstance() }

    /// A client that keeps the database open.
    private func prompt(timeoutSeconds: Double = 5) throws -> Client {
        let client = try Client(Client.prompt, instance.database, "\(timeoutSeconds)")
        client.say("SELECT 1")
        _ = client.line()
        return client
    }

    private func ask(_ client: Client, _ sql: String) -> String {
        client.say(sql)
        return client.line()
    }

    @Test func `after a clean stop the generation goes on with a new log`() async throws {
        let engine = try await instance.create()
        try Client.sql(instance.database, "CREATE TABLE t(a); INSERT INTO t VALUES (1)")
        try await engine.archiveNew(isLast: false)
        try instance.snapshot("snapshot")
        let generation = try instance.generation
        try Client.sql(instance.database, "INSERT INTO t VALUES (2)")
        try await engine.stop()
        #expect(!FileManager.default.fileExists(atPath: instance.database + "-wal"))
        let next = try await instance.start()
        #expect(next.takeNews().isEmpty)
        try Client.sql(instance.database, "INSERT INTO t VALUES (3)")
        try await next.archiveNew(isLast: false)
        #expect(try instance.generation == generation)
        let restored = try await instance.restore("snapshot", to: SystemClock().now)
        #expect(try Client.sql(restored, "SELECT group_concat(a) FROM t") == "1,2,3")
        try await next.stop()
    }

    @Test func `a database that was changed after a clean stop begins a new generation, and says so`()
        async throws
    {
        let engine = try await instance.create()
        try Client.sql(instance.database, "CREATE TABLE t(a)")
        try await engine.stop()
        let generation = try #require(try instance.generation)
        try Client.sql(instance.database, "INSERT INTO t VALUES (1)")
        let next = try await instance.start()
        #expect(next.takeNews().map(\.category) == ["backup"])
        #expect(try #require(try instance.generation) > generation)
        #expect(next.historyBegan == Timestamp(nanoseconds: try #require(try instance.generation)))
        try await next.stop()
    }

    @Test func `after its supervisor was killed in the middle of its clients' work nothing is lost`()
        async throws
    {
        let engine = try await instance.create()
        try Client.sql(instance.database, "CREATE TABLE t(a); CREATE TABLE c(n); INSERT INTO c VALUES (0)")
        try await engine.archiveNew(isLast: false)
        try instance.snapshot("snapshot")
        let client = try prompt()
        #expect(ask(client, "INSERT INTO t VALUES (1)") == "ok")
        try await engine.archiveNew(isLast: false)
        let generation = try instance.generation
        #expect(ask(client, "INSERT INTO t VALUES (2)") == "ok")
        engine.abandon()
        #expect(ask(client, "INSERT INTO t VALUES (3)") == "ok")
        let next = try await instance.start()
        #expect(next.takeNews().isEmpty)
        #expect(ask(client, "INSERT INTO t VALUES (4)") == "ok")
        try await next.archiveNew(isLast: false)
        #expect(try instance.generation == generation)
        let restored = try await instance.restore("snapshot", to: SystemClock().now)
        #expect(try Client.sql(restored, "SELECT group_concat(a) FROM t") == "1,2,3,4")
        try await next.stop()
        client.end()
    }

    @Test func `a log that began anew while nobody archived it begins a new generation, and says so`()
        async throws
    {
        let engine = try await instance.create()
        try Client.sql(instance.database, "CREATE TABLE t(a)")
        try await engine.archiveNew(isLast: false)
        try instance.snapshot("snapshot")
        let client = try prompt()
        let generation = try #require(try instance.generation)
        engine.abandon()
        #expect(ask(client, "INSERT INTO t VALUES (1)") == "ok")
        #expect(ask(client, "PRAGMA wal_checkpoint(TRUNCATE)") == "0|0|0")
        #expect(ask(client, "INSERT INTO t VALUES (2)") == "ok")
        let next = try await instance.start()
        #expect(next.takeNews().map(\.category) == ["backup"])
        #expect(try #require(try instance.generation) > generation)
        // The old snapshot leads to nowhere now; a new one does.
        let error = await #expect(throws: AWSError.self) {
            try await instance.restore("snapshot", to: SystemClock().now)
        }
        #expect(error?.code == .invalidRestore)
        try instance.snapshot("new")
        #expect(ask(client, "INSERT INTO t VALUES (3)") == "ok")
        try await next.archiveNew(isLast: false)
        let restored = try await instance.restore("new", to: SystemClock().now)
        #expect(try Client.sql(restored, "SELECT group_concat(a) FROM t") == "1,2,3")
        try await next.stop()
        client.end()
    }

    @Test func `clients can neither leave WAL mode nor begin the log anew over what is not archived`()
        async throws
    {
        let engine = try await instance.create()
        try Client.sql(instance.database, "CREATE TABLE t(a)")
        let client = try prompt(timeoutSeconds: 0.1)
        #expect(ask(client, "PRAGMA journal_mode=DELETE").contains("locked"))
        #expect(ask(client, "INSERT INTO t VALUES (1)") == "ok")
        for kind in ["FULL", "RESTART", "TRUNCATE"] {
            #expect(ask(client, "PRAGMA wal_checkpoint(\(kind))").hasPrefix("1|"), "\(kind) is busy")
        }
        try await engine.archiveNew(isLast: false)
        #expect(try Client.sql(instance.database, "PRAGMA journal_mode") == "wal")
        try await engine.stop()
        client.end()
    }

    @Test func `a database file that is replaced or gone is told as a failure`() async throws {
        let engine = try await instance.create()
        try Client.sql(instance.database, "CREATE TABLE t(a)")
        try await engine.archiveNew(isLast: false)
        #expect(engine.failure() == nil)
        try Client.run("/bin/mv", [instance.database, instance.database + ".away"])
        #expect(engine.failure() != nil)
        try Client.sql(instance.database, "CREATE TABLE other(a)")
        #expect(engine.failure()?.contains("replaced") == true)
        try? await engine.stop()
        let generation = try #require(try instance.generation)
        let next = try await instance.start()
        #expect(try #require(try instance.generation) > generation)
        try await next.stop()
    }
}
