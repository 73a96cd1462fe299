import CofferBlock
import CofferShapes
import CofferTesting
import Glibc
import Testing

@testable import CofferSnapshot

@Suite struct ExportTests {
    private let storage = RecordingStorage()
    private static let id = SnapshotSubject.id(1)

    private func volume() -> ModelVolume {
        let volume = ModelVolume(volumeBytes: UInt64(4 * SnapshotBlock.bytes + 4096))
        for index in [UInt64(0), 1, 4] { volume.fill(index, index + 1) }
        return volume
    }

    private func exported(_ snapshot: AuthenticManifest) throws -> [UInt8] {
        let file = try RawTemporary()
        let reader = SnapshotReader(snapshot, in: storage)
        try reader.export(to: file.descriptor, SnapshotSubject.macKey())
        return try file.bytes()
    }

    /// Imports a stream into a home; gives the snapshot.
    private static func imported(
        _ bytes: [UInt8],
        into home: RecordingStorage,
        as id: SnapshotID = id,
        key: Int = 0
    ) throws -> AuthenticManifest {
        let file = try RawTemporary(bytes)
        let stream = try SnapshotImport(from: file.descriptor, naming: id)
        let header = try stream.header.copied(as: id, created: SnapshotSubject.moment)
        return try stream.store(
            as: header,
            SnapshotSubject.macKey(key),
            to: LineageWriter(header.lineage, in: home),
            in: SnapshotStore(home)
        )
    }

    @Test func `what is exported comes back equal, under its id or another`() throws {
        let volume = volume()
        // Places in the store differ from those of a stream.
        for number in 5..<8 {
            try SnapshotSubject.snapshot(SnapshotSubject.id(number), of: volume, in: storage)
        }
        let stream = try exported(try SnapshotSubject.snapshot(Self.id, of: volume, in: storage))
        let length = ExportStream.preambleBytes + Int(ManifestLayout.fileBytes(3))
        #expect(stream.count == length + 2 * SnapshotBlock.bytes + 4096)
        let home = RecordingStorage()
        for id in [Self.id, SnapshotSubject.id(2)] {
            let snapshot = try Self.imported(stream, into: home, as: id)
            #expect(try SnapshotSubject.blocks(snapshot, in: home) == volume.blocks)
            #expect(snapshot.header.geometry == snapshot.header.geometry)
        }
        let report = try SnapshotCheck(SnapshotStore(home)).run { header in
            try? header.macKey(from: SnapshotSubject.volumeKey())
        }
        #expect(report.isClean && report.authenticated.count == 2 && report.blocksProved == 6)
        #expect(throws: SnapshotError.alreadyExists(Self.id)) { try Self.imported(stream, into: home) }
    }

    @Test func `a stream passes through a pipe`() throws {
        let volume = volume()
        let snapshot = try SnapshotSubject.snapshot(Self.id, of: volume, in: storage)
        var ends: [Int32] = [0, 0]
        #expect(unsafe pipe(&ends) == 0)
        let (home, storage) = (RecordingStorage(), storage)
        let (output, input) = (ends[0], ends[1])
        let problems = inParallel(2) { thread in
            if thread == 0 {
                defer { close(input) }
                try SnapshotReader(snapshot, in: storage).export(to: input, SnapshotSubject.macKey())
                return nil
            }
            defer { close(output) }
            let stream = try SnapshotImport(from: output, naming: Self.id)
            _ = try stream.store(
                as: stream.header.copied(as: Self.id, created: SnapshotSubject.moment),
                SnapshotSubject.macKey(),
                to: LineageWriter(stream.header.lineage, in: home),
                in: SnapshotStore(home)
            )
            return nil
        }
        #expect(problems.isEmpty)
        let opened = try SnapshotSubject.open(Self.id, in: home)
        #expect(try SnapshotSubject.blocks(opened, in: home) == volume.blocks)
    }

    /// Whatever is wrong with a stream: nothing of it is there afterwards.
    private func refuse(_ bytes: [UInt8], _ what: String, key: Int = 0) throws {
        let home = RecordingStorage()
        do {
            _ = try Self.imported(bytes, into: home, key: key)
            Issue.record("\(what): imported")
        } catch let error as SnapshotError {
            #expect(!error.sentence.contains("\n"))
        }
        let store = SnapshotStore(home)
        #expect(try store.isComplete(Self.id) == false, "\(what)")
        #expect(home.paths.allSatisfy { $0.name == "lock" || $0.name == "state" }, "\(what)")
    }

    @Test func `a stream that is cut, longer or changed anywhere is refused whole`() throws {
        let stream = try exported(try SnapshotSubject.snapshot(Self.id, of: volume(), in: storage))
        let front = ExportStream.preambleBytes + Int(ManifestLayout.fileBytes(3))
        var lengths = [0, 1, 15, 16, 17, front - 1, front, front + 1, stream.count - 4096, stream.count - 1]
        lengths += stride(from: 100, to: front, by: 501)
        for length in lengths { try refuse(Array(stream.prefix(length)), "cut at \(length)") }
        try refuse(stream + [0], "one byte more")
        try refuse(stream + stream, "twice")
        var offsets = Array(0..<0x100) + Array(front - 300..<front + 16)
        offsets += stride(from: 0x100, to: front, by: 97)
        offsets += [front + SnapshotBlock.bytes - 1, front + SnapshotBlock.bytes, stream.count - 1]
        for offset in offsets {
            var changed = stream
            changed[offset] ^= 1
            try refuse(changed, "byte \(offset)")
        }
        try refuse(ModelVolume.noise(100_000, 1), "noise")
    }

    @Test func `a stream of another key or with blocks exchanged is refused`() throws {
        let stream = try exported(try SnapshotSubject.snapshot(Self.id, of: volume(), in: storage))
        let front = ExportStream.preambleBytes + Int(ManifestLayout.fileBytes(3))
        try refuse(stream, "another key", key: 1)
        var exchanged = stream
        let first = stream[front..<front + SnapshotBlock.bytes]
        let second = stream[front + SnapshotBlock.bytes..<front + 2 * SnapshotBlock.bytes]
        exchanged.replaceSubrange(front..<front + 2 * SnapshotBlock.bytes, with: Array(second) + Array(first))
        try refuse(exchanged, "blocks exchanged")
        // A stored manifest in the place of an exported one.
        let stored = try #require(storage.bytes(Self.id.manifest))
        var mixed = stream
        mixed.replaceSubrange(
            16..<16 + ManifestLayout.headerBytes,
            with: stored.prefix(ManifestLayout.headerBytes)
        )
        try refuse(mixed, "a stored manifest")
    }

    @Test func `damage in the store does not get into a stream`() throws {
        let snapshot = try SnapshotSubject.snapshot(Self.id, of: volume(), in: storage)
        let path = SnapshotSubject.lineage().pack(1)
        var pack = try #require(storage.bytes(path))
        pack[PackLayout.dataOffset] ^= 1
        storage.put(pack, to: path)
        #expect(throws: SnapshotError.self) { try exported(snapshot) }
    }
}
