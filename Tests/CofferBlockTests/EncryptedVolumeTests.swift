internal import CofferSecrets
internal import CofferTesting
internal import CofferXTS
internal import Glibc
internal import Synchronization
internal import Testing

@testable internal import CofferBlock

@Suite struct EncryptedVolumeTests {
    /// A volume in memory with its worker, whose bytes a test reads and writes as arrays.
    final class Fixture {
        let store: MemoryBlockStore
        let volume: EncryptedVolume<MemoryBlockStore>
        var worker: EncryptedVolumeWorker<MemoryBlockStore>
        let test: TestVolume

        init(
            bytes: UInt64,
            dataUnitBytes: Int = 4096,
            punchesHoles: Bool = true,
            alignment: Int = 1
        ) throws {
            test = try TestVolume(bytes: bytes, dataUnitBytes: dataUnitBytes)
            store = MemoryBlockStore(alignment: alignment)
            volume = EncryptedVolume(store: store, geometry: test.geometry, punchesHoles: punchesHoles)
            worker = volume.makeWorker(cipher: try test.cipher())
        }

        func write(_ bytes: [UInt8], at offset: Int) throws(BlockError) -> Int {
            try EncryptedVolumeTests.write(&worker, bytes, at: offset)
        }

        func read(_ count: Int, at offset: Int) throws(BlockError) -> [UInt8] {
            try EncryptedVolumeTests.read(&worker, count, at: offset)
        }
    }

    static func write<Store>(
        _ worker: inout EncryptedVolumeWorker<Store>,
        _ bytes: [UInt8],
        at offset: Int
    ) throws(BlockError) -> Int {
        var copy = bytes
        var elements = copy.mutableSpan
        var span = unsafe elements.mutableBytes
        return try worker.write(&span, at: UInt64(offset))
    }

