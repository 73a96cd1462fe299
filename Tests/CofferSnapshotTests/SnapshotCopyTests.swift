import CofferBlock
import CofferCrypto
import CofferSecrets
import CofferShapes
import CofferTesting
import Testing

@testable import CofferSnapshot

@Suite struct SnapshotCopyTests {
    private let storage = RecordingStorage()
    private var store: SnapshotStore { SnapshotStore(storage) }

    private func reencrypted(_ source: AuthenticManifest, as id: SnapshotID) throws -> AuthenticManifest {
        let header = try ManifestHeader(
            snapshotID: id,
            volumeID: nil,
            parent: nil,
            volumeBytes: source.header.geometry.volumeBytes,
            dataUnitBytes: source.header.geometry.dataUnitBytes,
            cipher: source.header.geometry.cipher,
            key: SnapshotSubject.key(1, for: id.text),
            created: SnapshotSubject.moment
        )
        return try store.reencrypt(
            SnapshotReader(source, in: storage),
            SnapshotSubject.volumeKey(),
            as: header,
            SnapshotSubject.volumeKey(1),
            to: LineageWriter(SnapshotSubject.lineage(1), in: storage)
        )
    }

    @Test(arguments: [512, 4096])
    func `a copy under another key reads equal and shares no ciphertext`(unitBytes: Int) throws {
        var volume = PlainVolume(blocks: 3, tail: 4096, unitBytes: unitBytes)
        try volume.write(ModelVolume.noise(SnapshotBlock.bytes, 1), atUnit: 0)
        try volume.write(ModelVolume.noise(3 * unitBytes, 2), atUnit: 2 * SnapshotBlock.bytes / unitBytes + 7)
        try volume.write([UInt8](repeating: 0, count: 4096), atUnit: 3 * SnapshotBlock.bytes / unitBytes)
        let source = try SnapshotSubject.snapshot(SnapshotSubject.id(1), of: volume.source, in: storage)
        let copy = try reencrypted(source, as: SnapshotSubject.id(2))
        let (old, new) = (
            try PlainVolume.read(source, in: storage), try PlainVolume.read(copy, in: storage, key: 1)
        )
        #expect(new.plaintext == volume.plaintext && new.holes == old.holes)
        let before = try SnapshotSubject.blocks(source, in: storage)
        let after = try SnapshotSubject.blocks(copy, in: storage)
        #expect(before.keys.sorted() == after.keys.sorted())
        let zero = [UInt8](repeating: 0, count: 16)
        for (index, bytes) in before {
            let copied = try #require(after[index])
            var equal = 0
            for start in stride(from: 0, to: bytes.count, by: 16)
            where bytes[start..<start + 16].elementsEqual(copied[start..<start + 16])
                && !bytes[start..<start + 16].elementsEqual(zero)
            {
                equal += 1
            }
            #expect(equal == 0, "block \(index)")
        }
        // The old key opens nothing of it.
        #expect(throws: SnapshotError.tampered(SnapshotSubject.id(2))) {
            try SnapshotManifest(SnapshotSubject.id(2), in: storage)
                .authenticated(by: SnapshotSubject.volumeKey())
        }
        // And it outlives the source.
        try store.remove(SnapshotSubject.id(1))
        _ = try SnapshotCollector(store).collect(SnapshotSubject.lineage())
        #expect(try PlainVolume.read(copy, in: storage, key: 1).plaintext == volume.plaintext)
    }

    @Test func `plaintext never reaches the store`() throws {
        var volume = PlainVolume(blocks: 1)
        let secret = ModelVolume.noise(8192, 42)
        try volume.write(secret, atUnit: 0)
        let source = try SnapshotSubject.snapshot(SnapshotSubject.id(1), of: volume.source, in: storage)
        _ = try reencrypted(source, as: SnapshotSubject.id(2))
        for path in storage.paths {
            let bytes = try #require(storage.bytes(path))
            // Ciphertext lies at multiples of 16 of everything.
            for start in stride(from: 0, to: bytes.count - 16, by: 16) where bytes[start] == secret[0] {
                if bytes[start..<start + 16].elementsEqual(secret[..<16]) {
                    Issue.record("\(path) holds plaintext at \(start)")
                }
            }
        }
    }

    @Test func `a copy under the same key stores no block and reads equal`() throws {
        let volume = ModelVolume(volumeBytes: UInt64(3 * SnapshotBlock.bytes))
        for index in 0..<UInt64(3) { volume.fill(index, index) }
        let source = try SnapshotSubject.snapshot(SnapshotSubject.id(1), of: volume, in: storage)
        let before = storage.paths.filter { $0.folder == SnapshotSubject.lineage().folder }
        let header = try source.header.copied(as: SnapshotSubject.id(2), created: SnapshotSubject.moment)
        let copy = try store.copy(source, as: header, SnapshotSubject.macKey())
        #expect(storage.paths.filter { $0.folder == SnapshotSubject.lineage().folder } == before)
        try store.remove(SnapshotSubject.id(1))
        let report = try SnapshotCollector(store).collect(SnapshotSubject.lineage())
        #expect(report == CollectionReport())
        #expect(try SnapshotSubject.blocks(copy, in: storage) == volume.blocks)
        // The key wrapped for the copy itself.
        let wrapped = try source.header.copied(
            as: SnapshotSubject.id(3),
            key: SnapshotSubject.key(for: SnapshotSubject.id(3).text),
            created: SnapshotSubject.moment
        )
        _ = try store.copy(copy, as: wrapped, SnapshotSubject.macKey())
        _ = try SnapshotSubject.open(SnapshotSubject.id(3), in: storage)
    }

    @Test func `what was removed meanwhile is not copied`() throws {
        let volume = ModelVolume(volumeBytes: UInt64(SnapshotBlock.bytes))
        volume.fill(0, 1)
        let source = try SnapshotSubject.snapshot(SnapshotSubject.id(1), of: volume, in: storage)
        let header = try source.header.copied(as: SnapshotSubject.id(2), created: SnapshotSubject.moment)
        try store.remove(SnapshotSubject.id(1))
        #expect(throws: SnapshotError.notFound(SnapshotSubject.id(1))) {
            try store.copy(source, as: header, SnapshotSubject.macKey())
        }
    }

    @Test func `damage in the source ends a copy, and nothing is left of it`() throws {
        let volume = ModelVolume(volumeBytes: UInt64(2 * SnapshotBlock.bytes))
        volume.fill(0, 1)
        volume.fill(1, 2)
        let source = try SnapshotSubject.snapshot(SnapshotSubject.id(1), of: volume, in: storage)
        let path = SnapshotSubject.lineage().pack(1)
        var pack = try #require(storage.bytes(path))
        pack[pack.count - 1] ^= 1
        storage.put(pack, to: path)
        #expect(throws: SnapshotError.self) { try reencrypted(source, as: SnapshotSubject.id(2)) }
        #expect(try store.isComplete(SnapshotSubject.id(2)) == false)
        #expect(
            storage.paths.filter { $0.folder == SnapshotSubject.lineage(1).folder }.map(\.name) == ["lock"]
        )
    }

    @Test func `differences are the blocks that differ, in order`() throws {
        let volume = ModelVolume(volumeBytes: UInt64(8 * SnapshotBlock.bytes))
        for index in [UInt64(0), 1, 3, 4] { volume.fill(index, index) }
        let first = try SnapshotSubject.snapshot(SnapshotSubject.id(1), of: volume, in: storage)
        volume.fill(1, 50)
        volume.fill(3, nil)
        volume.fill(6, 51)
        let second = try SnapshotSubject.snapshot(
            SnapshotSubject.id(2),
            of: volume,
            after: first,
            in: storage
        )
        func changes(
            _ from: SnapshotManifest?,
            _ to: SnapshotManifest,
            at index: UInt64 = 0
        ) throws -> [ChangedBlock] {
            var difference = try SnapshotDifference(from: from, to: to, startingAt: index)
            var changes: [ChangedBlock] = []
            while let change = try difference.next() { changes.append(change) }
            return changes
        }
        let forward = try changes(first.manifest, second.manifest)
        #expect(forward.map(\.index) == [1, 3, 6])
        #expect(forward[1].second == nil && forward[2].first == nil)
        #expect(try forward[0].second == second.manifest.entry(at: 1))
        #expect(try changes(first.manifest, second.manifest, at: 2).map(\.index) == [3, 6])
        #expect(try changes(second.manifest, first.manifest).map(\.index) == [1, 3, 6])
        #expect(try changes(nil, second.manifest).map(\.index) == [0, 1, 4, 6])
        #expect(try changes(first.manifest, first.manifest).isEmpty)
        let other = try SnapshotSubject.snapshot(SnapshotSubject.id(3), of: volume, in: storage, key: 1)
        #expect(throws: SnapshotError.unrelated(SnapshotSubject.id(1), SnapshotSubject.id(3))) {
            try SnapshotDifference(from: first.manifest, to: other.manifest)
        }
    }

    @Test func `a snapshot is put together in any order`() throws {
        let volume = ModelVolume(volumeBytes: UInt64(3 * SnapshotBlock.bytes + 4096))
        for index in [UInt64(0), 1, 3] { volume.fill(index, index) }
        let first = try SnapshotSubject.snapshot(SnapshotSubject.id(1), of: volume, in: storage)
        let header = try SnapshotSubject.header(SnapshotSubject.id(2), volumeBytes: volume.volumeBytes)
        let writer = try LineageWriter(SnapshotSubject.lineage(), in: storage)
        let assembly = try SnapshotAssembly(header, after: first, to: writer, in: store)
        for (index, seed) in [(3, 7), (1, 8), (2, 9), (1, 10)] as [(UInt64, UInt64)] {
            volume.fill(index, seed)
            let bytes = try #require(volume.blocks[index])
            unsafe try assembly.put(bytes.span.bytes, at: index)
        }
        volume.fill(0, nil)
        unsafe try assembly.put([UInt8](repeating: 0, count: SnapshotBlock.bytes).span.bytes, at: 0)
        #expect(throws: SnapshotError.outOfRange) {
            unsafe try assembly.put([UInt8](repeating: 1, count: SnapshotBlock.bytes).span.bytes, at: 3)
        }
        #expect(throws: SnapshotError.outOfRange) {
            unsafe try assembly.put([UInt8](repeating: 1, count: 4096).span.bytes, at: 4)
        }
        #expect(assembly.digests.map(\.index) == [0, 1, 2, 3] && assembly.digests[0].digest == nil)
        #expect(try store.status(SnapshotSubject.id(2)) == .pending(percent: 0))
        let second = try assembly.commit(SnapshotSubject.macKey())
        #expect(try SnapshotSubject.blocks(second, in: storage) == volume.blocks)
    }

    @Test func `one that is put together may be larger than the one before, whose last block was short`()
        throws
    {
        let volume = ModelVolume(volumeBytes: UInt64(3 * SnapshotBlock.bytes + 4096))
        for index in [UInt64(1), 3] { volume.fill(index, index) }
        let first = try SnapshotSubject.snapshot(SnapshotSubject.id(1), of: volume, in: storage)
        volume.grow(to: UInt64(6 * SnapshotBlock.bytes))
        for (number, rewrites) in [(2, false), (3, true)] {
            let header = try SnapshotSubject.header(
                SnapshotSubject.id(number),
                volumeBytes: volume.volumeBytes
            )
            let writer = try LineageWriter(SnapshotSubject.lineage(), in: storage)
            let assembly = try SnapshotAssembly(header, after: first, to: writer, in: store)
            for index in rewrites ? [UInt64(3), 5] : [5] {
                volume.fill(index, index + 10)
                let bytes = try #require(volume.blocks[index])
                unsafe try assembly.put(bytes.span.bytes, at: index)
            }
            #expect(assembly.count == (rewrites ? 2 : 1))
            let child = try assembly.commit(SnapshotSubject.macKey())
            #expect(try SnapshotSubject.blocks(child, in: storage) == volume.blocks)
        }
        let header = try SnapshotSubject.header(SnapshotSubject.id(4), volumeBytes: 4096)
        #expect(throws: SnapshotError.otherGeometry(SnapshotSubject.id(1), SnapshotSubject.id(4))) {
            let writer = try LineageWriter(SnapshotSubject.lineage(), in: storage)
            return try SnapshotAssembly(header, after: first, to: writer, in: store)
        }
    }

    @Test func `a snapshot that was given up says why, and leaves no block`() throws {
        let header = try SnapshotSubject.header(SnapshotSubject.id(1), volumeBytes: 4096)
        let writer = try LineageWriter(SnapshotSubject.lineage(), in: storage)
        let assembly = try SnapshotAssembly(header, after: nil, to: writer, in: store)
        unsafe try assembly.put([UInt8](repeating: 1, count: 4096).span.bytes, at: 0)
        assembly.fail(.givenUp("nobody came"))
        #expect(try store.status(SnapshotSubject.id(1)) == .error(reason: "nobody came"))
        #expect(storage.paths.filter { $0.name.hasPrefix("pack") }.isEmpty)
        #expect(throws: SnapshotError.writerOver) {
            unsafe try assembly.put([UInt8](repeating: 1, count: 4096).span.bytes, at: 0)
        }
    }

    @Test func `checksums are those of the blocks that count, in the blocks' order`() throws {
        let header = try SnapshotSubject.header(
            SnapshotSubject.id(1),
            volumeBytes: UInt64(2 * SnapshotBlock.bytes)
        )
        let writer = try LineageWriter(SnapshotSubject.lineage(), in: storage)
        let assembly = try SnapshotAssembly(header, after: nil, to: writer, in: store)
        let blocks = (1...3).map { [UInt8](repeating: $0, count: SnapshotBlock.bytes) }
        let checksums = blocks.map { unsafe BlockChecksum(of: $0.span.bytes) }
        for (index, number) in [(1, 0), (0, 1), (1, 2)] as [(UInt64, Int)] {
            let block = blocks[number]
            unsafe try assembly.put(block.span.bytes, at: index, checksum: checksums[number])
        }
        #expect(assembly.checksums == [checksums[1], checksums[2]])
        let both = checksums[1].bytes + checksums[2].bytes
        #expect(BlockChecksum.linear(assembly.checksums).bytes == SHA256.digest(both))
        #expect(BlockChecksum([UInt8](repeating: 0, count: 31)) == nil)
        assembly.fail(.cancelled)
    }

    @Test func `a comparison stops where enough was looked at, and goes on from there`() throws {
        let volume = ModelVolume(volumeBytes: UInt64(8 * SnapshotBlock.bytes))
        for index in UInt64(0)..<8 { volume.fill(index, index) }
        let first = try SnapshotSubject.snapshot(SnapshotSubject.id(1), of: volume, in: storage)
        volume.fill(6, 60)
        let second = try SnapshotSubject.snapshot(
            SnapshotSubject.id(2),
            of: volume,
            after: first,
            in: storage
        )
        var (start, found, pauses): (UInt64, [UInt64], Int) = (0, [], 0)
        look: while true {
            var budget = 3
            var difference = try SnapshotDifference(
                from: first.manifest,
                to: second.manifest,
                startingAt: start
            )
            while true {
                switch try difference.step(&budget) {
                case .changed(let block): found.append(block.index)
                case .paused(let index):
                    #expect(index == start + 3)
                    (start, pauses) = (index, pauses + 1)
                    continue look
                case .end: break look
                }
            }
        }
        #expect(found == [6] && pauses == 2)
    }
}
