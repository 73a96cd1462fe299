public import CofferBlock
internal import CofferCrypto
internal import CofferSecrets
public import CofferShapes
internal import Synchronization

/// A snapshot's manifest as it lies in the store: its header, and the list of its blocks, of which parts are read when
/// they are needed. Each part is checked against the digest that the part above it holds, so that what changes behind
/// our back is found, and a list of millions costs as much memory as its table: 40 bytes for each 1024 blocks.
///
/// Nothing here is authenticated before `authenticated(by:)` has given an `AuthenticManifest`.
public final class SnapshotManifest: Sendable {
    public let header: ManifestHeader
    private let headerBytes: [UInt8]
    let store: any BlockStore
    private let path: String
    let table: [ManifestRow]
    private let cache = Mutex<PageCache>(PageCache())

    public var snapshotID: SnapshotID { header.snapshotID }

    /// Opens the manifest of a complete snapshot. Throws `.notFound` where there is none, and what is wrong with it.
    /// With `isRetired`, that of a snapshot which was removed while its blocks were needed still.
    public convenience init(
        _ id: SnapshotID,
        in storage: any SnapshotStorage,
        isRetired: Bool = false
    ) throws(SnapshotError) {
        let path = isRetired ? id.retiredManifest : id.manifest
        let store: any BlockStore
        do {
            store = try storage.open(path, .read)
        } catch .files(2, _, _) {  // ENOENT
            throw .notFound(id)
        }
        try self.init(store, path: path.description, kind: .stored, expected: id)
        guard header.snapshotID == id else { throw .otherSnapshot(expected: id, found: header.snapshotID) }
    }

    /// The manifest of a complete snapshot, or of one that was removed while its blocks were needed still.
    public static func kept(
        _ id: SnapshotID,
        in storage: any SnapshotStorage
    ) throws(SnapshotError) -> SnapshotManifest {
        do {
            return try SnapshotManifest(id, in: storage)
        } catch .notFound {
            return try SnapshotManifest(id, in: storage, isRetired: true)
        }
    }

    init(
        _ store: any BlockStore,
        path: String,
        kind: ManifestHeader.Kind,
        expected: SnapshotID
    ) throws(SnapshotError) {
        (self.store, self.path) = (store, path)
        headerBytes = try store.bytes(at: 0, count: ManifestLayout.headerBytes, path: path)
        guard headerBytes.count == ManifestLayout.headerBytes else {
            throw .damagedManifest(expected, .length)
        }
        header = try ManifestHeader(parsing: headerBytes, kind: kind, expected: expected)
        // The store is as long as the count says before memory is taken by it.
        let count = header.blockCount
        guard try store.size(path: path) == ManifestLayout.fileBytes(count) else {
            throw .damagedManifest(expected, .length)
        }
        let tableBytes = try store.bytes(
            at: ManifestLayout.tableOffset(count),
            count: ManifestLayout.tableBytes(count),
            path: path
        )
        table = try ManifestRow.parse(tableBytes, of: header)
    }

    /// The same manifest, once its code has been found right under this volume key. A checksum that is right beside a
    /// code that is wrong is somebody's work: `.tampered`.
    public func authenticated(by volumeKey: borrowing VolumeKey) throws(SnapshotError) -> AuthenticManifest {
        try authenticated(by: header.macKey(from: volumeKey))
    }

    /// The same by the key that was derived before. Throws `.unrelatedKey` where that is another lineage's.
    public func authenticated(
        by macKey: borrowing SnapshotMACKey
    ) throws(SnapshotError) -> AuthenticManifest {
        guard macKey.lineage == header.lineage else { throw .unrelatedKey(snapshotID) }
        guard ManifestHeader.isAuthentic(headerBytes, macKey: macKey) else { throw .tampered(snapshotID) }
        return AuthenticManifest(manifest: self)
    }

    /// What the manifest says of a block; nil for a hole.
    public func entry(at index: UInt64) throws(SnapshotError) -> BlockEntry? {
        guard let number = pageNumber(of: index) else { return nil }
        if let page = cache.withLock({ $0.page(number) }) { return page.entry(at: index) }
        let page = try loadPage(number)
        cache.withLock { $0.insert(page, number) }
        return page.entry(at: index)
    }

    /// The entries in ascending order, from the first at or after `index` on.
    public func cursor(from index: UInt64 = 0) -> ManifestCursor { ManifestCursor(self, from: index) }

    /// The page that would hold a block: the last that begins at or before it.
    func pageNumber(of index: UInt64) -> Int? {
        var (low, high) = (0, table.count)
        while low < high {
            let middle = (low + high) / 2
            if table[middle].first <= index { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? nil : low - 1
    }

    /// Reads a page and checks it.
    func loadPage(_ number: Int) throws(SnapshotError) -> ManifestPage {
        let count = ManifestLayout.entryCount(ofPage: number, header.blockCount)
        let bytes = try store.bytes(
            at: ManifestLayout.offset(ofPage: number),
            count: count * ManifestLayout.entryBytes,
            path: path
        )
        return try ManifestPage(parsing: bytes, number: number, table: table, of: header)
    }
}

/// A manifest whose code is right: what names blocks to read data from. Only `authenticated(by:)` and the writers of
/// this room make one.
public struct AuthenticManifest: Sendable {
    public let manifest: SnapshotManifest

    init(manifest: SnapshotManifest) { self.manifest = manifest }

    public var header: ManifestHeader { manifest.header }
    public var snapshotID: SnapshotID { manifest.header.snapshotID }
}

/// The pages that were looked at last.
private struct PageCache {
    /// 3 MiB.
    private static let capacity = 64
    private var pages: [Int: (page: ManifestPage, used: UInt64)] = [:]
    private var clock: UInt64 = 0

    mutating func page(_ number: Int) -> ManifestPage? {
        clock += 1
        pages[number]?.used = clock
        return pages[number]?.page
    }

    mutating func insert(_ page: ManifestPage, _ number: Int) {
        if pages.count >= Self.capacity, let oldest = pages.min(by: { $0.value.used < $1.value.used }) {
            pages[oldest.key] = nil
        }
        clock += 1
        pages[number] = (page, clock)
    }
}

extension BlockStore {
    /// As many bytes as the store holds from `offset` on, up to `count`.
    func bytes(at offset: UInt64, count: Int, path: String) throws(SnapshotError) -> [UInt8] {
        do {
            return try bytes(at: offset, count: count)
        } catch {
            throw .store(error, path: path)
        }
    }

    func size(path: String) throws(SnapshotError) -> UInt64 {
        do {
            return try sizeBytes()
        } catch {
            throw .store(error, path: path)
        }
    }

    func put(_ bytes: RawSpan, at offset: UInt64, path: String) throws(SnapshotError) {
        do {
            try write(bytes, at: offset)
        } catch {
            throw .store(error, path: path)
        }
    }

    func put(_ bytes: [UInt8], at offset: UInt64, path: String) throws(SnapshotError) {
        unsafe try put(bytes.span.bytes, at: offset, path: path)
    }

    func makeDurable(path: String) throws(SnapshotError) {
        do {
            try sync()
        } catch {
            throw .store(error, path: path)
        }
    }
}
