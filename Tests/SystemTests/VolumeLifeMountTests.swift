import CofferTesting
import Foundation
import Testing

/// The commands of a volume's life with real mounts.
@Suite(.serialized, .mounts, .mountable)
struct VolumeLifeMountTests {
    private func freeKiB(_ directory: String) throws -> Int {
        let outcome = try CofferProgram.execute("/usr/bin/df", ["--output=size", directory])
        return try #require(
            outcome.line.split(separator: "\n").last.flatMap { Int($0.trimmingCharacters(in: .whitespaces)) }
        )
    }

    private func grants(_ coffer: CofferProgram, _ key: String) throws -> Int {
        try coffer.succeed("key", "grant", "ls", key).split(separator: "\n").count
    }

    @Test(.enabled(if: geteuid() == 0, "a loop device needs root"), arguments: ["ext4", "xfs"])
    func `a volume grows detached and mounted, its filesystem with it, and nothing in it is lost`(
        _ kind: String
    ) throws {
        let coffer = try CofferProgram()
        let mount = coffer.folder.path("mnt")
        let key = try coffer.succeed("key", "create", "--alias", "app")
        _ = try coffer.succeed("volume", "create", "--name", "data", "--size", "320MiB", "--key", key)
        _ = try coffer.succeed("volume", "mount", "data", mount, "--fs", kind)
        let content = Data((0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        try content.write(to: URL(fileURLWithPath: "\(mount)/file"))
        let first = try freeKiB(mount)
        _ = try coffer.succeed("volume", "unmount", "data")

        _ = try coffer.succeed("volume", "modify", "data", "--size", "400MiB")
        _ = try coffer.succeed("volume", "mount", "data", mount)
        let second = try freeKiB(mount)
        #expect(second > first + (60 << 10))
        #expect(try Data(contentsOf: URL(fileURLWithPath: "\(mount)/file")) == content)

        // Attached it needs no key.
        _ = try coffer.succeed("key", "disable", key)
        let grown = try coffer.run("volume", "modify", "data", "--size", "500MiB")
        #expect(grown.code == 0, "\(grown.errors)")
        _ = try coffer.succeed("key", "enable", key)
        if !grown.errors.isEmpty {
            // Without CAP_SYS_RESOURCE a mounted ext4 cannot; then it grows at its next mount, and that is said.
            #expect(kind == "ext4" && grown.errors.contains("It grows when it is mounted next."))
            _ = try coffer.succeed("volume", "unmount", "data")
            _ = try coffer.succeed("volume", "mount", "data", mount)
        }
        #expect(try freeKiB(mount) > second + (60 << 10))
        #expect(try Data(contentsOf: URL(fileURLWithPath: "\(mount)/file")) == content)
        _ = try coffer.succeed("volume", "unmount", "data")
        #expect(try coffer.succeed("volume", "check", "data").hasPrefix("clean"))
    }

    @Test func `a grant lasts as long as its attachment, whatever ends it`() throws {
        let coffer = try CofferProgram()
        let key = try coffer.succeed("key", "create")
        let mount = coffer.folder.path("mnt")
        let id = try coffer.succeed("volume", "create", "--size", "16MiB", "--key", key)
        for round in ["detach", "unmount"] {
            _ = try coffer.succeed("volume", "attach", id)
            #expect(try grants(coffer, key) == 1)
            _ = try coffer.succeed("volume", round, id)
            #expect(try grants(coffer, key) == 0, "\(round)")
        }
        // A command killed after KMS gave the grant.
        let killed = try coffer.run(
            "volume",
            "attach",
            id,
            environment: ["COFFER_TEST_KILL_AFTER": "epochRaised"]
        )
        #expect(killed.code == 128 + SIGKILL)
        #expect(try grants(coffer, key) == 1)
        _ = try coffer.succeed("volume", "unmount", id)
        #expect(try grants(coffer, key) == 0)
        // A plain umount(8): nobody of ours is there to retire it, until the next command.
        _ = try coffer.succeed("volume", "mount", id, mount)
        let tool = geteuid() == 0 ? ("/usr/bin/umount", [mount]) : ("/usr/bin/fusermount3", ["-u", mount])
        #expect(try CofferProgram.execute(tool.0, tool.1).code == 0)
        for _ in 0..<500 where try !coffer.succeed("volume", "ls").contains("available") { usleep(10_000) }
        _ = try coffer.succeed("volume", "mount", id, mount)
        #expect(try grants(coffer, key) == 1, "the old one went when the new one came")
        _ = try coffer.succeed("volume", "unmount", id)
        #expect(try grants(coffer, key) == 0)
    }

    @Test
    func `under a passphrase a volume is detached without it, and its grant retired when the home is open`()
        throws
    {
        let coffer = try CofferProgram()
        let key = try coffer.succeed("key", "create")
        let id = try coffer.succeed("volume", "create", "--size", "16MiB", "--key", key)
        let file = coffer.folder.path("passphrase")
        try Data("correct horse\n".utf8).write(to: URL(fileURLWithPath: file))
        _ = try coffer.succeed("seal", "migrate", "--to", "passphrase", "--new-passphrase-file", file)
        _ = try coffer.succeed("volume", "attach", id, "--passphrase-file", file)
        _ = try coffer.succeed("volume", "detach", id)
        func count() throws -> Int {
            try coffer.succeed("key", "grant", "ls", key, "--passphrase-file", file).split(separator: "\n")
                .count
        }
        #expect(try count() == 1)
        _ = try coffer.succeed("volume", "attach", id, "--passphrase-file", file)
        #expect(try count() == 1)
        _ = try coffer.succeed("volume", "detach", id, "--passphrase-file", file)
        // Whoever opened the home in this process could retire it; a detach never asks.
        _ = try coffer.succeed("volume", "rm", id, "--yes")
    }

    @Test func `the device is shown and linked, and a rotated key wraps anew unless --no-rewrap`() throws {
        let coffer = try CofferProgram()
        let key = try coffer.succeed("key", "create")
        let id = try coffer.succeed("volume", "create", "--name", "data", "--size", "16MiB", "--key", key)
        _ = try coffer.succeed("key", "rotate", key)
        let path = try coffer.succeed("volume", "attach", "data", "--device", "/dev/sdk", "--no-rewrap")
        let shown = try coffer.run("volume", "show", "data", "--output", "json")
        let shape = try #require(try JSONSerialization.jsonObject(with: shown.outputBytes) as? [String: Any])
        let attachment = try #require((shape["Attachments"] as? [[String: Any]])?.first)
        #expect(attachment["Device"] as? String == "/dev/sdk" && attachment["State"] as? String == "attached")
        #expect((attachment["InstanceId"] as? String)?.hasPrefix("i-") == true)
        let runtime = path.components(separatedBy: "/\(id)/")[0]
        let link = URL(fileURLWithPath: "\(runtime)/by-device/sdk").resolvingSymlinksInPath().path
        #expect(link == URL(fileURLWithPath: path).resolvingSymlinksInPath().path)
        _ = try coffer.succeed("volume", "detach", "data")
        #expect(!(try coffer.succeed("volume", "events", "data").contains("rewrapVolume")))
        _ = try coffer.succeed("volume", "attach", "data")
        _ = try coffer.succeed("volume", "detach", "data")
        #expect(try coffer.succeed("volume", "events", "data").contains("rewrapVolume\tcompleted"))
    }

    @Test func `an attach killed while it wraps anew is ended by the next one`() throws {
        let coffer = try CofferProgram()
        let key = try coffer.succeed("key", "create")
        let id = try coffer.succeed("volume", "create", "--size", "16MiB", "--key", key)
        _ = try coffer.succeed("key", "rotate", key)
        let killed = try coffer.run(
            "volume",
            "attach",
            id,
            environment: ["COFFER_TEST_KILL_AFTER": "rewrapBegun"]
        )
        #expect(killed.code == 128 + SIGKILL)
        #expect(try coffer.succeed("volume", "ls").contains("available"))
        _ = try coffer.succeed("volume", "attach", id)
        _ = try coffer.succeed("volume", "detach", id)
        #expect(try coffer.succeed("volume", "check", id).hasPrefix("clean"))
    }
}
