import CofferBlock
import CofferShapes
import CofferTesting
import Foundation
import Testing

@testable import CofferSnapshot

/// Random operations on a home's snapshots beside a plain model of them: a dictionary of what each holds. The seed is
/// printed; `COFFER_MODEL_SEED` gives it again, and `COFFER_MODEL_OPERATIONS` says how many.
@Suite struct SnapshotModelTests {
    private static func setting(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    @Test func `random operations leave what the model says`() throws {
        let seed = Self.setting("COFFER_MODEL_SEED") ?? UInt64.random(in: 0..<1 << 32)
        let count = Self.setting("COFFER_MODEL_OPERATIONS") ?? 2000
        print("model: seed \(seed), \(count) operations")
        var model = try SnapshotModel(seed: seed)
        for number in 0..<count {
            do {
                try model.step()
            } catch {
                Issue.record("seed \(seed), operation \(number): \(error)")
                return
            }
        }
        try model.checkAll()
    }
}

private struct SnapshotModel {
    private var random: SeededGenerator
    private let folder: TemporaryFolder
    private let storage: any SnapshotStorage
    private let store: SnapshotStore
    private let volume = ModelVolume(volumeBytes: UInt64(5 * SnapshotBlock.bytes + 8192))
    private var snapshots: [SnapshotID: (key: Int, blocks: [UInt64: [UInt8]])] = [:]
    private var retired: Set<SnapshotID> = []
    /// The last snapshot of the volume that is there, and what changed since.
    private var last: (id: SnapshotID, changed: Set<UInt64>)?
    private var nextID = 1

    private struct Difference: Error, CustomStringConvertible {
        let description: String

        init(_ description: String) { self.description = description }
    }

    init(seed: UInt64) throws {
        random = SeededGenerator(seed: seed)
        folder = try TemporaryFolder()
        storage = try SnapshotFolder(path: folder.path)
        store = SnapshotStore(storage)
    }

    mutating func step() throws {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<35: write()
        case 35..<55: try create()
        case 55..<60: try createFailing()
        case 60..<68: try copy()
        case 68..<72: try reencrypt()
        case 72..<84: try remove()
        case 84..<92: try collect()
        case 92..<95: try exchange()
        case 95..<96: grow()
        default: try readOne()
        }
        if snapshots.count > 12 { try remove() }
    }

    private mutating func freshID() -> SnapshotID {
        defer { nextID += 1 }
        return SnapshotSubject.id(nextID)
    }

