internal import CofferBlock
internal import CofferShapes
internal import Synchronization

/// A snapshot on its way to be complete: its folder and note at the start, its progress, and its end either way.
public struct SnapshotAttempt: Sendable {
    public let header: ManifestHeader
    let store: SnapshotStore
    let writer: LineageWriter
    let control: JobControl
    var blocksTotal: UInt64

    /// Makes the folder, which says `pending` from now on. The writer holds the lineage's lock already, so that a note
    /// without a holder of the lock is one whose maker is gone. With `isNoted` somebody else has made it.
    public init(
        _ header: ManifestHeader,
        in store: SnapshotStore,
        writer: LineageWriter,
        control: JobControl,
        blocksTotal: UInt64? = nil,
        isNoted: Bool = false
    ) throws(SnapshotError) {
        precondition(writer.lineage == header.lineage, "a snapshot in a lineage of another key")
        (self.header, self.store, self.writer) = (header, store, writer)
        self.control = control
        self.blocksTotal = blocksTotal ?? SnapshotBlock.count(ofVolume: header.geometry.volumeBytes)
        if !isNoted { try store.begin(state(.pending, done: 0)) }
    }

    /// Tells the control, and now and then the note.
    func report(done: UInt64, _ noted: inout ContinuousClock.Instant) throws(SnapshotError) {
        control.report(
            SnapshotProgress(blocksDone: done, blocksTotal: blocksTotal, bytesStored: writer.storedBytes)
        )
        guard noted.duration(to: .now) > .seconds(1) else { return }
        try store.update(state(.pending, done: done))
        noted = .now
    }

    /// Makes the blocks durable, then the manifest that names them, then forgets the note.
    func commit(
        _ manifest: consuming ManifestWriter,
        _ macKey: borrowing SnapshotMACKey
    ) throws(SnapshotError) -> AuthenticManifest {
        try control.check()
        try writer.sync()
        let snapshot = try manifest.commit(macKey)
        writer.keep()
        // The snapshot is complete: a note that stays is found by a check.
        try? store.forget(header.snapshotID)
        return snapshot
    }

    /// Takes back what was stored, and notes why. What cannot be taken back is found by a check: the error that counts is
    /// the one that led here.
    public func fail(_ error: SnapshotError) {
        writer.abandon()
        _ = try? store.storage.remove(header.snapshotID.newManifest)
        try? store.update(state(.error(reason: error.sentence), done: 0))
    }

    private func state(_ phase: SnapshotState.Phase, done: UInt64) -> SnapshotState {
        SnapshotState(
            snapshotID: header.snapshotID,
            lineage: header.lineage,
            volumeBytes: header.geometry.volumeBytes,
            created: header.created,
            phase: phase,
            blocksDone: done,
            blocksTotal: blocksTotal
        )
    }

    /// Goes through the blocks of `source`, has workers store each in its new form, and commits a manifest of what they
    /// give; all or nothing.
    func storeAll(
        of source: SnapshotManifest,
        _ macKey: borrowing SnapshotMACKey,
        _ store: @escaping @Sendable (_ worker: Int, _ entry: BlockEntry) throws(SnapshotError) -> BlockEntry
    ) throws(SnapshotError) -> AuthenticManifest {
        do throws(SnapshotError) {
            var manifest = try ManifestWriter(header, in: self.store.storage)
            var cursor = source.cursor()
            var noted = ContinuousClock.now
            var done: UInt64 = 0
            while true {
                try control.check()
                var entries: [BlockEntry] = []
                while entries.count < 256, let entry = try cursor.next() { entries.append(entry) }
                if entries.isEmpty { break }
                let window = EntryWindow(entries)
                try ParallelRun.forEach(
                    entries.count,
                    workers: ParallelRun.threadCount,
                    isBackground: control.isBackground
                ) { [control] (worker, item) throws(SnapshotError) in
                    try control.check()
                    window[item] = try store(worker, window[item])
                }
                for item in entries.indices { try manifest.append(window[item]) }
                done += UInt64(entries.count)
                try report(done: done, &noted)
            }
            return try commit(manifest, macKey)
        } catch {
            fail(error)
            throw error
        }
    }
}

/// Entries that workers replace, each its own.
final class EntryWindow: Sendable {
    private let entries: Mutex<[BlockEntry]>

    let count: Int

    init(_ entries: [BlockEntry]) {
        self.entries = Mutex(entries)
        count = entries.count
    }

    subscript(item: Int) -> BlockEntry {
        get { entries.withLock { $0[item] } }
        set { entries.withLock { $0[item] = newValue } }
    }
}
