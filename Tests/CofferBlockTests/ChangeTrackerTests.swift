internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import CofferXTS
internal import Glibc
internal import Synchronization
internal import Testing

@testable internal import CofferBlock

@Suite struct ChangeTrackerTests {
    /// Keeps the ciphertext of blocks in memory, each once.
    final class Keeper: BlockPreserver {
        private let volume: EncryptedVolume<FileBlockStore>
        private let microseconds: UInt32
        private let wanted = Mutex<Set<Int>>([])
        private let kept = Mutex<[Int: [UInt8]]>([:])

        init(_ volume: EncryptedVolume<FileBlockStore>, microseconds: UInt32 = 0) {
            (self.volume, self.microseconds) = (volume, microseconds)
        }

        var blocks: [Int: [UInt8]] { kept.withLock { $0 } }

        /// Fixes the volume's content, and gives the snapshot before.
        @discardableResult
        func freeze() -> SnapshotID? {
            var found: SnapshotID?
            volume.freeze(for: self) { waiting, base in
                var block = 0
                while let next = waiting.first(from: block, below: AtomicBlockMap.blockLimit) {
                    wanted.withLock { _ = $0.insert(next) }
                    block = next + 1
                }
                found = base
            }
            return found
        }

        func preserve(at offset: UInt64, count: UInt64) {
            preserve(Int(offset / UInt64(SnapshotBlock.bytes)))
        }

        private func preserve(_ block: Int) {
            kept.withLock { kept in
                guard kept[block] == nil, wanted.withLock({ $0.contains(block) }) else { return }
                var buffer = PageBuffer(count: SnapshotBlock.bytes)
                kept[block] = buffer.withMutableBytes(at: 0, count: SnapshotBlock.bytes) { bytes in
                    let offset = volume.geometry.dataOffset + UInt64(block * SnapshotBlock.bytes)
                    let count = (try? volume.store.read(into: &bytes, at: offset)) ?? 0
                    return Array(bytes.bytes.array().prefix(count))
                }
                usleep(microseconds)
            }
        }

        /// What works through the blocks in the background.
        func sweep() { for block in wanted.withLock({ $0.sorted() }) { preserve(block) } }
    }

    struct Fixture {
        let folder: TemporaryFolder
        let test: TestVolume
        let volume: EncryptedVolume<FileBlockStore>
        private let cipher: Cipher
        static let base = SnapshotID("snap-0123456789abcdef0")

        init(bytes: UInt64) throws {
            folder = try TemporaryFolder()
            test = try TestVolume(bytes: bytes)
            cipher = Cipher(try test.cipher())
            let place = ChangedBlockMap.Place(
                volumeID: try #require(VolumeID("vol-0123456789abcdef0")),
                uuid: test.uuid,
                lastEpoch: 0,
                epoch: 1,
                bootID: [UInt8](repeating: 1, count: 16)
            )
            let map = try ChangedBlockMap(path: folder.path("map"), place, volumeBytes: bytes)
            volume = EncryptedVolume(
                store: try FileBlockStore(path: test.backingPath, .readWrite),
                geometry: test.geometry,
                punchesHoles: true,
                tracker: ChangeTracker(map: map)
            )
        }

        func worker() throws -> EncryptedVolumeWorker<FileBlockStore> {
            volume.makeWorker(cipher: try test.cipher())
        }

        /// Which of the units that a keeper has, as they decrypt.
        func unit(_ index: Int, of kept: [Int: [UInt8]]) throws -> [UInt8]? {
            let perBlock = SnapshotBlock.bytes / 4096
            guard let block = kept[index / perBlock] else { return nil }
            let start = index % perBlock * 4096
            var bytes = Array(block[start..<start + 4096])
            guard bytes.contains(where: { $0 != 0 }) else { return bytes }
            var elements = bytes.mutableSpan
            var span = unsafe elements.mutableBytes
            try cipher.value.decrypt(&span, first: UInt64(index), unitBytes: 4096)
            return bytes
        }
    }

    /// What the writers of a test and its snapshots share.
    final class Shared: Sendable {
        let clock = Atomic<UInt64>(0)
        let stop = Atomic<Bool>(false)
        let snapshots = Atomic<Int>(0)
        /// The newest number of each unit whose write has returned.
        let done = Mutex<[Int: UInt64]>([:])
    }