    private mutating func write() {
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let index = UInt64.random(in: 0..<volume.blockCount, using: &random)
            // Few seeds, so that blocks come back to what they were.
            volume.fill(index, Bool.random(using: &random) ? UInt64.random(in: 0..<6, using: &random) : nil)
            last?.changed.insert(index)
        }
    }

    private mutating func grow() {
        guard volume.blockCount < 40 else { return }
        let old = volume.volumeBytes
        volume.grow(to: old + UInt64.random(in: 1...300, using: &random) * 4096)
    }

    private mutating func changedBlocks() -> ChangedBlocks {
        guard let last, Bool.random(using: &random) else { return .all }
        let extra = UInt64.random(in: 0..<volume.blockCount, using: &random)
        return BlockMap(blockCount: volume.blockCount, last.changed.union([extra])).map(ChangedBlocks.only)
            ?? .all
    }

    private mutating func create() throws {
        let id = freshID()
        let previous = try last.map { try SnapshotSubject.open($0.id, in: storage) }
        let changed = changedBlocks()
        try SnapshotSubject.snapshot(id, of: volume, after: previous, changed: changed, in: storage)
        snapshots[id] = (0, volume.blocks)
        last = (id, [])
    }

    private mutating func createFailing() throws {
        let id = freshID()
        let previous = try last.map { try SnapshotSubject.open($0.id, in: storage) }
        volume.fill(0, random.next())
        last?.changed.insert(0)
        volume.nextError = .system(errno: 5, call: .read)
        do {
            try SnapshotSubject.snapshot(id, of: volume, after: previous, in: storage)
            throw Difference("a snapshot of a failing source was made")
        } catch SnapshotError.source {}
        guard case .error = try store.status(id) else { throw Difference("\(id) is not in error") }
        try store.remove(id)
    }

    private mutating func copy() throws {
        guard let source = pick({ $0 == 0 }) else { return }
        let id = freshID()
        let opened = try SnapshotSubject.open(source, in: storage)
        let header = try opened.header.copied(as: id, created: SnapshotSubject.moment)
        _ = try store.copy(opened, as: header, SnapshotSubject.macKey())
        snapshots[id] = snapshots[source]
    }

    private mutating func reencrypt() throws {
        guard let source = pick({ $0 == 0 }) else { return }
        let id = freshID()
        let opened = try SnapshotSubject.open(source, in: storage)
        let header = try SnapshotSubject.header(
            id,
            volumeBytes: opened.header.geometry.volumeBytes,
            key: 1
        )
        let copy = try store.reencrypt(
            SnapshotReader(opened, in: storage),
            SnapshotSubject.volumeKey(),
            as: header,
            SnapshotSubject.volumeKey(1),
            to: LineageWriter(SnapshotSubject.lineage(1), in: storage)
        )
        let plaintext = try PlainVolume.read(opened, in: storage)
        guard try PlainVolume.read(copy, in: storage, key: 1) == plaintext else {
            throw Difference("\(id) reads otherwise than \(source)")
        }
        snapshots[id] = (1, try SnapshotSubject.blocks(copy, in: storage))
    }

    /// Out by a stream, away, and in again under its own id.
    private mutating func exchange() throws {
        guard let id = pick({ $0 == 0 }) else { return }
        let file = try RawTemporary()
        let reader = SnapshotReader(try SnapshotSubject.open(id, in: storage), in: storage)
        try reader.export(to: file.descriptor, SnapshotSubject.macKey())
        file.rewind()
        try store.remove(id)
        if last?.id == id { last = nil }
        if Bool.random(using: &random) { try collectEverywhere() }
        let stream = try SnapshotImport(from: file.descriptor, naming: id)
        _ = try stream.store(
            as: stream.header.copied(as: id, created: SnapshotSubject.moment),
            SnapshotSubject.macKey(),
            to: LineageWriter(SnapshotSubject.lineage(), in: storage),
            in: store
        )
    }

    private mutating func remove() throws {
        guard let id = pick({ _ in true }) else { return }
        if Int.random(in: 0..<4, using: &random) == 0 {
            try store.retire(id)
            retired.insert(id)
        } else {
            try store.remove(id)
        }
        snapshots[id] = nil
        if last?.id == id { last = nil }
        if let old = retired.first, retired.count > 2 {
            try store.remove(old)
            retired.remove(old)
        }
    }

    private mutating func collect() throws {
        try collectEverywhere()
        try checkAll()
    }

    private func collectEverywhere() throws {
        for lineage in try store.lineages() { _ = try SnapshotCollector(store).collect(lineage) }
    }

    private mutating func readOne() throws {
        guard let id = pick({ _ in true }), let expected = snapshots[id] else { return }
        let opened = try SnapshotSubject.open(id, in: storage, key: expected.key)
        guard try SnapshotSubject.blocks(opened, in: storage) == expected.blocks else {
            throw Difference("\(id) holds other blocks")
        }
    }

    /// A snapshot that is there, of a key that is wanted.
    private mutating func pick(_ wanted: (Int) -> Bool) -> SnapshotID? {
        snapshots.filter { wanted($0.value.key) }.keys.sorted { $0.text < $1.text }.randomElement(
            using: &random
        )
    }

    /// Every snapshot of the model is there and right, no other is, and nothing but unnamed blocks is left over.
    mutating func checkAll() throws {
        var complete: Set<SnapshotID> = []
        for id in try store.snapshotIDs() where try store.isComplete(id) { complete.insert(id) }
        guard complete == Set(snapshots.keys) else { throw Difference("other snapshots are complete") }
        for (id, expected) in snapshots {
            let opened = try SnapshotSubject.open(id, in: storage, key: expected.key)
            guard try SnapshotSubject.blocks(opened, in: storage) == expected.blocks else {
                throw Difference("\(id) holds other blocks")
            }
        }
        let report = try SnapshotCheck(store).run { header in
            try? header.macKey(
                from: SnapshotSubject.volumeKey(header.uuid == SnapshotSubject.uuid(1) ? 1 : 0)
            )
        }
        let left = report.findings.filter { ![.unnamedBlocks, .orphanPack].contains($0.code) }
        guard left.isEmpty else { throw Difference("a check finds \(left.map(\.sentence))") }
    }
}
