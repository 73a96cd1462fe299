import CofferBlock
import CofferShapes
import CofferTesting
import Foundation
import Testing

@testable import CofferSnapshot

/// What a kill or a power cut may leave of each change of a home's snapshots: those that were reported complete are
/// whole; one that was being made is whole or none; and a repair leaves nothing that a check has to name.
@Suite struct SnapshotPowerCutTests {
    enum Life: String, CaseIterable, Sendable {
        case first, next, copy, reencrypt, assemble, stage, importing, remove, collect, retire, fail
    }

    /// 500 by `COFFER_TORN_STATES=500`.
    private static let tornStates =
        ProcessInfo.processInfo.environment["COFFER_TORN_STATES"].flatMap { Int($0) } ?? 40

    /// What is right: the ciphertext of each snapshot, and of which key it is.
    private struct Expectation: Sendable {
        var complete: [SnapshotID: (key: Int, blocks: [UInt64: [UInt8]])] = [:]
        /// Those that may be gone.
        var vanishing: Set<SnapshotID> = []
        /// Those that may be there already.
        var appearing: [SnapshotID: (key: Int, blocks: [UInt64: [UInt8]])] = [:]
    }

    @Test(arguments: Life.allCases)
    func `every cut leaves each complete snapshot whole`(_ life: Life) throws {
        let (start, live) = try Self.start(life)
        let expectation = try Self.run(life, on: live)
        let count = live.events.count
        #expect(count > 3)
        for events in 0...count {
            let cut = live.state(afterEvents: events, from: start)
            try Self.judge(cut, expectation, "\(life) killed after \(events) of \(count)")
        }
        var random = SeededGenerator(seed: 20)
        for round in 0..<Self.tornStates {
            let events = Int.random(in: 0...count, using: &random)
            let cut = live.tornState(afterEvents: events, from: start, random: &random)
            try Self.judge(cut, expectation, "\(life) torn in round \(round) after \(events) of \(count)")
        }
    }

    @Test func `a commit before its blocks are durable is caught`() throws {
        let start = RecordingStorage()
        let live = start.copy()
        let volume = Self.volume()
        let writer = try LineageWriter(SnapshotSubject.lineage(), in: live)
        let header = try SnapshotSubject.header(SnapshotSubject.id(1), volumeBytes: volume.volumeBytes)
        let attempt = try SnapshotAttempt(
            header,
            in: SnapshotStore(live),
            writer: writer,
            control: JobControl(),
            blocksTotal: 3
        )
        var manifest = try ManifestWriter(header, in: live)
        for (index, block) in volume.blocks.sorted(by: { $0.key < $1.key }) {
            try manifest.append(unsafe writer.append(block.span.bytes, index: index))
        }
        _ = try manifest.commit(SnapshotSubject.macKey())
        live.acknowledge(1)
        withExtendedLifetime(attempt) {}
        var random = SeededGenerator(seed: 20)
        var bad = 0
        for _ in 0..<50 {
            let cut = live.tornState(afterEvents: live.events.count, from: start, random: &random)
            let snapshot = try? SnapshotSubject.open(SnapshotSubject.id(1), in: cut.storage)
            let blocks = try? snapshot.map { try SnapshotSubject.blocks($0, in: cut.storage) }
            if blocks != volume.blocks { bad += 1 }
        }
        #expect(bad > 0)
    }

    // MARK: - The changes

    /// Two blocks and a short one.
    private static func volume() -> ModelVolume {
        let volume = ModelVolume(volumeBytes: UInt64(2 * SnapshotBlock.bytes + 4096))
        for index in 0..<UInt64(3) { volume.fill(index, index) }
        return volume
    }

    private static func second(_ volume: ModelVolume) {
        volume.fill(1, 100)
        volume.fill(2, nil)
    }

    /// A home with two snapshots, the second over the first, both durable.
    private static func start(_ life: Life) throws -> (start: RecordingStorage, live: RecordingStorage) {
        let storage = RecordingStorage()
        if life != .first {
            let volume = volume()
            let first = try SnapshotSubject.snapshot(SnapshotSubject.id(1), of: volume, in: storage)
            second(volume)
            try SnapshotSubject.snapshot(SnapshotSubject.id(2), of: volume, after: first, in: storage)
            if life == .collect { try SnapshotStore(storage).remove(SnapshotSubject.id(1)) }
        }
        return (storage.copy(), storage.copy())
    }

