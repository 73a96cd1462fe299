import CofferBlock
import CofferSecrets
import CofferShapes
import CofferTesting
import CofferXTS
import Testing

@testable import CofferSnapshot

/// A volume of known plaintext under a key, for tests that decrypt.
struct PlainVolume {
    let source: ModelVolume
    /// All of it; holes are zeroes.
    private(set) var plaintext: [UInt8]
    private let key: Int

    init(blocks: Int, tail: Int = 0, unitBytes: Int = 4096, key: Int = 0) {
        source = ModelVolume(volumeBytes: UInt64(blocks * SnapshotBlock.bytes + tail), unitBytes: unitBytes)
        plaintext = [UInt8](repeating: 0, count: Int(source.volumeBytes))
        self.key = key
    }

    /// Writes units, as a volume does: encrypted, in place.
    mutating func write(_ bytes: [UInt8], atUnit unit: Int) throws {
        let unitBytes = source.unitBytes
        let volumeKey = SnapshotSubject.volumeKey(key)
        let cipher = try XTSCipher(
            key: volumeKey.xtsKey(
                .aes256XTS,
                dataUnitBytes: unitBytes,
                salt: SnapshotSubject.salt(key),
                uuid: SnapshotSubject.uuid(key)
            )
        )
        plaintext.replaceSubrange(unit * unitBytes..<unit * unitBytes + bytes.count, with: bytes)
        var ciphertext = bytes
        var elements = ciphertext.mutableSpan
        var span = unsafe elements.mutableBytes
        try cipher.encrypt(&span, first: UInt64(unit), unitBytes: unitBytes)
        for start in stride(from: 0, to: bytes.count, by: unitBytes) {
            let position = unit * unitBytes + start
            let index = UInt64(position / SnapshotBlock.bytes)
            var block =
                source.blocks[index] ?? [UInt8](repeating: 0, count: source.length(index))
            let place = position % SnapshotBlock.bytes
            block.replaceSubrange(place..<place + unitBytes, with: ciphertext[start..<start + unitBytes])
            source.put(block, at: index)
        }
    }

    /// The plaintext of a whole snapshot, and how many units are holes.
    static func read(
        _ snapshot: AuthenticManifest,
        in storage: any SnapshotStorage,
        key: Int = 0,
        stepBytes: Int = 1 << 20
    ) throws -> (plaintext: [UInt8], holes: Int) {
        let reader = SnapshotReader(snapshot, in: storage)
        var worker = reader.makeWorker(
            cipher: try XTSCipher(key: reader.header.xtsKey(from: SnapshotSubject.volumeKey(key)))
        )
        var plaintext: [UInt8] = []
        var holes = 0
        let count = Int(snapshot.header.geometry.volumeBytes)
        while plaintext.count < count {
            var part = [UInt8](repeating: 0xEE, count: min(stepBytes, count - plaintext.count))
            var elements = part.mutableSpan
            var span = unsafe elements.mutableBytes
            holes += try worker.read(into: &span, at: UInt64(plaintext.count))
            plaintext += part
        }
        return (plaintext, holes)
    }
}

@Suite struct SnapshotReaderTests {
    private let storage = RecordingStorage()

    @Test(arguments: [512, 4096], [4096, 3 * 4096, 1 << 20])
    func `reads give what was written, and zeroes for holes`(unitBytes: Int, stepBytes: Int) throws {
        var volume = PlainVolume(blocks: 3, tail: 8192, unitBytes: unitBytes)
        try volume.write(ModelVolume.noise(6 * unitBytes, 1), atUnit: 3)
        let boundary = SnapshotBlock.bytes / unitBytes
        try volume.write(ModelVolume.noise(4 * unitBytes, 2), atUnit: boundary - 2)
        // Zeroes that were written are data.
        try volume.write([UInt8](repeating: 0, count: unitBytes), atUnit: 3 * boundary)
        let snapshot = try SnapshotSubject.snapshot(SnapshotSubject.id(1), of: volume.source, in: storage)
        let read = try PlainVolume.read(snapshot, in: storage, stepBytes: stepBytes)
        #expect(read.plaintext == volume.plaintext)
        #expect(read.holes == volume.plaintext.count / unitBytes - 11)
        #expect(snapshot.header.blockCount == 3)
    }

