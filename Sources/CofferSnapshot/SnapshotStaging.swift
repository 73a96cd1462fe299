internal import CofferBlock
public import CofferSecrets
internal import CofferShapes

/// A snapshot over a previous one that is put together for a long time, as by a client of EBS direct: its blocks wait in a
/// lineage of their own until it is complete, and are copied to their place then. So whoever makes other snapshots of the
/// previous one's lineage is not kept waiting. What it costs is that its blocks are written twice.
///
/// Where a crash cuts it short, its note names the lineage of its own, which a removal then clears away.
public final class SnapshotStaging: SnapshotContent {
    public let header: ManifestHeader
    private let previous: AuthenticManifest
    private let store: SnapshotStore
    private let writer: LineageWriter
    private let blocks = PutBlocks()

    /// How long the end waits for another snapshot of the lineage.
    private static let patience = Duration.seconds(600)

    /// Begins a snapshot: from its return on, its folder says `pending`. Throws `.alreadyExists` and what the store throws;
    /// `.unrelated` and `.otherGeometry` where it cannot follow the previous one.
    public init(
        _ header: ManifestHeader,
        after previous: AuthenticManifest,
        in store: SnapshotStore,
        random: any ByteSource = SystemByteSource()
    ) throws(SnapshotError) {
        try header.requireFollowing(previous.header)
        (self.header, self.previous, self.store) = (header, previous, store)
        writer = try LineageWriter(LineageID(uuid: random.bytes(16)), in: store.storage)
        try store.begin(state(.pending))
    }

    public func put(
        _ ciphertext: RawSpan,
        at index: UInt64,
        checksum: BlockChecksum?
    ) throws(SnapshotError) {
        try blocks.put(ciphertext, at: index, checksum, of: header, to: writer)
    }

    public var count: Int { blocks.count }

    public var checksums: [BlockChecksum] { blocks.checksums }

    /// Copies the blocks and completes the snapshot. Throws `.notFound` where the previous snapshot was removed meanwhile.
    public func commit(_ macKey: borrowing SnapshotMACKey) throws(SnapshotError) -> AuthenticManifest {
        let manifest: AuthenticManifest
        do throws(SnapshotError) {
            let target = try LineageWriter(header.lineage, in: store.storage, patience: Self.patience)
            let assembly = try SnapshotAssembly(header, after: previous, to: target, in: store, isNoted: true)
            do throws(SnapshotError) {
                try copy(to: assembly)
            } catch {
                assembly.fail(error)
                throw error
            }
            manifest = try assembly.commit(macKey)
        } catch {
            fail(error)
            throw error
        }
        removeStaged()
        return manifest
    }

    private func copy(to assembly: SnapshotAssembly) throws(SnapshotError) {
        let reader = LineageReader(writer.lineage, in: store.storage)
        var memory = PageBuffer(count: SnapshotBlock.bytes)
        for (index, block) in blocks.sorted {
            let count = header.length(of: index)
            try memory.withMutableBytes(at: 0, count: count) { (span) throws(SnapshotError) in
                if let entry = block.entry {
                    try reader.read(entry, of: header.snapshotID, into: &span)
                } else {
                    span.zero(0..<count)
                }
                try assembly.put(span.bytes, at: index, checksum: block.checksum)
            }
        }
    }

    public func fail(_ error: SnapshotError) {
        removeStaged()
        // What cannot be noted is found by a check: nobody holds the lock.
        try? store.update(state(.error(reason: error.sentence)))
    }

    /// What cannot be removed now is the collector's.
    private func removeStaged() {
        writer.abandon()
        _ = try? store.storage.remove(writer.lineage.lockFile)
        _ = try? store.storage.removeFolder(writer.lineage.folder)
    }

    private func state(_ phase: SnapshotState.Phase) -> SnapshotState {
        SnapshotState(
            snapshotID: header.snapshotID,
            lineage: writer.lineage,
            volumeBytes: header.geometry.volumeBytes,
            created: header.created,
            phase: phase,
            blocksTotal: SnapshotBlock.count(ofVolume: header.geometry.volumeBytes)
        )
    }
}
