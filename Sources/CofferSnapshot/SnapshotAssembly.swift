internal import CofferBlock
internal import CofferSecrets
internal import CofferShapes
internal import Synchronization

/// A snapshot that is put together block by block in any order, as EBS direct does, over what a previous one has. Any
/// thread may put blocks; of two puts of one block the later counts. It remembers 64 bytes for each block put.
public final class SnapshotAssembly: Sendable {
    public var header: ManifestHeader { attempt.header }
    private let attempt: SnapshotAttempt
    private let previous: AuthenticManifest?
    /// nil stands for a hole.
    private let blocks = Mutex<[UInt64: BlockEntry?]>([:])

    /// Begins a snapshot: from its return on, its folder says `pending`. Throws as `SnapshotJob.init` does.
    public init(
        _ header: ManifestHeader,
        after previous: AuthenticManifest?,
        to writer: LineageWriter,
        in store: SnapshotStore
    ) throws(SnapshotError) {
        try header.requireFollowing(previous?.header)
        if let previous {
            try store.requireBlocks(of: previous)
            guard previous.header.geometry.volumeBytes == header.geometry.volumeBytes else {
                throw .otherGeometry(previous.snapshotID, header.snapshotID)
            }
        }
        self.previous = previous
        attempt = try SnapshotAttempt(
            header,
            in: store,
            writer: writer,
            control: JobControl(),
            blocksTotal: SnapshotBlock.count(ofVolume: header.geometry.volumeBytes)
        )
    }

    /// Stores the ciphertext of a block: as long as the block is in its volume, else `.outOfRange`. All zero is a hole.
    public func put(_ ciphertext: RawSpan, at index: UInt64) throws(SnapshotError) {
        guard index < attempt.blocksTotal, ciphertext.byteCount == header.length(of: index) else {
            throw .outOfRange
        }
        let entry = ciphertext.isZero ? nil : try attempt.writer.append(ciphertext, index: index)
        blocks.withLock { $0[index] = .some(entry) }
    }

    /// How many blocks were put so far.
    public var count: Int { blocks.withLock { $0.count } }

    /// The blocks put so far, with their digests, in ascending order; nil for those that are holes.
    public var digests: [(index: UInt64, digest: BlockDigest?)] {
        blocks.withLock { $0 }.sorted { $0.key < $1.key }.map { ($0.key, $0.value?.digest) }
    }

    /// Completes the snapshot. On an error what was put is taken back. To be called once, when nobody puts any more.
    public func commit(_ macKey: borrowing SnapshotMACKey) throws(SnapshotError) -> AuthenticManifest {
        do throws(SnapshotError) {
            var manifest = try ManifestWriter(header, in: attempt.store.storage)
            var kept = previous?.manifest.cursor()
            let blocks = blocks.withLock { $0 }.sorted { $0.key < $1.key }
            for (index, entry) in blocks {
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

    /// Gives the snapshot up in place of `commit`.
    public func fail(_ error: SnapshotError) { attempt.fail(error) }
}

extension RawSpan {
    /// Whether all bytes are zero, of a multiple of 8.
    fileprivate var isZero: Bool {
        var sum: UInt64 = 0
        for offset in stride(from: 0, to: byteCount, by: 8) {
            sum |= number(UInt64.self, at: offset)
            if sum != 0 { return false }
        }
        return true
    }
}
