/// A block that differs between two snapshots.
public struct ChangedBlock: Sendable, Equatable {
    public let index: UInt64
    /// nil where it is a hole in the first snapshot.
    public let first: BlockEntry?
    /// nil where it is a hole in the second.
    public let second: BlockEntry?
}

/// The blocks that differ between two snapshots of one lineage, in ascending order, as `ListChangedBlocks` of EBS direct
/// gives them. Blocks that lie in the larger one alone count as holes of the other.
public struct SnapshotDifference: Sendable {
    private var first: ManifestCursor?
    private var second: ManifestCursor

    /// From `index` on. Without a first snapshot all blocks of the second differ. Throws `.unrelated` for snapshots that
    /// are under two volume keys: equal plaintext has unequal ciphertext there.
    public init(
        from first: SnapshotManifest?,
        to second: SnapshotManifest,
        startingAt index: UInt64 = 0
    ) throws(SnapshotError) {
        if let first, first.header.lineage != second.header.lineage {
            throw .unrelated(first.snapshotID, second.snapshotID)
        }
        self.first = first?.cursor(from: index)
        self.second = second.cursor(from: index)
    }

    /// What a look at the next blocks came to.
    public enum Step: Sendable, Equatable {
        case changed(ChangedBlock)
        /// Enough was looked at; blocks from this one on were not.
        case paused(before: UInt64)
        case end
    }

    /// The next block that differs; nil at the end.
    public mutating func next() throws(SnapshotError) -> ChangedBlock? {
        var budget = Int.max
        guard case .changed(let block) = try step(&budget) else { return nil }
        return block
    }

    /// The same, but looks at `budget` blocks at most, and counts them off it: two large snapshots may be equal for long.
    public mutating func step(_ budget: inout Int) throws(SnapshotError) -> Step {
        while true {
            let (left, right) = (try first?.peek(), try second.peek())
            guard let index = [left?.index, right?.index].compactMap({ $0 }).min() else { return .end }
            guard budget > 0 else { return .paused(before: index) }
            budget -= 1
            let old = left.flatMap { $0.index == index ? $0 : nil }
            let new = right.flatMap { $0.index == index ? $0 : nil }
            if old != nil { _ = try first?.next() }
            if new != nil { _ = try second.next() }
            if old?.digest != new?.digest {
                return .changed(ChangedBlock(index: index, first: old, second: new))
            }
        }
    }
}
