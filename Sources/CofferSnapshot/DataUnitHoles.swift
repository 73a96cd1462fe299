/// Which data units of a read within one block were never written. At most 1024: a block of units of 512 bytes.
public struct DataUnitHoles: Sendable {
    public let unitCount: Int
    private var words = InlineArray<16, UInt64>(repeating: 0)

    init(unitCount: Int) {
        precondition((0...1024).contains(unitCount), "more units than a block has")
        self.unitCount = unitCount
    }

    /// Whether the unit, counted from the start of the read, is a hole.
    public func contains(_ unit: Int) -> Bool {
        precondition((0..<unitCount).contains(unit), "a unit outside of the read")
        return words[unit / 64] & (1 << UInt64(unit % 64)) != 0
    }

    public var count: Int {
        var count = 0
        for index in words.indices { count += words[index].nonzeroBitCount }
        return count
    }

    mutating func insert(_ unit: Int) { words[unit / 64] |= 1 << UInt64(unit % 64) }

    mutating func insertAll() { for unit in 0..<unitCount { insert(unit) } }
}
