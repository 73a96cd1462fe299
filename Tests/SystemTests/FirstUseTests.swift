import CofferTesting
import Foundation
import Testing

/// The main job, by the built commands, a real FUSE mount, a real ext4 and a real SQLite.
@Suite(.serialized, .mounts, .mountable)
struct FirstUseTests {
    @Test func `SQLite on a mounted volume leaves only noise on the disk, and no key means no mount`() throws
    {
        let coffer = try CofferProgram()
        let mount = coffer.folder.path("mnt")
        let marker = "coffer-marker-\(UInt64.random(in: 0...UInt64.max))"
        _ = try coffer.succeed("key", "create", "--alias", "app")
        let id = try coffer.succeed(
            "volume",
            "create",
            "--name",
            "data",
            "--size",
            "64MiB",
            "--key",
            "alias/app"
        )
        #expect(id.hasPrefix("vol-") && id.count == 21)

        _ = try coffer.succeed("volume", "mount", "data", mount)
        let insert =
            "CREATE TABLE t (x); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
            + "INSERT INTO t SELECT '\(marker)' || i FROM n;"
        #expect(try SQLite.run("\(mount)/app.db", insert) == "")
        _ = try coffer.succeed("volume", "unmount", "data")

        let backing = try Data(contentsOf: URL(fileURLWithPath: "\(coffer.home)/volumes/\(id).coffer"))
        #expect(backing.range(of: Data(marker.utf8)) == nil)

        _ = try coffer.succeed("key", "disable", "alias/app")
        let refused = try coffer.run("volume", "mount", "data", mount)
        #expect(refused.code == 5)
        #expect(refused.errors.contains("DisabledException"))
        #expect(refused.errors.contains("coffer key enable"))
        #expect(try coffer.succeed("volume", "ls").contains("available"))

        _ = try coffer.succeed("key", "enable", "alias/app")
        _ = try coffer.succeed("volume", "mount", "data", mount)
        #expect(try SQLite.run("\(mount)/app.db", "PRAGMA integrity_check") == "ok")
        #expect(try SQLite.run("\(mount)/app.db", "SELECT count(*) FROM t") == "5000")
        _ = try coffer.succeed("volume", "unmount", "data")
        #expect(try coffer.run("volume", "unmount", "data").code == 0, "unmount is safe to repeat")
    }

    @Test func `a volume without a key named is under the AWS managed key of EBS`() throws {
        let coffer = try CofferProgram()
        let id = try coffer.succeed("volume", "create", "--size", "1MiB")
        #expect(try coffer.succeed("key", "alias", "ls").contains("alias/aws/ebs"))
        let refused = try coffer.run("key", "disable", "alias/aws/ebs")
        #expect(refused.code == 3)
        #expect(refused.errors.contains("AccessDeniedException"))
        let file = try coffer.succeed("volume", "attach", id)
        #expect(try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int == 1 << 20)
        _ = try coffer.succeed("volume", "detach", id)
    }

    @Test func `XFS can be chosen and what was formatted is mounted again as it is`() throws {
        let coffer = try CofferProgram()
        let mount = coffer.folder.path("mnt")
        let id = try coffer.succeed("volume", "create", "--size", "320MiB")
        _ = try coffer.succeed("volume", "mount", id, mount, "--fs", "xfs")
        try Data("kept".utf8).write(to: URL(fileURLWithPath: "\(mount)/file"))
        _ = try coffer.succeed("volume", "unmount", id)
        _ = try coffer.succeed("volume", "mount", id, mount)
        #expect(try String(contentsOfFile: "\(mount)/file", encoding: .utf8) == "kept")
        #expect(MountTable.type(of: mount) == "xfs")
        _ = try coffer.succeed("volume", "unmount", id)
    }

    @Test func `data that no filesystem accounts for is never formatted over`() throws {
        let coffer = try CofferProgram()
        let id = try coffer.succeed("volume", "create", "--size", "16MiB")
        let file = try coffer.succeed("volume", "attach", id)
        try RawFile(file).write(Array(repeating: 7, count: 8192), at: 1 << 20)
        _ = try coffer.succeed("volume", "detach", id)
        let refused = try coffer.run("volume", "mount", id, coffer.folder.path("mnt"))
        #expect(refused.code == 5)
        #expect(refused.errors.contains("holds data but no filesystem"))
        #expect(try coffer.succeed("volume", "ls").contains("available"))
    }

    @Test func `a read-only mount refuses writes and changes nothing on the disk`() throws {
        let coffer = try CofferProgram()
        let mount = coffer.folder.path("mnt")
        let id = try coffer.succeed("volume", "create", "--size", "16MiB")
        let never = try coffer.run("volume", "mount", id, mount, "--read-only")
        #expect(never.code == 5)
        _ = try coffer.succeed("volume", "mount", id, mount)
        try Data("kept".utf8).write(to: URL(fileURLWithPath: "\(mount)/file"))
        _ = try coffer.succeed("volume", "unmount", id)
        let backing = URL(fileURLWithPath: "\(coffer.home)/volumes/\(id).coffer")
        let before = try Data(contentsOf: backing)
        _ = try coffer.succeed("volume", "mount", id, mount, "--read-only")
        #expect(try String(contentsOfFile: "\(mount)/file", encoding: .utf8) == "kept")
        #expect(throws: (any Error).self) {
            try Data("x".utf8).write(to: URL(fileURLWithPath: "\(mount)/new"))
        }
        _ = try coffer.succeed("volume", "unmount", id)
        #expect(try Data(contentsOf: backing) == before)
    }

    @Test func `after a plain umount of the folder the daemon leaves by itself`() throws {
        let coffer = try CofferProgram()
        let mount = coffer.folder.path("mnt")
        let id = try coffer.succeed("volume", "create", "--size", "16MiB")
        _ = try coffer.succeed("volume", "mount", id, mount)
        let daemon = try #require(Daemons.processID(volume: id))
        #expect(try CofferProgram.execute("/usr/bin/umount", [mount]).code == 0)
        #expect(waits(seconds: 10) { !Daemons.isAlive(daemon) })
        #expect(try coffer.succeed("volume", "ls").contains("available"))
        #expect(!MountTable.text().contains(id))
        _ = try coffer.succeed("volume", "mount", id, mount)
        _ = try coffer.succeed("volume", "unmount", id)
    }

    @Test func `a second attach is refused and names what to do`() throws {
        let coffer = try CofferProgram()
        let id = try coffer.succeed("volume", "create", "--size", "1MiB")
        _ = try coffer.succeed("volume", "attach", id)
        let second = try coffer.run("volume", "attach", id)
        #expect(second.code == 5)
        #expect(second.errors.contains("VolumeInUse"))
        #expect(second.errors.contains("hint:"))
        #expect(try coffer.run("volume", "rm", id, "--yes").code == 5)
        _ = try coffer.succeed("volume", "detach", id)
        _ = try coffer.succeed("volume", "rm", id, "--yes")
        #expect(try coffer.run("volume", "show", id).code == 4)
    }
}
