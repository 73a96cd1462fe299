internal import CofferBlock
internal import CofferSecrets
internal import CofferShapes
internal import Synchronization

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
    public var header: ManifestHeader { attempt.header }
    private let attempt: SnapshotAttempt
    private let source: any SnapshotSource
    private let previous: AuthenticManifest?
    private let changed: BlockMap?
    private let claims: BlockClaims
    /// Of those who preserve: as many as ever did at one time.
    private let spareBuffers = Mutex<[BlockBuffer]>([])

    /// Begins a snapshot: from its return on, its folder says `pending`. Nothing is read yet.
    ///
    /// `previous` is any snapshot of the same volume key; without one every block is stored. `changed` is about the
    /// blocks since `previous`. Throws `.alreadyExists`, and `.otherGeometry` where `previous` is none that this one can
    /// follow.
    public convenience init(
        _ header: ManifestHeader,
        after previous: AuthenticManifest?,
        changed: ChangedBlocks,
        from source: any SnapshotSource,
        to writer: LineageWriter,
        in store: SnapshotStore,
        control: JobControl = JobControl()
    ) throws(SnapshotError) {
        try header.requireFollowing(previous?.header)
        let attempt = try SnapshotAttempt(header, in: store, writer: writer, control: control)
        do throws(SnapshotError) {
            try self.init(attempt, after: previous, changed: changed, from: source)
        } catch {
            attempt.fail(error)
            throw error
        }
    }

    /// The same for an attempt that was begun before, at a moment when little may wait for a disk. Where this throws, the
    /// attempt is the caller's to fail.
    public init(
        _ attempt: SnapshotAttempt,
        after previous: AuthenticManifest?,
        changed: ChangedBlocks,
        from source: any SnapshotSource
    ) throws(SnapshotError) {
        var attempt = attempt
        let (header, store) = (attempt.header, attempt.store)
        try header.requireFollowing(previous?.header)
        // The writer's lock keeps the collector away from now on, and what was removed before is no base.
        if let previous { try store.requireBlocks(of: previous) }
        (self.previous, self.source) = (previous, source)
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
        attempt.blocksTotal = self.changed.map { UInt64($0.count) } ?? blockCount
        self.attempt = attempt
    }

    /// Returns when the content that a block has now is stored, or need not be. Any thread may call it. It never fails:
    /// where the content cannot be stored it is the snapshot that ends, and the volume goes on.
    public func preserve(_ index: UInt64) {
        guard claims.claim(index) else { return }
        let buffer = spareBuffers.withLock { $0.popLast() } ?? BlockBuffer()
        defer { spareBuffers.withLock { $0.append(buffer) } }
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
            let snapshot = try sweep(macKey)
            claims.end(.writerOver)
            return snapshot
        } catch {
            fail(error)
            throw error
        }
    }

    /// Gives the snapshot up in place of `run`.
    public func fail(_ error: SnapshotError) {
        claims.end(error)
        attempt.fail(error)
    }

    // MARK: - The sweep

    private func sweep(_ macKey: borrowing SnapshotMACKey) throws(SnapshotError) -> AuthenticManifest {
        var manifest = try ManifestWriter(header, in: attempt.store.storage)
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
            try attempt.control.check()
            try ParallelRun.forEach(
                window.readCount,
                workers: buffers.count,
                isBackground: attempt.control.isBackground
            ) { [self] (worker, item) throws(SnapshotError) in
                try attempt.control.check()
                let (index, known) = window.read(item)
                window.set(try sweep(index, known, buffers[worker]), item)
            }
            try window.forEachEntry { (entry) throws(SnapshotError) in try manifest.append(entry) }
            done += UInt64(window.readCount)
            try attempt.report(done: changed == nil ? plan.position : done, &noted)
        }
        try claims.check()
        return try attempt.commit(manifest, macKey)
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
            return try attempt.writer.append(span.bytes, index: index, digest: digest)
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
