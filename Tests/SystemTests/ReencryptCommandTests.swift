internal import CofferTesting
internal import Foundation
internal import Glibc
internal import Testing

/// A volume gets another key while it is in use, by the built commands on real mounts.
@Suite(.serialized, .mounts, .mountable) struct ReencryptCommandTests {
    /// A volume of 64 MiB, attached, with noise; and what of it lies on the store.
    private struct Subject {
        let coffer: CofferProgram
        let digest: String

        init() throws {
            coffer = try CofferProgram()
            for alias in ["old", "new"] { _ = try coffer.succeed("key", "create", "--alias", alias) }
            _ = try coffer.succeed(
                "volume",
                "create",
                "--name",
                "data",
                "--size",
                "64MiB",
                "--key",
                "alias/old"
            )
            let file = try coffer.succeed("volume", "attach", "data")
            _ = try CofferProgram.execute(
                "/usr/bin/dd",
                ["if=/dev/urandom", "of=\(file)", "bs=1M", "count=40", "conv=notrunc,fsync"]
            )
            digest = try Self.digest(file)
        }

        static func digest(_ path: String) throws -> String {
            String(try CofferProgram.execute("/usr/bin/sha256sum", [path]).output.prefix(64))
        }

        func attachedDigest() throws -> String {
            try Self.digest(try coffer.succeed("volume", "attach", "data"))
        }

        func daemon() throws -> Int32 {
            let shown = try coffer.succeed("volume", "show", "data", "--output", "json")
            let volume = try JSONSerialization.jsonObject(with: Data(shown.utf8)) as? [String: Any]
            let attachments = volume?["Attachments"] as? [[String: Any]]
            return Int32(try #require(attachments?.first?["ProcessId"] as? Int))
        }

        func clean() { _ = try? coffer.run("volume", "unmount", "data", "--force") }
    }

    @Test func `a volume in use is moved to another KMS key, and its attachment goes on`() throws {
        let subject = try Subject()
        let coffer = subject.coffer
        defer { subject.clean() }
        _ = try coffer.succeed("snapshot", "create", "data", "--name", "before")
        let told = try coffer.run("volume", "rekey", "data", "--key", "alias/new")
        #expect(told.code == 0 && told.errors.contains("before"), "\(told.errors)")
        _ = try coffer.succeed("key", "disable", "alias/old")
        #expect(try coffer.succeed("volume", "check", "data").hasPrefix("clean"))
        _ = try coffer.succeed("volume", "detach", "data")
        #expect(try subject.attachedDigest() == subject.digest)
        // The grant of the attachment went along.
        _ = try coffer.succeed("volume", "detach", "data")
        #expect(try coffer.succeed("key", "grant", "ls", "alias/new").isEmpty)
    }

    @Test func `a volume in use gets a new volume key, and whoever has the old key reads nothing`() throws {
        let subject = try Subject()
        let coffer = subject.coffer
        defer { subject.clean() }
        _ = try coffer.succeed("volume", "reencrypt", "data", "--key", "alias/new")
        _ = try coffer.succeed("key", "disable", "alias/old")
        #expect(try coffer.succeed("volume", "check", "data").hasPrefix("clean"))
        _ = try coffer.succeed("volume", "detach", "data")
        #expect(try subject.attachedDigest() == subject.digest)
        // Snapshots go on from here, of the new key alone.
        _ = try coffer.succeed("snapshot", "create", "data", "--name", "after")
        _ = try coffer.succeed("snapshot", "restore", "after", "--name", "back")
        defer { _ = try? coffer.run("volume", "detach", "back", "--force") }
        #expect(try Subject.digest(try coffer.succeed("volume", "attach", "back")) == subject.digest)
    }

    @Test func `it goes on after a detach and after a crash, attached or not`() throws {
        let subject = try Subject()
        let coffer = subject.coffer
        defer { subject.clean() }
        _ = try coffer.succeed("volume", "reencrypt", "data", "--no-wait")
        _ = try coffer.succeed("volume", "detach", "data")
        #expect(try subject.attachedDigest() == subject.digest)
        for _ in 0..<3 {
            _ = try coffer.run("volume", "reencrypt", "data", "--no-wait")
            kill(try subject.daemon(), SIGKILL)
            _ = try coffer.succeed("volume", "unmount", "data")
            #expect(try subject.attachedDigest() == subject.digest)
        }
        _ = try coffer.succeed("volume", "detach", "data")
        // Nobody attaches it: a daemon of its own does it, and an attach takes it over.
        _ = try coffer.succeed("volume", "reencrypt", "data", "--no-wait")
        #expect(try subject.attachedDigest() == subject.digest)
        _ = try coffer.succeed("volume", "reencrypt", "data")
        _ = try coffer.succeed("volume", "detach", "data")
        #expect(try coffer.succeed("volume", "check", "data").hasPrefix("clean"))
        #expect(try subject.attachedDigest() == subject.digest)
    }

    @Test func `what cannot be done meanwhile is refused, and says why`() throws {
        let subject = try Subject()
        let coffer = subject.coffer
        defer { subject.clean() }
        #expect(try coffer.run("volume", "reencrypt", "data", "--key", "alias/none").code == 4)
        _ = try coffer.succeed("key", "disable", "alias/new")
        #expect(try coffer.run("volume", "reencrypt", "data", "--key", "alias/new").code != 0)
        #expect(try coffer.succeed("volume", "check", "data").hasPrefix("clean"))
        // Stopped half-way: what is asked for now would meet two keys.
        _ = try coffer.succeed("volume", "reencrypt", "data", "--no-wait")
        kill(try subject.daemon(), SIGKILL)
        _ = try coffer.succeed("volume", "unmount", "data")
        for arguments in [
            ["snapshot", "create", "data"], ["volume", "clone", "data"],
            ["volume", "rekey", "data", "--key", "alias/aws/ebs"], ["volume", "header", "save", "data", "-"],
            ["volume", "attach", "data", "--read-only"], ["volume", "modify", "data", "--size", "128MiB"],
        ] {
            let refused = try CofferProgram.execute(
                "\(CofferProgram.programs)/coffer",
                arguments + ["--home", coffer.home]
            )
            #expect(
                refused.code != 0 && refused.errors.contains("re-encrypt"),
                "\(arguments): \(refused.errors)"
            )
        }
        #expect(try coffer.succeed("snapshot", "ls").isEmpty)
        #expect(try coffer.succeed("volume", "ls").split(separator: "\n").count == 1)
        _ = try coffer.succeed("volume", "reencrypt", "data")
        #expect(try coffer.succeed("volume", "check", "data").hasPrefix("clean"))
    }
}
