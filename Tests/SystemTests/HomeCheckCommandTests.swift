import CofferTesting
import Foundation
import Testing

/// `volume check --all` and `repair --all` after commands that were killed, and beside others.
@Suite(.serialized, .mounts, .mountable)
struct HomeCheckCommandTests {
    /// What is begun and killed.
    private enum Work: CaseIterable {
        case create, restore, snapshot, copy, copyToOtherKey, delete, removeSnapshot, modify, rekey, attach,
            clone
    }

    @Test func `commands killed at twenty moments leave what check --all names and repair --all ends`() throws
    {
        let seed = ProcessInfo.processInfo.environment["COFFER_TEST_SEED"].flatMap(UInt64.init) ?? 20
        var moments = SeededGenerator(seed: seed)
        let coffer = try home()
        for round in 0..<20 {
            let work = Work.allCases[round % Work.allCases.count]
            let command = try prepare(work, "\(work)-\(round)", coffer)
            let microseconds = UInt32.random(in: 5_000...200_000, using: &moments)
            try kill(command, after: microseconds, coffer)
            let moment = "seed \(seed), \(command.joined(separator: " ")) killed after \(microseconds) µs"

            let check = try coffer.run("volume", "check", "--all")
            #expect([0, 1].contains(check.code), "\(moment): \(check)")
            for line in check.output.split(separator: "\n") where check.code == 1 {
                #expect(line.split(separator: "\t")[2] == "yes", "\(moment): \(line)")
            }
            let repair = try coffer.run("volume", "repair", "--all")
            #expect(repair.code == 0 && repair.output.hasPrefix("clean\t"), "\(moment): \(repair)")
            let after = try coffer.run("volume", "check", "--all")
            #expect(after.code == 0 && after.output.hasPrefix("clean\t"), "\(moment): \(after)")
        }
        let volumes = try coffer.succeed("volume", "ls").split(separator: "\n")
        #expect(volumes.count > 5)
        for volume in volumes {
            let id = try #require(volume.split(separator: "\t").first.map(String.init))
            // The daemon of a snapshot that nobody asked for any more waits a while for the question.
            let isAttached = waits(seconds: 45) {
                guard let outcome = try? coffer.run("volume", "attach", id) else { return false }
                return outcome.code == 0 || outcome.errors.contains("is attached")
            }
            #expect(isAttached, "\(volume)")
            _ = try coffer.succeed("volume", "detach", id)
        }
        for snapshot in try coffer.succeed("snapshot", "ls").split(separator: "\n") {
            #expect(snapshot.contains("\tcompleted\t"), "\(snapshot)")
        }
        let last = try coffer.run("volume", "check", "--all")
        #expect(last.code == 0, "\(last)")
    }

    @Test func `a daemon that died is named and undone, and both commands say what they do`() throws {
        let coffer = try home()
        let folder = coffer.folder.path("mnt")
        _ = try coffer.succeed("volume", "mount", "base", folder, "--no-format")
        let id = try coffer.succeed("volume", "show", "base").split(separator: "\n")[0].split(
            separator: "\t"
        )[1]
        #expect(try coffer.run("volume", "check", "--all").code == 0, "an attached volume is no finding")
        let daemon = try #require(Daemons.processID(volume: String(id)))
        Daemons.signal(daemon, SIGKILL)
        #expect(waits(seconds: 5) { !Daemons.isAlive(daemon) })
        let check = try coffer.run("volume", "check", "--all")
        #expect(check.code == 1 && check.output.contains("daemonDied\t\(id)\tyes\t"))
        #expect(check.errors.contains("coffer volume repair --all"))
        let json = try coffer.run("volume", "check", "--all", "--output", "json")
        let shape = try #require(try JSONSerialization.jsonObject(with: json.outputBytes) as? [String: Any])
        #expect(json.code == 1 && shape["Clean"] as? Bool == false)
        let findings = try #require(shape["Findings"] as? [[String: Any]])
        #expect(
            findings.contains { $0["Code"] as? String == "daemonDied" && $0["Repairable"] as? Bool == true }
        )

