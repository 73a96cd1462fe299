import CofferTesting
import Foundation
import Testing

/// `mount -t coffer` and umount(8), as for any filesystem.
@Suite(.serialized, .mounts, .mountable, .enabled(if: geteuid() == 0, "mount(8) and a loop device need root"))
struct MountHelperTests {
    private let helper = InstalledHelper()
    private let coffer: CofferProgram

    init() throws {
        coffer = try CofferProgram()
        try helper.install()
    }

    /// A volume and an empty folder.
    private func volume(_ name: String, size: String = "16MiB") throws -> (id: String, folder: String) {
        let folder = coffer.folder.path("mnt-\(name)")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return (try coffer.succeed("volume", "create", "--name", name, "--size", size), folder)
    }

    private func mount(_ arguments: String...) throws -> CofferProgram.Outcome {
        try CofferProgram.execute("/usr/bin/mount", arguments, environment: ["COFFER_HOME": coffer.home])
    }

    private func umount(_ folder: String) throws {
        let outcome = try CofferProgram.execute("/usr/bin/umount", [folder])
        #expect(outcome.code == 0, "\(outcome.errors)")
    }

    /// What there is of a volume besides its file: daemon, mounts, loop devices, notes in the runtime folder.
    private func leavings(_ id: String) throws -> [String] {
        var found: [String] = []
        if let daemon = Daemons.processID(volume: id) { found.append("daemon \(daemon)") }
        found += MountTable.text().split(separator: "\n").filter { $0.contains(id) }.map(String.init)
        let loops = try CofferProgram.execute("/usr/sbin/losetup", ["--list", "--noheadings"])
        found += loops.line.split(separator: "\n").filter { $0.contains(id) }.map(String.init)
        let runtime = try #require(RuntimeFolders.folder(of: id))
        found += try FileManager.default.contentsOfDirectory(atPath: runtime).filter {
            !["lock", "volumed.log"].contains($0)
        }
        let links = "\(runtime)/../by-device"
        found += ((try? FileManager.default.contentsOfDirectory(atPath: links)) ?? []).filter { name in
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(links)/\(name)")
            return target?.contains(id) == true
        }
        return found
    }

