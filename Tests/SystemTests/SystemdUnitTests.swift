import CofferTesting
import Foundation
import Testing

/// The units of packaging/systemd, without a systemd that runs.
@Suite(.serialized, .mounts, .mountable, .enabled(if: geteuid() == 0, "the units are root's"))
struct SystemdUnitTests {
    private static let folder = "\(CofferProgram.repository)/packaging/systemd"
    private static let analyze = "/usr/bin/systemd-analyze"
    private static let generator = "/usr/lib/systemd/system-generators/systemd-fstab-generator"
    private static let hasTools =
        FileManager.default.isExecutableFile(atPath: analyze)
        && FileManager.default.isExecutableFile(atPath: generator)

    /// The values of a key, with the instance `data` in them.
    private func values(_ key: String, in unit: String) throws -> [String] {
        try String(contentsOfFile: "\(Self.folder)/\(unit)", encoding: .utf8).split(separator: "\n")
            .compactMap {
                $0.hasPrefix("\(key)=")
                    ? $0.dropFirst(key.count + 1).replacingOccurrences(of: "%I", with: "data") : nil
            }
    }

    /// The environment that a unit's command sees, with some of it set otherwise, as a drop-in would.
    private func environment(_ unit: String, _ changes: [String: String]) throws -> [String: String] {
        var environment: [String: String] = [:]
        for pair in try values("Environment", in: unit).flatMap({ $0.split(separator: " ") }) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            environment[String(parts[0])] = String(parts[1])
        }
        return environment.merging(changes) { $1 }
    }

    /// The words of a unit's command: `$NAME` alone becomes as many as it holds, `${NAME}` is replaced in its place.
    /// (systemd.service(5), "COMMAND LINES".)
    private func command(_ key: String, _ unit: String, _ environment: [String: String]) throws -> [String] {
        let line = try #require(try values(key, in: unit).first)
        return line.split(separator: " ").flatMap { word -> [String] in
            if word.hasPrefix("$"), !word.hasPrefix("${") {
                return (environment[String(word.dropFirst())] ?? "").split(separator: " ").map(String.init)
            }
            let replaced = environment.reduce(String(word)) {
                $0.replacingOccurrences(of: "${\($1.key)}", with: $1.value)
            }
            return [
                replaced.replacingOccurrences(of: "/usr/bin/coffer", with: "\(CofferProgram.programs)/coffer")
            ]
        }
    }

    /// Runs a unit's command with the capabilities that the unit leaves it.
    private func run(
        _ key: String,
        _ unit: String,
        _ changes: [String: String]
    ) throws -> CofferProgram.Outcome {
        let variables = try environment(unit, changes)
        return try CofferProgram.execute(
            "/usr/bin/setpriv",
            try confinement(unit) + command(key, unit, variables),
            environment: variables
        )
    }

    private func confinement(_ unit: String) throws -> [String] {
        let kept = try values("CapabilityBoundingSet", in: unit).flatMap { $0.split(separator: " ") }
            .map { "+\($0.dropFirst(4).lowercased())" }.joined(separator: ",")
        return ["--no-new-privs", "--bounding-set", "-all,\(kept)", "--inh-caps", "-all", "--"]
    }

    @Test(.enabled(if: hasTools, "NO UNIT IS VERIFIED: systemd is not installed"))
    func `systemd has nothing to say against the units, nor against a line of fstab`() throws {
        let place = try TemporaryFolder()
        let program = place.path("coffer")
        for path in [program, "\(program)-rds"] {
            _ = FileManager.default.createFile(
                atPath: path,
                contents: Data(),
                attributes: [.posixPermissions: 0o755]
            )
        }
        for (unit, name) in [
            ("coffer.service", "coffer.service"), ("coffer-databases.service", "coffer-databases.service"),
            ("coffer-volume@.service", "coffer-volume@data.service"),
        ] {
            let text = try String(contentsOfFile: "\(Self.folder)/\(unit)", encoding: .utf8)
            try Data(text.replacingOccurrences(of: "/usr/bin/coffer", with: program).utf8)
                .write(to: URL(fileURLWithPath: place.path(name)))
            let verified = try CofferProgram.execute(Self.analyze, ["verify", place.path(name)])
            #expect(verified.code == 0 && verified.output + verified.errors == "", "\(verified)")
        }
        let line = "data /mnt/data coffer defaults,nofail,x-systemd.requires-mounts-for=/var/lib/coffer 0 0\n"
        try Data(line.utf8).write(to: URL(fileURLWithPath: place.path("fstab")))
        let made = place.path("made")
        try FileManager.default.createDirectory(atPath: made, withIntermediateDirectories: false)
        let generated = try CofferProgram.execute(
            Self.generator,
            [made, made, made],
            environment: ["SYSTEMD_FSTAB": place.path("fstab")]
        )
        #expect(generated.code == 0, "\(generated.errors)")
        let unit = try String(contentsOfFile: "\(made)/mnt-data.mount", encoding: .utf8)
        #expect(unit.contains("What=data\n") && unit.contains("Type=coffer\n"))
        #expect(unit.contains("RequiresMountsFor=/var/lib/coffer\n"))
        let verified = try CofferProgram.execute(Self.analyze, ["verify", "\(made)/mnt-data.mount"])
        #expect(verified.code == 0 && verified.errors == "", "\(verified)")
    }

    @Test func `after a reboot the unit's command mounts the volume with its data, and its stop undoes all`()
        throws
    {
        let coffer = try CofferProgram()
        let id = try coffer.succeed("volume", "create", "--name", "data", "--size", "32MiB")
        let folder = coffer.folder.path("mnt")
        let unit = "coffer-volume@.service"
        let changes = ["COFFER_HOME": coffer.home, "COFFER_MOUNT": folder]
        #expect(try environment(unit, [:])["COFFER_MOUNT"] == "/mnt/data")
        let first = try run("ExecStart", unit, changes)
        #expect(first.code == 0, "\(first.errors)")
        try Data("kept".utf8).write(to: URL(fileURLWithPath: "\(folder)/file"))
        #expect(try CofferProgram.execute("/usr/bin/sync", ["--file-system", folder]).code == 0)

        // No process, no mount, no loop device, no runtime folder, and nobody was asked.
        let daemon = try #require(Daemons.processID(volume: id))
        Daemons.signal(daemon, SIGKILL)
        #expect(waits(seconds: 5) { !Daemons.isAlive(daemon) })
        let runtime = try #require(RuntimeFolders.folder(of: id))
        for mounted in [folder, "\(runtime)/exposed"] {
            #expect(try CofferProgram.execute("/usr/bin/umount", ["--lazy", mounted]).code == 0)
        }
        #expect(
            try waits(seconds: 5) {
                try !CofferProgram.execute("/usr/sbin/losetup", ["--list"]).output.contains(id)
            }
        )
        try FileManager.default.removeItem(
            atPath: URL(fileURLWithPath: runtime).deletingLastPathComponent().path
        )

        let second = try run("ExecStart", unit, changes)
        #expect(second.code == 0, "\(second.errors)")
        #expect(try String(contentsOfFile: "\(folder)/file", encoding: .utf8) == "kept")
        #expect(try run("ExecStop", unit, changes).code == 0)
        #expect(MountTable.type(of: folder) == nil && Daemons.processID(volume: id) == nil)
        #expect(try coffer.succeed("volume", "ls").contains("available"))

        let readOnly = try run(
            "ExecStart",
            unit,
            changes.merging(["COFFER_OPTIONS": "--read-only --no-format"]) { $1 }
        )
        #expect(readOnly.code == 0, "\(readOnly.errors)")
        #expect(!FileManager.default.createFile(atPath: "\(folder)/more", contents: Data()))
        #expect(try run("ExecStop", unit, changes).code == 0)
    }

    @Test func `the server works with what its unit leaves it: keys, and attachments that outlive it`() throws
    {
        let coffer = try CofferProgram()
        let id = try coffer.succeed("volume", "create", "--size", "16MiB")
        let secret = try coffer.succeed("user", "access-key", "create", "root", "--output", "json")
        let key = try JSONDecoder().decode(AccessKeyText.self, from: Data(secret.utf8))
        let unit = "coffer.service"
        let variables = try environment(unit, ["COFFER_HOME": coffer.home, "COFFER_LISTEN": "127.0.0.1:0"])
        let server = Process()
        server.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
        server.arguments = try confinement(unit) + command("ExecStart", unit, variables)
        server.environment = variables.merging(["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"]) { $1 }
        let said = coffer.folder.path("said")
        _ = FileManager.default.createFile(atPath: said, contents: nil)
        let output = try FileHandle(forWritingTo: URL(fileURLWithPath: said))
        (server.standardOutput, server.standardError) = (output, output)
        try server.run()
        defer {
            server.terminate()
            server.waitUntilExit()
        }
        func words() throws -> String { try String(contentsOfFile: said, encoding: .utf8) }
        #expect(
            try waits(seconds: 20) { try words().contains("Listening on http") },
            "\((try? words()) ?? "")"
        )
        let address = try #require(
            try words().split(whereSeparator: \.isWhitespace).first { $0.hasPrefix("http://") }.map(
                String.init
            )
        )
        func aws(_ service: String, _ fields: String...) throws -> CofferProgram.Outcome {
            var arguments = [
                "--silent", "--show-error", "--fail-with-body", "--user",
                "\(key.AccessKeyId):\(key.SecretAccessKey)",
                "--aws-sigv4", "aws:amz:us-east-1:\(service)",
            ]
            for field in fields { arguments += ["--data-urlencode", field] }
            return try CofferProgram.execute("/usr/bin/curl", arguments + [address])
        }
        let instances = try aws("ec2", "Action=DescribeInstances", "Version=2016-11-15").output
        let instance = try #require(
            instances.components(separatedBy: "<instanceId>").last?.prefix { $0 != "<" }
        )
        let attached = try aws(
            "ec2",
            "Action=AttachVolume",
            "Version=2016-11-15",
            "VolumeId=\(id)",
            "InstanceId=\(instance)",
            "Device=/dev/sdf"
        )
        #expect(attached.code == 0, "\(attached.output)")
        #expect(try waits(seconds: 20) { try coffer.succeed("volume", "ls").contains("in-use") })
        #expect(waits(seconds: 20) { Daemons.processID(volume: id) != nil })
        let exposed = "\(try #require(RuntimeFolders.folder(of: id)))/volume"
        #expect(waits(seconds: 20) { FileManager.default.fileExists(atPath: exposed) })
        server.terminate()
        server.waitUntilExit()
        #expect(server.terminationStatus == 0)
        let file = try RawFile(exposed)
        try file.write(Array(repeating: 7, count: 4096), at: 0)
        #expect(Daemons.processID(volume: id) != nil)
        withExtendedLifetime(file) {}
    }
}
