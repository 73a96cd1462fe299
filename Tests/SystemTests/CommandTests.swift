import CofferTesting
import CofferXTS
import Foundation
import Testing

/// The command line's promises: exit codes, one clear error, JSON with AWS's names, plain lines for scripts.
@Suite struct CommandTests {
    @Test func `a key's life: create, name, use, disable, refuse, enable`() throws {
        let coffer = try CofferProgram()
        let id = try coffer.succeed("key", "create", "--alias", "app", "--description", "for the app")
        #expect(id.wholeMatch(of: /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/) != nil)
        let secret = Data("a secret".utf8)
        let blob = try coffer.run("key", "encrypt", "alias/app", "--context", "a=b", input: secret)
        #expect(blob.code == 0 && !blob.output.contains("a secret"))
        let plain = try coffer.run("key", "decrypt", "--context", "a=b", input: blob.outputBytes)
        #expect(plain.outputBytes == secret)
        let wrong = try coffer.run("key", "decrypt", "--context", "a=c", input: blob.outputBytes)
        #expect(
            wrong.code == 1 && wrong.errors.contains("InvalidCiphertextException") && wrong.output.isEmpty
        )

        _ = try coffer.succeed("key", "disable", id)
        let disabled = try coffer.run("key", "encrypt", "alias/app", input: secret)
        #expect(disabled.code == 5 && disabled.errors.contains("DisabledException"))
        _ = try coffer.succeed("key", "enable", "alias/app")
        #expect(try coffer.run("key", "encrypt", "alias/app", input: secret).code == 0)
        #expect(try coffer.run("key", "show", "alias/none").code == 4)
    }

    @Test func `a pointed alias encrypts under its new key and the old blob still decrypts`() throws {
        let coffer = try CofferProgram()
        _ = try coffer.succeed("key", "create", "--alias", "app")
        let blob = try coffer.run("key", "encrypt", "alias/app", input: Data("old".utf8))
        let other = try coffer.succeed("key", "create")
        _ = try coffer.succeed("key", "alias", "set", "alias/app", "--key", other)
        let json = try coffer.run("key", "encrypt", "alias/app", "--output", "json", input: Data("new".utf8))
        #expect(json.output.contains("key/\(other)"))
        #expect(try coffer.run("key", "decrypt", input: blob.outputBytes).output == "old")
        let moved = try coffer.run("key", "re-encrypt", other, input: blob.outputBytes)
        #expect(try coffer.run("key", "decrypt", "--key", other, input: moved.outputBytes).output == "old")
        #expect(
            try coffer.run("key", "decrypt", "--key", other, input: blob.outputBytes).errors.contains(
                "IncorrectKey"
            )
        )
    }

    @Test func `a data key's plaintext goes only where it was sent`() throws {
        let coffer = try CofferProgram()
        _ = try coffer.succeed("key", "create", "--alias", "app")
        let plain = coffer.folder.path("plain")
        let wrapped = try coffer.run(
            "key",
            "data-key",
            "alias/app",
            "--bytes",
            "64",
            "--plaintext-file",
            plain
        )
        let key = try Data(contentsOf: URL(fileURLWithPath: plain))
        #expect(key.count == 64)
        #expect(try FileManager.default.attributesOfItem(atPath: plain)[.posixPermissions] as? Int == 0o600)
        #expect(try coffer.run("key", "decrypt", input: wrapped.outputBytes).outputBytes == key)
        let again = try coffer.run("key", "data-key", "alias/app", "--plaintext-file", plain)
        #expect(again.code == 2, "a file that exists is left alone")
        #expect(try Data(contentsOf: URL(fileURLWithPath: plain)) == key)
    }

    @Test func `JSON has AWS's names and unescaped slashes`() throws {
        let coffer = try CofferProgram()
        let key = try object(coffer.run("key", "create", "--alias", "app", "--output", "json"))
        let metadata = try #require(key["KeyMetadata"] as? [String: Any])
        #expect(metadata["KeyState"] as? String == "Enabled")
        let volume = try coffer.run(
            "volume",
            "create",
            "--size",
            "1GiB",
            "--key",
            "alias/app",
            "--output",
            "json"
        )
        #expect(volume.output.contains("key/") && !volume.output.contains("\\/"))
        let shape = try object(volume)
        #expect(shape["VolumeId"] as? String != nil)
        #expect(shape["Size"] as? Int == 1)
        #expect(shape["KmsKeyId"] as? String == metadata["Arn"] as? String)
        let trail = try object(coffer.run("trail", "ls", "--output", "json"))
        let events = try #require(trail["Events"] as? [[String: Any]])
        #expect(events.compactMap { $0["eventName"] as? String }.contains("GenerateDataKeyWithoutPlaintext"))
        #expect(try coffer.run("trail", "verify").code == 0)
    }

    @Test(arguments: [
        (["volume", "create", "--size", "ten"], 2), (["volume", "create", "--size", "1KiB"], 2),
        (["volume", "create", "--size", "1MiB", "--data-unit", "1000"], 2),
        (["volume", "create", "--size", "1MiB", "--name", "vol-data"], 2),
        (["volume", "create", "--size", "1MiB", "--key", "alias/none"], 4),
        (["volume", "mount", "nothing", "/tmp/nowhere"], 4), (["volume", "rm", "nothing", "--yes"], 4),
        (["key", "encrypt", "nonsense"], 4), (["key", "create", "--alias", "aws/mine"], 3),
        (["key", "alias", "create", "app", "--key", "alias/none"], 4), (["volumes"], 2),
    ])
    func `what a hurried user gets wrong is refused with the right exit code`(
        _ arguments: [String],
        _ code: Int
    ) throws {
        let coffer = try CofferProgram()
        let outcome = try CofferProgram.execute(
            "\(CofferProgram.programs)/coffer",
            arguments,
            input: Data("x".utf8),
            environment: ["COFFER_HOME": coffer.home]
        )
        #expect(Int(outcome.code) == code, "\(outcome.errors)")
        #expect(outcome.output.isEmpty)
        #expect(!outcome.errors.isEmpty)
    }

    @Test func `a reserved alias leaves no key, and a blob that cannot be written no plaintext key`() throws {
        let coffer = try CofferProgram()
        #expect(try coffer.run("key", "create", "--alias", "aws/mine").code == 3)
        #expect(try coffer.succeed("key", "ls") == "")
        let key = try coffer.succeed("key", "create")
        let taken = coffer.folder.path("taken")
        try coffer.folder.write([1], to: "taken")
        let plain = coffer.folder.path("plain")
        let refused = try coffer.run(
            "key",
            "data-key",
            key,
            "--plaintext-file",
            plain,
            "--ciphertext-file",
            taken
        )
        #expect(refused.code == 2 && !FileManager.default.fileExists(atPath: plain))
    }

    @Test func `a result that cannot be written is no success, and a full standard error no crash`() throws {
        let coffer = try CofferProgram()
        let key = try coffer.succeed("key", "create")
        let program = "'\(CofferProgram.programs)/coffer'"
        let lost = try CofferProgram.execute(
            "/bin/bash",
            ["-c", "echo secret | \(program) key encrypt \(key) --home '\(coffer.home)' > /dev/full"]
        )
        #expect(lost.code == 1 && lost.errors.contains("standard output"))
        let plain = coffer.folder.path("plain")
        let half = try CofferProgram.execute(
            "/bin/bash",
            [
                "-c",
                "\(program) key data-key \(key) --home '\(coffer.home)' --plaintext-file '\(plain)' > /dev/full",
            ]
        )
        #expect(half.code == 1 && !FileManager.default.fileExists(atPath: plain))
        let help = try CofferProgram.execute("/bin/bash", ["-c", "\(program) --help > /dev/full"])
        #expect(help.code == 1 && help.errors.contains("standard output"))
        for silent in ["2>/dev/full", "2>&-"] {
            let refused = try CofferProgram.execute(
                "/bin/bash",
                ["-c", "\(program) key show alias/none --home '\(coffer.home)' \(silent)"]
            )
            #expect(refused.code == 4)
        }
    }

    @Test func `a folder that is no home and open to others is refused and left as it was`() throws {
        let coffer = try CofferProgram()
        try FileManager.default.createDirectory(atPath: coffer.home, withIntermediateDirectories: false)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: coffer.home)
        let refused = try coffer.run("key", "ls")
        #expect(refused.code == 3 && !refused.errors.contains("chmod"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: coffer.home).isEmpty)
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give a folder away"))
    func `root is refused in the home of another user, and leaves nothing in it`() throws {
        let coffer = try CofferProgram()
        try FileManager.default.createDirectory(atPath: coffer.home, withIntermediateDirectories: false)
        try FileManager.default.setAttributes(
            [.ownerAccountID: 65534, .groupOwnerAccountID: 65534, .posixPermissions: 0o700],
            ofItemAtPath: coffer.home
        )
        let refused = try coffer.run("key", "ls")
        #expect(refused.code == 3 && refused.errors.contains("sudo -u"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: coffer.home).isEmpty)
    }

    @Test func `help goes to standard output and exits with 0`() throws {
        let program = "\(CofferProgram.programs)/coffer"
        for words in [["--help"], ["volume", "mount", "--help"], ["help", "key"], ["--version"]] {
            let outcome = try CofferProgram.execute(program, words)
            #expect(outcome.code == 0 && !outcome.output.isEmpty && outcome.errors.isEmpty)
        }
        #expect(try CofferProgram.execute(program, ["--generate-completion-script", "bash"]).code == 0)
    }

    @Test func `a home that others can read is refused`() throws {
        let coffer = try CofferProgram()
        _ = try coffer.succeed("key", "create")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: coffer.home)
        let refused = try coffer.run("key", "ls")
        #expect(refused.code == 3 && refused.errors.contains("chmod 700"))
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: coffer.home)
        #expect(try coffer.run("key", "ls").code == 0)
    }

    @Test func `under a passphrase the home opens with it and stays shut with another`() throws {
        let coffer = try CofferProgram()
        _ = try coffer.succeed("key", "create", "--alias", "app")
        #expect(try coffer.succeed("seal", "status").contains("file"))
        let right = coffer.folder.path("right")
        let wrong = coffer.folder.path("wrong")
        try Data("correct horse\n".utf8).write(to: URL(fileURLWithPath: right))
        try Data("battery staple\n".utf8).write(to: URL(fileURLWithPath: wrong))
        _ = try coffer.succeed("seal", "migrate", "--to", "passphrase", "--new-passphrase-file", right)
        #expect(!FileManager.default.fileExists(atPath: "\(coffer.home)/kms/root.key"))
        #expect(try coffer.succeed("seal", "status").contains("passphrase"))
        #expect(try coffer.run("key", "ls", "--passphrase-file", right).output.contains("alias/app"))
        let shut = try coffer.run("key", "ls", "--passphrase-file", wrong)
        #expect(shut.code == 3 && shut.errors.contains("Coffer.Sealed"))
        #expect(try coffer.run("volume", "ls").code == 0, "listing needs no key")
    }

    @Test func `bench crypto and doctor say what this machine does`() throws {
        let coffer = try CofferProgram()
        let bench = try CofferProgram.execute(
            "\(CofferProgram.programs)/coffer",
            ["bench", "crypto", "--rounds", "1", "--milliseconds", "20", "--unit", "4096", "--threads", "1"]
        )
        #expect(bench.code == 0)
        let rows = bench.output.split(separator: "\n").map { $0.split(separator: "\t") }
        #expect(rows.count == 2 * XTSKernel.all.count && rows.allSatisfy { $0.count == 9 })
        #expect(rows.filter { $0[0] == "libcrypto" && $0[6] == "1.00" }.count == 2)
        for row in rows { #expect(try #require(Double(row[4])) > 0, "\(row)") }
        let doctor = try CofferProgram.execute("\(CofferProgram.programs)/coffer", ["doctor"])
        #expect(doctor.output.contains("coffer-volumed\tok"))
        _ = coffer
    }

    private func object(_ outcome: CofferProgram.Outcome) throws -> [String: Any] {
        try #require(outcome.code == 0, "\(outcome.errors)")
        return try #require(try JSONSerialization.jsonObject(with: outcome.outputBytes) as? [String: Any])
    }
}
