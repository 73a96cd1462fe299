import Testing

@testable import CofferSnapshot

@Suite struct BlockMapTests {
    @Test func `members come in ascending order, and none past the end`() throws {
        let map = try #require(BlockMap(blockCount: 200, [199, 0, 63, 64, 128] as [UInt64]))
        var found: [UInt64] = []
        var next = map.next(from: 0)
        while let index = next {
            found.append(index)
            next = map.next(from: index + 1)
        }
        #expect(found == [0, 63, 64, 128, 199])
        #expect(map.count == 5 && map.contains(64) && !map.contains(65) && !map.contains(200))
        #expect(BlockMap(blockCount: 200, [200] as [UInt64]) == nil)
        let full = BlockMap(blockCount: 70, filled: true)
        #expect(full.count == 70 && full.next(from: 70) == nil && !full.contains(70))
    }
}
