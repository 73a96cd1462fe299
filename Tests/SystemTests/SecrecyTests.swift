import CofferTesting
import Foundation
import Testing

/// The volume key, which the test asks KMS for, is nowhere that it should not be.
@Suite(.serialized, .mounts, .mountable)
struct SecrecyTests {
    @Test
    func `no run of the volume key is in arguments, environment, logs, trail, catalogue or a core dump`()
        throws
    {
        let coffer = try CofferProgram()
        let mount = coffer.folder.path("mnt")
        _ = try coffer.succeed("key", "create", "--alias", "app")
        let id = try coffer.succeed(
            "volume",
            "create",
            "--name",
            "data",
            "--size",
            "16MiB",
            "--key",
            "alias/app"
        )
        let key = try volumeKey(of: id, coffer)
        #expect(key.count == 64)
        let search = KeySearch([Array(key)])
        _ = try coffer.succeed("volume", "mount", "data", mount, "--verbose")
        try Data("x".utf8).write(to: URL(fileURLWithPath: "\(mount)/file"))
        let daemon = try #require(Daemons.processID(volume: id))

        let core = coffer.folder.path("core")
        let dumped = try CofferProgram.execute(
            "/usr/bin/gcore",
            ["-a", "-o", core, "\(daemon)"],
            limitSeconds: 120
        )
        #expect(dumped.code == 0, "\(dumped.errors)")
        _ = try coffer.succeed("volume", "unmount", "data")

        let runtime = try #require(try files(below: "/run/coffer").first { $0.contains(id) })
        let places =
            ["\(core).\(daemon)", "\(coffer.home)/catalog.sqlite"]
            + (try files(below: coffer.home))
            + (try files(below: (runtime as NSString).deletingLastPathComponent))
        for place in places {
            #expect(try !search.finds(inFile: place), "\(place) holds bytes of the volume key")
        }
        #expect(places.contains { $0.hasSuffix("volumed.log") } && places.contains { $0.hasSuffix(".jsonl") })
    }

    @Test func `arguments and environment of a serving daemon hold no run of the volume key`() throws {
        let coffer = try CofferProgram()
        _ = try coffer.succeed("key", "create", "--alias", "app")
        let id = try coffer.succeed("volume", "create", "--size", "1MiB", "--key", "alias/app")
        let search = KeySearch([Array(try volumeKey(of: id, coffer))])
        _ = try coffer.succeed("volume", "attach", id)
        let daemon = try #require(Daemons.processID(volume: id))
        for name in ["cmdline", "environ"] {
            let bytes = try #require(FileManager.default.contents(atPath: "/proc/\(daemon)/\(name)"))
            #expect(!bytes.isEmpty && !search.finds(in: Array(bytes)))
        }
        _ = try coffer.succeed("volume", "detach", id)
    }

    @Test func `the search finds a key in binary, hex and base64`() {
        let key = (0..<64).map { UInt8($0) &* 37 &+ 11 }
        let search = KeySearch([key])
        let noise = [UInt8](repeating: 0x2E, count: 100)
        let data = Data(key)
        #expect(!search.finds(in: noise + key[20..<27]))
        #expect(search.finds(in: noise + key[20..<28] + noise))
        #expect(
            search.finds(in: noise + Array(data[8..<30].map { String(format: "%02x", $0) }.joined().utf8))
        )
        #expect(
            search.finds(in: noise + Array(data[8..<30].map { String(format: "%02X", $0) }.joined().utf8))
        )
        #expect(search.finds(in: noise + Array(data.base64EncodedString().utf8.dropFirst(10))))
    }

    /// The key behind the blob in the volume's header, decrypted by KMS as its owner may.
    private func volumeKey(of id: String, _ coffer: CofferProgram) throws -> Data {
        let file = try RawFile("\(coffer.home)/volumes/\(id).coffer", O_RDONLY)
        let slot = try file.read(12288, at: 0x1000)
        let length = Int(slot[10]) | Int(slot[11]) << 8
        // The blob follows the ARN's place: see docs/format.md.
        let blob = Data(slot[0x860..<0x860 + length])
        let outcome = try coffer.run("key", "decrypt", "--context", "aws:ebs:id=\(id)", input: blob)
        try #require(outcome.code == 0, "\(outcome.errors)")
        return outcome.outputBytes
    }

    private func files(below folder: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: folder).map { "\(folder)/\($0)" }.filter {
            let type = try? FileManager.default.attributesOfItem(atPath: $0)[.type] as? FileAttributeType
            return type == .typeRegular
        }
    }
}
