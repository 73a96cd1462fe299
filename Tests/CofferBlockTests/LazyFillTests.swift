internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import CofferXTS
internal import Glibc
internal import Synchronization
internal import Testing

@testable internal import CofferBlock

@Suite struct LazyFillTests {
    /// A snapshot as an array: units of 4096 bytes, of which those that are nil have no data.
    final class Source: FillSource {
        let units: [[UInt8]?]
        let readCount = Atomic<Int>(0)

        init(_ units: [[UInt8]?]) { self.units = units }

        func read(into bytes: inout MutableRawSpan, at offset: UInt64) throws(BlockError) -> [Bool] {
            readCount.wrappingAdd(1, ordering: .relaxed)
            let first = Int(offset / 4096)
            return (0..<bytes.byteCount / 4096).map { index in
                let unit = first + index < units.count ? units[first + index] : nil
                let content = unit ?? [UInt8](repeating: 0, count: 4096)
                unsafe bytes.copy(content.span.bytes, at: index * 4096)
                return unit != nil
            }
        }
    }

    struct Fixture {
        static let blocks = 6
        let folder: TemporaryFolder
        let test: TestVolume
        let source: Source
        let identity: FillMap.Identity
        var mapPath: String { folder.path("fill") }

        /// A volume of 8 blocks from a snapshot of 6, in which every third unit has no data and one is zeroes.
        init() throws {
            folder = try TemporaryFolder()
            test = try TestVolume(bytes: 8 << 19)
            var generator = SeededGenerator(seed: 9)
            source = Source(
                (0..<Self.blocks * 128).map { unit in
                    if unit.isMultiple(of: 3) { return nil }
                    return unit == 100 ? [UInt8](repeating: 0, count: 4096) : generator.bytes(4096)
                }
            )
            identity = FillMap.Identity(
                volumeID: try #require(VolumeID("vol-0123456789abcdef0")),
                uuid: test.uuid,
                snapshotID: try #require(SnapshotID("snap-0123456789abcdef0")),
                blockCount: Self.blocks
            )
            try FillMap.create(path: mapPath, identity)
        }

        /// The content that a user of the new volume sees.
        var content: [UInt8] {
            source.units.flatMap { $0 ?? [UInt8](repeating: 0, count: 4096) }
                + [UInt8](repeating: 0, count: 2 << 19)
        }

        /// Opens the volume as an attachment does: again, after a crash too.
        func open() throws -> EncryptedVolume<FileBlockStore> {
            let store = try FileBlockStore(path: test.backingPath, .readWrite)
            let map = try #require(try FillMap(path: mapPath, identity))
            let fill = LazyFill(map, from: source, to: store, test.geometry, cipher: try test.cipher())
            return EncryptedVolume(store: store, geometry: test.geometry, punchesHoles: true, fill: fill)
        }
    }

    @Test func `before anything is filled the volume reads as the snapshot does`() throws {
        let fixture = try Fixture()
        let volume = try fixture.open()
        var worker = volume.makeWorker(cipher: try fixture.test.cipher())
        let content = fixture.content
        #expect(try EncryptedVolumeTests.read(&worker, content.count, at: 0) == content)
        for (offset, count) in [(4096, 4096), (5000, 17), (524_288 - 100, 4296), (3_000_000, 400_000)] {
            let read = try EncryptedVolumeTests.read(&worker, count, at: offset)
            #expect(read == Array(content[offset..<offset + count]), "\(count) bytes at \(offset)")
        }
        // Nothing was written by reading.
        #expect(try fixture.test.decryptBacking().allSatisfy { $0 == 0 })
    }

    @Test func `reads, writes and discards agree with a plain array while the volume is filled`() throws {
        let fixture = try Fixture()
        let volume = try fixture.open()
        var worker = volume.makeWorker(cipher: try fixture.test.cipher())
        var model = fixture.content
        var generator = SeededGenerator(seed: 4)
        var next: Int? = 0
        for step in 0..<400 {
            let offset = Int.random(in: 0..<model.count, using: &generator)
            let count = min(
                model.count - offset,
                [1, 77, 4096, 9000, 600_000][Int.random(in: 0..<5, using: &generator)]
            )
            switch step % 4 {
            case 0:
                let bytes = generator.bytes(count)
                _ = try EncryptedVolumeTests.write(&worker, bytes, at: offset)
                model.replaceSubrange(offset..<offset + count, with: bytes)
            case 1:
                try worker.discard(at: UInt64(offset), count: UInt64(count))
                model.replaceSubrange(offset..<offset + count, with: repeatElement(0, count: count))
            case 2 where step % 40 == 2: next = try next.flatMap { try volume.fillNext(from: $0) }
            default:
                let read = try EncryptedVolumeTests.read(&worker, count, at: offset)
                #expect(read == Array(model[offset..<offset + count]), "step \(step)")
            }
        }
        while let block = next { next = try volume.fillNext(from: block) }
        volume.endFilling()
        #expect(try EncryptedVolumeTests.read(&worker, model.count, at: 0) == model)
        #expect(try fixture.test.decryptBacking() == model)
    }

