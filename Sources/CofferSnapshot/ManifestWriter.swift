internal import CofferBlock
internal import CofferCrypto
internal import CofferSecrets
internal import CofferShapes

/// Writes a manifest beside its place, entry by entry, and puts it there once it is whole. For one thread.
struct ManifestWriter: ~Copyable {
    private let storage: any SnapshotStorage
    private var header: ManifestHeader
    private let store: any BlockStore
    private let path: StoragePath
    private var rows: [ManifestRow] = []
    private var page: [BlockEntry] = []
    /// The least that may come next.
    private var nextIndex: UInt64 = 0

    /// Begins; the snapshot's folder is there. What a crash left of another beginning goes.
    init(_ header: ManifestHeader, in storage: any SnapshotStorage) throws(SnapshotError) {
        (self.storage, self.header) = (storage, header)
        path = header.snapshotID.newManifest
        try storage.remove(path)
        store = try storage.open(path, .create)
        page.reserveCapacity(ManifestLayout.pageEntries)
    }

    /// Entries come in ascending order of their blocks; traps otherwise, as on a block past the volume's end.
    mutating func append(_ entry: BlockEntry) throws(SnapshotError) {
        precondition(entry.index >= nextIndex, "entries of a manifest out of order")
        precondition(
            entry.index < SnapshotBlock.count(ofVolume: header.geometry.volumeBytes),
            "a block past the end of its volume"
        )
        page.append(entry)
        nextIndex = entry.index + 1
        if page.count == ManifestLayout.pageEntries { try writePage() }
    }

    private mutating func writePage() throws(SnapshotError) {
        guard let first = page.first?.index else { return }
        let bytes = ManifestPage.serialise(page)
        try store.put(bytes, at: ManifestLayout.offset(ofPage: rows.count), path: path.description)
        rows.append(ManifestRow(first: first, digest: BlockDigest(SHA256.digest(bytes), at: 0)))
        header.blockCount += UInt64(page.count)
        page.removeAll(keepingCapacity: true)
    }

    /// Makes the manifest durable under its own name: the snapshot is complete when this returns, and not before the
    /// rename. The blocks that it names are durable already. Throws `.alreadyExists` where the snapshot is complete.
    consuming func commit(_ macKey: borrowing SnapshotMACKey) throws(SnapshotError) -> AuthenticManifest {
        try writePage()
        let table = ManifestRow.serialise(rows)
        header.tableDigest = BlockDigest(SHA256.digest(table), at: 0)
        let count = header.blockCount
        try store.put(table, at: ManifestLayout.tableOffset(count), path: path.description)
        precondition(macKey.lineage == header.lineage, "a manifest under a key of another lineage")
        let bytes = header.serialised(macKey: macKey)
        precondition(
            (try? ManifestHeader(parsing: bytes, kind: header.kind, expected: header.snapshotID)) == header,
            "a manifest that does not read back"
        )
        try store.put(bytes, at: 0, path: path.description)
        try store.makeDurable(path: path.description)
        let id = header.snapshotID
        guard try storage.names(in: id.folder)?.contains(id.manifest.name) == false else {
            throw .alreadyExists(id)
        }
        try storage.rename(path, to: id.manifest)
        do throws(SnapshotError) {
            try storage.syncFolder(id.folder)
            let path = id.manifest.description
            return AuthenticManifest(
                manifest: try SnapshotManifest(store, path: path, kind: .stored, expected: id)
            )
        } catch {
            // Whether it is durable is not known, and the caller will take the blocks back.
            try storage.remove(id.manifest)
            throw error
        }
    }
}
