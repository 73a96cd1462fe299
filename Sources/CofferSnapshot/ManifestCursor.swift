/// Goes through a manifest's entries in ascending order, with one page in memory.
public struct ManifestCursor: Sendable {
    private let manifest: SnapshotManifest
    private let start: UInt64
    private var pageNumber: Int
    private var page: ManifestPage?
    private var position = 0

    init(_ manifest: SnapshotManifest, from index: UInt64) {
        (self.manifest, start) = (manifest, index)
        pageNumber = manifest.pageNumber(of: index) ?? 0
    }

    /// The entry that `next` would give.
    public mutating func peek() throws(SnapshotError) -> BlockEntry? {
        while pageNumber < manifest.table.count {
            let page: ManifestPage
            if let loaded = self.page {
                page = loaded
            } else {
                page = try manifest.loadPage(pageNumber)
                self.page = page
                position = page.position(of: start)
            }
            if position < page.entries.count { return page.entries[position] }
            self.page = nil
            pageNumber += 1
        }
        return nil
    }

    /// The next entry; nil at the end.
    public mutating func next() throws(SnapshotError) -> BlockEntry? {
        guard let entry = try peek() else { return nil }
        position += 1
        return entry
    }

    /// The entry of a block, and past it. Blocks are asked for in ascending order.
    mutating func entry(at index: UInt64) throws(SnapshotError) -> BlockEntry? {
        while let entry = try peek(), entry.index <= index {
            position += 1
            if entry.index == index { return entry }
        }
        return nil
    }
}
