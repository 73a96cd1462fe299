import CofferTesting
import Foundation
import Testing

/// The header, damaged and mended by the built commands, and read by another program.
@Suite(.serialized, .mounts, .mountable)
struct HeaderCommandTests {
    private let coffer: CofferProgram
    private let id: String
    private var file: String { "\(coffer.home)/volumes/\(id).coffer" }

    init() throws {
        coffer = try CofferProgram()
        _ = try coffer.succeed("key", "create", "--alias", "app")
        id = try coffer.succeed("volume", "create", "--size", "4MiB", "--key", "alias/app")
    }

    @Test func `damage to one copy is reported, attached over, and repaired`() throws {
        #expect(try coffer.run("volume", "check", id).code == 0)
        try flip(byte: 65536 + 100)
        let found = try coffer.run("volume", "check", id)
        #expect(found.code == 1)
        #expect(found.output.contains("copy B") && found.errors.contains("coffer volume repair"))
        let repaired = try coffer.run("volume", "repair", id)
        #expect(repaired.code == 0)
        #expect(repaired.errors.contains("mended"))
        #expect(try coffer.run("volume", "check", id).code == 0)

        try flip(byte: 200)
        let attached = try coffer.run("volume", "attach", id)
        #expect(attached.code == 0 && attached.errors.contains("mended"))
        _ = try coffer.succeed("volume", "detach", id)
        #expect(try coffer.run("volume", "check", id).code == 0)
    }

    @Test
    func `both copies damaged alike are refused in one sentence, and a saved header brings the volume back`()
        throws
    {
        let exposed = try coffer.succeed("volume", "attach", id)
        try RawFile(exposed).write(Array(repeating: 0xAB, count: 4096), at: 8192)
        _ = try coffer.succeed("volume", "detach", id)
        let saved = coffer.folder.path("header")
        _ = try coffer.succeed("volume", "header", "save", id, saved)
        for offset in [200, 65536 + 200] { try flip(byte: offset) }
        let refused = try coffer.run("volume", "attach", id)
        #expect(refused.code == 1)
        #expect(refused.errors.split(separator: "\n").filter { $0.hasPrefix("coffer:") }.count == 1)
        #expect(refused.errors.contains("Coffer.Damaged"))
        #expect(try coffer.run("volume", "repair", id).code == 1)
        #expect(try coffer.run("volume", "header", "restore", id, saved).code == 2, "it asks first")
        _ = try coffer.succeed("volume", "header", "restore", id, saved, "--yes")
        let again = try coffer.succeed("volume", "attach", id)
        #expect(try RawFile(again, O_RDONLY).read(4096, at: 8192) == Array(repeating: 0xAB, count: 4096))
        _ = try coffer.succeed("volume", "detach", id)
    }

    @Test func `an old pair of headers put back is refused as a rollback unless accepted`() throws {
        let old = try RawFile(file, O_RDONLY).read(1 << 20, at: 0)
        _ = try coffer.succeed("volume", "attach", id)
        _ = try coffer.succeed("volume", "detach", id)
        try RawFile(file).write(old, at: 0)
        let refused = try coffer.run("volume", "attach", id)
        #expect(refused.code == 1 && refused.errors.contains("Coffer.Rollback"))
        #expect(try coffer.run("volume", "check", id).code == 1)
        _ = try coffer.succeed("volume", "attach", id, "--accept-rollback")
        _ = try coffer.succeed("volume", "detach", id)
    }

    @Test
    func `the document alone is enough to read a volume: a Python program agrees with what was written`()
        throws
    {
        let python = "/usr/bin/python3"
        try #require(
            try CofferProgram.execute(python, ["-c", "import cryptography"]).code == 0,
            "python3-cryptography is missing: tools/setup --for-tests installs it"
        )
        var generator = SeededGenerator(seed: 41)
        let content = generator.bytes(3 * 4096 + 1000)
        let exposed = try coffer.succeed("volume", "attach", id)
        try RawFile(exposed).write(content, at: 100_000)
        _ = try coffer.succeed("volume", "detach", id)
        let read = try CofferProgram.execute(
            python,
            [
                "\(CofferProgram.repository)/tools/decrypt-volume.py", file, "--offset", "98304", "--count",
                "20480",
                "--coffer", "\(CofferProgram.programs)/coffer", "--home", coffer.home,
            ]
        )
        #expect(read.code == 0, "\(read.errors)")
        var expected = [UInt8](repeating: 0, count: 20480)
        expected.replaceSubrange(1696..<1696 + content.count, with: content)
        #expect(Array(read.outputBytes) == expected)
        _ = try coffer.succeed("key", "disable", "alias/app")
        let refused = try CofferProgram.execute(
            python,
            [
                "\(CofferProgram.repository)/tools/decrypt-volume.py", file, "--offset", "0", "--count",
                "4096",
                "--coffer", "\(CofferProgram.programs)/coffer", "--home", coffer.home,
            ]
        )
        #expect(refused.code != 0 && refused.outputBytes.isEmpty)
    }

    private func flip(byte offset: Int) throws {
        let raw = try RawFile(file)
        let byte = try #require(try raw.read(1, at: offset).first)
        try raw.write([byte ^ 0x10], at: offset)
    }
}
