import CofferBlock
import CofferShapes
import CofferTesting
import Synchronization
import Testing

@testable import CofferSnapshot

@Suite struct SnapshotJobTests {
    private let storage = RecordingStorage()
    private static let block = UInt64(SnapshotBlock.bytes)

    /// Five blocks, the last of one data unit; two of them holes.
    private func volume() -> ModelVolume {
        let volume = ModelVolume(volumeBytes: 4 * Self.block + 4096)
        for (index, seed) in [(0, 1), (2, 2), (4, 3)] { volume.fill(UInt64(index), UInt64(seed)) }
        return volume
    }

    @Test func `a snapshot holds the blocks of the volume and leaves out its holes`() throws {
        let volume = volume()
        volume.put([UInt8](repeating: 0, count: SnapshotBlock.bytes), at: 3)
        let snapshot = try SnapshotSubject.snapshot(SnapshotSubject.id(1), of: volume, in: storage)
        #expect(snapshot.header.blockCount == 3)
        let opened = try SnapshotSubject.open(SnapshotSubject.id(1), in: storage)
        volume.fill(3, nil)
        #expect(try SnapshotSubject.blocks(opened, in: storage) == volume.blocks)
        #expect(try opened.manifest.entry(at: 1) == nil && opened.manifest.entry(at: 3) == nil)
        #expect(try SnapshotStore(storage).status(SnapshotSubject.id(1)) == .completed)
        #expect(try SnapshotStore(storage).state(SnapshotSubject.id(1)) == nil)
    }

    @Test func `an empty volume gives a manifest without blocks`() throws {
        let empty = ModelVolume(volumeBytes: 1 << 40)
        let snapshot = try SnapshotSubject.snapshot(SnapshotSubject.id(1), of: empty, in: storage)
        #expect(snapshot.header.blockCount == 0)
        #expect(try SnapshotSubject.open(SnapshotSubject.id(1), in: storage).manifest.entry(at: 0) == nil)
        #expect(empty.reads.isEmpty)
    }

    @Test func `the next snapshot reads the changed blocks alone and stores those that differ`() throws {
        let volume = volume()
        let first = try SnapshotSubject.snapshot(SnapshotSubject.id(1), of: volume, in: storage)
        let before = volume.reads.count
        volume.fill(2, 9)
        volume.fill(4, nil)
        volume.fill(1, 10)
        let changed = try #require(BlockMap(blockCount: 5, [0, 1, 2, 4] as [UInt64]))
        let writer = try LineageWriter(SnapshotSubject.lineage(), in: storage)
        let job = try SnapshotJob(
            try SnapshotSubject.header(
                SnapshotSubject.id(2),
                volumeBytes: volume.volumeBytes,
                parent: first.snapshotID
            ),
            after: first,
            changed: .only(changed),
            from: volume,
            to: writer,
            in: SnapshotStore(storage)
        )
        let second = try job.run(SnapshotSubject.macKey())
        #expect(volume.reads[before...].sorted() == [0, 1, 2, 4])
        // Block 0 was named as changed and is not: two are stored.
        #expect(writer.storedBytes == 2 * Self.block)
        #expect(try SnapshotSubject.blocks(second, in: storage) == volume.blocks)
        #expect(try second.manifest.entry(at: 0) == first.manifest.entry(at: 0))
        #expect(second.header.parent == first.snapshotID)
    }

    @Test func `without a list every block is compared, and equal ones are not stored again`() throws {
        let volume = volume()
        let first = try SnapshotSubject.snapshot(SnapshotSubject.id(1), of: volume, in: storage)
        volume.fill(2, 77)
        let writer = try LineageWriter(SnapshotSubject.lineage(), in: storage)
        let header = try SnapshotSubject.header(SnapshotSubject.id(2), volumeBytes: volume.volumeBytes)
        let job = try SnapshotJob(
            header,
            after: first,
            changed: .all,
            from: volume,
            to: writer,
            in: SnapshotStore(storage)
        )
        let second = try job.run(SnapshotSubject.macKey())
        #expect(writer.storedBytes == Self.block)
        #expect(try SnapshotSubject.blocks(second, in: storage) == volume.blocks)
    }

