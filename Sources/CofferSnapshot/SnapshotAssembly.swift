internal import CofferBlock
internal import CofferSecrets
internal import CofferShapes

/// A snapshot that is put together block by block over what a previous one has, in the lineage that it belongs to, which it
/// holds from its start to its end.
public final class SnapshotAssembly: SnapshotContent {
    public var header: ManifestHeader { attempt.header }
    private let attempt: SnapshotAttempt
    private let previous: AuthenticManifest?
    /// The last block of a previous snapshot that was smaller, as long as it is here.
    private let lengthened: BlockEntry?
    private let blocks = PutBlocks()

    /// Begins a snapshot: from its return on, its folder says `pending`; with `isNoted` it says so already. Throws as
    /// `SnapshotJob.init` does.
    public init(
        _ header: ManifestHeader,
        after previous: AuthenticManifest?,
        to writer: LineageWriter,
        in store: SnapshotStore,
        isNoted: Bool = false
    ) throws(SnapshotError) {
        try header.requireFollowing(previous?.header)
        if let previous { try store.requireBlocks(of: previous) }
        self.previous = previous
        let attempt = try SnapshotAttempt(
            header,
            in: store,
            writer: writer,
            control: JobControl(),
            isNoted: isNoted
        )
        do throws(SnapshotError) {
            lengthened = try previous.flatMap { (previous) throws(SnapshotError) in
                try Self.lengthened(previous, for: header, writer, store)
            }
        } catch {
            attempt.fail(error)
            throw error
        }
        self.attempt = attempt
    }

    /// A last block that was shorter than a block gets data units that are holes.
    private static func lengthened(
        _ previous: AuthenticManifest,
        for header: ManifestHeader,
        _ writer: LineageWriter,
        _ store: SnapshotStore
    ) throws(SnapshotError) -> BlockEntry? {
        let tail = previous.header.geometry.volumeBytes
        guard tail < header.geometry.volumeBytes, !tail.isMultiple(of: UInt64(SnapshotBlock.bytes)) else {
            return nil
        }
        let index = tail / UInt64(SnapshotBlock.bytes)
        // Zero throughout at first.
        var block = PageBuffer(count: header.length(of: index))
        return try block.withMutableBytes(at: 0, count: block.count) { (span) throws(SnapshotError) in
            let content = try SnapshotReader(previous, in: store.storage).readBlock(index, into: &span)
            return content == .hole ? nil : try writer.append(span.bytes, index: index)
        }
    }

    public func put(
        _ ciphertext: RawSpan,
        at index: UInt64,
        checksum: BlockChecksum? = nil
    ) throws(SnapshotError) {
        try blocks.put(ciphertext, at: index, checksum, of: header, to: attempt.writer)
    }

    public var count: Int { blocks.count }

    /// The blocks put so far, with their digests, in ascending order; nil for those that are holes.
    public var digests: [(index: UInt64, digest: BlockDigest?)] {
        blocks.sorted.map { ($0.index, $0.block.entry?.digest) }
    }

    public var checksums: [BlockChecksum] { blocks.checksums }

    public func commit(_ macKey: borrowing SnapshotMACKey) throws(SnapshotError) -> AuthenticManifest {
        do throws(SnapshotError) {
            var manifest = try ManifestWriter(header, in: attempt.store.storage)
            var kept = previous?.manifest.cursor()
            for (index, entry) in changes {
                while let old = try kept?.peek(), old.index < index {
                    try manifest.append(old)
                    _ = try kept?.next()
                }
                _ = try kept?.entry(at: index)
                if let entry { try manifest.append(entry) }
            }
            while let old = try kept?.next() { try manifest.append(old) }
            return try attempt.commit(manifest, macKey)
        } catch {
            attempt.fail(error)
            throw error
        }
    }

    /// What differs from the previous snapshot, in ascending order.
    private var changes: [(index: UInt64, entry: BlockEntry?)] {
        var changes = blocks.sorted.map { (index: $0.index, entry: $0.block.entry) }
        if let lengthened, !changes.contains(where: { $0.index == lengthened.index }) {
            changes.append((lengthened.index, lengthened))
            changes.sort { $0.index < $1.index }
        }
        return changes
    }

    public func fail(_ error: SnapshotError) { attempt.fail(error) }
}
