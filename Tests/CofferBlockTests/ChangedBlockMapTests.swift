internal import CofferShapes
internal import CofferTesting
internal import Glibc
internal import Testing

@testable internal import CofferBlock

@Suite struct ChangedBlockMapTests {
    private static let first = SnapshotID("snap-0123456789abcdef0")
    private static let bytes: UInt64 = 1 << 30

    private static func place(last: UInt64, epoch: UInt64, boot: UInt8 = 1) throws -> ChangedBlockMap.Place {
        ChangedBlockMap.Place(
            volumeID: try #require(VolumeID("vol-0123456789abcdef0")),
            uuid: [UInt8](repeating: 7, count: 16),
            lastEpoch: last,
            epoch: epoch,
            bootID: [UInt8](repeating: boot, count: 16)
        )
    }

    /// A map at epoch 1 whose base is a snapshot, with changes in blocks 3 and 700.
    private static func used(_ path: String) throws -> ChangedBlockMap {
        let map = try ChangedBlockMap(path: path, try place(last: 0, epoch: 1), volumeBytes: bytes)
        let before = AtomicBlockMap()
        before.insert(3)
        try map.restart(base: try #require(first), changes: before)
        try map.insert(700)
        return map
    }

    private static func open(_ path: String, _ place: ChangedBlockMap.Place) throws -> ChangedBlockMap {
        try ChangedBlockMap(path: path, place, volumeBytes: bytes)
    }

    /// The blocks that the next snapshot would look at; nil for all.
    private static func changes(_ map: ChangedBlockMap) -> [Int]? {
        guard map.base != nil else { return nil }
        let bits = AtomicBlockMap()
        map.copyBits(to: bits)
        var found: [Int] = []
        while let block = bits.first(from: (found.last ?? -1) + 1, below: 2048) { found.append(block) }
        return found
    }

    @Test func `a new map knows nothing: all blocks are looked at`() throws {
        let folder = try TemporaryFolder()
        let map = try Self.open(folder.path("map"), try Self.place(last: 0, epoch: 1))
        #expect(map.base == nil)
        let bits = AtomicBlockMap()
        map.copyBits(to: bits)
        #expect(bits.count(below: AtomicBlockMap.blockLimit) == 2048)
    }

    @Test func `after a kill the bits are believed within one boot, and not in another`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("map")
        _ = try Self.used(path)
        let next = try Self.open(path, try Self.place(last: 1, epoch: 2))
        #expect(next.base == Self.first)
        #expect(Self.changes(next) == [3, 700])
        #expect(try Self.open(path, try Self.place(last: 2, epoch: 3, boot: 2)).base == nil)
    }

    @Test func `a map that was settled is believed after another boot, at the very next epoch`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("map")
        try Self.used(path).settle()
        let settled = try folder.bytes("map")
        let next = try Self.open(path, try Self.place(last: 1, epoch: 2, boot: 2))
        #expect(Self.changes(next) == [3, 700])
        for last: UInt64 in [0, 2] {
            try folder.write(settled, to: "map")
            #expect(try Self.open(path, try Self.place(last: last, epoch: last + 1)).base == nil)
        }
    }

    @Test func `a settled map is believed for one volume and one key, and with no bit changed`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("map")
        try Self.used(path).settle()
        let settled = try folder.bytes("map")
        var place = try Self.place(last: 1, epoch: 2)
        place.volumeID = try #require(VolumeID("vol-0123456789abcdef1"))
        #expect(try Self.open(path, place).base == nil)
        try folder.write(settled, to: "map")
        place = try Self.place(last: 1, epoch: 2)
        place.uuid[3] ^= 1
        #expect(try Self.open(path, place).base == nil)
        for offset in 0..<settled.count {
            var damaged = settled
            damaged[offset] ^= 1 << UInt8(offset % 8)
            try folder.write(damaged, to: "map")
            #expect(try Self.open(path, try Self.place(last: 1, epoch: 2)).base == nil, "byte \(offset)")
        }
        for count in stride(from: 0, to: settled.count, by: 61) {
            try folder.write(Array(settled[..<count]), to: "map")
            #expect(try Self.open(path, try Self.place(last: 1, epoch: 2)).base == nil, "\(count) bytes")
        }
    }

    @Test func `bits beside each other survive being set by several threads at once`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("map")
        let map = try Self.open(path, try Self.place(last: 0, epoch: 1))
        try map.restart(base: try #require(Self.first), changes: AtomicBlockMap())
        let problems = inParallel(4) { index in
            for block in stride(from: index, to: 2048, by: 4) { try map.insert(block) }
            return nil
        }
        #expect(problems == [])
        #expect(Self.changes(try Self.open(path, try Self.place(last: 1, epoch: 2))) == Array(0..<2048))
    }
}
