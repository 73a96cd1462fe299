import CofferBlock
import CofferCrypto
import CofferSecrets
import CofferShapes
import CofferTesting
import Foundation
import Testing

@testable import CofferSnapshot

/// One snapshot and its pack, byte by byte, for each version of the format. The files are never written again: a reader
/// that cannot open them, or a writer that makes other bytes of the same snapshot, has changed the format.
///
/// To make them once for a *new* version, beside the old ones: name them below and run
/// `COFFER_WRITE_GOLDEN=1 swift test --filter GoldenManifestTests`.
@Suite struct GoldenManifestTests {
    private static let manifestName = "manifest-1.0.bin"
    private static let packName = "pack-1.0-front.bin"
    private static let exportName = "export-1.0.bin"

    private static var isWriting: Bool { ProcessInfo.processInfo.environment["COFFER_WRITE_GOLDEN"] == "1" }

    private static func golden(_ name: String) throws -> [UInt8] {
        let url = try #require(Bundle.module.url(forResource: "Golden/" + name, withExtension: nil))
        return Array(try Data(contentsOf: url))
    }

    /// A volume of three blocks, the second a hole, the third of two data units.
    private static func make() throws -> (storage: RecordingStorage, files: [String: [UInt8]]) {
        let storage = RecordingStorage()
        let volume = ModelVolume(volumeBytes: UInt64(2 * SnapshotBlock.bytes + 8192))
        volume.fill(0, 1)
        volume.fill(2, 2)
        // One thread at a time: which block comes first decides its slot.
        let writer = try LineageWriter(SnapshotSubject.lineage(), in: storage)
        let header = try SnapshotSubject.header(
            SnapshotSubject.id(0xabc),
            volumeBytes: volume.volumeBytes,
            parent: SnapshotSubject.id(0xab)
        )
        let job = try SnapshotJob(
            header,
            after: nil,
            changed: .all,
            from: volume,
            to: writer,
            in: SnapshotStore(storage)
        )
        job.preserve(0)
        job.preserve(2)
        let snapshot = try job.run(SnapshotSubject.macKey())
        let file = try RawTemporary()
        let reader = SnapshotReader(snapshot, in: storage)
        try reader.export(to: file.descriptor, SnapshotSubject.macKey())
        let manifest = try #require(storage.bytes(SnapshotSubject.id(0xabc).manifest))
        let pack = try #require(storage.bytes(SnapshotSubject.lineage().pack(1)))
        // The parts of the stream before its blocks: what format it is of.
        let front = ExportStream.preambleBytes + manifest.count
        return (
            storage,
            [
                manifestName: manifest,
                packName: Array(pack.prefix(PackLayout.headerBytes + 2 * PackLayout.descriptorBytes)),
                exportName: Array(try file.bytes().prefix(front)),
            ]
        )
    }

    @Test(.enabled(if: isWriting, "writes the golden files of a new format version"))
    func `write the golden files`() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "Golden"
        )
        for (name, bytes) in try Self.make().files {
            let file = folder.appendingPathComponent(name)
            try #require(
                !FileManager.default.fileExists(atPath: file.path),
                "\(name) exists and stays as it is"
            )
            try Data(bytes).write(to: file)
        }
    }

    @Test(.disabled(if: isWriting)) func `the same snapshot gives the same bytes as ever`() throws {
        for (name, bytes) in try Self.make().files {
            #expect(try Self.golden(name) == bytes, "\(name)")
        }
    }

    @Test(.disabled(if: isWriting)) func `the golden manifest opens, field by field`() throws {
        let storage = try Self.make().storage
        let id = SnapshotSubject.id(0xabc)
        storage.put(try Self.golden(Self.manifestName), to: id.manifest)
        let manifest = try SnapshotManifest(id, in: storage)
        let wrapped = manifest.header.keySlot.wrapped
        let envelope = try #require(Envelope(wrapped.blob))
        let unwrapped = try envelope.open(
            backingKey: SecretBytes(copying: SnapshotSubject.backingKeyBytes),
            context: wrapped.context
        )
        guard let volumeKey = VolumeKey(unwrapped) else {
            Issue.record("the golden blob holds no volume key")
            return
        }
        let snapshot = try manifest.authenticated(by: volumeKey)
        let header = snapshot.header
        #expect(header.snapshotID.text == "snap-00000000000000abc")
        #expect(header.volumeID?.text == "vol-0123456789abcdef0")
        #expect(header.parent?.text == "snap-000000000000000ab")
        #expect(header.geometry.volumeBytes == 1_056_768 && header.geometry.dataUnitBytes == 4096)
        #expect(header.geometry.cipher == .aes256XTS && header.keyEpoch == 3 && header.blockCount == 2)
        #expect(header.created.iso8601 == "2023-11-14T22:13:20.000Z")
        #expect(header.lineage.description == "a0a0a0a0-a0a0-a0a0-a0a0-a0a0a0a0a0a0")
        #expect(try snapshot.manifest.entry(at: 0)?.place == BlockPlace(pack: 1, slot: 0))
        #expect(try snapshot.manifest.entry(at: 1) == nil)
        #expect(try snapshot.manifest.entry(at: 2)?.place == BlockPlace(pack: 1, slot: 1))
        let blocks = try SnapshotSubject.blocks(snapshot, in: storage)
        #expect(blocks[2] == ModelVolume.noise(8192, 2))
    }
}
