import CofferTesting
import Foundation
import Testing

/// `coffer seal`: what protects the root key, and its moves.
@Suite struct SealCommandTests {
    private static let module = "/usr/lib/softhsm/libsofthsm2.so"
    private static let tool = "/usr/bin/softhsm2-util"
    private static let obstacle = [module, tool].first { !FileManager.default.fileExists(atPath: $0) }

    let coffer: CofferProgram

    init() throws { coffer = try CofferProgram() }

    private func file(_ name: String, _ line: String) throws -> String {
        let path = coffer.folder.path(name)
        try Data("\(line)\n".utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    private func status(_ environment: [String: String] = [:]) throws -> [String: String] {
        let outcome = try coffer.run("seal", "status", "--output", "json", environment: environment)
        #expect(outcome.code == 0)
        return try JSONDecoder().decode([String: String].self, from: outcome.outputBytes)
    }

    @Test func `the status says what the seal protects against and what not, and opens nothing`() throws {
        #expect(try status()["Seal"] == "none")
        let passphrase = try file("passphrase", "correct horse")
        _ = try coffer.succeed("seal", "migrate", "--to", "passphrase", "--new-passphrase-file", passphrase)
        // No passphrase is given here.
        let said = try status()
        #expect(said["Seal"] == "passphrase")
        #expect(said["ProtectsAgainst"]?.contains("whole home") == true)
        #expect(said["DoesNotProtectAgainst"]?.contains("guessed") == true)
        let lines = try coffer.succeed("seal", "status").split(separator: "\n")
        #expect(lines.first == "Seal\tpassphrase" && lines.count == 3)
    }

    @Test(
        arguments: [
            (["--to", "tpm"], "file"), (["--to", "file", "--module", "/m"], "--to pkcs11"),
            (["--to", "file", "--token", "t"], "--to pkcs11"),
            (["--to", "file", "--key-label", "k"], "--to pkcs11"),
            (["--to", "aws-kms", "--key", "alias/a", "--new-pin-file", "f"], "--to pkcs11"),
            (["--to", "pkcs11", "--module", "/m", "--token", "t", "--key", "alias/a"], "--to aws-kms"),
            (["--to", "passphrase", "--kms-region", "us-east-1"], "--to aws-kms"),
            (["--to", "passphrase", "--kms-endpoint", "http://127.0.0.1:1"], "--to aws-kms"),
            (["--to", "file", "--new-passphrase-file", "f"], "--to passphrase"),
            (["--to", "pkcs11"], "--module"),
            (["--to", "pkcs11", "--module", "/m"], "--token"), (["--to", "aws-kms"], "--key"),
            (["--to", "aws-kms", "--key", "no key"], "no key"),
            (["--to", "aws-kms", "--key", "alias/a", "--kms-region", "US EAST"], "US EAST"),
        ]
    ) func `an option that is missing, wrong, or of another kind is a usage error, and nothing is made`(
        _ arguments: [String],
        _ words: String
    ) throws {
        let outcome = try CofferProgram.execute(
            "\(CofferProgram.programs)/coffer",
            ["seal", "migrate"] + arguments + ["--home", coffer.home]
        )
        #expect(outcome.code == 2)
        #expect(outcome.errors.contains(words))
        #expect(!FileManager.default.fileExists(atPath: "\(coffer.home)/kms/seal.json"))
    }

    @Test func `where nobody can be asked, the option that helps is named`() throws {
        let passphrase = try file("passphrase", "correct horse")
        let unasked = try coffer.run("seal", "migrate", "--to", "passphrase")
        #expect(unasked.code == 3 && unasked.errors.contains("--new-passphrase-file"))
        _ = try coffer.succeed("seal", "migrate", "--to", "passphrase", "--new-passphrase-file", passphrase)
        let shut = try coffer.run("seal", "migrate", "--to", "file")
        #expect(shut.code == 3 && shut.errors.contains("hint: give a file with --passphrase-file"))
        _ = try coffer.succeed("seal", "migrate", "--to", "file", "--passphrase-file", passphrase)
        #expect(try status()["Seal"] == "file")
    }

    @Test func `a KMS that does not answer gets no root key`() throws {
        let outcome = try coffer.run(
            "seal",
            "migrate",
            "--to",
            "aws-kms",
            "--key",
            "alias/homes",
            "--kms-region",
            "us-east-1",
            "--kms-endpoint",
            "http://127.0.0.1:1",
            environment: ["AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example"]
        )
        #expect(outcome.code == 1)
        #expect(outcome.errors.contains("alias/homes") && outcome.errors.contains("127.0.0.1:1"))
        #expect(try status()["Seal"] == "file")
    }

    @Test(.enabled(if: obstacle == nil, "NO TOKEN IS TESTED: \(obstacle ?? "") is missing; install softhsm2"))
    func `a token and its PIN open the home`() throws {
        let tokens = coffer.folder.path("tokens")
        try FileManager.default.createDirectory(atPath: tokens, withIntermediateDirectories: false)
        let settings = try file("softhsm2.conf", "directories.tokendir = \(tokens)")
        let environment = ["SOFTHSM2_CONF": settings]
        let made = try CofferProgram.execute(
            Self.tool,
            ["--init-token", "--free", "--label", "office", "--so-pin", "officer-pin", "--pin", "1234"],
            environment: environment
        )
        try #require(made.code == 0)
        let (pin, wrong) = (try file("pin", "1234"), try file("wrong", "4321"))
        let moved = try coffer.run(
            "seal",
            "migrate",
            "--to",
            "pkcs11",
            "--module",
            Self.module,
            "--token",
            "office",
            "--pin-file",
            pin,
            environment: environment
        )
        #expect(moved.code == 0, "\(moved.errors)")
        let said = try status()
        #expect(said["Seal"] == "pkcs11" && said["Module"] == Self.module)
        #expect(said["Token"] == "office" && said["KeyLabel"] == "coffer root")
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(coffer.home)/kms")
        #expect(!files.contains("root.key"))
        let shut = try coffer.run(
            "seal",
            "migrate",
            "--to",
            "file",
            "--pin-file",
            wrong,
            environment: environment
        )
        #expect(shut.code == 3 && shut.errors.contains("refused the PIN"))
        let gone = try coffer.run("seal", "migrate", "--to", "file", "--pin-file", pin)
        #expect(gone.code == 3 && gone.errors.contains("no token is labelled"))
        let back = try coffer.run(
            "seal",
            "migrate",
            "--to",
            "file",
            "--pin-file",
            pin,
            environment: environment
        )
        #expect(back.code == 0, "\(back.errors)")
        #expect(try status()["Seal"] == "file")
    }
}
