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

    @Test func `a filesystem that was held still when its daemon was killed goes all the same`() throws {
        let coffer = try CofferProgram()
        let mount = coffer.folder.path("mnt")
        let id = try coffer.succeed("volume", "create", "--size", "16MiB")
        _ = try coffer.succeed("volume", "mount", id, mount)
        try Data("kept".utf8).write(to: URL(fileURLWithPath: "\(mount)/file"))
        // As a snapshot holds it still, which syncs it too.
        #expect(try CofferProgram.execute("/usr/sbin/fsfreeze", ["--freeze", mount]).code == 0)
        let daemon = try #require(Daemons.processID(volume: id))
        Daemons.signal(daemon, SIGKILL)
        #expect(waits(seconds: 5) { !Daemons.isAlive(daemon) })
        _ = try coffer.succeed("volume", "unmount", id)
        #expect(try coffer.succeed("volume", "ls").contains("available"))
        // Unmounted while it is held still it would stay for good, with its loop device.
        #expect(try CofferProgram.execute("/usr/sbin/losetup", ["--all"]).output.contains(id) == false)
        _ = try coffer.succeed("volume", "mount", id, mount)
        #expect(try String(contentsOfFile: "\(mount)/file", encoding: .utf8) == "kept")
        _ = try coffer.succeed("volume", "unmount", id)
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

    @Test func `a forced unmount keeps what was written and closed`() throws {
        let coffer = try CofferProgram()
        let mount = coffer.folder.path("mnt")
        let id = try coffer.succeed("volume", "create", "--size", "32MiB")
        _ = try coffer.succeed("volume", "mount", id, mount)
        let held = try RawFile("\(mount)/held", O_RDWR | O_CREAT)
        try Data(repeating: 7, count: 1 << 20).write(to: URL(fileURLWithPath: "\(mount)/closed"))
        _ = try coffer.succeed("volume", "unmount", id, "--force")
        withExtendedLifetime(held) {}
        _ = try coffer.succeed("volume", "mount", id, mount)
        #expect(
            try Data(contentsOf: URL(fileURLWithPath: "\(mount)/closed"))
                == Data(repeating: 7, count: 1 << 20)
        )
        _ = try coffer.succeed("volume", "unmount", id)
    }

    @Test func `what a user put on a volume whose formatting failed is never formatted over`() throws {
        let coffer = try CofferProgram()
        let mount = coffer.folder.path("mnt")
        let id = try coffer.succeed("volume", "create", "--size", "16MiB")
        let tooSmall = try coffer.run("volume", "mount", id, mount, "--fs", "xfs")
        #expect(tooSmall.code == 1 && tooSmall.errors.contains("xfs"))
        let exposed = try coffer.succeed("volume", "attach", id)
        #expect(
            try CofferProgram.execute("/usr/sbin/mkfs.ext4", ["-q", "-b", "4096", "-L", "mine", exposed]).code
                == 0
        )
        _ = try coffer.succeed("volume", "detach", id)
        _ = try coffer.succeed("volume", "mount", id, mount)
        let device = try coffer.succeed("volume", "show", id)
        let loop = try #require(
            device.split(separator: "\n").first { $0.hasPrefix("Loop device") }?.split(separator: "\t").last
        )
        #expect(
            try CofferProgram.execute("/usr/sbin/blkid", ["-p", "-o", "value", "-s", "LABEL", String(loop)])
                .line == "mine"
        )
        _ = try coffer.succeed("volume", "unmount", id)
    }

    @Test func `a volume mounted in another mount namespace is left alone from here`() throws {
        let coffer = try CofferProgram()
        let id = try coffer.succeed("volume", "create", "--size", "16MiB")
        let ready = coffer.folder.path("ready")
        let done = coffer.folder.path("done")
        let inside = Process()
        inside.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
        let program = "'\(CofferProgram.programs)/coffer'"
        inside.arguments = [
            "--mount", "--propagation", "private", "bash", "-c",
            "set -e; \(program) volume mount \(id) '\(coffer.folder.path("mnt"))' --home '\(coffer.home)'; "
                + "touch '\(ready)'; while [[ ! -e '\(done)' ]]; do sleep 0.05; done; "
                + "echo kept > '\(coffer.folder.path("mnt"))/file'; "
                + "\(program) volume unmount \(id) --home '\(coffer.home)'",
        ]
        try inside.run()
        #expect(waits(seconds: 20) { FileManager.default.fileExists(atPath: ready) })
        #expect(try coffer.succeed("volume", "ls").contains("another mount namespace"))
        for verb in ["unmount", "detach"] {
            #expect(try coffer.run("volume", verb, id, "--force").code == 5)
        }
        _ = FileManager.default.createFile(atPath: done, contents: nil)
        inside.waitUntilExit()
        #expect(inside.terminationStatus == 0)
        #expect(try coffer.succeed("volume", "ls").contains("available"))
        _ = try coffer.succeed("volume", "mount", id, coffer.folder.path("mnt"))
        #expect(try String(contentsOfFile: coffer.folder.path("mnt/file"), encoding: .utf8) == "kept\n")
        _ = try coffer.succeed("volume", "unmount", id)
    }

    @Test func `a daemon that lost its record and its socket is still found, and undone without force`()
        throws
    {
        let coffer = try CofferProgram()
        let id = try coffer.succeed("volume", "create", "--size", "1MiB")
        let exposed = try coffer.succeed("volume", "attach", id)
        let folder = URL(fileURLWithPath: exposed).deletingLastPathComponent().deletingLastPathComponent()
            .path
        for name in ["attachment.json", "control.sock"] {
            try FileManager.default.removeItem(atPath: "\(folder)/\(name)")
        }
        #expect(try coffer.succeed("volume", "ls").contains("in-use"))
        do {
            let open = try RawFile(exposed)
            #expect(try coffer.run("volume", "detach", id).code == 5, "it is busy, and not taken for dead")
            withExtendedLifetime(open) {}
        }
        _ = try coffer.succeed("volume", "detach", id)
        #expect(waits(seconds: 5) { Daemons.processID(volume: id) == nil })
        #expect(try coffer.succeed("volume", "ls").contains("available"))
    }

    @Test func `one folder takes one attachment`() throws {
        let coffer = try CofferProgram()
        let folder = coffer.folder.path("exposed")
        let ids = try (0..<2).map { _ in try coffer.succeed("volume", "create", "--size", "1MiB") }
        _ = try coffer.succeed("volume", "attach", ids[0], folder)
        let second = try coffer.run("volume", "attach", ids[1], folder)
        #expect(second.code == 5 && second.errors.contains("mount point already"))
        try FileManager.default.createSymbolicLink(
            atPath: coffer.folder.path("link"),
            withDestinationPath: folder
        )
        #expect(try coffer.run("volume", "attach", ids[1], coffer.folder.path("link")).code == 5)
        _ = try coffer.succeed("volume", "detach", ids[0])
        let through = try coffer.succeed("volume", "attach", ids[1], coffer.folder.path("link"))
        #expect(through == "\(folder)/volume")
        _ = try coffer.succeed("volume", "detach", ids[1])
    }

    @Test
    func `a tool that fails is not taken for one that succeeded, even when the starter ignores SIGCHLD`()
        throws
    {
        let coffer = try CofferProgram()
        let id = try coffer.succeed("volume", "create", "--size", "16MiB")
        let outcome = try CofferProgram.execute(
            "/usr/bin/env",
            [
                "--ignore-signal=CHLD", "\(CofferProgram.programs)/coffer", "volume", "mount", id,
                coffer.folder.path("mnt"), "-o", "nonsense_option", "--home", coffer.home,
            ]
        )
        #expect(outcome.code == 1)
        #expect(try coffer.succeed("volume", "ls").contains("available"))
    }

    @Test func `a FIFO in the place of a volume's file is an error, not a wait`() throws {
        let coffer = try CofferProgram()
        let id = try coffer.succeed("volume", "create", "--size", "1MiB")
        let file = "\(coffer.home)/volumes/\(id).coffer"
        try FileManager.default.removeItem(atPath: file)
        #expect(try CofferProgram.execute("/usr/bin/mkfifo", [file]).code == 0)
        for words in [["check", id], ["attach", id, "--read-only"], ["attach", id]] {
            let outcome = try CofferProgram.execute(
                "\(CofferProgram.programs)/coffer",
                ["volume"] + words + ["--home", coffer.home],
                limitSeconds: 10
            )
            #expect(outcome.code == 1)
        }
    }

    @Test func `a growth that was cut short before the index knew of it shows at the next attach`() throws {
        let coffer = try CofferProgram()
        let id = try coffer.succeed("volume", "create", "--size", "1MiB")
        _ = try coffer.succeed("volume", "modify", id, "--size", "2MiB")
        // As a kill between the header and the catalogue leaves it.
        _ = try SQLite.run("\(coffer.home)/catalog.sqlite", "UPDATE volume SET sizeBytes = 1048576")
        let exposed = try coffer.succeed("volume", "attach", id)
        #expect(try RawFile(exposed, O_RDONLY).read(4096, at: (2 << 20) - 4096).count == 4096)
        let shown = try coffer.succeed("volume", "show", id, "--output", "json")
        #expect(shown.contains("\"SizeBytes\" : 2097152"))
        _ = try coffer.succeed("volume", "detach", id)
    }

    @Test func `a creation that was cut short says so and can be removed`() throws {
        let coffer = try CofferProgram()
        let id = try coffer.succeed("volume", "create", "--size", "1MiB")
        // As a kill between the catalogue's entry and its completion leaves it.
        _ = try SQLite.run("\(coffer.home)/catalog.sqlite", "UPDATE volume SET stage = 'creating'")
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
