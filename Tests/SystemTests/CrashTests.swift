import CofferTesting
import Foundation
import Testing

/// What a crash leaves, how `volume ls` names it, and that one command brings it back.
@Suite(.serialized, .mounts, .mountable)
struct CrashTests {
    @Test func `kill -9 of the daemon under a mounted ext4 loses nothing that was synced`() throws {
        let coffer = try CofferProgram()
        let mount = coffer.folder.path("mnt")
        let id = try coffer.succeed("volume", "create", "--size", "32MiB")
        _ = try coffer.succeed("volume", "mount", id, mount)
        _ = try SQLite.run(
            "\(mount)/app.db",
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t (x); INSERT INTO t VALUES ('kept')"
        )
        let daemon = try #require(Daemons.processID(volume: id))
        Daemons.signal(daemon, SIGKILL)
        #expect(waits(seconds: 5) { !Daemons.isAlive(daemon) })

        let row = try coffer.succeed("volume", "ls")
        #expect(row.contains("in-use") && row.contains("died") && row.contains("coffer volume unmount"))
        #expect(try coffer.run("volume", "mount", id, mount).code == 5)
        _ = try coffer.succeed("volume", "unmount", id)
        #expect(try coffer.succeed("volume", "ls").contains("available"))
        #expect(!MountTable.text().contains(id) && MountTable.type(of: mount) == nil)

        _ = try coffer.succeed("volume", "mount", id, mount)
        #expect(try SQLite.run("\(mount)/app.db", "SELECT x FROM t") == "kept")
        #expect(try SQLite.run("\(mount)/app.db", "PRAGMA integrity_check") == "ok")
        _ = try coffer.succeed("volume", "unmount", id)
    }

    @Test(arguments: [
        "recorded", "epochRaised", "daemonStarted", "keySent", "attached", "loopAttached", "formatting",
        "formatted",
        "mounted",
    ])
    func `a mount killed between any two steps is named truthfully and undone by one command`(
        _ step: String
    ) throws {
        let coffer = try CofferProgram()
        let mount = coffer.folder.path("mnt")
        let id = try coffer.succeed("volume", "create", "--size", "16MiB")
        let killed = try coffer.run(
            "volume",
            "mount",
            id,
            mount,
            environment: ["COFFER_TEST_KILL_AFTER": step]
        )
        #expect(killed.code == 128 + SIGKILL)

        // A daemon whose starter died before it had the key leaves by itself; one that serves is still there.
        _ = waits(seconds: 3) { Daemons.processID(volume: id) == nil }
        let row = try coffer.succeed("volume", "ls")
        let isServed = Daemons.processID(volume: id) != nil
        #expect(row.contains(isServed ? "in-use" : "available"))
        _ = try coffer.succeed("volume", "unmount", id)
        #expect(waits(seconds: 5) { Daemons.processID(volume: id) == nil })
        #expect(!MountTable.text().contains(id))
        #expect(try coffer.succeed("volume", "ls").contains("available"))

        _ = try coffer.succeed("volume", "mount", id, mount)
        try Data("after".utf8).write(to: URL(fileURLWithPath: "\(mount)/file"))
        _ = try coffer.succeed("volume", "unmount", id)
    }

    @Test func `a daemon that hangs is aborted by its connection's number with --force, and only then`()
        throws
    {
        let coffer = try CofferProgram()
        let mount = coffer.folder.path("mnt")
        let id = try coffer.succeed("volume", "create", "--size", "16MiB")
        _ = try coffer.succeed("volume", "mount", id, mount)
        let daemon = try #require(Daemons.processID(volume: id))
        Daemons.signal(daemon, SIGSTOP)
        #expect(try coffer.succeed("volume", "ls").contains("does not answer"))
        let refused = try coffer.run("volume", "unmount", id)
        #expect(refused.code == 5 && refused.errors.contains("--force"))
        let start = ContinuousClock.now
        _ = try coffer.succeed("volume", "unmount", id, "--force")
        #expect(ContinuousClock.now - start < .seconds(30))
        #expect(!Daemons.isAlive(daemon))
        #expect(try coffer.succeed("volume", "ls").contains("available"))
        #expect(!MountTable.text().contains(id) && MountTable.type(of: mount) == nil)
    }

    @Test func `a busy filesystem is not unmounted unless forced`() throws {
        let coffer = try CofferProgram()
        let mount = coffer.folder.path("mnt")
        let id = try coffer.succeed("volume", "create", "--size", "16MiB")
        _ = try coffer.succeed("volume", "mount", id, mount)
        let file = try #require(
            {
                _ = FileManager.default.createFile(atPath: "\(mount)/open", contents: Data("x".utf8))
                return FileHandle(forReadingAtPath: "\(mount)/open")
            }()
        )
        let refused = try coffer.run("volume", "unmount", id)
        #expect(refused.code == 5 && refused.errors.contains("fuser"))
        #expect(try coffer.run("volume", "detach", id).code == 5)
        try file.close()
        _ = try coffer.succeed("volume", "unmount", id)
        #expect(try coffer.succeed("volume", "ls").contains("available"))
    }

    @Test func `a creation that was cut short says so and can be removed`() throws {
        let coffer = try CofferProgram()
        let id = try coffer.succeed("volume", "create", "--size", "1MiB")
        // As a kill between the catalogue's entry and its completion leaves it.
        _ = try SQLite.run("\(coffer.home)/catalog.sqlite", "UPDATE volume SET isComplete = 0")
        #expect(try coffer.succeed("volume", "ls").contains("coffer volume rm"))
        #expect(try coffer.run("volume", "attach", id).code == 5)
        _ = try coffer.succeed("volume", "rm", id, "--yes")
        #expect(try coffer.succeed("volume", "ls") == "")
    }

    @Test func `a home on a full disk refuses what it must and still unmounts`() throws {
        let coffer = try CofferProgram()
        let mount = coffer.folder.path("mnt")
        try FileManager.default.createDirectory(atPath: coffer.home, withIntermediateDirectories: false)
        let mounted = try CofferProgram.execute(
            "/usr/bin/mount",
            ["-t", "tmpfs", "-o", "size=16m,mode=0700", "tmpfs", coffer.home]
        )
        #expect(mounted.code == 0)
        defer { _ = try? CofferProgram.execute("/usr/bin/umount", ["--lazy", coffer.home]) }
        let id = try coffer.succeed("volume", "create", "--size", "64MiB")
        _ = try coffer.succeed("volume", "mount", id, mount)
        try Data("kept".utf8).write(to: URL(fileURLWithPath: "\(mount)/file"))
        #expect(try CofferProgram.execute("/usr/bin/sync", ["--file-system", mount]).code == 0)
        let filler = try CofferProgram.execute(
            "/usr/bin/dd",
            ["if=/dev/zero", "of=\(coffer.home)/filler", "bs=64k"]
        )
        #expect(filler.code != 0, "the disk must be full")

        _ = try coffer.succeed("volume", "unmount", id)
        #expect(try coffer.succeed("volume", "ls").contains("available"))
        let refused = try coffer.run("volume", "create", "--size", "1MiB")
        #expect(refused.code == 1)
        #expect(refused.errors.contains("full") || refused.errors.contains("no space"))
        try FileManager.default.removeItem(atPath: "\(coffer.home)/filler")
        _ = try coffer.succeed("volume", "mount", id, mount)
        #expect(try String(contentsOfFile: "\(mount)/file", encoding: .utf8) == "kept")
        _ = try coffer.succeed("volume", "unmount", id)
    }
}