    /// The bytes that were read: whatever else the buffer held was 0xEE.
    static func read<Store>(
        _ worker: inout EncryptedVolumeWorker<Store>,
        _ count: Int,
        at offset: Int
    ) throws(BlockError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0xEE, count: count)
        var elements = bytes.mutableSpan
        var span = unsafe elements.mutableBytes
        let got = try worker.read(into: &span, at: UInt64(offset))
        return Array(bytes.prefix(got))
    }

    /// With an alignment, no access to the store may come from memory that is not aligned: the buffers of this test
    /// are not, nor is what follows a part of a unit.
    @Test(arguments: [(512, 1), (512, 512), (4096, 1), (4096, 512), (4096, 4096)], [true, false])
    func `random reads, writes and discards agree with a plain array`(
        unit: (bytes: Int, alignment: Int),
        punches: Bool
    ) throws {
        let size = 5 << 20
        let fixture = try Fixture(
            bytes: UInt64(size),
            dataUnitBytes: unit.bytes,
            punchesHoles: punches,
            alignment: unit.alignment
        )
        var model = [UInt8](repeating: 0, count: size)
        var generator = SeededGenerator(seed: UInt64(unit.bytes + unit.alignment) + (punches ? 1 : 0))
        for step in 0..<120 {
            let offset = Int.random(in: 0..<size, using: &generator)
            let large = step % 20 == 0
            let count = min(Int.random(in: 1...(large ? 3 << 20 : 20_000), using: &generator), size - offset)
            switch Int.random(in: 0..<8, using: &generator) {
            case 0..<4:
                let bytes = generator.bytes(count)
                #expect(try fixture.write(bytes, at: offset) == count)
                model.replaceSubrange(offset..<offset + count, with: bytes)
            case 4:
                try fixture.worker.discard(at: UInt64(offset), count: UInt64(count))
                model.replaceSubrange(offset..<offset + count, with: repeatElement(0, count: count))
            case 5:
                try fixture.worker.zeroRange(at: UInt64(offset), count: UInt64(count))
                model.replaceSubrange(offset..<offset + count, with: repeatElement(0, count: count))
            default:
                #expect(
                    try fixture.read(count, at: offset) == Array(model[offset..<offset + count]),
                    "step \(step)"
                )
            }
        }
        #expect(try fixture.read(size, at: 0) == model)
    }

    @Test func `the store holds each data unit encrypted under its number`() throws {
        let fixture = try Fixture(bytes: 1 << 20)
        let plain = [UInt8](repeating: 0x5A, count: 3 * 4096)
        _ = try fixture.write(plain, at: 8192)
        let dataOffset = Int(fixture.test.geometry.dataOffset)
        var stored = Array(fixture.store.bytes[dataOffset + 8192..<dataOffset + 8192 + plain.count])
        #expect(stored != plain)
        #expect(
            stored[0..<4096] != stored[4096..<8192],
            "equal plaintext in two units gives different ciphertext"
        )
        let cipher = try fixture.test.cipher()
        var elements = stored.mutableSpan
        var span = unsafe elements.mutableBytes
        try cipher.decrypt(&span, first: 2, unitBytes: 4096)
        #expect(stored == plain)
    }

    @Test func `what was never written reads as zeroes, also past the store's end`() throws {
        let fixture = try Fixture(bytes: 4 << 20)
        #expect(fixture.store.bytes.isEmpty)
        #expect(try fixture.read(10_000, at: 100_001) == [UInt8](repeating: 0, count: 10_000))
        _ = try fixture.write([1, 2, 3], at: 20_000)
        #expect(try fixture.read(6, at: 19_998) == [0, 0, 1, 2, 3, 0])
        #expect(try fixture.read(4096, at: 1 << 20) == [UInt8](repeating: 0, count: 4096))
    }

    @Test func `zeroes that were written are encrypted, and a unit that is zero on the store is a hole`()
        throws
    {
        let fixture = try Fixture(bytes: 1 << 20)
        let dataOffset = Int(fixture.test.geometry.dataOffset)
        _ = try fixture.write([UInt8](repeating: 0, count: 4096), at: 0)
        #expect(fixture.store.bytes[dataOffset..<dataOffset + 4096].contains { $0 != 0 })
        #expect(try fixture.read(4096, at: 0) == [UInt8](repeating: 0, count: 4096))
        // Sixteen zero bytes at the start of a ciphertext do not make it a hole.
        fixture.store.write([UInt8](repeating: 0, count: 16)[...], at: dataOffset)
        #expect(try fixture.read(4096, at: 0) != [UInt8](repeating: 0, count: 4096))
    }

    @Test func `requests past the end are cut, refused, or read as nothing`() throws {
        let fixture = try Fixture(bytes: 8192)
        let full = BlockError.system(errno: ENOSPC, call: .write)
        #expect(try fixture.write([UInt8](repeating: 7, count: 100), at: 8100) == 92)
        #expect(throws: full) { _ = try fixture.write([1], at: 8192) }
        #expect(throws: full) { _ = try fixture.write([1], at: Int.max) }
        #expect(try fixture.read(200, at: 8100) == [UInt8](repeating: 7, count: 92))
        #expect(try fixture.read(200, at: 8192).isEmpty)
        #expect(try fixture.read(200, at: Int.max).isEmpty)
        var span = MutableRawSpan()
        #expect(try fixture.worker.read(into: &span, at: UInt64.max) == 0)
        try fixture.worker.discard(at: UInt64.max, count: UInt64.max)
        try fixture.worker.discard(at: 8191, count: UInt64.max)
        #expect(try fixture.read(200, at: 8100) == [UInt8](repeating: 7, count: 91) + [0])
        #expect(fixture.store.bytes.count <= Int(fixture.test.geometry.storeBytes))
    }

    @Test func `a volume that hides its holes never punches one`() throws {
        let hiding = try Fixture(bytes: 1 << 20, punchesHoles: false)
        _ = try hiding.write([UInt8](repeating: 9, count: 65536), at: 0)
        try hiding.worker.discard(at: 0, count: 65536)
        try hiding.worker.zeroRange(at: 100_000, count: 50_000)
        #expect(hiding.store.punchCount == 0)
        #expect(try hiding.read(1 << 18, at: 0) == [UInt8](repeating: 0, count: 1 << 18))

        let punching = try Fixture(bytes: 1 << 20)
        _ = try punching.write([UInt8](repeating: 9, count: 65536), at: 0)
        try punching.worker.discard(at: 100, count: 65436)
        #expect(punching.store.punchCount == 1)
        #expect(
            try punching.read(200, at: 0) == [UInt8](repeating: 9, count: 100)
                + [UInt8](repeating: 0, count: 100)
        )
    }

    @Test func `where the store cannot punch, zeroes are encrypted over the range`() throws {
        let fixture = try Fixture(bytes: 1 << 20)
        fixture.store.refusesPunching = true
        _ = try fixture.write([UInt8](repeating: 9, count: 300_000), at: 0)
        try fixture.worker.discard(at: 5000, count: 290_000)
        #expect(try fixture.read(5000, at: 0) == [UInt8](repeating: 9, count: 5000))
        #expect(try fixture.read(290_000, at: 5000) == [UInt8](repeating: 0, count: 290_000))
        #expect(try fixture.read(5000, at: 295_000) == [UInt8](repeating: 9, count: 5000))
    }

    @Test func `an error of the store is the caller's error`() throws {
        let fixture = try Fixture(bytes: 1 << 20)
        _ = try fixture.write([1, 2, 3], at: 0)
        fixture.store.nextError = .system(errno: ENOSPC, call: .write)
        #expect(throws: BlockError.system(errno: ENOSPC, call: .write)) {
            _ = try fixture.write([UInt8](repeating: 1, count: 4096), at: 4096)
        }
        fixture.store.nextError = .system(errno: EIO, call: .read)
        #expect(throws: BlockError.system(errno: EIO, call: .read)) {
            _ = try fixture.read(10, at: 0)
        }
        #expect(try fixture.read(3, at: 0) == [1, 2, 3])
        #expect(fixture.volume.isFaulted == false)
    }

    @Test func `the first failed sync fails every later sync, write and discard, and reads go on`() throws {
        let fixture = try Fixture(bytes: 1 << 20)
        _ = try fixture.write([1, 2, 3], at: 0)
        try fixture.worker.sync()
        fixture.store.nextError = .system(errno: ENOSPC, call: .sync)
        #expect(throws: BlockError.faulted) { try fixture.worker.sync() }
        #expect(fixture.volume.isFaulted)
        let syncs = fixture.store.syncCount
        #expect(throws: BlockError.faulted) { try fixture.worker.sync() }
        #expect(throws: BlockError.faulted) { try fixture.volume.sync() }
        #expect(fixture.store.syncCount == syncs, "the store is not asked again: it might say yes")
        #expect(throws: BlockError.faulted) { _ = try fixture.write([4], at: 0) }
        #expect(throws: BlockError.faulted) {
            try fixture.worker.discard(at: 0, count: 4096)
        }
        #expect(throws: BlockError.faulted) {
            try fixture.worker.zeroRange(at: 0, count: 4096)
        }
        #expect(try fixture.read(3, at: 0) == [1, 2, 3])
    }

    @Test func `what is transferred is counted over all workers`() throws {
        let fixture = try Fixture(bytes: 1 << 20)
        var other = fixture.volume.makeWorker(cipher: try fixture.test.cipher())
        _ = try fixture.write([UInt8](repeating: 1, count: 5000), at: 0)
        _ = try Self.write(&other, [UInt8](repeating: 1, count: 300), at: 6000)
        _ = try Self.read(&other, 100, at: (1 << 20) - 40)
        #expect(fixture.volume.transferred == (bytesRead: 40, bytesWritten: 5300))
    }

    @Test func `a stretch is whole units or a part of one, within one stripe`() {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<2000 {
            let unit = [512, 4096].randomElement(using: &generator) ?? 512
            let offset = UInt64.random(in: 0..<(10 << 20), using: &generator)
            let count = Int.random(in: 1..<(3 << 20), using: &generator)
            let stretch = Stretch(from: offset, count: count, unitBytes: unit)
            #expect(stretch.offset == offset && stretch.count >= 1 && stretch.count <= count)
            let last = offset + UInt64(stretch.count) - 1
            #expect(offset >> 20 == last >> 20, "one stripe")
            if stretch.isWhole {
                #expect(offset % UInt64(unit) == 0 && stretch.count % unit == 0)
            } else {
                #expect(offset / UInt64(unit) == last / UInt64(unit) && stretch.count < unit)
            }
        }
    }
}
