internal import CofferCatalog
internal import CofferShapes
internal import CofferSystem
internal import CofferTesting
internal import Foundation
internal import Glibc
internal import Testing

@testable internal import CofferRDS

/// Snapshots and archives that become servers again.
@Suite(.serialized, .mounts, .postgres)
struct PostgresRestoreTests {
    /// Has a client commit a row each 100 ms, `count` times, while the supervisor archives as it does.
    private func write(_ count: Int, _ site: EngineSite, _ running: RunningPostgres) async throws {
        let client = Task {
            try await site.client(
                """
                DO $$ BEGIN FOR i IN 1..\(count) LOOP
                  INSERT INTO moments (at) VALUES (clock_timestamp()); COMMIT; PERFORM pg_sleep(0.1);
                END LOOP; END $$
                """
            )
        }
        let deadline = ContinuousClock.now + .milliseconds(100 * count)
        while ContinuousClock.now < deadline {
            try await running.archiveNew(isLast: false)
            _ = await running.figures()
            try await Task.sleep(for: .milliseconds(50))
        }
        let outcome = try await client.value
        try #require(outcome.code == 0, "\(outcome.errors)")
    }

    /// Microseconds since 1970 at which each row was made.
    private func moments(_ site: EngineSite) async throws -> [UInt64] {
        try await site.value(
            "SELECT floor(extract(epoch FROM at) * 1000000)::bigint FROM moments ORDER BY at"
        )
        .split(separator: "\n").compactMap { UInt64($0) }
    }

