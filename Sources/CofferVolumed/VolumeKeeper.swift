internal import CofferBlock
internal import CofferControl
internal import CofferFuse
internal import CofferShapes
internal import CofferSnapshot
internal import Glibc
internal import Logging
internal import Synchronization

/// What is done to a volume while it is served, besides its users' requests: this process is the only writer of its file.
///
/// It holds the volume key, in locked memory: the header that it writes is authenticated under a key derived from it.
final class VolumeKeeper: Sendable {
    private let volume: EncryptedVolume<FileBlockStore>
    /// nil where there is no mount.
    private let sizeNotice: FuseSession.SizeNotice?
    private let image: VolumeImage
    private let truth: Mutex<HeaderTruth>
    private let snapshot = Mutex<LiveSnapshot?>(nil)
    private let hasBegun = Atomic<Bool>(false)
    private let filling = StoppableWork()
    private let reencrypting = StoppableWork()
    private let reencryption = Mutex<Reencryption<FileBlockStore>?>(nil)
    private let log: Logger

    /// The header as this process wrote it last, or was told of it; and the volume key that it is under.
    struct HeaderTruth {
        var mark: RollbackMark
        var volumeKey: HeldVolumeKey
    }

    /// `headerStore` is the volume's file, through the page cache.
    init(
        _ volumeID: VolumeID,
        _ volume: EncryptedVolume<FileBlockStore>,
        headerStore: FileBlockStore,
        volumeKey: HeldVolumeKey,
        mark: RollbackMark,
        sizeNotice: FuseSession.SizeNotice?,
        log: Logger
    ) {
        image = VolumeImage(headerStore, volumeID: volumeID)
        (self.volume, self.sizeNotice, self.log) = (volume, sizeNotice, log)
        truth = Mutex(HeaderTruth(mark: mark, volumeKey: volumeKey))
    }

    /// Makes the volume larger: its file, its header, and then what its users see.
    func grow(toBytes count: UInt64) throws(HeaderError) -> RollbackMark {
        let newest = try changeHeader { (truth) throws(HeaderError) in
            let header = try image.grow(toBytes: count, truth.volumeKey.value, mark: truth.mark)
            // Before a snapshot could begin that has the one size and not the other.
            volume.grow(toBytes: header.geometry.volumeBytes)
            return header
        }
        sizeNotice?.send()
        log.info("grown to \(count) bytes")
        return newest
    }

    /// Follows what is provisioned, where the volume is limited: one that was attached without limits stays so.
    func limit(_ limits: RateLimits) throws -> RollbackMark {
        if volume.limiter.isLimiting { volume.limiter.set(try VolumeRate(limits)) }
        return truth.withLock { $0.mark }
    }

    // MARK: - Filling

    /// Fills the volume in a thread of its own, until all is filled or the work is stopped.
    func startFilling(mapPath: String) throws {
        try filling.start {
            do {
                try self.fillAll(mapPath)
            } catch {
                // What is not filled is read from the snapshot still.
                self.log.error("the volume is not filled any further: \(StartFailure(error).message)")
            }
        }
    }

    private func fillAll(_ mapPath: String) throws {
        var block = 0
        while let next = try volume.fillNext(from: block) {
            if filling.isStopped { return }
            block = next
        }
        _ = try changeHeader { (truth) throws(HeaderError) in
            try image.endFilling(truth.volumeKey.value, mark: truth.mark)
        }
        volume.endFilling()
        unsafe unlink(mapPath)
        log.info("all of the volume is under its own key")
    }

    /// Stops what goes on at the next attachment: filling, and re-encryption.
    func stopWork() {
        filling.stop()
        reencrypting.stop()
    }

    // MARK: - Snapshots

    /// The snapshot that is being made; nil once it is complete, though its last moments may be to come.
    var snapshotStatus: SnapshotProgressReport? {
        snapshot.withLock { $0.flatMap { $0.isCommitted ? nil : $0.status } }
    }

