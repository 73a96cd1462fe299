internal import CofferBlock
internal import CofferControl
internal import CofferShapes
internal import CofferSnapshot
internal import Synchronization

/// A snapshot of a volume that may be in use, from its moment to its end.
final class LiveSnapshot: BlockPreserver, @unchecked Sendable {
    // Sendable: `job` is set once, while no request is served.

    private let volume: EncryptedVolume<FileBlockStore>
    private let attempt: SnapshotAttempt
    private let previous: AuthenticManifest?
    private let progress: Progress
    private var job: SnapshotJob?

    /// Makes the snapshot's folder and takes the lineage's lock. `earlier` are complete snapshots, the likeliest first:
    /// the first that is sound and of the same key is the one that this one follows.
    init(
        _ header: ManifestHeader,
        of volume: EncryptedVolume<FileBlockStore>,
        earlier: [SnapshotID],
        in folder: SnapshotFolder,
        _ volumeKey: borrowing VolumeKey
    ) throws(SnapshotError) {
        self.volume = volume
        let store = SnapshotStore(folder)
        let writer = try LineageWriter(header.lineage, in: folder)
        var previous: AuthenticManifest?
        for id in earlier where previous == nil {
            previous = try? store.manifest(id).authenticated(by: volumeKey)
            if previous?.header.lineage != header.lineage { previous = nil }
        }
        self.previous = previous
        let progress = Progress(
            SnapshotProgressReport(
                snapshotID: header.snapshotID.text,
                blocksDone: 0,
                blocksTotal: SnapshotBlock.count(ofVolume: header.geometry.volumeBytes)
            )
        )
        self.progress = progress
        attempt = try SnapshotAttempt(
            header,
            in: store,
            writer: writer,
            control: JobControl { progress.note($0) }
        )
    }

    /// Not part of the snapshot, which the job would keep alive otherwise.
    private final class Progress: Sendable {
        private let kept: Mutex<SnapshotProgressReport>

        init(_ status: SnapshotProgressReport) { kept = Mutex(status) }

        var now: SnapshotProgressReport { kept.withLock { $0 } }

        func note(_ progress: SnapshotProgress) {
            kept.withLock { ($0.blocksDone, $0.blocksTotal) = (progress.blocksDone, progress.blocksTotal) }
        }
    }

    private var header: ManifestHeader { attempt.header }
    var id: SnapshotID { header.snapshotID }
    var status: SnapshotProgressReport { progress.now }

    /// Fixes the volume's content: what is written from now on is not in the snapshot.
    func begin() throws(SnapshotError) {
        guard
            let geometry = Geometry(
                volumeBytes: header.geometry.volumeBytes,
                dataOffset: volume.geometry.dataOffset,
                dataUnitBytes: header.geometry.dataUnitBytes,
                cipher: header.geometry.cipher
            )
        else { throw .outOfRange }
        try volume.freeze(for: self) { (changed, base) throws(SnapshotError) in
            let count = SnapshotBlock.count(ofVolume: header.geometry.volumeBytes)
            let isKnown = base != nil && base == previous?.snapshotID
            let words = isKnown ? changed.words(below: Int(count)) : []
            job = try SnapshotJob(
                attempt,
                after: previous,
                changed: isKnown ? .only(BlockMap(blockCount: count, words: words)) : .all,
                from: FilledSource(volume, geometry)
            )
        }
    }

    /// Gives up a snapshot that `begin` could not begin, or that nobody will run.
    func abandon() {
        volume.abandonSnapshot()
        if let job { job.fail(.cancelled) } else { attempt.fail(.cancelled) }
    }

    func preserve(_ block: Int) { job?.preserve(UInt64(block)) }

    /// Copies what is not copied yet, and ends the snapshot one way or the other.
    func run(_ volumeKey: borrowing VolumeKey) throws {
        guard let job else { return }
        do {
            _ = try job.run(header.macKey(from: volumeKey))
        } catch {
            volume.abandonSnapshot()
            throw error
        }
        try volume.completeSnapshot(header.snapshotID)
    }
}