    private static func run(_ life: Life, on live: RecordingStorage) throws -> Expectation {
        let store = SnapshotStore(live)
        let (one, two, three) = (SnapshotSubject.id(1), SnapshotSubject.id(2), SnapshotSubject.id(3))
        var expectation = Expectation()
        let volume = volume()
        let oldBlocks = volume.blocks
        second(volume)
        if life != .first {
            if life != .collect { expectation.complete[one] = (0, oldBlocks) }
            expectation.complete[two] = (0, volume.blocks)
        }
        switch life {
        case .first:
            try SnapshotSubject.snapshot(three, of: volume, in: live)
            expectation.appearing[three] = (0, volume.blocks)
        case .next:
            let previous = try SnapshotSubject.open(two, in: live)
            volume.fill(0, 200)
            try SnapshotSubject.snapshot(three, of: volume, after: previous, in: live)
            expectation.appearing[three] = (0, volume.blocks)
        case .copy:
            let source = try SnapshotSubject.open(two, in: live)
            let header = try source.header.copied(as: three, created: SnapshotSubject.moment)
            _ = try store.copy(source, as: header, SnapshotSubject.macKey())
            expectation.appearing[three] = (0, volume.blocks)
        case .reencrypt:
            let source = try SnapshotSubject.open(two, in: live)
            let header = try SnapshotSubject.header(three, volumeBytes: volume.volumeBytes, key: 1)
            let copy = try store.reencrypt(
                SnapshotReader(source, in: live),
                SnapshotSubject.volumeKey(),
                as: header,
                SnapshotSubject.volumeKey(1),
                to: LineageWriter(SnapshotSubject.lineage(1), in: live)
            )
            expectation.appearing[three] = (1, try SnapshotSubject.blocks(copy, in: live))
        case .assemble:
            let previous = try SnapshotSubject.open(two, in: live)
            let assembly = try SnapshotAssembly(
                SnapshotSubject.header(three, volumeBytes: volume.volumeBytes),
                after: previous,
                to: LineageWriter(SnapshotSubject.lineage(), in: live),
                in: store
            )
            for (index, seed) in [(2, 300), (0, 301)] as [(UInt64, UInt64)] {
                volume.fill(index, seed)
                let block = try #require(volume.blocks[index])
                unsafe try assembly.put(block.span.bytes, at: index)
            }
            _ = try assembly.commit(SnapshotSubject.macKey())
            expectation.appearing[three] = (0, volume.blocks)
        case .stage:
            let previous = try SnapshotSubject.open(two, in: live)
            let staging = try SnapshotStaging(
                SnapshotSubject.header(three, volumeBytes: volume.volumeBytes),
                after: previous,
                in: store,
                random: RepeatableByteSource(seed: 3)
            )
            for (index, seed) in [(2, 300), (0, 301)] as [(UInt64, UInt64)] {
                volume.fill(index, seed)
                let block = try #require(volume.blocks[index])
                unsafe try staging.put(block.span.bytes, at: index, checksum: nil)
            }
            _ = try staging.commit(SnapshotSubject.macKey())
            expectation.appearing[three] = (0, volume.blocks)
        case .importing:
            let file = try RawTemporary()
            let source = SnapshotReader(try SnapshotSubject.open(two, in: live), in: live)
            try source.export(to: file.descriptor, SnapshotSubject.macKey())
            file.rewind()
            let stream = try SnapshotImport(from: file.descriptor, naming: three)
            _ = try stream.store(
                as: stream.header.copied(as: three, created: SnapshotSubject.moment),
                SnapshotSubject.macKey(),
                to: LineageWriter(SnapshotSubject.lineage(), in: live),
                in: store
            )
            expectation.appearing[three] = (0, volume.blocks)
        case .remove:
            try store.remove(one)
            expectation.complete[one] = nil
            expectation.appearing[one] = (0, oldBlocks)
            expectation.vanishing = [one]
        case .collect: _ = try SnapshotCollector(store).collect(SnapshotSubject.lineage())
        case .retire:
            try store.retire(one)
            try store.remove(one)
            _ = try SnapshotCollector(store).collect(SnapshotSubject.lineage())
            expectation.complete[one] = nil
            expectation.appearing[one] = (0, oldBlocks)
            expectation.vanishing = [one]
        case .fail:
            volume.nextError = .system(errno: 5, call: .read)
            #expect(throws: SnapshotError.self) {
                try SnapshotSubject.snapshot(three, of: volume, in: live)
            }
        }
        live.acknowledge(1)
        return expectation
    }

    // MARK: - What a cut left

    private static func judge(
        _ cut: (storage: RecordingStorage, acknowledged: Int?),
        _ expectation: Expectation,
        _ what: String
    ) throws {
        let storage = cut.storage
        try read(storage, expectation, isDone: cut.acknowledged != nil, what)
        let check = SnapshotCheck(SnapshotStore(storage))
        let found = try check.run { try? $0.macKey(from: key($0)) }
        let harmless = found.findings.allSatisfy(\.canBeRepaired)
        #expect(harmless, "\(what): \(found.findings.map(\.sentence))")
        let left = try check.repair()
        #expect(left.isClean, "\(what): \(left.findings.map(\.sentence))")
        try read(storage, expectation, isDone: cut.acknowledged != nil, what + ", repaired")
        // What is there can be carried on with.
        let volume = volume()
        volume.fill(0, 999)
        try SnapshotSubject.snapshot(SnapshotSubject.id(9), of: volume, in: storage)
    }

    private static func key(_ header: ManifestHeader) -> VolumeKey {
        SnapshotSubject.volumeKey(header.uuid == SnapshotSubject.uuid(1) ? 1 : 0)
    }

    private static func read(
        _ storage: RecordingStorage,
        _ expectation: Expectation,
        isDone: Bool,
        _ what: String
    ) throws {
        let store = SnapshotStore(storage)
        for (id, expected) in expectation.complete {
            #expect(try store.status(id) == .completed, "\(what): \(id)")
            let snapshot = try SnapshotSubject.open(id, in: storage, key: expected.key)
            #expect(try SnapshotSubject.blocks(snapshot, in: storage) == expected.blocks, "\(what): \(id)")
        }
        for (id, expected) in expectation.appearing {
            let isComplete = try store.isComplete(id)
            if isDone { #expect(isComplete != expectation.vanishing.contains(id), "\(what): \(id)") }
            guard isComplete else { continue }
            let snapshot = try SnapshotSubject.open(id, in: storage, key: expected.key)
            #expect(try SnapshotSubject.blocks(snapshot, in: storage) == expected.blocks, "\(what): \(id)")
        }
    }
}