    @Test(arguments: [false, true])
    func `a volume that grew has its short last block stored anew, whatever the list says`(all: Bool) throws {
        let volume = volume()
        let first = try SnapshotSubject.snapshot(SnapshotSubject.id(1), of: volume, in: storage)
        volume.grow(to: 9 * Self.block)
        volume.fill(8, 5)
        let changed = try #require(BlockMap(blockCount: 9, [8] as [UInt64]))
        let second = try SnapshotSubject.snapshot(
            SnapshotSubject.id(2),
            of: volume,
            after: first,
            changed: all ? .all : .only(changed),
            in: storage
        )
        #expect(try SnapshotSubject.blocks(second, in: storage) == volume.blocks)
        #expect(try SnapshotSubject.blocks(second, in: storage)[4]?.count == SnapshotBlock.bytes)
    }

    @Test func `more blocks than a window and a page hold come in order`() throws {
        // 1500 blocks of which each is a data unit's ciphertext in a block that is zero else.
        let volume = ModelVolume(volumeBytes: 3000 * Self.block)
        var small = [UInt8](repeating: 0, count: SnapshotBlock.bytes)
        for index in stride(from: UInt64(1), to: 3000, by: 2) {
            small.replaceSubrange(0..<8, with: (0..<8).map { UInt8(truncatingIfNeeded: index >> (8 * $0)) })
            volume.put(small, at: index)
        }
        let first = try SnapshotSubject.snapshot(SnapshotSubject.id(1), of: volume, in: storage)
        #expect(first.header.blockCount == 1500 && first.manifest.table.count == 2)
        var cursor = first.manifest.cursor(from: 2990)
        #expect(try cursor.next()?.index == 2991)
        var expected: UInt64 = 1
        cursor = first.manifest.cursor()
        while let entry = try cursor.next() {
            guard entry.index == expected else { break }
            expected += 2
        }
        #expect(expected == 3001)
        let none = BlockMap(blockCount: 3000)
        let second = try SnapshotSubject.snapshot(
            SnapshotSubject.id(2),
            of: volume,
            after: first,
            changed: .only(none),
            in: storage
        )
        var difference = try SnapshotDifference(from: first.manifest, to: second.manifest)
        #expect(try difference.next() == nil)
    }