        let repair = try coffer.run("volume", "repair", "--all", "--output", "json")
        let done = try #require(try JSONSerialization.jsonObject(with: repair.outputBytes) as? [String: Any])
        #expect(repair.code == 0 && done["Clean"] as? Bool == true)
        let mended = try #require(done["Mended"] as? [[String: Any]])
        #expect(
            mended.contains {
                $0["Code"] as? String == "daemonDied" && $0["Outcome"] as? String == "unmounted and detached"
            }
        )
        #expect(!MountTable.text().contains(id))
        #expect(
            try coffer.succeed("volume", "check", "--all", "--quick").hasPrefix(
                "clean\t1 volumes, 1 snapshots"
            )
        )
    }

    @Test func `check --all beside commands that come and go finds nothing`() throws {
        let coffer = try home()
        let stop = coffer.folder.path("stop")
        let program = "'\(CofferProgram.programs)/coffer'"
        let loop = Process()
        loop.executableURL = URL(fileURLWithPath: "/usr/bin/bash")
        loop.arguments = [
            "-c",
            """
            export COFFER_HOME='\(coffer.home)'
            while [[ ! -e '\(stop)' ]]; do
                \(program) volume create --name passing --size 4MiB || exit 1
                \(program) volume attach passing || exit 2
                \(program) volume modify passing --size 5MiB || exit 3
                \(program) snapshot create passing --name passing || exit 4
                \(program) volume detach passing || exit 5
                \(program) volume rekey passing --key alias/b || exit 6
                \(program) snapshot copy passing --name more --key alias/b || exit 7
                \(program) snapshot rm passing --yes || exit 8
                \(program) snapshot rm more --yes || exit 9
                \(program) volume rm passing --yes || exit 10
            done
            """,
        ]
        loop.standardOutput = FileHandle.nullDevice
        let errors = coffer.folder.path("errors")
        _ = FileManager.default.createFile(atPath: errors, contents: nil)
        loop.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors))
        try loop.run()
        for round in 0..<12 {
            let check = try coffer.run("volume", "check", "--all")
            #expect(check.code == 0, "round \(round): \(check)")
            if round.isMultiple(of: 3) {
                let repair = try coffer.run("volume", "repair", "--all")
                #expect(repair.code == 0 && !repair.errors.contains("mended"), "round \(round): \(repair)")
            }
        }
        _ = FileManager.default.createFile(atPath: stop, contents: nil)
        loop.waitUntilExit()
        #expect(
            loop.terminationStatus == 0,
            "\((try? String(contentsOfFile: errors, encoding: .utf8)) ?? "")"
        )
        #expect(try coffer.succeed("volume", "check", "--all").hasPrefix("clean\t1 volumes, 1 snapshots"))
    }

    @Test func `check takes a volume or --all, and snapshot check the snapshots alone`() throws {
        let coffer = try home()
        #expect(try coffer.run("volume", "check").code == 2)
        #expect(try coffer.run("volume", "check", "base", "--all").code == 2)
        #expect(try coffer.run("volume", "repair").code == 2)
        #expect(try coffer.succeed("volume", "check", "base").hasPrefix("clean\tboth copies"))
        let lock = "\(coffer.home)/snapshots/lineage-01234567-89ab-4def-8123-456789abcdef"
        try FileManager.default.createDirectory(atPath: lock, withIntermediateDirectories: false)
        let stray = "\(coffer.home)/volumes/vol-0123456789abcdef0.fill"
        _ = FileManager.default.createFile(atPath: stray, contents: Data())
        let found = try coffer.run("snapshot", "check")
        #expect(
            found.code == 1 && found.output.hasPrefix("leftoverFolder\t") && !found.output.contains("fill")
        )
        #expect(found.errors.contains("coffer snapshot repair"))
        let repair = try coffer.run("snapshot", "repair")
        #expect(repair.code == 0 && repair.errors.contains("mended"))
        #expect(FileManager.default.fileExists(atPath: stray))
        #expect(try coffer.run("volume", "check", "--all", "--no-read").output.contains(stray))
    }

    // MARK: - Parts

    /// A home with two KMS keys, the volume `base` with an ext4 on it, and its snapshot `first`.
    private func home() throws -> CofferProgram {
        let coffer = try CofferProgram()
        for name in ["a", "b"] { _ = try coffer.succeed("key", "create", "--alias", name) }
        _ = try coffer.succeed("volume", "create", "--name", "base", "--size", "8MiB", "--key", "alias/a")
        let folder = coffer.folder.path("mnt")
        _ = try coffer.succeed("volume", "mount", "base", folder)
        try Data(repeating: 7, count: 1 << 20).write(to: URL(fileURLWithPath: "\(folder)/file"))
        _ = try coffer.succeed("volume", "unmount", "base")
        _ = try coffer.succeed("snapshot", "create", "base", "--name", "first")
        return coffer
    }

    /// The command that is to be killed, once all is there that it needs.
    private func prepare(_ work: Work, _ name: String, _ coffer: CofferProgram) throws -> [String] {
        switch work {
        case .create: return ["volume", "create", "--name", name, "--size", "4MiB", "--key", "alias/a"]
        case .restore: return ["volume", "create", "--name", name, "--snapshot", "first"]
        case .snapshot: return ["snapshot", "create", "base", "--name", name]
        case .clone: return ["volume", "clone", "base", "--name", name]
        case .copy: return ["snapshot", "copy", "first", "--name", name]
        case .copyToOtherKey: return ["snapshot", "copy", "first", "--name", name, "--key", "alias/b"]
        case .removeSnapshot:
            _ = try coffer.succeed("snapshot", "copy", "first", "--name", name, "--key", "alias/b")
            return ["snapshot", "rm", name, "--yes"]
        case .delete, .modify, .rekey, .attach:
            _ = try coffer.succeed("volume", "create", "--name", name, "--size", "4MiB", "--key", "alias/a")
        }
        return switch work {
        case .delete: ["volume", "rm", name, "--yes"]
        case .modify: ["volume", "modify", name, "--size", "6MiB"]
        case .rekey: ["volume", "rekey", name, "--key", "alias/b"]
        default: ["volume", "attach", name]
        }
    }

    private func kill(_ command: [String], after microseconds: UInt32, _ coffer: CofferProgram) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "\(CofferProgram.programs)/coffer")
        process.arguments = command + ["--home", coffer.home]
        process.environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent"]
        (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
        try process.run()
        usleep(microseconds)
        _ = Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}