    /// For one thread.
    final class Cipher: Sendable {
        let value: XTSCipher

        init(_ value: consuming XTSCipher) { self.value = value }
    }

    static func number(_ bytes: [UInt8]) -> UInt64 { bytes.load(UInt64.self, at: 0) }

    static func numbered(_ value: UInt64) -> [UInt8] {
        var bytes = [UInt8](repeating: 0x5A, count: 4096)
        bytes.store(littleEndian: value, at: 0)
        return bytes
    }

    @Test func `a snapshot under load has what was there at its moment, and nothing newer`() throws {
        let blocks = 16
        let fixture = try Fixture(bytes: UInt64(blocks * SnapshotBlock.bytes))
        let volume = fixture.volume
        let shared = Shared()
        // Each writer owns the units whose number leaves its index, and writes a number that only grows into them.
        let problems = inParallel(4) { index in
            guard index < 3 else {
                defer { shared.stop.store(true, ordering: .relaxed) }
                for round in 0..<12 {
                    let finished = shared.done.withLock { $0 }
                    let keeper = Keeper(volume, microseconds: 300)
                    keeper.freeze()
                    let moment = shared.clock.load(ordering: .sequentiallyConsistent)
                    keeper.sweep()
                    let kept = keeper.blocks
                    for (unit, number) in finished {
                        guard let bytes = try fixture.unit(unit, of: kept) else { continue }
                        let found = ChangeTrackerTests.number(bytes)
                        if found > moment { return "round \(round): unit \(unit) is too new" }
                        if found < number { return "round \(round): unit \(unit) is too old" }
                    }
                    try volume.completeSnapshot(try #require(Fixture.base))
                    shared.snapshots.wrappingAdd(1, ordering: .relaxed)
                }
                return nil
            }
            var worker = try fixture.worker()
            var generator = SeededGenerator(seed: UInt64(index))
            while !shared.stop.load(ordering: .relaxed) {
                let unit = Int.random(in: 0..<blocks * 128 / 3, using: &generator) * 3 + index
                let number = shared.clock.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue
                _ = try EncryptedVolumeTests.write(
                    &worker,
                    ChangeTrackerTests.numbered(number),
                    at: unit * 4096
                )
                shared.done.withLock { $0[unit] = number }
            }
            return nil
        }
        #expect(problems == [])
        #expect(shared.snapshots.load(ordering: .relaxed) == 12)
    }

    @Test func `after a snapshot only what changed since its moment is looked at`() throws {
        let fixture = try Fixture(bytes: 8 << 20)
        var worker = try fixture.worker()
        let unit = [UInt8](repeating: 1, count: 4096)
        for block in 0..<16 { _ = try EncryptedVolumeTests.write(&worker, unit, at: block << 19) }
        let first = Keeper(fixture.volume)
        #expect(first.freeze() == nil)
        // Blocks 5 and 6 change while the snapshot is under way.
        _ = try EncryptedVolumeTests.write(&worker, unit, at: 5 << 19)
        try worker.discard(at: 6 << 19, count: 4096)
        #expect(Set(first.blocks.keys) == [5, 6])
        first.sweep()
        #expect(first.blocks.count == 16)
        try fixture.volume.completeSnapshot(try #require(Fixture.base))
        _ = try EncryptedVolumeTests.write(&worker, [1, 2, 3], at: (9 << 19) + 77)

        let second = Keeper(fixture.volume)
        #expect(second.freeze() == Fixture.base)
        second.sweep()
        #expect(Set(second.blocks.keys) == [5, 6, 9])
    }

    @Test func `a snapshot that came to nothing takes no change from the next`() throws {
        let fixture = try Fixture(bytes: 8 << 20)
        var worker = try fixture.worker()
        let unit = [UInt8](repeating: 1, count: 4096)
        Keeper(fixture.volume).freeze()
        try fixture.volume.completeSnapshot(try #require(Fixture.base))
        _ = try EncryptedVolumeTests.write(&worker, unit, at: 2 << 19)
        let failing = Keeper(fixture.volume)
        failing.freeze()
        _ = try EncryptedVolumeTests.write(&worker, unit, at: 3 << 19)
        fixture.volume.abandonSnapshot()

        let last = Keeper(fixture.volume)
        #expect(last.freeze() == Fixture.base)
        last.sweep()
        #expect(Set(last.blocks.keys) == [2, 3])
    }
}