    @Test func `a cancelled snapshot leaves its reason and no blocks`() throws {
        let volume = volume()
        let control = JobControl()
        control.cancel()
        #expect(throws: SnapshotError.cancelled) {
            try SnapshotSubject.snapshot(SnapshotSubject.id(1), of: volume, in: storage, control: control)
        }
        #expect(storage.paths.map(\.name).sorted() == ["lock", "state"])
        let store = SnapshotStore(storage)
        #expect(try store.status(SnapshotSubject.id(1)) == .error(reason: "it was cancelled"))
        try store.remove(SnapshotSubject.id(1))
        #expect(throws: SnapshotError.notFound(SnapshotSubject.id(1))) {
            try store.status(SnapshotSubject.id(1))
        }
    }

    @Test func `a snapshot that has its folder and no note yet is not taken for one that failed`() throws {
        let store = SnapshotStore(storage)
        #expect(try storage.makeFolder(SnapshotSubject.id(1).folder))
        storage.put([1], to: SnapshotSubject.id(1).newState)
        #expect(throws: SnapshotError.notFound(SnapshotSubject.id(1))) {
            try store.status(SnapshotSubject.id(1))
        }
        storage.put([1], to: SnapshotSubject.id(1).state)
        #expect(try store.status(SnapshotSubject.id(1)) == .error(reason: "it is not whole"))
    }

    @Test func `an error of the source is the snapshot's`() throws {
        let volume = volume()
        volume.nextError = .system(errno: 5, call: .read)
        #expect(throws: SnapshotError.source(.system(errno: 5, call: .read))) {
            try SnapshotSubject.snapshot(SnapshotSubject.id(1), of: volume, in: storage)
        }
        guard case .error = try SnapshotStore(storage).status(SnapshotSubject.id(1)) else {
            Issue.record("the snapshot does not say that it failed")
            return
        }
    }

    @Test func `one writer at a time has a lineage`() throws {
        let writer = try LineageWriter(SnapshotSubject.lineage(), in: storage)
        #expect(throws: SnapshotError.lineageBusy(SnapshotSubject.lineage())) {
            try LineageWriter(SnapshotSubject.lineage(), in: storage, patience: .milliseconds(20))
        }
        #expect(throws: SnapshotError.lineageBusy(SnapshotSubject.lineage())) {
            try SnapshotCollector(SnapshotStore(storage)).collect(SnapshotSubject.lineage())
        }
        withExtendedLifetime(writer) {}
        _ = try LineageWriter(SnapshotSubject.lineage(1), in: storage)
    }

    @Test func `an id is used once, and a base has to be one`() throws {
        let volume = volume()
        let first = try SnapshotSubject.snapshot(SnapshotSubject.id(1), of: volume, in: storage)
        #expect(throws: SnapshotError.alreadyExists(SnapshotSubject.id(1))) {
            try SnapshotSubject.snapshot(SnapshotSubject.id(1), of: volume, in: storage)
        }
        #expect(throws: SnapshotError.unrelated(SnapshotSubject.id(1), SnapshotSubject.id(2))) {
            try SnapshotSubject.snapshot(SnapshotSubject.id(2), of: volume, after: first, in: storage, key: 1)
        }
        try SnapshotStore(storage).remove(SnapshotSubject.id(1))
        #expect(throws: SnapshotError.notFound(SnapshotSubject.id(1))) {
            try SnapshotSubject.snapshot(SnapshotSubject.id(2), of: volume, after: first, in: storage)
        }
        // It was begun, so it says why it failed.
        #expect(
            try SnapshotStore(storage).state(SnapshotSubject.id(2))?.phase
                == .error(reason: SnapshotError.notFound(SnapshotSubject.id(1)).sentence)
        )
    }

    @Test func `a wrapped key made for something else is refused`() throws {
        #expect(throws: SnapshotError.otherContext(SnapshotSubject.id(1))) {
            try ManifestHeader(
                snapshotID: SnapshotSubject.id(1),
                volumeID: SnapshotSubject.volumeID,
                parent: nil,
                volumeBytes: 4096,
                dataUnitBytes: 4096,
                cipher: .aes256XTS,
                key: SnapshotSubject.key(for: "vol-00000000000000000"),
                created: SnapshotSubject.moment
            )
        }
        _ = try ManifestHeader(
            snapshotID: SnapshotSubject.id(1),
            volumeID: nil,
            parent: nil,
            volumeBytes: 4096,
            dataUnitBytes: 4096,
            cipher: .aes256XTS,
            key: SnapshotSubject.key(for: SnapshotSubject.id(1).text),
            created: SnapshotSubject.moment
        )
    }

    // MARK: - On a live volume

    @Test func `a snapshot under writes shows the instant at which they began to be preserved`() throws {
        let count: UInt64 = 160
        let volume = ModelVolume(volumeBytes: count * Self.block)
        for index in 0..<count where index % 3 != 0 { volume.fill(index, index) }
        let instant = volume.blocks
        let writer = try LineageWriter(SnapshotSubject.lineage(), in: storage)
        let job = try SnapshotJob(
            try SnapshotSubject.header(SnapshotSubject.id(1), volumeBytes: volume.volumeBytes),
            after: nil,
            changed: .all,
            from: volume,
            to: writer,
            in: SnapshotStore(storage)
        )
        // Before the sweep begins, some is discarded and some written for the first time.
        for index in [UInt64(1), 2, 3, 100, 102] {
            job.preserve(index)
            volume.fill(index, index % 3 == 0 ? 5000 + index : nil)
        }
        let problems = inParallel(4) { thread in
            if thread == 0 {
                _ = try job.run(SnapshotSubject.macKey())
                return nil
            }
            var random = SeededGenerator(seed: UInt64(thread))
            for round in 0..<150 {
                let index = UInt64.random(in: 0..<count, using: &random)
                job.preserve(index)
                volume.fill(index, round % 5 == 0 ? nil : random.next())
            }
            return nil
        }
        #expect(problems.isEmpty)
        let opened = try SnapshotSubject.open(SnapshotSubject.id(1), in: storage)
        #expect(try SnapshotSubject.blocks(opened, in: storage) == instant)
        #expect(volume.blocks != instant)
        // No block is stored twice.
        #expect(writer.storedBytes == UInt64(instant.count) * Self.block)
        // After the end nothing is preserved, and nobody waits.
        let reads = volume.reads.count
        job.preserve(5)
        #expect(volume.reads.count == reads)
    }

    @Test func `a block that cannot be preserved ends the snapshot and not the write`() throws {
        let volume = volume()
        let writer = try LineageWriter(SnapshotSubject.lineage(), in: storage)
        let job = try SnapshotJob(
            try SnapshotSubject.header(SnapshotSubject.id(1), volumeBytes: volume.volumeBytes),
            after: nil,
            changed: .all,
            from: volume,
            to: writer,
            in: SnapshotStore(storage)
        )
        volume.nextError = .system(errno: 5, call: .read)
        job.preserve(2)
        volume.fill(2, 99)
        job.preserve(0)
        #expect(throws: SnapshotError.source(.system(errno: 5, call: .read))) {
            try job.run(SnapshotSubject.macKey())
        }
        #expect(try SnapshotStore(storage).isComplete(SnapshotSubject.id(1)) == false)
    }

    @Test func `a sync that fails ends the writer`() throws {
        let writer = try LineageWriter(SnapshotSubject.lineage(), in: storage)
        _ = try unsafe writer.append(ModelVolume.noise(4096, 1).span.bytes, index: 0)
        storage.changesLeft = 1
        #expect(throws: SnapshotError.self) { try writer.sync() }
        storage.changesLeft = .max
        #expect(throws: SnapshotError.writerOver) { try writer.sync() }
        #expect(throws: SnapshotError.writerOver) {
            try unsafe writer.append(ModelVolume.noise(4096, 1).span.bytes, index: 0)
        }
    }

    @Test func `a pack that is full is followed by another`() throws {
        let temporary = try TemporaryFolder()
        let storage = try SnapshotFolder(path: temporary.path)
        let writer = try LineageWriter(SnapshotSubject.lineage(), in: storage)
        let bytes = ModelVolume.noise(512, 1)
        var last: BlockEntry?
        for index in 0...UInt64(PackLayout.slotCount) {
            last = try unsafe writer.append(bytes.span.bytes, index: index)
        }
        try writer.sync()
        #expect(last?.place == BlockPlace(pack: 2, slot: 0))
        let pack = try storage.open(SnapshotSubject.lineage().pack(1), .read)
        let contents = try PackContents(pack, path: "pack-1")
        #expect(PackLayout.isHeader(contents.header, of: SnapshotSubject.lineage(), 1))
        #expect(contents.used.count == PackLayout.slotCount)
        #expect(
            contents.descriptor(1983, SnapshotSubject.lineage(), 1)
                == PackDescriptor(index: 1983, length: 512, digest: last!.digest)
        )
        // A descriptor says nothing in another place.
        #expect(contents.descriptor(1983, SnapshotSubject.lineage(), 2) == nil)
        writer.abandon()
        #expect(try storage.names(in: SnapshotSubject.lineage().folder) == ["lock"])
    }
}
