internal import CLinux
internal import CofferBlock
internal import CofferControl
internal import CofferShapes
internal import CofferSnapshot
internal import Glibc
internal import Synchronization

/// A snapshot of a volume that may be in use, from its moment to its end.
final class LiveSnapshot: BlockPreserver, @unchecked Sendable {
    // Sendable: `job` and `old` are set once, while no request is served.

    private let volume: EncryptedVolume<FileBlockStore>
    private let attempt: SnapshotAttempt
    private let control: JobControl
    private let previous: AuthenticManifest?
    private let progress: Progress
    private let committed = Atomic<Bool>(false)
    private var job: SnapshotJob?
    private var old: OldContent?
    /// Made before the filesystem above is frozen, which may be the one that it lies in.
    private let aside: FileBlockStore

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
        // Whoever frees or checks blocks of the lineage is soon done.
        let writer = try LineageWriter(header.lineage, in: folder, patience: .seconds(5))
        aside = try Self.fileAside(folder)
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
        // Whoever uses the volume comes first.
        control = JobControl(isBackground: true) { progress.note($0) }
        attempt = try SnapshotAttempt(
            header,
            in: store,
            writer: writer,
            control: control
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
    /// Whether others see it as complete: what is left is to note that for the next one.
    var isCommitted: Bool { committed.load(ordering: .acquiring) }

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
        try volume.freeze(for: self) { (waiting, base) throws(SnapshotError) in
            let count = SnapshotBlock.count(ofVolume: geometry.volumeBytes)
            let isKnown = base != nil && base == previous?.snapshotID
            // Whatever the job will read has to wait for it.
            if let tail = previous?.grownTail(to: geometry.volumeBytes) { waiting.insert(tail) }
            if !isKnown { waiting.insertAll(below: Int(count)) }
            let words = isKnown ? waiting.words(below: Int(count)) : []
            let old = OldContent(of: volume.store, geometry, waiting: waiting, aside: aside)
            job = try SnapshotJob(
                attempt,
                after: previous,
                changed: isKnown ? .only(BlockMap(blockCount: count, words: words)) : .all,
                from: LiveSource(volume, geometry, old)
            )
            self.old = old
        }
    }

    /// A file without a name, in the filesystem of the snapshots.
    private static func fileAside(_ folder: SnapshotFolder) throws(SnapshotError) -> FileBlockStore {
        let file = clinux_temporary_file(folder.descriptor)
        guard file >= 0 else { throw .files(errno: errno, call: "making a file in", path: "snapshots") }
        return FileBlockStore(adopting: file)
    }

    /// Gives up a snapshot that `begin` could not begin, or that nobody will run.
    func abandon() {
        volume.abandonSnapshot()
        if let job { job.fail(.cancelled) } else { attempt.fail(.cancelled) }
    }

    func preserve(at offset: UInt64, count: UInt64) {
        do throws(BlockError) {
            try old?.putAside(at: offset, count: count)
        } catch {
            // The volume goes on; what the snapshot would lack ends it.
            control.cancel()
        }
    }

    /// Copies what is not copied yet, and ends the snapshot one way or the other.
    func run(_ volumeKey: borrowing VolumeKey) throws {
        guard let job else { return }
        do {
            _ = try job.run(header.macKey(from: volumeKey))
            committed.store(true, ordering: .releasing)
        } catch {
            volume.abandonSnapshot()
            throw error
        }
        // The next snapshot takes what this one has for what is on the store: it has to be there.
        do throws(BlockError) {
            try volume.sync()
            try volume.completeSnapshot(header.snapshotID)
        } catch {
            volume.abandonSnapshot()
            throw error
        }
    }
}

extension AuthenticManifest {
    /// The last block of a snapshot that is shorter than the same block of a volume that has grown to `count` bytes.
    fileprivate func grownTail(to count: UInt64) -> Int? {
        let end = header.geometry.volumeBytes
        guard end < count, !end.isMultiple(of: UInt64(SnapshotBlock.bytes)) else { return nil }
        return Int(end / UInt64(SnapshotBlock.bytes))
    }
}
