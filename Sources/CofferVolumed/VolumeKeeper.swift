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
    private let volumeKey: VolumeKey
    /// The header as this process wrote it last, or was told of it.
    private let mark: Mutex<RollbackMark>
    private let snapshot = Mutex<LiveSnapshot?>(nil)
    private let hasBegun = Atomic<Bool>(false)
    private let fillState = Mutex(FillState.idle)
    private let log: Logger

    /// `headerStore` is the volume's file, through the page cache.
    init(
        _ volumeID: VolumeID,
        _ volume: EncryptedVolume<FileBlockStore>,
        headerStore: FileBlockStore,
        volumeKey: consuming VolumeKey,
        mark: RollbackMark,
        sizeNotice: FuseSession.SizeNotice?,
        log: Logger
    ) {
        image = VolumeImage(headerStore, volumeID: volumeID)
        (self.volume, self.sizeNotice, self.log) = (volume, sizeNotice, log)
        self.volumeKey = volumeKey
        self.mark = Mutex(mark)
    }

    /// Makes the volume larger: its file, its header, and then what its users see.
    func grow(toBytes count: UInt64) throws(HeaderError) -> RollbackMark {
        let newest = try changeHeader { (mark) throws(HeaderError) in
            let header = try image.grow(toBytes: count, volumeKey, mark: mark)
            // Before a snapshot could begin that has the one size and not the other.
            volume.grow(toBytes: header.geometry.volumeBytes)
            return header
        }
        sizeNotice?.send()
        log.info("grown to \(count) bytes")
        return newest
    }

    // MARK: - Filling

    private enum FillState {
        case idle, running, stopping
    }

    /// Fills the volume in a thread of its own, until all is filled or `stopFilling` is called.
    func startFilling(mapPath: String) throws {
        fillState.withLock { $0 = .running }
        try BackgroundThread.start {
            do {
                try self.fillAll(mapPath)
            } catch {
                // What is not filled is read from the snapshot still.
                self.log.error("the volume is not filled any further: \(StartFailure(error).message)")
            }
            self.fillState.withLock { $0 = .idle }
        }
    }

    private func fillAll(_ mapPath: String) throws {
        var block = 0
        while let next = try volume.fillNext(from: block) {
            if fillState.withLock({ $0 }) == .stopping { return }
            block = next
        }
        _ = try changeHeader { (mark) throws(HeaderError) in try image.endFilling(volumeKey, mark: mark) }
        volume.endFilling()
        unsafe unlink(mapPath)
        log.info("all of the volume is under its own key")
    }

    /// Returns when the filling has stopped, or after 20 seconds of a store that hangs; it goes on at the next attachment.
    func stopFilling() {
        fillState.withLock { if $0 == .running { $0 = .stopping } }
        for _ in 0..<4000 where fillState.withLock({ $0 }) != .idle { usleep(5000) }
    }

    // MARK: - Snapshots

    /// The snapshot that is being made.
    var snapshotStatus: SnapshotProgressReport? { snapshot.withLock { $0?.status } }

    /// Begins a snapshot: the volume's content of a moment within this call. Its blocks are copied in a thread of their
    /// own. One at a time.
    func beginSnapshot(_ order: SnapshotOrder) throws -> RollbackMark {
        guard let id = SnapshotID(order.snapshotID), order.snapshotsFolder.hasPrefix("/") else {
            throw AWSError(.invalidParameterValue, "an order for a snapshot that there cannot be")
        }
        // Whoever comes right after one that is complete does not get to hear of its last moments.
        for _ in 0..<1000 where snapshot.withLock({ $0?.isCommitted == true }) { usleep(10_000) }
        // The header and the size stay as they are meanwhile.
        return try mark.withLock { mark in
            if let other = snapshot.withLock({ $0?.id }) {
                throw AWSError(
                    .concurrentSnapshotLimitExceeded,
                    "snapshot \(other) of the volume is being made",
                    hint: "wait until it is complete, then try again"
                )
            }
            let header = try image.open(volumeKey, mark: mark)
            let earlier =
                ([volume.tracker.map?.base].compactMap(\.self)
                    + order.earlier.compactMap(SnapshotID.init))
            let live = try LiveSnapshot(
                ManifestHeader(snapshotID: id, of: header, parent: earlier.first, created: SystemClock().now),
                of: volume,
                earlier: earlier,
                in: SnapshotFolder(path: order.snapshotsFolder),
                volumeKey
            )
            // Before its moment: whoever asks about a snapshot that is pending has to find its maker.
            snapshot.withLock { $0 = live }
            do {
                try begin(live, order.filesystem)
                try BackgroundThread.start { self.finish(live) }
            } catch {
                live.abandon()
                snapshot.withLock { $0 = nil }
                throw error
            }
            hasBegun.store(true, ordering: .releasing)
            return mark
        }
    }

    private func begin(_ live: LiveSnapshot, _ filesystem: FilesystemPlace?) throws(SnapshotError) {
        guard let filesystem else { return try live.begin() }
        try FrozenFilesystem.run(filesystem, log) { () throws(SnapshotError) in try live.begin() }
    }

    /// Returns when no snapshot is being made any more; where none is yet, one has the time given to begin.
    func waitForSnapshot(beginningWithinMilliseconds limit: Int = 0) {
        for _ in 0..<limit / 20 where !hasBegun.load(ordering: .acquiring) { usleep(20_000) }
        while snapshotStatus != nil { usleep(20_000) }
    }

    private func finish(_ live: LiveSnapshot) {
        do {
            try live.run(volumeKey)
            log.info("snapshot \(live.id) is complete")
        } catch {
            let sentence = (error as? SnapshotError)?.sentence ?? "\(error)"
            log.error("snapshot \(live.id) came to nothing: \(sentence)")
        }
        snapshot.withLock { $0 = nil }
    }

    private func changeHeader(
        _ change: (RollbackMark) throws(HeaderError) -> VolumeHeader
    ) throws(HeaderError) -> RollbackMark {
        try mark.withLock { (mark) throws(HeaderError) in
            mark = try change(mark).mark
            return mark
        }
    }
}
