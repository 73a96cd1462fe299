internal import Synchronization

/// Syncs the store for all threads, and remembers the first failure for good.
///
/// Linux may drop the pages of a failed sync and reports the failure once for each open file: the next fdatasync can
/// return 0 over data that is lost. So the first failure latches, and every sync, write and discard from then on fails
/// until the volume is attached again, which reads what really is on the store. As all threads share one open file,
/// one sync runs at a time, and no caller is told of success by a sync that ran beside or after one that failed.
///
/// Callers that wait share the next sync: it begins after they came, so it covers all that they wrote.
final class SyncFault: @unchecked Sendable {
    // Sendable: the counters below are only touched under `monitor`; the latch is atomic.

    private let latched = Atomic<Bool>(false)
    private let monitor = Monitor()
    private var isRunning = false
    /// How many syncs have begun, and the number of the last that ended: they run in order.
    private var begun: UInt64 = 0
    private var finished: UInt64 = 0

    /// Whether a sync has failed.
    @inline(__always)
    var isLatched: Bool { latched.load(ordering: .acquiring) }

    /// Fails everything from now on, as a failed sync does: for whoever no longer knows what is on the store.
    func latch() { latched.store(true, ordering: .releasing) }

    /// Throws once a sync has failed.
    @inline(__always)
    func check() throws(BlockError) {
        guard !isLatched else { throw .faulted }
    }

    /// Returns when a sync that began after this call has succeeded.
    @inline(__always)
    func sync(_ store: borrowing some BlockStore) throws(BlockError) {
        monitor.lock()
        defer { monitor.unlock() }
        let wanted = begun + 1
        while finished < wanted && !isLatched {
            if isRunning {
                monitor.wait()
            } else {
                run(store)
            }
        }
        try check()
    }

    /// One sync, outside of the lock. The lock is held on entry and on return.
    @inline(__always)
    private func run(_ store: borrowing some BlockStore) {
        isRunning = true
        begun += 1
        monitor.unlock()
        do throws(BlockError) {
            try store.sync()
        } catch {
            // Its errno is one of many that mean the same: what was written may be gone. Callers see EIO.
            latched.store(true, ordering: .releasing)
        }
        monitor.lock()
        isRunning = false
        finished = begun
        monitor.wakeAll()
    }
}
