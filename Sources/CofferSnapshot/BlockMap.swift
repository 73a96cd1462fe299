/// A set of blocks of one volume, one bit each: 8 KiB for each 32 GiB.
public struct BlockMap: Sendable, Equatable {
    /// How many blocks the volume has; members are below.
    public let blockCount: UInt64
    private var words: [UInt64]

    /// No block of a volume of `blockCount`, at most 2^27 (64 TiB), or every one.
    public init(blockCount: UInt64, filled: Bool = false) {
        precondition(blockCount <= ManifestLayout.maximumBlockCount, "more blocks than a volume has")
        self.blockCount = blockCount
        words = [UInt64](repeating: filled ? .max : 0, count: Int((blockCount + 63) / 64))
        if filled, !blockCount.isMultiple(of: 64) { words[words.count - 1] = (1 << (blockCount % 64)) - 1 }
    }

    /// Those blocks; nil where one lies past the volume's end.
    public init?(blockCount: UInt64, _ indexes: some Sequence<UInt64>) {
        self.init(blockCount: blockCount)
        for index in indexes {
            guard index < blockCount else { return nil }
            insert(index)
        }
    }

    /// Those whose bits are set: block *n* is bit *n* % 64 of word *n* / 64, and bits past the volume's end do not count.
    /// Traps where words are missing.
    public init(blockCount: UInt64, words: [UInt64]) {
        self.init(blockCount: blockCount)
        precondition(words.count >= self.words.count, "bits are missing")
        self.words = Array(words.prefix(self.words.count))
        if !blockCount.isMultiple(of: 64) { self.words[self.words.count - 1] &= (1 << (blockCount % 64)) - 1 }
    }

    public func contains(_ index: UInt64) -> Bool {
        index < blockCount && words[Int(index / 64)] & (1 << (index % 64)) != 0
    }

    /// Traps past the volume's end.
    public mutating func insert(_ index: UInt64) {
        precondition(index < blockCount, "a block past the end of its volume")
        words[Int(index / 64)] |= 1 << (index % 64)
    }

    public mutating func remove(_ index: UInt64) {
        precondition(index < blockCount, "a block past the end of its volume")
        words[Int(index / 64)] &= ~(1 << (index % 64))
    }

    /// Removes all members of a range.
    mutating func remove(in range: Range<UInt64>) {
        var index = range.lowerBound
        while let member = next(from: index), member < range.upperBound {
            remove(member)
            index = member + 1
        }
    }

    /// How many blocks are in it.
    public var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    /// The first member at or after `index`.
    public func next(from index: UInt64) -> UInt64? {
        guard index < blockCount else { return nil }
        var place = Int(index / 64)
        var word = words[place] & (UInt64.max << (index % 64))
        while word == 0 {
            place += 1
            guard place < words.count else { return nil }
            word = words[place]
        }
        return UInt64(place) * 64 + UInt64(word.trailingZeroBitCount)
    }
}
