import CofferBlock
import CofferCrypto
import CofferShapes
import CofferTesting
import Foundation
import Testing

@testable import CofferSnapshot

/// Hostile manifests, packs and streams, for COFFER_FUZZ_SECONDS (3 by default): nothing traps, and nothing that was
/// changed is believed. The seed is fixed, so that what was found once is found again.
@Suite struct SnapshotFuzzTests {
    private static let seconds = Double(ProcessInfo.processInfo.environment["COFFER_FUZZ_SECONDS"] ?? "") ?? 3
    private static let id = SnapshotSubject.id(1)

    private static func end() -> ContinuousClock.Instant { ContinuousClock.now + .seconds(seconds) }

    /// A home with one snapshot of three blocks, the last of them short.
    private static func home() throws -> RecordingStorage {
        let storage = RecordingStorage()
        let volume = ModelVolume(volumeBytes: UInt64(2 * SnapshotBlock.bytes + 4096))
        for index in 0..<UInt64(3) { volume.fill(index, index) }
        try SnapshotSubject.snapshot(id, of: volume, in: storage)
        return storage
    }

    /// Changes some fields or bytes, and sometimes the length.
    private static func damage(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
        for _ in 0..<Int.random(in: 1...4, using: &random) where bytes.count >= 8 {
            // Fields are where a reader may go wrong.
            let end = Bool.random(using: &random) ? min(0x110, bytes.count) : bytes.count
            let offset = Int.random(in: 0..<end, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[offset] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: bytes[offset] = UInt8.random(in: 0...255, using: &random)
            case 2 where offset + 8 <= bytes.count:
                let extremes: [UInt64] = [0, 1, .max, 1 << 27, 1 << 46, 1 << 63, 1984, 524_288]
                let number = extremes.randomElement(using: &random) ?? 0
                bytes.store(littleEndian: number, at: offset / 8 * 8)
            case 3 where Int.random(in: 0..<8, using: &random) == 0: bytes.removeLast(bytes.count - offset)
            default: if Int.random(in: 0..<8, using: &random) == 0 { bytes.append(0) }
            }
        }
    }

    /// Mends digests, and half of the time the code, as an older program with a fault and the key would.
    private static func mend(
        _ bytes: inout [UInt8],
        at start: Int,
        _ random: inout SeededGenerator,
        key: borrowing SnapshotMACKey
    ) {
        guard bytes.count >= start + ManifestLayout.headerBytes else { return }
        var header = Array(bytes[start..<start + ManifestLayout.headerBytes])
        if Bool.random(using: &random) {
            header.store(
                ManifestHeader.authenticationCode(of: header, macKey: key),
                at: ManifestLayout.mac.lowerBound
            )
        }
        header.store(ManifestHeader.checksum(of: header), at: ManifestLayout.checksum.lowerBound)
        bytes.replaceSubrange(start..<start + ManifestLayout.headerBytes, with: header)
    }

    @Test func `manifests that no writer would write`() throws {
        let storage = try Self.home()
        let good = try #require(storage.bytes(Self.id.manifest))
        let key = try SnapshotSubject.macKey()
        var random = SeededGenerator(seed: 7)
        var (count, opened) = (0, 0)
        let end = Self.end()
        while ContinuousClock.now < end {
            count += 1
            var bytes = good
            Self.damage(&bytes, &random)
            if bytes.count > ManifestLayout.headerBytes + 144, Bool.random(using: &random) {
                let page = Array(bytes[ManifestLayout.headerBytes..<ManifestLayout.headerBytes + 144])
                let row = Array(good[(ManifestLayout.headerBytes + 144)...].prefix(8)) + SHA256.digest(page)
                bytes = Array(bytes.prefix(ManifestLayout.headerBytes + 144)) + row
                bytes.store(SHA256.digest(row), at: ManifestLayout.tableDigest)
            }
            Self.mend(&bytes, at: 0, &random, key: key)
            storage.put(bytes, to: Self.id.manifest)
            do throws(SnapshotError) {
                let snapshot = try SnapshotManifest(Self.id, in: storage).authenticated(by: key)
                var cursor = snapshot.manifest.cursor()
                while let entry = try cursor.next() {
                    #expect(entry.index < SnapshotBlock.count(ofVolume: snapshot.header.geometry.volumeBytes))
                    #expect(entry.place.isPlausible)
                }
                opened += 1
            } catch {
                #expect(!error.sentence.contains("\n"))
            }
            // What was signed by the key is whatever it says; what it names is proved still.
            _ = try SnapshotCheck(SnapshotStore(storage)).run { _ in nil }
        }
        #expect(count > 3)
    }

    @Test func `packs that no writer would write`() throws {
        let storage = try Self.home()
        let path = SnapshotSubject.lineage().pack(1)
        let good = try #require(storage.bytes(path))
        let right = try SnapshotSubject.blocks(SnapshotSubject.open(Self.id, in: storage), in: storage)
        var random = SeededGenerator(seed: 8)
        var count = 0
        let end = Self.end()
        while ContinuousClock.now < end {
            count += 1
            var bytes = good
            Self.damage(&bytes, &random)
            storage.put(bytes, to: path)
            let snapshot = try SnapshotSubject.open(Self.id, in: storage)
            if let blocks = try? SnapshotSubject.blocks(snapshot, in: storage) { #expect(blocks == right) }
            _ = try SnapshotCheck(SnapshotStore(storage)).run { _ in nil }
        }
        #expect(count > 3)
    }

    @Test func `streams that nobody would export`() throws {
        let storage = try Self.home()
        let file = try RawTemporary()
        let snapshot = try SnapshotSubject.open(Self.id, in: storage)
        let right = try SnapshotSubject.blocks(snapshot, in: storage)
        try SnapshotReader(snapshot, in: storage).export(to: file.descriptor, SnapshotSubject.macKey())
        let good = try file.bytes()
        let key = try SnapshotSubject.macKey()
        var random = SeededGenerator(seed: 9)
        var count = 0
        let end = Self.end()
        while ContinuousClock.now < end {
            count += 1
            var bytes = good
            Self.damage(&bytes, &random)
            Self.mend(&bytes, at: ExportStream.preambleBytes, &random, key: key)
            let home = RecordingStorage()
            let input = try RawTemporary(bytes)
            do throws(SnapshotError) {
                let stream = try SnapshotImport(from: input.descriptor, naming: Self.id)
                let header = try stream.header.copied(
                    as: stream.header.snapshotID,
                    created: SnapshotSubject.moment
                )
                let imported = try stream.store(
                    as: header,
                    key,
                    to: LineageWriter(header.lineage, in: home),
                    in: SnapshotStore(home)
                )
                // Only fields that name nothing were changed, and signed by the key.
                let blocks = try? SnapshotSubject.blocks(imported, in: home)
                #expect(blocks == right)
            } catch {
                #expect(!error.sentence.contains("\n"))
                let complete = try? SnapshotStore(home).snapshotIDs().filter {
                    try SnapshotStore(home).isComplete($0)
                }
                #expect(complete == [])
            }
        }
        #expect(count > 3)
    }
}