    @Test func `a restore to a time has exactly the rows up to then`() async throws {
        let home = try await PostgresHome()
        let (site, running) = try await home.running("source")
        _ = try await site.value("CREATE TABLE moments (at timestamptz)")
        try await write(10, site, running)
        let snapshots = [
            try await home.snapshot(site, as: "one"), try await home.snapshot(site, as: "two"),
            try await home.snapshot(site, as: "three"), try await home.snapshot(site, as: "four"),
        ]
        // Two segments are closed on the way, and one at the end.
        for _ in 0..<2 {
            try await write(20, site, running)
            _ = try await PostgresCluster(site).sql("SELECT pg_switch_wal()")
        }
        try await write(10, site, running)
        let rows = try await moments(site)
        try #require(rows.count == 60)
        // With nothing to do, the time to which everything is archived moves on.
        try await running.archiveNew(isLast: true)
        let early = try #require(running.latestRestorable)
        try await Task.sleep(for: .seconds(6))
        _ = await running.figures()
        let latest = try #require(running.latestRestorable)
        #expect(latest > early)
        #expect(latest.nanoseconds / 1000 > rows[59])
        try await running.stop()

        for (index, snapshot) in snapshots.enumerated() {
            let chosen = [Int.random(in: 10..<28), Int.random(in: 28..<45), Int.random(in: 45..<59), 59][
                index
            ]
            // Between two rows; the last time is after all of them.
            let target = index == 3 ? latest : Timestamp(nanoseconds: (rows[chosen] + 50_000) * 1000)
            try await PostgresEngine().restore(snapshot, from: site.archive, to: target)
            #expect(try PostgresCluster(snapshot).servers().isEmpty)
            let restored = try await home.start(snapshot)
            #expect(try await moments(snapshot) == Array(rows[...chosen]), "to \(target.iso8601)")
            #expect(try await snapshot.value("SELECT pg_is_in_recovery()") == "f")
            // It goes on with an archive of its own, from which it can be restored in turn.
            _ = try await snapshot.value("INSERT INTO moments VALUES (now()) RETURNING 1")
            try await restored.archiveNew(isLast: true)
            #expect(try !snapshot.archive.names().isEmpty)
            #expect(
                try await snapshot.value("SELECT count(*) FROM pg_extension WHERE extname = 'amcheck'") == "0"
            )
            try await restored.stop()
            #expect(!FolderNames.exists("\(snapshot.mount)/fetched"))
        }
    }

    @Test
    func `a snapshot of a running server has every commit from before, under its own port and password`()
        async throws
    {
        let home = try await PostgresHome()
        let (site, running) = try await home.running("busy")
        _ = try await site.value(
            "CREATE TABLE t (i int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 5000)"
        )
        let copy = try await home.snapshot(site, as: "copy")
        _ = try await site.value("INSERT INTO t VALUES (5001)")
        try await PostgresEngine().restore(copy, from: nil, to: nil)
        let restored = try await home.start(copy)
        #expect(try await copy.value("SELECT count(*) FROM t") == "5000")
        #expect(try await copy.value("SELECT rolsuper FROM pg_roles WHERE rolname = 'Chief'") == "f")
        #expect(try await site.value("SELECT count(*) FROM t") == "5001")
        try await restored.stop()
        try await running.stop()
    }

    @Test func `a snapshot with a damaged page is refused`() async throws {
        let home = try await PostgresHome()
        let (site, running) = try await home.running("whole")
        _ = try await site.value("CREATE TABLE t AS SELECT generate_series(1, 5000) AS i; CHECKPOINT")
        let path = try await site.value("SELECT pg_relation_filepath('t')")
        let copy = try await home.snapshot(site, as: "broken")
        try await running.stop()
        let descriptor = unsafe open("\(copy.data)/\(path)", O_RDWR)
        try #require(descriptor >= 0)
        let noise = [UInt8](repeating: 0xA5, count: 64)
        #expect(unsafe pwrite(descriptor, noise, 64, 8192 + 4000) == 64)
        close(descriptor)
        let error = await #expect(throws: AWSError.self) {
            try await PostgresEngine().restore(copy, from: nil, to: nil)
        }
        #expect(error?.code == .damaged, "\(error as Any)")
        #expect(try PostgresCluster(copy).servers().isEmpty)
    }

    @Test func `an archive with a gap or a damaged segment is refused, never half restored`() async throws {
        let home = try await PostgresHome()
        let (site, running) = try await home.running("gap")
        _ = try await site.value("CREATE TABLE moments (at timestamptz)")
        let (one, two) = (
            try await home.snapshot(site, as: "gap1"), try await home.snapshot(site, as: "gap2")
        )
        for _ in 0..<3 {
            try await write(3, site, running)
            _ = try await PostgresCluster(site).sql("SELECT pg_switch_wal()")
            try await running.archiveNew(isLast: true)
        }
        let latest = Timestamp(nanoseconds: SystemClock().now.nanoseconds)
        try await running.stop()
        let segments = try PostgresArchiver.files(of: site.archive).filter { $0.end != nil }
        try #require(segments.count >= 3)
        let middle = site.archive.path(PostgresArchiver.name(segments[segments.count - 2]))
        let content = try Data(contentsOf: URL(fileURLWithPath: middle))
        var damaged = content
        damaged[content.count / 2] ^= 1
        try damaged.write(to: URL(fileURLWithPath: middle))
        let first = await #expect(throws: AWSError.self) {
            try await PostgresEngine().restore(one, from: site.archive, to: latest)
        }
        #expect(first?.code == .damaged, "\(first as Any)")
        try FileManager.default.removeItem(atPath: middle)
        let second = await #expect(throws: AWSError.self) {
            try await PostgresEngine().restore(two, from: site.archive, to: latest)
        }
        #expect(second?.code == .damaged && second?.message.contains("lacks") == true, "\(second as Any)")
    }

    @Test func `a request that a supervisor left behind is done by the next, and hostile ones by nobody`()
        async throws
    {
        let home = try await PostgresHome()
        let (site, running) = try await home.running("asked")
        let folder = try PostgresCluster(site).exchange.folder
        for name in ["../../x.store", "000000010000000000000001x.store", "-rf.store"] {
            _ = FileManager.default.createFile(
                atPath: "\(folder)/\(name.split(separator: "/").last ?? "")",
                contents: nil
            )
        }
        _ = try await site.value("CREATE TABLE t (i int)")
        _ = try await PostgresCluster(site).sql("SELECT pg_switch_wal()")
        let deadline = ContinuousClock.now + .seconds(20)
        while try PostgresCluster(site).exchange.requests(.store).isEmpty, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(try FolderNames.sorted(in: folder).filter { $0.hasSuffix(".store") }.count == 1)
        #expect(try site.archive.names().isEmpty)
        // As another supervisor would that takes the server over.
        var archiver = try PostgresArchiver(PostgresCluster(site))
        while try !archiver.isIdle, ContinuousClock.now < deadline {
            try await archiver.serve()
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(try !site.archive.names().isEmpty)
        try await running.stop()
    }

    @Test func `a segment is packed without its zeroes and comes back whole`() {
        for content in [[], [0], [0, 0, 0], [1, 2, 0, 0], [0, 7]] as [[UInt8]] {
            #expect(PostgresArchiver.unpacked(PostgresArchiver.packed(content)) == content)
        }
        #expect(PostgresArchiver.packed([UInt8](repeating: 0, count: 1 << 20)).count == 8)
        for bad in [[], [0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 1], [255, 0, 0, 0, 0, 0, 0, 0]]
            as [[UInt8]]
        {
            #expect(PostgresArchiver.unpacked(bad) == nil)
        }
    }

    @Test func `what was archived long before the oldest snapshot is removed, and nothing else`() async throws
    {
        let home = try await PostgresHome()
        let archive = try home.site("pruned").archive
        for name in ["wal-000000010000000000000001", "wal-000000010000000000000002", "wal-00000002.history"] {
            try await archive.store(name, PostgresArchiver.packed([1]))
        }
        let now = SystemClock().now
        let old = [
            timeval(tv_sec: time(nil) - 200_000, tv_usec: 0),
            timeval(tv_sec: time(nil) - 200_000, tv_usec: 0),
        ]
        for name in ["wal-000000010000000000000001", "wal-00000002.history"] {
            #expect(unsafe utimes(archive.path(name), old) == 0)
        }
        try PostgresEngine().prune(archive, keeping: now)
        #expect(try archive.names() == ["wal-000000010000000000000002", "wal-00000002.history"])
    }
}
