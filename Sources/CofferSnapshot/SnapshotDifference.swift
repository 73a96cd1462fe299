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

    /// The next block that differs; nil at the end.
    public mutating func next() throws(SnapshotError) -> ChangedBlock? {
        while true {
            let (left, right) = (try first?.peek(), try second.peek())
            guard let index = [left?.index, right?.index].compactMap({ $0 }).min() else { return nil }
            let old = left.flatMap { $0.index == index ? $0 : nil }
            let new = right.flatMap { $0.index == index ? $0 : nil }
            if old != nil { _ = try first?.next() }
            if new != nil { _ = try second.next() }
            if old?.digest != new?.digest { return ChangedBlock(index: index, first: old, second: new) }
        }
    }
}
