public import CofferShapes
internal import Synchronization

/// Whoever makes a snapshot of a volume that is in use: it keeps what a block held before the block changes.
public protocol BlockPreserver: AnyObject, Sendable {
    /// Returns when the present content of a range, all within one block of 512 KiB, is kept, or need not be. It never
    /// fails: where it cannot keep, it is the snapshot that ends. Called by several threads at once, for one block too.
    func preserve(at offset: UInt64, count: UInt64)
}

/// Follows the changes of a volume for its snapshots: every write and discard tells of its blocks before it reaches the
/// store.
///
/// A snapshot fixes the content of one moment: `EncryptedVolume.freeze` waits for the requests under way, and from then
/// on each block that the snapshot wants is preserved before it changes. When the snapshot is complete the changes since
/// that moment become those that the next one looks at. Until then the map on disk tells of all changes since the
/// snapshot before, so that one that fails, or whose process dies, takes nothing from it.
public final class ChangeTracker: @unchecked Sendable {
    // Sendable: `snapshot` changes only while every stripe of the volume is held exclusively, and is read under a stripe.

    /// nil where it cannot be kept: then every snapshot compares everything.
    public let map: ChangedBlockMap?
    /// The map's, or as many of our own: blocks that have told of a change already.
    private let known: AtomicBlockMap
    let isFrozen = Atomic<Bool>(false)
    private var snapshot: Snapshot?

    private struct Snapshot {
        let preserver: any BlockPreserver
        /// Blocks that are not copied yet; the preserver takes out those that are.
        let waiting: AtomicBlockMap
        /// The changes since the snapshot's moment.
        let since = AtomicBlockMap()
    }

    public init(map: ChangedBlockMap?) {
        self.map = map
        known = map?.bits ?? AtomicBlockMap()
    }

    /// Called under the stripe's lock, before the store changes.
    @inline(__always)
    func willChange(at offset: UInt64, count: UInt64) throws(BlockError) {
        var block = Int(offset / UInt64(SnapshotBlock.bytes))
        let last = Int((offset + count - 1) / UInt64(SnapshotBlock.bytes))
        while block <= last {
            if !known.contains(block) || isFrozen.load(ordering: .relaxed) {
                try note(block, at: offset, count: count)
            }
            block += 1
        }
    }

    @inline(never)
    private func note(_ block: Int, at offset: UInt64, count: UInt64) throws(BlockError) {
        if let map { try map.insert(block) } else { known.insert(block) }
        guard let snapshot else { return }
        snapshot.since.insert(block)
        guard snapshot.waiting.contains(block) else { return }
        let start = UInt64(block) * UInt64(SnapshotBlock.bytes)
        let range = max(offset, start)..<min(offset + count, start + UInt64(SnapshotBlock.bytes))
        snapshot.preserver.preserve(at: range.lowerBound, count: range.upperBound - range.lowerBound)
    }

    fileprivate func begin(_ preserver: any BlockPreserver, blockCount: Int) -> AtomicBlockMap {
        precondition(snapshot == nil, "a snapshot is under way")
        let waiting = AtomicBlockMap()
        if let map { map.copyBits(to: waiting) } else { waiting.insertAll(below: blockCount) }
        snapshot = Snapshot(preserver: preserver, waiting: waiting)
        isFrozen.store(true, ordering: .relaxed)
        return waiting
    }

    /// Gives the changes since the moment of the snapshot.
    fileprivate func end() -> AtomicBlockMap? {
        isFrozen.store(false, ordering: .relaxed)
        defer { snapshot = nil }
        return snapshot?.since
    }
}

extension EncryptedVolume {
    /// Fixes the volume's content of this moment for a snapshot: requests under way are waited for, and those that come
    /// later have preserved what they change. `body` runs at that very moment, while no request does, with the blocks that
    /// may differ from `base`, the snapshot before: all where there is none. Whoever copies a block takes it out of
    /// them, so that no request asks for it any more. One snapshot at a time.
    public func freeze<Failure: Error>(
        for preserver: any BlockPreserver,
        _ body: (_ waiting: AtomicBlockMap, _ base: SnapshotID?) throws(Failure) -> Void
    ) throws(Failure) {
        locks.lockAllExclusively()
        defer { locks.unlockAll() }
        let count = Int(SnapshotBlock.count(ofVolume: volumeBytes))
        let waiting = tracker.begin(preserver, blockCount: count)
        do throws(Failure) {
            try body(waiting, tracker.map?.base)
        } catch {
            _ = tracker.end()
            throw error
        }
    }

    /// Ends a snapshot that is complete and durable: the next one looks at what has changed since its moment.
    public func completeSnapshot(_ id: SnapshotID) throws(BlockError) {
        locks.lockAllExclusively()
        defer { locks.unlockAll() }
        guard let changes = tracker.end() else { return }
        try tracker.map?.restart(base: id, changes: changes)
    }

    /// Ends a snapshot that came to nothing, whose preserver stores nothing any more: the next one looks at all that this
    /// one would have.
    public func abandonSnapshot() {
        locks.lockAllExclusively()
        defer { locks.unlockAll() }
        _ = tracker.end()
    }
}
