import CofferTesting
import Foundation
import Testing

/// The volume key, which the test asks KMS for, is nowhere that it should not be.
@Suite(.serialized, .mounts)
struct SecrecyTests {
    @Test func `no run of the volume key is in arguments, environment, logs, trail, catalogue or a core dump`() throws {
        let coffer = try CofferProgram()
        let mount = coffer.folder.path("mnt")
        _ = try coffer.succeed("key", "create", "--alias", "app")
        let id = try coffer.succeed("volume", "create", "--name", "data", "--size", "16MiB", "--key", "alias/app")
        let key = try volumeKey(of: id, coffer)
        #expect(key.count == 64)
        _ = try coffer.succeed("volume", "mount", "data", mount, "--verbose")
        try Data("x".utf8).write(to: URL(fileURLWithPath: "\(mount)/file"))
        let daemon = try #require(Daemons.processID(volume: id))

        let core = coffer.folder.path("core")
        let dumped = try CofferProgram.execute("/usr/bin/gcore", ["-a", "-o", core, "\(daemon)"], limitSeconds: 120)
        #expect(dumped.code == 0, "\(dumped.errors)")
        _ = try coffer.succeed("volume", "unmount", "data")

        let runtime = try #require(try files(below: "/run/coffer").first { $0.contains(id) })
        let places =
            ["\(core).\(daemon)", "\(coffer.home)/catalog.sqlite"]
            + (try files(below: coffer.home)) + (try files(below: (runtime as NSString).deletingLastPathComponent))
        for place in places {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: place))
            #expect(!KeySearch.holdsRun(of: key, in: bytes), "\(place) holds bytes of the volume key")
        }
        #expect(places.contains { $0.hasSuffix("volumed.log") } && places.contains { $0.hasSuffix(".jsonl") })
    }

    @Test func `arguments and environment of a serving daemon hold no run of the volume key`() throws {
        let coffer = try CofferProgram()
        _ = try coffer.succeed("key", "create", "--alias", "app")
        let id = try coffer.succeed("volume", "create", "--size", "1MiB", "--key", "alias/app")
        let key = try volumeKey(of: id, coffer)
        _ = try coffer.succeed("volume", "attach", id)
        let daemon = try #require(Daemons.processID(volume: id))
        for name in ["cmdline", "environ"] {
            let bytes = try #require(FileManager.default.contents(atPath: "/proc/\(daemon)/\(name)"))
            #expect(!bytes.isEmpty && !KeySearch.holdsRun(of: key, in: bytes))
        }
        _ = try coffer.succeed("volume", "detach", id)
    }

    @Test func `the search finds a key in binary, hex and base64`() {
        let key = Data((0..<64).map { UInt8($0) &* 37 &+ 11 })
        let noise = Data(repeating: 0x2E, count: 100)
        #expect(!KeySearch.holdsRun(of: key, in: noise))
        #expect(KeySearch.holdsRun(of: key, in: noise + key[20..<28] + noise))
        #expect(KeySearch.holdsRun(of: key, in: noise + Data(key.map { String(format: "%02x", $0) }.joined().utf8)))
        #expect(KeySearch.holdsRun(of: key, in: noise + key.base64EncodedData()))
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

/// Looks for any eight bytes in a row of a key: as they are, in hex of either case, and the whole key in base64.
enum KeySearch {
    static func holdsRun(of key: Data, in bytes: Data) -> Bool {
        let key = [UInt8](key)
        var needles: [Data] = []
        for start in 0...(key.count - 8) {
            let run = key[start..<start + 8]
            needles.append(Data(run))
            let hex = run.map { String(format: "%02x", $0) }.joined()
            needles += [Data(hex.utf8), Data(hex.uppercased().utf8)]
        }
        let base64 = Data(key).base64EncodedString()
        needles.append(Data(base64.prefix(40).utf8))
        let first = Set(needles.map { $0[0] })
        // One pass: only where a byte could begin a needle are needles compared.
        return unsafe bytes.withUnsafeBytes { buffer in
            for offset in 0..<buffer.count where unsafe first.contains(buffer[offset]) {
                for needle in needles where buffer.count - offset >= needle.count {
                    if unsafe needle.elementsEqual(buffer[offset..<offset + needle.count]) { return true }
                }
            }
            return false
        }
    }
}
