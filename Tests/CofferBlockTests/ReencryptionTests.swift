internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import CofferXTS
internal import Glibc
internal import Synchronization
internal import Testing

@testable internal import CofferBlock

/// A volume goes from one volume key to another while it is used, and a cut at any point loses nothing.
@Suite struct ReencryptionTests {
    /// A stripe and two and a half steps: the last stripe is not whole, and neither is the last step.
    fileprivate static let geometry = Geometry(
        volumeBytes: (1 << 20) + (640 << 10),
        dataUnitBytes: 4096,
        cipher: .aes256XTS
    )!
    fileprivate static let size = Int(geometry.volumeBytes)

    /// A volume that is served, with one thread's way to it.
    private final class Served<Store: BlockStore> {
        let volume: EncryptedVolume<Store>
        var worker: EncryptedVolumeWorker<Store>
        let reencryption: Reencryption<Store>?

        init(
            _ volume: EncryptedVolume<Store>,
            _ worker: consuming EncryptedVolumeWorker<Store>,
            _ reencryption: Reencryption<Store>?
        ) {
            (self.volume, self.reencryption) = (volume, reencryption)
            self.worker = worker
        }

        func read(_ count: Int = ReencryptionTests.size, at offset: Int = 0) throws -> [UInt8] {
            try EncryptedVolumeTests.read(&worker, count, at: offset)
        }

        func write(_ bytes: [UInt8], at offset: Int) throws {
            _ = try EncryptedVolumeTests.write(&worker, bytes, at: offset)
        }
    }

    /// A volume with a header, whose key is about to change.
    private struct Subject<Store: BlockStore> {
        let store: Store
        let image: VolumeImage

        init(_ store: Store) { (self.store, image) = (store, HeaderSubject.image(store)) }

        /// The volume as an attachment serves it, by whichever key its header asks for.
        func open() throws -> Served<Store> {
            let header = try image.read().newest()
            let volume = EncryptedVolume(store: store, geometry: header.geometry, punchesHoles: true)
            guard header.state == .reencrypting else {
                let key = header.keyEpoch == 0 ? HeaderSubject.volumeKey() : HeaderSubject.otherKey()
                let opened = try image.open(key, mark: nil)
                let cipher = try XTSCipher(key: opened.xtsKey(from: key))
                return Served(volume, volume.makeWorker(cipher: cipher), nil)
            }
            let opened = try image.open(HeaderSubject.otherKey(), mark: nil)
            let slot = try #require(opened.previousSlot)
            let old = try HeaderSubject.volumeKey().xtsKey(
                header.geometry.cipher,
                dataUnitBytes: header.geometry.dataUnitBytes,
                salt: slot.salt,
                uuid: slot.uuid
            )
            let worker = volume.makeWorker(cipher: try XTSCipher(key: old))
            let reencryption = try Reencryption(
                of: volume,
                opened,
                headerStore: store,
                oldKey: HeaderSubject.volumeKey(),
                newKey: HeaderSubject.otherKey()
            )
            return Served(volume, worker, reencryption)
        }

        func begin() throws {
            _ = try image.beginReencryption(
                to: try HeaderSubject.wrapped(HeaderSubject.otherARN),
                HeaderSubject.otherKey(),
                HeaderSubject.volumeKey(),
                mark: nil,
                random: RepeatableByteSource(seed: 3)
            )
        }

        func end(_ served: Served<Store>) throws {
            _ = try image.endReencryption(HeaderSubject.otherKey(), mark: nil)
            served.volume.endReencryption()
        }
    }

    /// A volume with noise, and with holes of some units, of a step, and across two stripes.
    private static func content(_ seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        var bytes = generator.bytes(size)
        for hole in [(40 << 10)..<(48 << 10), (256 << 10)..<(512 << 10), (896 << 10)..<(1280 << 10)] {
            bytes.replaceSubrange(hole, with: repeatElement(0, count: hole.count))
        }
        return bytes
    }

