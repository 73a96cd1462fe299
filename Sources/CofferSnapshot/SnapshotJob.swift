internal import CofferBlock
internal import CofferSecrets
internal import CofferShapes

/// Which blocks may differ from the previous snapshot.
public enum ChangedBlocks: Sendable {
    /// Any: each is read and compared with what the previous snapshot has.
    case all
    /// Those, as a changed-block map tells. It may name too many, never too few.
    case only(BlockMap)
}

/// Makes one snapshot: reads what may have changed, stores what did, and commits a manifest that names it together with
/// what the previous snapshot has.
///
/// On a volume that stands still, `run` is all. On a live one, whoever is about to write to a block, or to discard it,
/// calls `preserve` first and writes when that has returned; the instant that the snapshot shows is the one at which
/// that rule begins to hold. What is preserved need not be durable before the write: a snapshot whose maker dies is no
/// snapshot, and `run` makes all of it durable before it commits.
public final class SnapshotJob: Sendable {
    public let header: ManifestHeader
    let store: SnapshotStore
    let writer: LineageWriter
    private let source: any SnapshotSource
    private let previous: AuthenticManifest?
    private let changed: BlockMap?
    private let claims: BlockClaims
    private let control: JobControl

    /// Begins a snapshot: from its return on, its folder says `pending`. Nothing is read yet.
    ///
    /// `previous` is any snapshot of the same volume key; without one every block is stored. `changed` is about the
    /// blocks since `previous`. Throws `.alreadyExists`, and `.otherGeometry` where `previous` is none that this one can
    /// follow.
    public init(
        _ header: ManifestHeader,
        after previous: AuthenticManifest?,
        changed: ChangedBlocks,
        from source: any SnapshotSource,
        to writer: LineageWriter,
        in store: SnapshotStore,
        isAnnounced: Bool = false,
        control: JobControl = JobControl()
    ) throws(SnapshotError) {
        precondition(writer.lineage == header.lineage, "a snapshot in a lineage of another key")
        try header.requireFollowing(previous?.header)
        (self.header, self.previous, self.source) = (header, previous, source)
        (self.writer, self.store, self.control) = (writer, store, control)
        let blockCount = SnapshotBlock.count(ofVolume: header.geometry.volumeBytes)
        if let previous, case .only(var map) = changed {
            guard map.blockCount == blockCount else { throw .outOfRange }
            // A last block that was shorter is another block now.
            let tail = previous.header.geometry.volumeBytes
            if tail < header.geometry.volumeBytes, !tail.isMultiple(of: UInt64(SnapshotBlock.bytes)) {
                map.insert(tail / UInt64(SnapshotBlock.bytes))
            }
            self.changed = map
            claims = BlockClaims(needed: map)
        } else {
            self.changed = nil
            claims = BlockClaims(needed: BlockMap(blockCount: blockCount, filled: true))
        }
        if !isAnnounced { try Self.announce(header, in: store) }
    }

    /// Makes the snapshot's folder, which says `pending` from then on. By itself, for whoever then begins a job with
    /// `isAnnounced` at a moment when nothing may wait for a disk. Throws `.alreadyExists`.
    public static func announce(
        _ header: ManifestHeader,
        in store: SnapshotStore
    ) throws(SnapshotError) {
        try store.begin(
            SnapshotState(
                snapshotID: header.snapshotID,
                lineage: header.lineage,
                volumeBytes: header.geometry.volumeBytes,
                created: header.created,
                blocksTotal: SnapshotBlock.count(ofVolume: header.geometry.volumeBytes)
            )
        )
    }

    private var blocksTotal: UInt64 {
        changed.map { UInt64($0.count) } ?? SnapshotBlock.count(ofVolume: header.geometry.volumeBytes)
    }

    /// Returns when the content that a block has now is stored, or need not be. Any thread may call it. It never fails:
    /// where the content cannot be stored it is the snapshot that ends, and the volume goes on.
    public func preserve(_ index: UInt64) {
        guard claims.claim(index) else { return }
        let buffer = BlockBuffer()
        do throws(SnapshotError) {
            let known = try previous?.manifest.entry(at: index)
            claims.finish(index, preserving: try store(index, known, buffer))
        } catch {
            claims.end(error)
        }
    }

    /// Reads, stores and commits; returns when the snapshot is complete and durable. On any error, `.cancelled` too, what
    /// was stored is taken back, and the snapshot's folder says `error` and why. To be called once.
    public func run(_ macKey: borrowing SnapshotMACKey) throws(SnapshotError) -> AuthenticManifest {
        do throws(SnapshotError) {
            let manifest = try sweep(macKey)
            writer.keep()
            claims.end(.writerOver)
            try store.forget(header.snapshotID)
            return manifest
        } catch {
            fail(error)
            throw error
        }
    }

