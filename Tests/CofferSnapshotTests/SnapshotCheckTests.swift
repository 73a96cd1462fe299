import CofferBlock
import CofferShapes
import CofferTesting
import Testing

@testable import CofferSnapshot

@Suite struct SnapshotCheckTests {
    private let storage = RecordingStorage()
    private var store: SnapshotStore { SnapshotStore(storage) }
    private let lineage = SnapshotSubject.lineage()

    private func check() throws -> SnapshotReport {
        try SnapshotCheck(store).run { try? $0.macKey(from: SnapshotSubject.volumeKey()) }
    }

    /// Two snapshots of four blocks that share two.
    private func two() throws -> (ModelVolume, first: AuthenticManifest, second: AuthenticManifest) {
        let volume = ModelVolume(volumeBytes: UInt64(4 * SnapshotBlock.bytes))
        for index in 0..<UInt64(4) { volume.fill(index, index) }
        let first = try SnapshotSubject.snapshot(SnapshotSubject.id(1), of: volume, in: storage)
        volume.fill(0, 10)
        volume.fill(2, 12)
        let second = try SnapshotSubject.snapshot(
            SnapshotSubject.id(2),
            of: volume,
            after: first,
            in: storage
        )
        return (volume, first, second)
    }

    @Test func `a home in order is clean, and each block is read once`() throws {
        _ = try two()
        let report = try check()
        #expect(report.isClean && report.blocksProved == 6)
        #expect(report.authenticated == [SnapshotSubject.id(1), SnapshotSubject.id(2)])
        let without = try SnapshotCheck(store).run { _ in nil }
        #expect(without.isClean && without.authenticated.isEmpty && without.blocksProved == 6)
    }

    @Test func `a flipped bit in a pack is found, with every snapshot that it hurts`() throws {
        let (_, first, _) = try two()
        let pack = try #require(storage.bytes(lineage.pack(1)))
        for (index, snapshots) in [(0, [1]), (1, [1, 2]), (3, [1, 2])] as [(UInt64, [Int])] {
            let place = try #require(try first.manifest.entry(at: index)).place
            var damaged = pack
            damaged[Int(PackLayout.offset(ofSlot: Int(place.slot))) + 123_456] ^= 0x10
            storage.put(damaged, to: lineage.pack(1))
            let report = try check()
            #expect(report.findings.map(\.code) == snapshots.map { _ in .blockDamaged })
            #expect(report.findings.compactMap(\.snapshotID) == snapshots.map(SnapshotSubject.id))
            #expect(report.findings.allSatisfy { $0.block == index && !$0.canBeRepaired })
        }
    }

    @Test func `a flipped bit in what a pack says of itself is found, and hurts nothing`() throws {
        let (volume, _, second) = try two()
        let pack = try #require(storage.bytes(lineage.pack(1)))
        for (offset, codes) in [
            (8, [.packUnusable]), (PackLayout.headerBytes + 70, [.descriptorWrong, .descriptorWrong]),
        ] as [(Int, [SnapshotFinding.Code])] {
            var damaged = pack
            // Slots 1 and 3 are shared by both snapshots where threads stored blocks in order.
            damaged[offset] ^= 1
            storage.put(damaged, to: lineage.pack(1))
            let report = try check()
            #expect(!report.findings.isEmpty && report.findings.allSatisfy { $0.code == codes[0] })
            #expect(try SnapshotSubject.blocks(second, in: storage) == volume.blocks)
        }
    }

    @Test func `a missing pack is found, block by block`() throws {
        _ = try two()
        #expect(try storage.remove(lineage.pack(2)))
        let report = try check()
        #expect(report.findings.map(\.code) == [.blockMissing, .blockMissing])
        #expect(report.findings.compactMap(\.block) == [0, 2])
    }

    @Test func `a forged manifest is found where the key is there`() throws {
        _ = try two()
        var bytes = try #require(storage.bytes(SnapshotSubject.id(1).manifest))
        bytes[ManifestLayout.created] ^= 1
        let header = Array(bytes.prefix(ManifestLayout.headerBytes))
        bytes.store(ManifestHeader.checksum(of: header), at: ManifestLayout.checksum.lowerBound)
        storage.put(bytes, to: SnapshotSubject.id(1).manifest)
        #expect(try check().findings.map(\.code).contains(.manifestTampered))
    }

