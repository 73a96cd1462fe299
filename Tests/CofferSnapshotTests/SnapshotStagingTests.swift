import CofferBlock
import CofferShapes
import CofferTesting
import Testing

@testable import CofferSnapshot

/// A snapshot whose blocks wait in a lineage of their own until it is complete.
@Suite struct SnapshotStagingTests {
    private let storage = RecordingStorage()
    private var store: SnapshotStore { SnapshotStore(storage) }
    private let volume = ModelVolume(volumeBytes: UInt64(4 * SnapshotBlock.bytes))
    private let one = SnapshotSubject.id(1)
    private let two = SnapshotSubject.id(2)
    private let three = SnapshotSubject.id(3)

    private func first() throws -> AuthenticManifest {
        for index in [UInt64(0), 1, 3] { volume.fill(index, index) }
        return try SnapshotSubject.snapshot(one, of: volume, in: storage)
    }

    private func staging(after previous: AuthenticManifest) throws -> SnapshotStaging {
        let header = try SnapshotSubject.header(two, volumeBytes: volume.volumeBytes, parent: one)
        return try SnapshotStaging(header, after: previous, in: store)
    }

    private func put(_ index: UInt64, _ seed: UInt64, to staging: SnapshotStaging) throws {
        volume.fill(index, seed)
        let block = try #require(volume.blocks[index])
        unsafe try staging.put(block.span.bytes, at: index, checksum: nil)
    }

    /// The names of what lies beside snapshots and their lineage.
    private var leftovers: [String] {
        get throws {
            try (storage.names(in: nil) ?? []).filter {
                !$0.hasPrefix("snap-") && $0 != SnapshotSubject.lineage().folder
            }
        }
    }

    @Test func `others make snapshots of the lineage meanwhile`() throws {
        let previous = try first()
        let old = volume.blocks
        let staging = try staging(after: previous)
        try put(1, 50, to: staging)
        #expect(try store.status(two) == .pending(percent: 0))
        let other = ModelVolume(volumeBytes: volume.volumeBytes)
        other.fill(2, 9)
        let third = try SnapshotSubject.snapshot(three, of: other, after: previous, in: storage)
        _ = try SnapshotCollector(store).collect(SnapshotSubject.lineage())
        try put(2, 51, to: staging)
        try put(1, 52, to: staging)
        #expect(staging.count == 2)
        let second = try staging.commit(SnapshotSubject.macKey())
        #expect(try store.status(two) == .completed)
        #expect(try SnapshotSubject.blocks(second, in: storage) == volume.blocks)
        #expect(try SnapshotSubject.blocks(third, in: storage) == other.blocks)
        #expect(try SnapshotSubject.blocks(previous, in: storage) == old)
        #expect(try leftovers.isEmpty)
    }

    @Test func `one that is given up leaves its note alone`() throws {
        let staging = try staging(after: first())
        try put(1, 50, to: staging)
        staging.fail(.givenUp("nobody came"))
        #expect(try store.status(two) == .error(reason: "nobody came"))
        #expect(try leftovers.isEmpty)
        #expect(throws: SnapshotError.writerOver) { try put(2, 51, to: staging) }
    }

    @Test func `one whose maker is gone is an error, and its note tells where its blocks are`() throws {
        let previous = try first()
        do {
            let staging = try staging(after: previous)
            try put(1, 50, to: staging)
        }
        guard case .error = try store.status(two) else {
            Issue.record("it is not an error")
            return
        }
        let lineage = try #require(try store.state(two)).lineage
        #expect(try leftovers == [lineage.folder])
        try store.remove(two)
        _ = try SnapshotCollector(store).collect(lineage)
        #expect(try leftovers.isEmpty)
    }

    @Test func `the previous one may be retired meanwhile, and not removed`() throws {
        let retired = try staging(after: first())
        try put(1, 50, to: retired)
        try store.retire(one)
        let second = try retired.commit(SnapshotSubject.macKey())
        #expect(try SnapshotSubject.blocks(second, in: storage) == volume.blocks)

        let header = try SnapshotSubject.header(three, volumeBytes: volume.volumeBytes, parent: two)
        let removed = try SnapshotStaging(header, after: second, in: store)
        try store.remove(two)
        #expect(throws: SnapshotError.notFound(two)) { try removed.commit(SnapshotSubject.macKey()) }
        guard case .error = try store.status(three) else {
            Issue.record("it is not an error")
            return
        }
        #expect(try leftovers.isEmpty)
    }

    @Test func `one that cannot follow is refused before it begins`() throws {
        let previous = try first()
        let smaller = try SnapshotSubject.header(two, volumeBytes: 4096)
        #expect(throws: SnapshotError.otherGeometry(one, two)) {
            try SnapshotStaging(smaller, after: previous, in: store)
        }
        let stranger = try SnapshotSubject.header(two, volumeBytes: volume.volumeBytes, key: 1)
        #expect(throws: SnapshotError.unrelated(one, two)) {
            try SnapshotStaging(stranger, after: previous, in: store)
        }
        #expect(try leftovers.isEmpty)
        #expect(throws: SnapshotError.notFound(two)) { try store.status(two) }
    }
}