    @Test func `what was filled stays filled, and what was not is filled after a crash`() throws {
        let fixture = try Fixture()
        let bytes = [UInt8](repeating: 0x77, count: 4096)
        do {
            let volume = try fixture.open()
            var worker = volume.makeWorker(cipher: try fixture.test.cipher())
            _ = try EncryptedVolumeTests.write(&worker, bytes, at: 4096)
            // A discard in a filled block is final: the snapshot does not shine through again.
            try worker.discard(at: 0, count: 1 << 19)
            // Part of another block's units, as a crash in the middle of a fill leaves them: the bit is not set.
            try fixture.source.units[200].map { unit in
                var plain = unit
                var elements = plain.mutableSpan
                var span = unsafe elements.mutableBytes
                try fixture.test.cipher().encrypt(&span, first: 200, unitBytes: 4096)
                let place = fixture.test.geometry.dataOffset + 200 * 4096
                try volume.store.write(span.bytes, at: place)
            }
        }
        let volume = try fixture.open()
        var worker = volume.makeWorker(cipher: try fixture.test.cipher())
        var model = fixture.content
        model.replaceSubrange(0..<1 << 19, with: repeatElement(0, count: 1 << 19))
        #expect(try EncryptedVolumeTests.read(&worker, model.count, at: 0) == model)
        var next: Int? = 0
        while let block = next { next = try volume.fillNext(from: block) }
        #expect(volume.fillProgress.map { $0.filled == $0.total } == true)
        #expect(try fixture.test.decryptBacking() == model)
    }

    @Test func `several threads that write beside the filling lose nothing`() throws {
        let fixture = try Fixture()
        let volume = try fixture.open()
        let content = fixture.content
        let problems = inParallel(4) { index in
            if index == 3 {
                var next: Int? = 0
                while let block = next { next = try volume.fillNext(from: block) }
                return nil
            }
            var worker = volume.makeWorker(cipher: try fixture.test.cipher())
            var generator = SeededGenerator(seed: UInt64(index))
            // Each has the units whose number leaves its index.
            var own: [Int: [UInt8]] = [:]
            for round in 0..<300 {
                let unit = Int.random(in: 0..<340, using: &generator) * 3 + index
                if round % 2 == 0 {
                    own[unit] = generator.bytes(4096)
                    _ = try EncryptedVolumeTests.write(&worker, own[unit] ?? [], at: unit * 4096)
                } else {
                    let expected = own[unit] ?? Array(content[unit * 4096..<(unit + 1) * 4096])
                    let read = try EncryptedVolumeTests.read(&worker, 4096, at: unit * 4096)
                    if read != expected { return "unit \(unit) is not what it was" }
                }
            }
            return nil
        }
        #expect(problems == [])
    }

    @Test func `a map that is damaged, or of something else, is none`() throws {
        let fixture = try Fixture()
        let whole = try fixture.folder.bytes("fill")
        #expect(try FillMap(path: fixture.mapPath, fixture.identity) != nil)
        for offset in 0..<4096 {
            var damaged = whole
            damaged[offset] ^= 1 << UInt8(offset % 8)
            try fixture.folder.write(damaged, to: "fill")
            #expect(try FillMap(path: fixture.mapPath, fixture.identity) == nil, "byte \(offset)")
        }
        for count in [0, 1, 4095, 4096, 4103, 4105] {
            let bytes = (whole + [0, 0]).prefix(count)
            try fixture.folder.write(Array(bytes), to: "fill")
            #expect(try FillMap(path: fixture.mapPath, fixture.identity) == nil, "\(count) bytes")
        }
        try fixture.folder.write(whole, to: "fill")
        var other = fixture.identity
        other.snapshotID = try #require(SnapshotID("snap-0123456789abcdef1"))
        #expect(try FillMap(path: fixture.mapPath, other) == nil)
    }
}