    @Test func `a manifest that cannot be read keeps all blocks`() throws {
        _ = try two()
        var bytes = try #require(storage.bytes(SnapshotSubject.id(1).manifest))
        bytes[ManifestLayout.created] ^= 1
        storage.put(bytes, to: SnapshotSubject.id(1).manifest)
        try store.remove(SnapshotSubject.id(2))
        let damaged = SnapshotError.damagedManifest(SnapshotSubject.id(1), .header)
        #expect(throws: damaged) { try SnapshotCollector(store).collect(lineage) }
        #expect(try check().findings.map(\.code) == [.manifestUnusable])
        let packs = storage.paths.filter { $0.folder == lineage.folder }.count
        #expect(try SnapshotCheck(store).repair().findings.map(\.code) == [.manifestUnusable])
        #expect(storage.paths.filter { $0.folder == lineage.folder }.count == packs)
    }

    @Test func `the collector frees what nobody names and nothing else`() throws {
        let (volume, _, _) = try two()
        try store.remove(SnapshotSubject.id(1))
        #expect(try check().findings.map(\.code) == [.unnamedBlocks])
        // Blocks 0 and 2 of the first are nobody's now; they share a pack with 1 and 3.
        let report = try SnapshotCollector(store).collect(lineage)
        #expect(report.blocksFreed == 2 && report.packsRemoved == 0 && report.blocksKept == 0)
        #expect(try check().isClean)
        let second = try SnapshotSubject.open(SnapshotSubject.id(2), in: storage)
        #expect(try SnapshotSubject.blocks(second, in: storage) == volume.blocks)
        #expect(try SnapshotCollector(store).collect(lineage) == CollectionReport())
        try store.remove(SnapshotSubject.id(2))
        #expect(try SnapshotCollector(store).collect(lineage).packsRemoved == 2)
        #expect(storage.paths.isEmpty)
        #expect(try storage.names(in: nil) == [])
    }

    @Test func `freed room goes back to the disk`() throws {
        let folder = try TemporaryFolder()
        let storage = try SnapshotFolder(path: folder.path)
        let store = SnapshotStore(storage)
        let volume = ModelVolume(volumeBytes: UInt64(8 * SnapshotBlock.bytes))
        for index in 0..<UInt64(8) { volume.fill(index, index) }
        let first = try SnapshotSubject.snapshot(SnapshotSubject.id(1), of: volume, in: storage)
        for index in 0..<UInt64(6) { volume.fill(index, nil) }
        let second = try SnapshotSubject.snapshot(
            SnapshotSubject.id(2),
            of: volume,
            after: first,
            in: storage
        )
        let pack = try RawFile("\(folder.path)/\(lineage.pack(1))")
        let before = pack.blocks
        try store.remove(SnapshotSubject.id(1))
        #expect(try SnapshotCollector(store).collect(lineage).blocksFreed == 6)
        // The filesystem may have to take a block for what it notes of the holes.
        #expect(before - pack.blocks >= 6 * SnapshotBlock.bytes / 512 - 64)
        #expect(try SnapshotSubject.blocks(second, in: storage) == volume.blocks)
        try store.remove(SnapshotSubject.id(2))
        #expect(try SnapshotCollector(store).collect(lineage).packsRemoved == 1)
        #expect(try folder.names(in: "") == [])
    }

    @Test func `a filesystem without holes keeps sparse packs, and frees whole ones`() throws {
        _ = try two()
        storage.punches = false
        try store.remove(SnapshotSubject.id(1))
        let report = try SnapshotCollector(store).collect(lineage)
        #expect(report.blocksKept == 2 && report.blocksFreed == 0)
        try store.remove(SnapshotSubject.id(2))
        #expect(try SnapshotCollector(store).collect(lineage).packsRemoved == 2)
    }