    /// Gives the snapshot up before or in place of `run`.
    public func fail(_ error: SnapshotError) {
        claims.end(error)
        writer.abandon()
        // What is left behind a failed removal is found by a check; the reason that counts is the first.
        _ = try? store.storage.remove(header.snapshotID.newManifest)
        try? note(.error(reason: error.sentence), done: 0)
    }

    private func note(_ phase: SnapshotState.Phase, done: UInt64) throws(SnapshotError) {
        try store.update(
            SnapshotState(
                snapshotID: header.snapshotID,
                lineage: header.lineage,
                volumeBytes: header.geometry.volumeBytes,
                created: header.created,
                phase: phase,
                blocksDone: done,
                blocksTotal: blocksTotal
            )
        )
    }

    // MARK: - The sweep

    private func sweep(_ macKey: borrowing SnapshotMACKey) throws(SnapshotError) -> AuthenticManifest {
        var manifest = try ManifestWriter(header, in: store.storage)
        var plan = SweepPlan(
            source: source,
            changed: changed,
            previous: previous?.manifest.cursor(),
            claims: claims,
            blockCount: SnapshotBlock.count(ofVolume: header.geometry.volumeBytes)
        )
        let buffers = (0..<ParallelRun.threadCount).map { _ in BlockBuffer() }
        let window = SweepWindow()
        var done: UInt64 = 0
        var noted = ContinuousClock.now
        while try plan.fill(window) {
            try control.check()
            try ParallelRun.forEach(window.readCount, workers: buffers.count) {
                [self] (worker, item) throws(SnapshotError) in
                try control.check()
                let (index, known) = window.read(item)
                window.set(try sweep(index, known, buffers[worker]), item)
            }
            try window.forEachEntry { (entry) throws(SnapshotError) in try manifest.append(entry) }
            done += UInt64(window.readCount)
            let progress = SnapshotProgress(
                blocksDone: changed == nil ? plan.position : done,
                blocksTotal: blocksTotal,
                bytesStored: writer.storedBytes
            )
            control.report(progress)
            if noted.duration(to: .now) > .seconds(1) {
                try note(.pending, done: progress.blocksDone)
                noted = .now
            }
        }
        try claims.check()
        try control.check()
        try writer.sync()
        return try manifest.commit(macKey)
    }

    private func sweep(
        _ index: UInt64,
        _ known: BlockEntry?,
        _ buffer: BlockBuffer
    ) throws(SnapshotError) -> BlockEntry? {
        guard claims.claim(index) else {
            try claims.check()
            return claims.takePreserved(index) ?? nil
        }
        do throws(SnapshotError) {
            let entry = try store(index, known, buffer)
            claims.finish(index, preserving: nil)
            return entry
        } catch {
            claims.end(error)
            throw error
        }
    }

    /// Reads a block and stores it, unless it is a hole or what the previous snapshot has.
    private func store(
        _ index: UInt64,
        _ known: BlockEntry?,
        _ buffer: BlockBuffer
    ) throws(SnapshotError) -> BlockEntry? {
        let count = header.length(of: index)
        return try buffer.memory.withMutableBytes(at: 0, count: count) { (span) throws(SnapshotError) in
            let content: BlockContent
            do throws(BlockError) {
                content = try source.readBlock(index, into: &span)
            } catch {
                throw .source(error)
            }
            guard case .ciphertext(count) = content, !span.isZero(0..<count) else { return nil }
            let digest = BlockDigest(of: span.bytes)
            if let known, known.digest == digest { return known }
            return try writer.append(span.bytes, index: index, digest: digest)
        }
    }
}

extension ManifestHeader {
    /// Throws where a manifest with this header cannot name what `previous` names.
    func requireFollowing(_ previous: ManifestHeader?) throws(SnapshotError) {
        guard let previous else { return }
        guard previous.lineage == lineage else { throw .unrelated(previous.snapshotID, snapshotID) }
        guard previous.geometry.cipher == geometry.cipher,
            previous.geometry.dataUnitBytes == geometry.dataUnitBytes,
            previous.geometry.volumeBytes <= geometry.volumeBytes
        else { throw .otherGeometry(previous.snapshotID, snapshotID) }
    }
}

/// Room for one block, for one worker at a time.
final class BlockBuffer: @unchecked Sendable {
    // Sendable: its worker's calls follow each other.

    var memory = PageBuffer(count: SnapshotBlock.bytes)
}
