import CofferTesting
import Foundation
import Testing

/// `coffer-rds` with SQLite, on real volumes, as a person uses it.
@Suite(
    .serialized,
    .mounts,
    .mountable,
    .enabled(if: geteuid() == 0, "NO DATABASE IS TESTED: ext4 on a loop device takes root")
)
struct DatabaseCommandTests {
    @Test func `two commands give a prompt within two seconds, and what is written is there after a restart`()
        throws
    {
        let rds = try DatabaseProgram()
        let begun = ContinuousClock.now
        let url = try rds.succeed("create", "app")
        #expect(try rds.sqlite("app", "SELECT 1 + 1") == "2")
        #expect(ContinuousClock.now - begun < .seconds(2), "\(ContinuousClock.now - begun)")
        #expect(url.hasPrefix("sqlite:////"))
        #expect(try rds.succeed("connect", "app", "--url") == url)

        try rds.sqlite("app", "CREATE TABLE t (x); INSERT INTO t VALUES (42)")
        try rds.succeed("restart", "app")
        #expect(try rds.sqlite("app", "SELECT x FROM t") == "42")
        try rds.succeed("stop", "app")
        #expect(try rds.status("app") == "stopped")
        #expect(!FileManager.default.fileExists(atPath: String(url.dropFirst("sqlite:///".count))))
        let refused = try rds.run("connect", "app", "--url")
        #expect(refused.code == 5 && refused.errors.contains("coffer-rds start app"))
        #expect(try rds.succeed("start", "app") == url)
        #expect(
            try rds.sqlite("app", "SELECT x FROM t; PRAGMA journal_mode; PRAGMA page_size") == "42\nwal\n4096"
        )
    }

    @Test func `a hurried user is told what to do`() throws {
        let rds = try DatabaseProgram()
        let unknown = try rds.run("connect", "app")
        #expect(unknown.code == 4 && unknown.errors.contains("coffer-rds ls"))
        for name in ["App_1", "1app", "app-", "a--b", String(repeating: "a", count: 64), "../x", "rds:a"] {
            #expect(try rds.run("create", name).code == 2, "\(name)")
        }
        #expect(try rds.run("create", "app", "--size", "1000").errors.contains("20GiB"))
        #expect(try rds.run("create", "app", "--parameter", "no_such=1").code == 2)
        #expect(
            try rds.run("create", "app", "--key", "alias/none").errors.contains("KMSKeyNotAccessibleFault")
        )
        #expect(try rds.succeed("ls").isEmpty)
        try rds.succeed("create", "app", "--deletion-protection")
        #expect(try rds.run("create", "app").errors.contains("DBInstanceAlreadyExists"))
        #expect(
            try rds.run("delete", "app", "--skip-final-snapshot").code == 2,
            "nobody is there to be asked"
        )
        let protected = try rds.run("delete", "app", "--skip-final-snapshot", "--yes")
        #expect(protected.code == 2 && protected.errors.contains("--no-deletion-protection"))
        try rds.succeed("modify", "app", "--no-deletion-protection")
        #expect(
            try rds.run("delete", "app", "--yes").errors.contains("FinalDBSnapshotIdentifier is required")
        )
        #expect(try rds.run("start", "app").code == 5)
        #expect(try rds.run("modify", "app", "--size", "1GiB").errors.contains("storage only grows"))
        #expect(try rds.run("restore", "b", "--snapshot", "none").code == 4)
    }

    @Test
    func `a snapshot restores to a new instance, under another key through a copy, and outlives its source`()
        throws
    {
        let rds = try DatabaseProgram()
        _ = try rds.coffer.succeed("key", "create", "--alias", "one")
        _ = try rds.coffer.succeed("key", "create", "--alias", "two")
        try rds.succeed("create", "app", "--key", "alias/one", "--size", "1GiB")
        try rds.sqlite("app", "CREATE TABLE t (x); INSERT INTO t VALUES (1)")
        #expect(try rds.succeed("snapshot", "create", "app", "first") == "first")
        try rds.sqlite("app", "INSERT INTO t VALUES (2)")
        try rds.succeed("snapshot", "copy", "first", "second", "--key", "alias/two")
        try rds.succeed("delete", "app", "--final-snapshot", "last", "--yes")
        #expect(try rds.succeed("ls").isEmpty)
        try rds.succeed("restore", "old", "--snapshot", "first")
        #expect(try rds.sqlite("old", "SELECT group_concat(x) FROM t") == "1")
        try rds.succeed("restore", "new", "--snapshot", "last")
        #expect(try rds.sqlite("new", "SELECT group_concat(x) FROM t") == "1,2")
        for name in ["old", "new"] { try rds.succeed("stop", name) }

        _ = try rds.coffer.succeed("key", "disable", "alias/one")
        let refused = try rds.run("restore", "lost", "--snapshot", "first")
        #expect(refused.code == 1 && refused.errors.contains("KMSKeyNotAccessibleFault"))
        try rds.succeed("restore", "moved", "--snapshot", "second")
        #expect(try rds.sqlite("moved", "SELECT group_concat(x) FROM t") == "1")
        _ = try rds.coffer.succeed("key", "enable", "alias/one")
        for name in ["first", "second", "last"] { try rds.succeed("snapshot", "rm", name, "--yes") }
        #expect(try rds.sqlite("moved", "PRAGMA integrity_check") == "ok")
    }

    @Test
    func `an instance whose key is lost stops within the watch period, and starts once the key is back`()
        throws
    {
        let rds = try DatabaseProgram(watchSeconds: 1, recoverySeconds: 12)
        _ = try rds.coffer.succeed("key", "create", "--alias", "app")
        try rds.succeed("create", "app", "--key", "alias/app", "--size", "1GiB")
        try rds.sqlite("app", "CREATE TABLE t (x); INSERT INTO t VALUES (7)")
        _ = try rds.coffer.succeed("key", "disable", "alias/app")
        #expect(
            waits(seconds: 5) {
                (try? rds.status("app")) == "inaccessible-encryption-credentials-recoverable"
            }
        )
        let volume = try #require(try rds.member("VolumeId", of: "app") as? String)
        #expect(!MountTable.text().contains(volume))
        let refused = try rds.run("start", "app")
        #expect(refused.code == 1 && refused.errors.contains("KMSKeyNotAccessibleFault"))
        _ = try rds.coffer.succeed("key", "enable", "alias/app")
        try rds.succeed("start", "app")
        #expect(try rds.sqlite("app", "SELECT x FROM t; PRAGMA integrity_check") == "7\nok")
        #expect(try rds.succeed("events", "app").contains("inaccessible-encryption-credentials-recoverable"))
        let trail = try rds.coffer.succeed("trail", "ls", "--output", "json")
        #expect(
            trail.contains("aws:rds-infrastructure/db-")
                && trail.contains("\"invokedBy\" : \"rds.amazonaws.com\"")
        )

        _ = try rds.coffer.succeed("key", "disable", "alias/app")
        #expect(waits(seconds: 20) { (try? rds.status("app")) == "inaccessible-encryption-credentials" })
        _ = try rds.coffer.succeed("key", "enable", "alias/app")
        #expect(try rds.run("start", "app").code == 5, "past the limit there are only backups")
    }

    @Test func `what was running comes back after a reboot, and what was stopped does not`() throws {
        let rds = try DatabaseProgram()
        try rds.succeed("create", "app", "--size", "1GiB")
        try rds.succeed("create", "idle", "--size", "1GiB")
        try rds.succeed("stop", "idle")
        try rds.sqlite("app", "CREATE TABLE t (x); INSERT INTO t VALUES (3)")
        // A power cut, as far as processes can tell.
        for name in ["SupervisorProcessId"] {
            let process = try #require(try rds.member(name, of: "app") as? Int)
            kill(Int32(process), SIGKILL)
        }
        let volume = try #require(try rds.member("VolumeId", of: "app") as? String)
        Daemons.signal(try #require(Daemons.processID(volume: volume)), SIGKILL)
        #expect(waits(seconds: 5) { (try? rds.status("app")) == "stopped" })
        #expect(
            try rds.succeed("show", "app").contains("coffer-rds start app"),
            "it says what happened, and what to do"
        )
        _ = try rds.coffer.run("volume", "unmount", volume, "--force")
        try rds.succeed("start", "--all")
        // A new base for restores to a time may be on its way.
        #expect(try ["available", "backing-up"].contains(rds.status("app")))
        #expect(try rds.status("idle") == "stopped")
        #expect(try rds.sqlite("app", "SELECT x FROM t; PRAGMA integrity_check") == "3\nok")
        try rds.succeed("stop", "--all")
        #expect(try rds.status("app") == "stopped")
        try rds.succeed("start", "--all")
        #expect(try rds.sqlite("app", "SELECT x FROM t") == "3")
    }

    @Test func `a daemon that died is noticed, and the instance is back by itself`() throws {
        let rds = try DatabaseProgram()
        try rds.succeed("create", "app", "--size", "1GiB")
        try rds.sqlite("app", "CREATE TABLE t (x); INSERT INTO t VALUES (5)")
        let volume = try #require(try rds.member("VolumeId", of: "app") as? String)
        Daemons.signal(try #require(Daemons.processID(volume: volume)), SIGKILL)
        #expect(waits(seconds: 20) { (try? rds.sqlite("app", "SELECT x FROM t")) == "5" })
        // The daemon's end may not have been noticed yet: what is in memory can be read for a while.
        #expect(waits(seconds: 20) { (try? rds.succeed("events", "app"))?.contains("recovery") == true })
        #expect(try rds.sqlite("app", "INSERT INTO t VALUES (6); SELECT count(*) FROM t") == "2")
    }

    @Test func `storage grows while the database is in use`() throws {
        let rds = try DatabaseProgram()
        try rds.succeed("create", "app", "--size", "1GiB")
        try rds.sqlite("app", "CREATE TABLE t (x)")
        try rds.succeed("modify", "app", "--size", "3GiB")
        #expect(try rds.member("AllocatedStorage", of: "app") as? Int == 3)
        if try !Self.mayResizeMounted() {
            print(
                "NO FILESYSTEM GROWS WHILE IT IS MOUNTED: that takes CAP_SYS_RESOURCE; it does at the next start"
            )
            #expect(try rds.succeed("events", "app").contains("It grows when it is mounted next."))
            try rds.succeed("stop", "app")
            try rds.succeed("start", "app")
        }
        let folder = URL(fileURLWithPath: try rds.path("app")).deletingLastPathComponent().path
        let room = try FileManager.default.attributesOfFileSystem(forPath: folder)[.systemSize] as? Int ?? 0
        #expect(room > 2_700_000_000)
        #expect(try rds.sqlite("app", "INSERT INTO t VALUES (1); SELECT count(*) FROM t") == "1")
        #expect(try rds.succeed("top", "--once").contains("app"))
    }

    @Test
    func
        `nothing that was written, indexed, sorted, archived or snapshotted can be read in the home or in /tmp`()
        throws
    {
        let rds = try DatabaseProgram()
        let marker = "MARK-\(UInt64.random(in: 0...UInt64.max))"
        try rds.succeed("create", "app", "--size", "1GiB")
        try rds.sqlite(
            "app",
            """
            PRAGMA cache_size = 50; CREATE TABLE t (x); CREATE INDEX i ON t (x);
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
            INSERT INTO t SELECT '\(marker)-' || i || hex(randomblob(50)) FROM n;
            CREATE TABLE sorted AS SELECT x FROM t ORDER BY substr(x, 30);
            """
        )
        try rds.succeed("snapshot", "create", "app", "one")
        #expect(waits(seconds: 10) { (try? rds.member("LatestRestorableTime", of: "app") as? String) != nil })
        // The open database has it: the marker is what is looked for.
        #expect(try Self.holds(marker, rds.path("app") + "*"))
        try rds.succeed("stop", "app")
        #expect(try !Self.holds(marker, "\(rds.coffer.home) /tmp /var/tmp"))
        try rds.succeed("start", "app")
        #expect(try rds.sqlite("app", "SELECT count(*) FROM t WHERE x LIKE '\(marker)%'") == "20000")
    }

    /// Whether this process has CAP_SYS_RESOURCE, without which ext4 refuses (capabilities(7)).
    private static func mayResizeMounted() throws -> Bool {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("CapEff:") })
        let mask = try #require(UInt64(line.dropFirst(7).trimmingCharacters(in: .whitespaces), radix: 16))
        return mask & 1 << 24 != 0
    }

    /// Whether any of the files below the places, which are words of a shell, has the text in it.
    private static func holds(_ text: String, _ places: String) throws -> Bool {
        let found = try CofferProgram.execute(
            "/bin/sh",
            ["-c", "grep --recursive --text --fixed-strings --files-with-matches -e \(text) \(places)"],
            limitSeconds: 100
        )
        return !found.output.isEmpty
    }
}