    @Test func `which units are holes is told`() throws {
        var volume = PlainVolume(blocks: 2)
        try volume.write(ModelVolume.noise(4096, 1), atUnit: 5)
        try volume.write([UInt8](repeating: 0, count: 4096), atUnit: 6)
        let snapshot = try SnapshotSubject.snapshot(SnapshotSubject.id(1), of: volume.source, in: storage)
        let reader = SnapshotReader(snapshot, in: storage)
        var worker = reader.makeWorker(
            cipher: try XTSCipher(key: reader.header.xtsKey(from: SnapshotSubject.volumeKey()))
        )
        var bytes = [UInt8](repeating: 0xEE, count: 4 * 4096)
        var elements = bytes.mutableSpan
        var span = unsafe elements.mutableBytes
        let holes = try worker.readUnits(into: &span, at: 4 * 4096)
        #expect((0..<4).map(holes.contains) == [true, false, false, true] && holes.count == 2)
        #expect(span.bytes.array() == Array(volume.plaintext[4 * 4096..<8 * 4096]))
        #expect(try worker.readUnits(into: &span, at: UInt64(SnapshotBlock.bytes)).count == 4)
        #expect(span.bytes.array() == [UInt8](repeating: 0, count: 4 * 4096))
    }

    @Test func `requests outside of the volume or of whole units are refused`() throws {
        let volume = PlainVolume(blocks: 1, tail: 4096)
        let snapshot = try SnapshotSubject.snapshot(SnapshotSubject.id(1), of: volume.source, in: storage)
        let reader = SnapshotReader(snapshot, in: storage)
        var worker = reader.makeWorker(
            cipher: try XTSCipher(key: reader.header.xtsKey(from: SnapshotSubject.volumeKey()))
        )
        for (offset, count) in [(0, 0), (1, 4096), (0, 4097), (524288, 8192), (.max - 4095, 4096)]
            as [(UInt64, Int)]
        {
            var bytes = [UInt8](repeating: 0, count: count)
            #expect(throws: SnapshotError.outOfRange) {
                var elements = bytes.mutableSpan
                var span = unsafe elements.mutableBytes
                _ = try worker.read(into: &span, at: offset)
            }
        }
        var bytes = [UInt8](repeating: 0, count: SnapshotBlock.bytes)
        #expect(throws: SnapshotError.outOfRange) {
            var elements = bytes.mutableSpan
            var span = unsafe elements.mutableBytes
            _ = try reader.readBlock(2, into: &span)
        }
    }

    @Test func `damage is an error that names snapshot and block, and never data`() throws {
        let volume = ModelVolume(volumeBytes: UInt64(2 * SnapshotBlock.bytes))
        volume.fill(0, 1)
        volume.fill(1, 2)
        let snapshot = try SnapshotSubject.snapshot(SnapshotSubject.id(1), of: volume, in: storage)
        let path = SnapshotSubject.lineage().pack(1)
        let pack = try #require(storage.bytes(path))
        let place = try #require(try snapshot.manifest.entry(at: 1)).place
        for offset in [0, 1, 4096, SnapshotBlock.bytes - 1] {
            var damaged = pack
            damaged[Int(PackLayout.offset(ofSlot: Int(place.slot))) + offset] ^= 1
            storage.put(damaged, to: path)
            let reader = SnapshotReader(snapshot, in: storage)
            var worker = reader.makeWorker(
                cipher: try XTSCipher(key: reader.header.xtsKey(from: SnapshotSubject.volumeKey()))
            )
            var bytes = [UInt8](repeating: 0, count: 4096)
            var elements = bytes.mutableSpan
            var span = unsafe elements.mutableBytes
            _ = try worker.read(into: &span, at: 0)
            do throws(SnapshotError) {
                _ = try worker.read(into: &span, at: UInt64(SnapshotBlock.bytes + 8192))
                Issue.record("a damaged block was read")
            } catch {
                #expect(error == .damagedBlock(SnapshotSubject.id(1), 1))
                #expect(error.sentence.contains("block 1 of \(SnapshotSubject.id(1))"))
            }
        }
        storage.put(Array(pack.dropLast()), to: path)
        var bytes = [UInt8](repeating: 0, count: SnapshotBlock.bytes)
        let last: UInt64 = place.slot == 1 ? 1 : 0
        #expect(throws: SnapshotError.damagedBlock(SnapshotSubject.id(1), last)) {
            var elements = bytes.mutableSpan
            var span = unsafe elements.mutableBytes
            _ = try SnapshotReader(snapshot, in: storage).readBlock(last, into: &span)
        }
        #expect(try storage.remove(path))
        #expect(throws: SnapshotError.missingBlock(SnapshotSubject.id(1), 1, pack: 1)) {
            var elements = bytes.mutableSpan
            var span = unsafe elements.mutableBytes
            _ = try SnapshotReader(snapshot, in: storage).readBlock(1, into: &span)
        }
    }
}