    @Test func `a retired snapshot keeps its blocks until it is removed`() throws {
        let (_, first, _) = try two()
        try store.retire(SnapshotSubject.id(1))
        try store.remove(SnapshotSubject.id(2))
        let report = try SnapshotCollector(store).collect(lineage)
        #expect(report.packsRemoved == 1 && report.blocksFreed == 0)
        #expect(try check().isClean)
        #expect(try store.retiredIDs() == [SnapshotSubject.id(1)])
        #expect(throws: SnapshotError.notFound(SnapshotSubject.id(1))) {
            try store.status(SnapshotSubject.id(1))
        }
        let retired = try SnapshotManifest(SnapshotSubject.id(1), in: storage, isRetired: true)
            .authenticated(by: SnapshotSubject.volumeKey())
        #expect(
            try SnapshotSubject.blocks(retired, in: storage) == SnapshotSubject.blocks(first, in: storage)
        )
        try store.remove(SnapshotSubject.id(1))
        _ = try SnapshotCollector(store).collect(lineage)
        #expect(storage.paths.isEmpty)
    }

    @Test func `what a dead maker left is named and cleaned up`() throws {
        let (volume, first, _) = try two()
        do {
            let writer = try LineageWriter(lineage, in: storage)
            let header = try SnapshotSubject.header(SnapshotSubject.id(3), volumeBytes: volume.volumeBytes)
            let job = try SnapshotJob(
                header,
                after: first,
                changed: .all,
                from: volume,
                to: writer,
                in: store
            )
            volume.fill(1, 20)
            job.preserve(1)
            try writer.sync()
            // While it lives nothing is left over.
            #expect(try check().isClean)
            #expect(try check().busyLineages == [lineage])
            #expect(try store.status(SnapshotSubject.id(3)) == .pending(percent: 0))
            #expect(try SnapshotCheck(store).repair().isClean)
            storage.put([1, 2, 3], to: SnapshotSubject.id(3).newManifest)
        }
        storage.put([], to: StoragePath("manifest.new", in: SnapshotSubject.id(4).folder))
        storage.put([], to: StoragePath("notes", in: SnapshotSubject.id(2).folder))
        storage.put([], to: StoragePath("README", in: nil))
        let report = try check()
        #expect(
            Set(report.findings.map(\.code))
                == [.orphanPack, .leftoverFile, .makerGone, .leftoverFolder, .foreignFile]
        )
        guard case .error = try store.status(SnapshotSubject.id(3)) else {
            Issue.record("a snapshot without a maker is not said to have failed")
            return
        }
        let left = try SnapshotCheck(store).repair()
        #expect(left.findings.map(\.code) == [.foreignFile, .foreignFile])
        #expect(try storage.names(in: SnapshotSubject.id(4).folder) == nil)
        #expect(try storage.names(in: SnapshotSubject.id(3).folder) == ["state"])
        #expect(try storage.names(in: lineage.folder) == ["lock", "pack-1", "pack-2"])
        #expect(try check().findings.map(\.code) == [.foreignFile, .foreignFile])
    }

    @Test func `states are read back, and nothing else is taken for one`() throws {
        let state = SnapshotState(
            snapshotID: SnapshotSubject.id(1),
            lineage: lineage,
            volumeBytes: 1 << 40,
            created: SnapshotSubject.moment,
            phase: .error(reason: String(repeating: "é", count: 3000)),
            blocksDone: 3,
            blocksTotal: 8
        )
        let bytes = state.serialised()
        let read = try #require(SnapshotState(bytes))
        #expect(read.percent == 37 && read.snapshotID == state.snapshotID && read.lineage == lineage)
        #expect(read.phase == .error(reason: String(repeating: "é", count: 1968)))
        for offset in stride(from: 0, to: bytes.count, by: 7) {
            var changed = bytes
            changed[offset] ^= 4
            #expect(SnapshotState(changed) == nil)
        }
        #expect(SnapshotState(Array(bytes.dropLast())) == nil && SnapshotState(bytes + [0]) == nil)
    }
}