    /// Begins a snapshot: the volume's content of a moment within this call. Its blocks are copied in a thread of their
    /// own. One at a time.
    func beginSnapshot(_ order: SnapshotOrder) throws -> RollbackMark {
        guard let id = SnapshotID(order.snapshotID), order.snapshotsFolder.hasPrefix("/") else {
            throw AWSError(.invalidParameterValue, "an order for a snapshot that there cannot be")
        }
        waitForCommittedSnapshot()
        // The header and the size stay as they are meanwhile.
        return try truth.withLock { truth in
            try requireStillKey("a snapshot can be made")
            if let other = snapshot.withLock({ $0?.id }) {
                throw AWSError(
                    .concurrentSnapshotLimitExceeded,
                    "snapshot \(other) of the volume is being made",
                    hint: "wait until it is complete, then try again"
                )
            }
            let volumeKey = truth.volumeKey
            let header = try image.open(volumeKey.value, mark: truth.mark)
            guard header.state != .reencrypting else { throw HeaderError.wrongState(header.state) }
            let earlier =
                ([volume.tracker.map?.base].compactMap(\.self)
                    + order.earlier.compactMap(SnapshotID.init))
            let live = try LiveSnapshot(
                ManifestHeader(snapshotID: id, of: header, parent: earlier.first, created: SystemClock().now),
                of: volume,
                earlier: earlier,
                in: SnapshotFolder(path: order.snapshotsFolder),
                volumeKey.value
            )
            // Before its moment: whoever asks about a snapshot that is pending has to find its maker.
            snapshot.withLock { $0 = live }
            do {
                try begin(live, order.filesystem)
                try BackgroundThread.start { self.finish(live, volumeKey) }
            } catch {
                live.abandon()
                snapshot.withLock { $0 = nil }
                throw error
            }
            hasBegun.store(true, ordering: .releasing)
            return truth.mark
        }
    }

    /// Whoever comes right after a snapshot that is complete does not get to hear of its last moments.
    private func waitForCommittedSnapshot() {
        for _ in 0..<1000 where snapshot.withLock({ $0?.isCommitted == true }) { usleep(10_000) }
    }

    private func begin(_ live: LiveSnapshot, _ filesystem: FilesystemPlace?) throws(SnapshotError) {
        guard let filesystem else { return try live.begin() }
        try FrozenFilesystem.run(filesystem, log) { () throws(SnapshotError) in try live.begin() }
    }

    /// Returns when no snapshot is being made any more.
    func waitForSnapshot() {
        while snapshot.withLock({ $0 != nil }) { usleep(20_000) }
    }

    /// Returns when all that was begun is done; where nothing is yet, it has the time given to begin. Re-encryption does
    /// not outlast `isAsked`.
    func waitForWork(beginningWithinMilliseconds limit: Int, orUntil isAsked: () -> Bool) {
        for _ in 0..<limit / 20 where !hasBegun.load(ordering: .acquiring) && !isAsked() { usleep(20_000) }
        while reencrypting.isRunning && !isAsked() { usleep(20_000) }
        waitForSnapshot()
    }

    private func finish(_ live: LiveSnapshot, _ volumeKey: HeldVolumeKey) {
        do {
            try live.run(volumeKey.value)
            log.info("snapshot \(live.id) is complete")
        } catch {
            let sentence = (error as? SnapshotError)?.sentence ?? "\(error)"
            log.error("snapshot \(live.id) came to nothing: \(sentence)")
        }
        snapshot.withLock { $0 = nil }
    }

    // MARK: - Another key

    /// Wraps the volume key anew. The header has the one wrapping or the other at any moment. That the new one opens has been
    /// proved by whoever asks: this process has no KMS.
    func rewrap(_ order: WrappedKeyOrder) throws -> RollbackMark {
        let wrapped = try wrapped(order)
        return try truth.withLock { truth in
            try requireStillKey("its key can be wrapped anew")
            let key = truth.volumeKey
            if try image.open(key.value, mark: truth.mark).state == .rewrapping {
                truth.mark = try image.abandonRewrap(key.value, mark: truth.mark).mark
            }
            truth.mark = try image.beginRewrap(to: wrapped, key.value, mark: truth.mark).mark
            truth.mark = try image.finishRewrap(unwrapped: key.value, key.value, mark: truth.mark).mark
            return truth.mark
        }
    }

