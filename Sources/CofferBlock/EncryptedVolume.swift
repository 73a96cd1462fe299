public import CofferXTS
internal import Synchronization

/// The data of one volume, encrypted on its way to the store: what all threads that serve it share.
///
/// A thread reads and writes through an `EncryptedVolumeWorker` of its own. XTS authenticates nothing: whoever writes
/// to the store can garble 16 bytes of their choice or put an old data unit back, and reads give what comes of it.
public final class EncryptedVolume<Store: BlockStore>: Sendable {
    public let store: Store
    /// As it was at first: the volume may have grown since, see `volumeBytes`.
    public let geometry: Geometry
    /// Whether discarded units go back to the store as holes. Otherwise zeroes are encrypted over them, which hides
    /// which units hold data.
    public let punchesHoles: Bool
    /// Follows changes for snapshots.
    public let tracker: ChangeTracker

    /// Where blocks that are not under the volume's own key come from; nil for a volume that was not made from a snapshot,
    /// or has been filled since.
    let fill: LazyFill?
    let filling: Atomic<Bool>
    let keys = KeyGenerations()
    let locks = StripeLocks()
    let fault = SyncFault()
    private let size: Atomic<UInt64>
    private let counters = Mutex<[TransferCounters]>([])

    /// A volume whose data lies in `store` as `geometry` says; the store may be shorter, where nothing was written.
    public init(
        store: Store,
        geometry: Geometry,
        punchesHoles: Bool,
        tracker: ChangeTracker? = nil,
        fill: LazyFill? = nil
    ) {
        (self.store, self.geometry, self.punchesHoles) = (store, geometry, punchesHoles)
        self.tracker = tracker ?? ChangeTracker(map: nil)
        self.fill = fill
        filling = Atomic(fill != nil)
        size = Atomic(geometry.volumeBytes)
    }

    /// How many blocks are filled, and how many were to be filled at first; nil where none were.
    public var fillProgress: (filled: Int, total: Int)? {
        fill.map { ($0.map.filledCount, $0.map.identity.blockCount) }
    }

    /// How large the volume is now.
    @inline(__always)
    public var volumeBytes: UInt64 { size.load(ordering: .relaxed) }

    /// Lets requests use what the store and the header have already grown to.
    public func grow(toBytes count: UInt64) {
        precondition(count >= volumeBytes, "a volume does not shrink")
        tracker.map?.grow(toBytes: count)
        size.store(count, ordering: .relaxed)
    }

    /// A worker for one thread, with a cipher of its own: key schedules are not shared.
    public func makeWorker(cipher: consuming XTSCipher) -> EncryptedVolumeWorker<Store> {
        let own = TransferCounters()
        counters.withLock { $0.append(own) }
        return EncryptedVolumeWorker(self, cipher: cipher, counters: own)
    }

    /// Whether a sync has failed: reads go on, all else fails until the volume is attached again.
    public var isFaulted: Bool { fault.isLatched }

    /// What all workers have transferred so far, bytes.
    public var transferred: (bytesRead: UInt64, bytesWritten: UInt64) {
        counters.withLock { counters in
            var sum: (bytesRead: UInt64, bytesWritten: UInt64) = (0, 0)
            for counter in counters {
                sum.bytesRead += counter.bytesRead.load(ordering: .relaxed)
                sum.bytesWritten += counter.bytesWritten.load(ordering: .relaxed)
            }
            return sum
        }
    }

    /// Returns when every write that returned before this call is durable. The first failure is the last success:
    /// see `SyncFault`.
    public func sync() throws(BlockError) { try fault.sync(store) }
}

/// What one thread has transferred. Only that thread adds, so that no two contend.
final class TransferCounters: Sendable {
    let bytesRead = Atomic<UInt64>(0)
    let bytesWritten = Atomic<UInt64>(0)
}

/// A part of a request that is served in one step: within one stripe, and either whole data units or a part of one.
struct Stretch: Equatable {
    /// From the start of the volume, bytes.
    let offset: UInt64
    /// At least 1.
    private(set) var count: Int
    /// Whole data units; otherwise a part of a single one.
    let isWhole: Bool

    /// The first stretch of `count` bytes (at least 1) from `offset` on.
    @inline(__always)
    init(from offset: UInt64, count: Int, unitBytes: Int) {
        let skipped = Int(offset % UInt64(unitBytes))
        let stripeRest = StripeLocks.stripeBytes - Int(offset % UInt64(StripeLocks.stripeBytes))
        self.offset = offset
        if skipped != 0 || count < unitBytes {
            self.count = min(count, unitBytes - skipped)
            isWhole = false
        } else {
            // A stripe is a whole number of units, and so is what is left of it here.
            self.count = min(count - count % unitBytes, stripeRest)
            isWhole = true
        }
    }

    @inline(__always)
    var stripe: Int { StripeLocks.index(of: offset) }

    /// What of it lies before `end`, which is not before its start.
    func cut(at end: UInt64) -> Stretch {
        var part = self
        part.count = Int(min(UInt64(count), end - offset))
        return part
    }
}