    @Test func `a volume is mounted by mount(8), and a plain umount leaves nothing within a second`() throws {
        let (id, folder) = try volume("data")
        let key = try #require(
            try coffer.succeed("volume", "show", id).split(separator: "\n")
                .first { $0.hasPrefix("KMS key") }?.split(separator: "/").last.map(String.init)
        )
        for round in 0..<3 {
            let mounted = try mount("-t", "coffer", "data", folder)
            #expect(mounted.code == 0 && mounted.errors == "", "\(mounted.errors)")
            #expect(MountTable.type(of: folder) == "ext4")
            if round > 0 {
                #expect(try String(contentsOfFile: "\(folder)/file", encoding: .utf8) == "\(round - 1)")
            }
            try Data("\(round)".utf8).write(to: URL(fileURLWithPath: "\(folder)/file"))
            try umount(folder)
            let start = ContinuousClock.now
            #expect(try waits(seconds: 5) { try leavings(id).isEmpty }, "\((try? leavings(id)) ?? [])")
            #expect(ContinuousClock.now - start < .seconds(2))
            #expect(try coffer.succeed("volume", "ls").contains("available"))
        }
        // Who comes next tells of the end of the attachment, and retires its grant.
        let events = try coffer.succeed("volume", "events", id).split(separator: "\n").map {
            $0.split(separator: "\t")[2...3].joined(separator: " ")
        }
        #expect(events.filter { $0 == "detachVolume detached" }.count == 3)
        #expect(events.last == "detachVolume detached")
        _ = try coffer.succeed("volume", "attach", id)
        _ = try coffer.succeed("volume", "detach", id)
        #expect(try coffer.succeed("key", "grant", "ls", key) == "")
        #expect(try coffer.succeed("volume", "check", id).hasPrefix("clean"))
    }

    @Test func `mount right after umount works, again and again, by either command`() throws {
        let (id, folder) = try volume("data")
        for round in 0..<6 {
            if round.isMultiple(of: 2) {
                let mounted = try mount("-t", "coffer", id, folder)
                #expect(mounted.code == 0, "\(mounted.errors)")
            } else {
                _ = try coffer.succeed("volume", "mount", id, folder)
            }
            try Data("\(round)".utf8).write(to: URL(fileURLWithPath: "\(folder)/file-\(round)"))
            try umount(folder)
        }
        _ = try coffer.succeed("volume", "mount", id, folder)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("file-") }.count
                == 6
        )
        try umount(folder)
        // Whatever changes a volume waits for the daemon that leaves.
        _ = try coffer.succeed("volume", "modify", id, "--size", "20MiB")
        _ = try coffer.succeed("volume", "rm", id, "--yes")
    }

    @Test func `options reach the filesystem, and those of others are passed over`() throws {
        let (_, folder) = try volume("data")
        let all =
            "noexec,nosuid,nodev,noatime,discard,nofail,_netdev,x-systemd.automount,comment=\"a,b\",home=\(coffer.home)"
        let mounted = try CofferProgram.execute(
            "/usr/bin/mount",
            ["-t", "coffer", "-o", all, "data", folder]
        )
        #expect(mounted.code == 0, "\(mounted.errors)")
        let found = try CofferProgram.execute("/usr/bin/findmnt", ["-n", "-o", "OPTIONS", folder]).line
        for option in ["rw", "noexec", "nosuid", "nodev", "noatime", "discard"] {
            #expect(found.split(separator: ",").contains(Substring(option)), "\(option) in \(found)")
        }
        // A filesystem that is mounted is the kernel's: mount(8) changes its options.
        #expect(try mount("-o", "remount,ro", folder).code == 0)
        #expect(
            try CofferProgram.execute("/usr/bin/findmnt", ["-n", "-o", "OPTIONS", folder]).line.hasPrefix(
                "ro"
            )
        )
        try umount(folder)
        #expect(try mount("-t", "coffer", "-o", "ro", "data", folder).code == 0)
        #expect(!FileManager.default.createFile(atPath: "\(folder)/file", contents: Data()))
        #expect(try coffer.succeed("volume", "show", "data").contains("ro"))
        try umount(folder)
    }

    @Test func `lines of fstab are mounted together, and changed by remount`() throws {
        let (first, firstFolder) = try volume("data")
        let (second, secondFolder) = try volume("more", size: "320MiB")
        let table = coffer.folder.path("fstab")
        let lines = """
            data \(firstFolder) coffer defaults,nofail,x-systemd.requires-mounts-for=/var/lib/coffer 0 0
            \(second) \(secondFolder) coffer noexec,mkfs=xfs 0 0
            data \(firstFolder) coffer noauto 0 0
            """
        try Data((lines + "\n").utf8).write(to: URL(fileURLWithPath: table))
        let mounted = try mount("-T", table, "-a")
        #expect(mounted.code == 0, "\(mounted.errors)")
        #expect(MountTable.type(of: firstFolder) == "ext4" && MountTable.type(of: secondFolder) == "xfs")
        #expect(Daemons.processID(volume: first) != nil && Daemons.processID(volume: second) != nil)
        let remounted = try mount("-T", table, "-o", "remount,ro", firstFolder)
        #expect(remounted.code == 0, "\(remounted.errors)")
        #expect(!FileManager.default.createFile(atPath: "\(firstFolder)/file", contents: Data()))
        try umount(firstFolder)
        try umount(secondFolder)
        #expect(try waits(seconds: 5) { try leavings(first).isEmpty && leavings(second).isEmpty })
    }

    @Test func `what cannot be mounted ends with mount(8)'s exit codes and the words of volume mount`() throws
    {
        let (_, folder) = try volume("data")
        let other = coffer.folder.path("other")
        try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: false)
        let key = try coffer.succeed("key", "create")
        _ = try coffer.succeed("volume", "create", "--name", "kept", "--size", "16MiB", "--key", key)
        _ = try coffer.succeed("key", "disable", key)
        for (arguments, code, words) in [
            (["nothing", folder], 32, "InvalidVolume.NotFound"),
            (["kept", folder], 32, "coffer key enable"),
            (["data", "\(folder)/missing"], 32, "does not exist"),
            (["-o", "home=/nonexistent", "data", folder], 32, "there is no home"),
            (["-o", "mkfs=none", "data", folder], 32, "never formatted"),
            (["-o", "nonsense", "data", folder], 1, "nonsense"),
            (["-o", "mkfs=btrfs", "data", folder], 1, "ext4, xfs or none"),
            (["-o", "threads=0", "data", folder], 1, "1 to 64"),
            (["-o", "as=nobody", "data", folder], 32, "NoSuchEntity"),
        ] as [([String], Int32, String)] {
            let outcome = try CofferProgram.execute(
                "/usr/bin/mount",
                ["-t", "coffer"] + arguments,
                environment: ["COFFER_HOME": coffer.home]
            )
            #expect(outcome.code == code && outcome.errors.contains(words), "\(arguments): \(outcome)")
            #expect(MountTable.type(of: folder) == nil)
        }
        #expect(!FileManager.default.fileExists(atPath: "/nonexistent"))
        #expect(try mount("-s", "-t", "coffer", "-o", "nonsense", "data", folder).code == 0)
        for place in [folder, other] {
            let again = try mount("-t", "coffer", "data", place)
            #expect(again.code == 32 && again.errors.contains("volume data is mounted already, at \(folder)"))
        }
        let expected = try coffer.run("volume", "mount", "data", other).errors
        #expect(
            try mount("-t", "coffer", "data", other).errors
                == expected.replacingOccurrences(of: "coffer: ", with: "mount.coffer: ")
        )
        try umount(folder)
        // Nothing is mounted, and the arguments are looked at all the same.
        #expect(try mount("-f", "-t", "coffer", "data", folder).code == 0)
        #expect(try mount("-f", "-t", "coffer", "-o", "nonsense", "data", folder).code == 1)
        #expect(MountTable.type(of: folder) == nil)
        for arguments in [
            [], ["data"], ["data", folder, "more"], ["data", folder, "-x"], ["data", folder, "-t", "ext4"],
        ] {
            let outcome = try CofferProgram.execute(InstalledHelper.path, arguments)
            #expect(outcome.code == 1, "\(arguments)")
        }
        // A path is no volume: mount(8) makes one of a name that its folder has a file of.
        let path = try CofferProgram.execute(InstalledHelper.path, ["/root/data", folder])
        #expect(path.code == 32 && path.errors.contains("coffer:data"))
    }

    @Test func `a helper that is killed or interrupted leaves nothing`() throws {
        let (id, folder) = try volume("data")
        for step in ["attached", "loopAttached", "formatting", "formatted"] {
            let killed = try CofferProgram.execute(
                InstalledHelper.path,
                ["data", folder],
                environment: ["COFFER_HOME": coffer.home, "COFFER_TEST_KILL_AFTER": step]
            )
            #expect(killed.code == 128 + SIGKILL)
            if step == "attached" { _ = try coffer.succeed("volume", "unmount", id) }
            #expect(waits(seconds: 5) { Daemons.processID(volume: id) == nil }, "\(step)")
        }
        #expect(try mount("-t", "coffer", "data", folder).code == 0)
        try umount(folder)
        #expect(try waits(seconds: 5) { try leavings(id).isEmpty })
    }

    @Test func `mount --namespace mounts there, and an umount there leaves nothing`() throws {
        let (id, folder) = try volume("data")
        let inside = Process()
        inside.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
        inside.arguments = ["--mount", "--propagation", "private", "/usr/bin/sleep", "60"]
        try inside.run()
        defer {
            inside.terminate()
            inside.waitUntilExit()
        }
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/mnt")
        let process = "\(inside.processIdentifier)"
        #expect(
            waits(seconds: 5) {
                let other = try? FileManager.default.destinationOfSymbolicLink(
                    atPath: "/proc/\(process)/ns/mnt"
                )
                return other != nil && other != own
            }
        )
        let mounted = try mount("--namespace", process, "-t", "coffer", "data", folder)
        #expect(mounted.code == 0, "\(mounted.errors)")
        #expect(MountTable.type(of: folder) == nil)
        #expect(try coffer.succeed("volume", "ls").contains("another mount namespace"))
        let undone = try CofferProgram.execute("/usr/bin/umount", ["--namespace", process, folder])
        #expect(undone.code == 0, "\(undone.errors)")
        #expect(try waits(seconds: 5) { try leavings(id).isEmpty })
    }

    @Test func `the doctor says whether the helper is installed`() throws {
        let found = try CofferProgram.execute("\(CofferProgram.programs)/coffer", ["doctor"])
        #expect(found.output.contains("mount.coffer\tok"))
    }
}

/// The link /sbin/mount.coffer to the built program while a test lasts; one that was there before is left alone.
final class InstalledHelper {
    static let path = "/sbin/mount.coffer"
    private var isOwn = false

    func install() throws {
        let program = "\(CofferProgram.programs)/coffer"
        do {
            try FileManager.default.createSymbolicLink(atPath: Self.path, withDestinationPath: program)
            isOwn = true
        } catch {
            let found = try? FileManager.default.destinationOfSymbolicLink(atPath: Self.path)
            try #require(
                found == program,
                "another program is installed as \(Self.path): remove it for this test"
            )
        }
    }

    deinit {
        if isOwn { try? FileManager.default.removeItem(atPath: Self.path) }
    }
}

/// Where root's attachments leave their notes.
enum RuntimeFolders {
    /// The folder of a volume.
    static func folder(of id: String) -> String? {
        let homes = (try? FileManager.default.contentsOfDirectory(atPath: "/run/coffer")) ?? []
        return homes.map { "/run/coffer/\($0)/\(id)" }.first { FileManager.default.fileExists(atPath: $0) }
    }
}