    private static func fill<Store>(_ subject: Subject<Store>, _ bytes: [UInt8]) throws {
        let served = try subject.open()
        for start in stride(from: 0, to: size, by: 4096)
        where bytes[start..<start + 4096].contains(where: { $0 != 0 }) {
            try served.write(Array(bytes[start..<start + 4096]), at: start)
        }
        try served.volume.sync()
    }

    @Test func `all data is under the new key afterwards, holes stay holes, and the old key opens nothing`()
        throws
    {
        let store = MemoryBlockStore()
        let subject = Subject(store)
        _ = try HeaderSubject.create(in: store, geometry: Self.geometry)
        let bytes = Self.content(1)
        try Self.fill(subject, bytes)
        let before = store.bytes
        try subject.begin()
        let served = try subject.open()
        #expect(try #require(served.reencryption).run { false })
        #expect(try served.read() == bytes)
        try subject.end(served)
        #expect(try served.read() == bytes)
        let header = try subject.image.open(HeaderSubject.otherKey(), mark: nil)
        #expect((header.state, header.keyEpoch, header.previousSlot == nil) == (.ready, 1, true))
        #expect(header.activeSlot?.wrapped.keyARN == HeaderSubject.otherARN)
        #expect(throws: HeaderError.tampered) {
            try subject.image.open(HeaderSubject.volumeKey(), mark: nil)
        }
        #expect(try subject.image.check(HeaderSubject.otherKey()).findings == [])
        let after = store.bytes
        for start in stride(from: 0, to: Self.size, by: 4096) {
            let unit = HeaderSubject.dataOffset + start..<HeaderSubject.dataOffset + start + 4096
            let isHole = bytes[start..<start + 4096].allSatisfy { $0 == 0 }
            #expect(after[unit].allSatisfy { $0 == 0 } == isHole, "unit at \(start)")
            #expect(isHole || before[unit] != after[unit], "unit at \(start)")
        }
        #expect(try subject.open().read() == bytes)
    }

    @Test func `whoever reads and writes meanwhile never sees anything but what was written`() throws {
        let test = try TestVolume(bytes: 32 << 20)
        let store = try FileBlockStore(path: test.backingPath, .readWrite)
        let subject = Subject(store)
        _ = try HeaderSubject.create(in: store, geometry: test.geometry)
        try subject.begin()
        let served = try subject.open()
        let volume = served.volume
        let reencryption = try #require(served.reencryption)
        let header = try subject.image.open(HeaderSubject.otherKey(), mark: nil)
        let slot = try #require(header.previousSlot)
        let isDone = Atomic<Bool>(false)
        // Four users, each with every fourth unit, and one who changes the key under them.
        let problems = inParallel(5) { index in
            guard index < 4 else {
                defer { isDone.store(true, ordering: .releasing) }
                // The first round finds nothing but holes, unless a user was there first.
                usleep(20_000)
                guard try reencryption.run(isStopped: { false }) else { return "it stopped" }
                _ = try subject.image.endReencryption(HeaderSubject.otherKey(), mark: nil)
                volume.endReencryption()
                return nil
            }
            let old = try HeaderSubject.volumeKey().xtsKey(
                header.geometry.cipher,
                dataUnitBytes: 4096,
                salt: slot.salt,
                uuid: slot.uuid
            )
            var worker = volume.makeWorker(cipher: try XTSCipher(key: old))
            var generator = SeededGenerator(seed: UInt64(index))
            var model: [Int: UInt8] = [:]
            var round = 0
            while !isDone.load(ordering: .acquiring) || round % 500 != 0 {
                round += 1
                let unit = Int.random(in: 0..<2048, using: &generator) * 4 + index
                switch round % 9 {
                case 8:
                    try worker.discard(at: UInt64(unit * 4096), count: 4096)
                    model[unit] = 0
                case 0..<4:
                    let value = UInt8.random(in: 1...255, using: &generator)
                    let bytes = [UInt8](repeating: value, count: 4096)
                    _ = try EncryptedVolumeTests.write(&worker, bytes, at: unit * 4096)
                    model[unit] = value
                default:
                    let read = try EncryptedVolumeTests.read(&worker, 4096, at: unit * 4096)
                    let value = model[unit] ?? 0
                    if read.contains(where: { $0 != value }) { return "round \(round): unit \(unit)" }
                }
            }
            for (unit, value) in model {
                let read = try EncryptedVolumeTests.read(&worker, 4096, at: unit * 4096)
                if read.contains(where: { $0 != value }) { return "at the end: unit \(unit)" }
            }
            return nil
        }
        #expect(problems == [])
    }

    @Test func `every cut leaves a volume that has what was acknowledged, and goes on from there`() throws {
        let start = MemoryBlockStore()
        _ = try HeaderSubject.create(in: start, geometry: Self.geometry)
        var bytes = Self.content(2)
        try Self.fill(Subject(start), bytes)
        let store = RecordingBlockStore(start.bytes)
        let subject = Subject(store)
        var models = [bytes]
        store.acknowledge(0)
        try subject.begin()
        let served = try subject.open()
        var generator = SeededGenerator(seed: 5)
        var isOver = false
        while !isOver {
            // A user writes between any two stripes, before and behind the boundary.
            for _ in 0..<4 {
                let offset = Int.random(in: 0..<Self.size / 512, using: &generator) * 512
                let count = min(Int.random(in: 1...40, using: &generator) * 512, Self.size - offset)
                let part = generator.bytes(count)
                try served.write(part, at: offset)
                bytes.replaceSubrange(offset..<offset + count, with: part)
            }
            try served.volume.sync()
            models.append(bytes)
            store.acknowledge(models.count - 1)
            var stripes = 0
            isOver = try #require(served.reencryption).run {
                stripes += 1
                return stripes > 1
            }
        }
        try subject.end(served)
        for count in 0...store.events.count {
            try Self.judge(store.state(afterEvents: count), models, "cut whole after \(count)")
        }
        var random = SeededGenerator(seed: 6)
        for round in 0..<500 {
            let count = Int.random(in: 0...store.events.count, using: &random)
            let cut = store.tornState(afterEvents: count, random: &random)
            try Self.judge(cut, models, "torn in round \(round) after \(count)")
        }
    }

    /// Whether two arrays have equal bytes in a range; tests are not optimised, and this is asked often.
    private static func equal(_ left: [UInt8], _ right: [UInt8], _ offset: Int, _ count: Int) -> Bool {
        unsafe left.withUnsafeBytes { left in
            unsafe right.withUnsafeBytes { right in
                unsafe memcmp(left.baseAddress! + offset, right.baseAddress! + offset, count) == 0
            }
        }
    }

    private static func judge(
        _ cut: (store: MemoryBlockStore, acknowledged: Int?),
        _ models: [[UInt8]],
        _ what: String
    ) throws {
        guard let number = cut.acknowledged else { return }
        let subject = Subject(cut.store)
        let served = try subject.open()
        let (sure, next) = (models[number], models[min(number + 1, models.count - 1)])
        let read = try served.read()
        // What was not synced is there or not, by sectors; the rest of a unit that was a hole is noise then.
        for unit in stride(from: 0, to: size, by: 4096) where !Self.equal(read, sure, unit, 4096) {
            let wasHole = sure[unit..<unit + 4096].allSatisfy { $0 == 0 }
            if wasHole && !Self.equal(sure, next, unit, 4096) { continue }
            for sector in stride(from: unit, to: unit + 4096, by: 512) {
                guard Self.equal(read, sure, sector, 512) || Self.equal(read, next, sector, 512) else {
                    Issue.record("\(what): sector at \(sector) is neither old nor new")
                    return
                }
            }
        }
        guard let reencryption = served.reencryption else { return }
        #expect(try reencryption.run { false })
        try subject.end(served)
        #expect(Self.equal(try served.read(), read, 0, size), "\(what): another content at its end")
    }

    @Test func `a store that fails once, anywhere, loses nothing that was acknowledged`() throws {
        let start = MemoryBlockStore()
        _ = try HeaderSubject.create(in: start, geometry: Self.geometry)
        let bytes = Self.content(3)
        try Self.fill(Subject(start), bytes)
        try Subject(start).begin()
        var failures = 0
        for count in 0..<200 {
            let base = MemoryBlockStore(start.bytes)
            let store = FaultingBlockStore(
                base,
                failingAfter: count,
                once: true,
                with: .system(errno: EIO, call: .write)
            )
            let served = try Subject(store).open()
            let reencryption = try #require(served.reencryption)
            guard (try? reencryption.run { false }) == nil else { break }
            failures += 1
            // Its users go on, as far as they may: what they are told is durable has to be.
            var model = bytes
            for unit in stride(from: 0, to: Self.size, by: 4096) {
                let fresh = [UInt8](repeating: UInt8(unit >> 12 & 0xFF) | 1, count: 4096)
                guard (try? served.write(fresh, at: unit)) != nil, (try? served.volume.sync()) != nil else {
                    continue
                }
                model.replaceSubrange(unit..<unit + 4096, with: fresh)
            }
            let after = try Subject(base).open()
            #expect(Self.equal(try after.read(), model, 0, Self.size), "failing after \(count)")
            #expect(try #require(after.reencryption).run { false })
            #expect(Self.equal(try after.read(), model, 0, Self.size), "failing after \(count), at its end")
        }
        #expect(failures > 20)
    }

    @Test func `what is written after it was taken up again is not put back once more`() throws {
        let start = MemoryBlockStore()
        _ = try HeaderSubject.create(in: start, geometry: Self.geometry)
        let bytes = Self.content(8)
        try Self.fill(Subject(start), bytes)
        let store = RecordingBlockStore(start.bytes)
        let subject = Subject(store)
        try subject.begin()
        let first = try subject.open()
        #expect(try #require(first.reencryption).run { false })
        for count in 0...store.events.count {
            let cut = store.state(afterEvents: count).store
            guard try Subject(cut).image.read().newest().state == .reencrypting else { continue }
            let served = try Subject(cut).open()
            guard let reencryption = served.reencryption else { continue }
            let place = min(Int(reencryption.doneBytes), Self.size - 4096)
            let fresh = [UInt8](repeating: 0xAB, count: 4096)
            try served.write(fresh, at: place)
            try served.volume.sync()
            // It dies before it has begun to go on.
            let after = try Subject(cut).open()
            #expect(try after.read(4096, at: place) == fresh, "cut after \(count)")
        }
    }

    @Test func `a journal of which nothing is whole is damage, and nothing is served`() throws {
        let store = MemoryBlockStore()
        let subject = Subject(store)
        _ = try HeaderSubject.create(in: store, geometry: Self.geometry)
        try subject.begin()
        for place in [0x40000, 0xA0000] { store.write([UInt8](repeating: 7, count: 4096)[...], at: place) }
        #expect(throws: HeaderError.noJournal) { _ = try subject.open() }
    }

    @Test func `a forged journal is not followed`() throws {
        let store = MemoryBlockStore()
        let subject = Subject(store)
        _ = try HeaderSubject.create(in: store, geometry: Self.geometry)
        let bytes = Self.content(4)
        try Self.fill(subject, bytes)
        try subject.begin()
        // A record that says that more is done than is, by somebody without the key.
        let header = try subject.image.open(HeaderSubject.otherKey(), mark: nil)
        let forger = try ReencryptionJournal(header, in: store, HeaderSubject.volumeKey())
        for _ in 0..<3 { try forger.record(step: 5) }
        #expect(throws: HeaderError.noJournal) { _ = try subject.open() }
    }
}