    /// Begins to bring the data under a new volume key.
    func beginReencryption(_ order: WrappedKeyOrder, to newKey: HeldVolumeKey) throws -> RollbackMark {
        let wrapped = try wrapped(order)
        waitForCommittedSnapshot()
        return try truth.withLock { truth in
            try requireStillKey("it can be given another")
            guard !volume.isFilling else {
                throw AWSError(
                    .incorrectState,
                    "some of the volume is its snapshot's still",
                    hint:
                        "leave it attached until `coffer volume show` tells that it is filled, then try again"
                )
            }
            if let snapshot = snapshot.withLock({ $0?.id }) {
                throw AWSError(.incorrectState, "snapshot \(snapshot) of the volume is being made")
            }
            let oldKey = truth.volumeKey
            let header = try image.beginReencryption(
                to: wrapped,
                newKey.value,
                oldKey.value,
                mark: truth.mark
            )
            truth = HeaderTruth(mark: header.mark, volumeKey: newKey)
            try resumeReencryption(
                Reencryption(
                    of: volume,
                    header,
                    headerStore: image.store,
                    oldKey: oldKey.value,
                    newKey: newKey.value
                )
            )
            return header.mark
        }
    }

    /// Takes up a re-encryption that was stopped, or cut short.
    func resumeReencryption(_ begun: Reencryption<FileBlockStore>) throws {
        reencryption.withLock { $0 = begun }
        try reencrypting.start { self.reencrypt(begun) }
        hasBegun.store(true, ordering: .releasing)
    }

    private func reencrypt(_ begun: Reencryption<FileBlockStore>) {
        do {
            guard try begun.run(isStopped: { reencrypting.isStopped }) else { return }
            _ = try changeHeader { (truth) throws(HeaderError) in
                try image.endReencryption(truth.volumeKey.value, mark: truth.mark)
            }
            volume.endReencryption()
            reencryption.withLock { $0 = nil }
            log.info("all of the volume is under its new key")
        } catch {
            // The volume takes no writes any more: the next attachment goes on.
            reencryption.withLock { $0 = nil }
            log.error("the volume is not re-encrypted any further: \(StartFailure(error).message)")
        }
    }

    /// How far a re-encryption is, percent.
    var reencryptedPercent: Int? {
        reencryption.withLock { begun in
            begun.map { Int($0.doneBytes / max(1, volume.volumeBytes / 100)) }.map { min($0, 100) }
        }
    }

    /// Refuses what cannot be done while the data goes from one key to another.
    private func requireStillKey(_ what: String) throws {
        guard let percent = reencryptedPercent else { return }
        throw AWSError(
            .incorrectState,
            "the volume is being re-encrypted (\(percent)%)",
            hint: "wait until that is done; then \(what)"
        )
    }

    private func wrapped(_ order: WrappedKeyOrder) throws -> WrappedVolumeKey {
        guard let arn = ARN(order.keyARN), let blob = Hex.bytes(order.blobHex),
            order.context["aws:ebs:id"] == image.volumeID.text,
            let wrapped = WrappedVolumeKey(
                keyARN: arn,
                blob: CiphertextBlob(blob),
                context: EncryptionContext(order.context)
            )
        else { throw AWSError(.invalidParameterValue, "an order for a wrapped key that there cannot be") }
        return wrapped
    }

    private func changeHeader(
        _ change: (HeaderTruth) throws(HeaderError) -> VolumeHeader
    ) throws(HeaderError) -> RollbackMark {
        try truth.withLock { (truth) throws(HeaderError) in
            truth.mark = try change(truth).mark
            return truth.mark
        }
    }
}

extension VolumeRate {
    /// Refuses what lets nothing pass: the order is input.
    init(_ limits: RateLimits) throws(StartFailure) {
        let buckets = limits.operations + limits.bytes
        guard limits.operationBytes > 0,
            buckets.allSatisfy({ $0.perSecond > 0 && $0.capacity > 0 && $0.capacity.isFinite })
        else { throw StartFailure("the starter sent limits that nothing passes") }
        func made(_ buckets: [RateLimits.Bucket]) -> [Bucket] {
            buckets.map { Bucket(perSecond: $0.perSecond, capacity: $0.capacity) }
        }
        self.init(
            operationBytes: limits.operationBytes,
            operations: made(limits.operations),
            bytes: made(limits.bytes)
        )
    }
}
