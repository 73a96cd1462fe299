internal import Glibc
internal import Synchronization

/// Syncs the store for all threads, and remembers the first failure for good.
///
/// Linux may drop the pages of a failed sync and reports the failure once for each open file: the next fdatasync can
/// return 0 over data that is lost. So the first failure latches, and every sync, write and discard from then on fails
/// until the volume is attached again, which reads what really is on the store. As all threads share one open file,
/// one sync runs at a time, and no caller is told of success by a sync that ran beside or after one that failed.
///
/// Callers that wait share the next sync: it begins after they came, so it covers all that they wrote.
@safe
final class SyncFault: @unchecked Sendable {
    // Sendable: the counters below are only touched under `mutex`; the latch is atomic.

    private let latched = Atomic<Bool>(false)
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let ended = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var isRunning = false
    /// How many syncs have begun, and the number of the last that ended: they run in order.
    private var begun: UInt64 = 0
    private var finished: UInt64 = 0

    init() {
        let status = unsafe (pthread_mutex_init(mutex, nil), pthread_cond_init(ended, nil))
        precondition(status == (0, 0), "a lock cannot be made")
    }

    deinit {
        unsafe pthread_cond_destroy(ended)
        unsafe pthread_mutex_destroy(mutex)
        unsafe ended.deallocate()
        unsafe mutex.deallocate()
    }

    /// Whether a sync has failed.
    @inline(__always)
    var isLatched: Bool { latched.load(ordering: .acquiring) }

    /// Throws once a sync has failed.
    @inline(__always)
    func check() throws(BlockError) {
        guard !isLatched else { throw .faulted }
    }

    /// Returns when a sync that began after this call has succeeded.
    @inline(__always)
    func sync(_ store: borrowing some BlockStore) throws(BlockError) {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        let wanted = begun + 1
        while finished < wanted && !isLatched {
            if isRunning {
                unsafe pthread_cond_wait(ended, mutex)
            } else {
                run(store)
            }
        }
        try check()
    }

    /// One sync, outside of the lock. The mutex is held on entry and on return.
    @inline(__always)
    private func run(_ store: borrowing some BlockStore) {
        isRunning = true
        begun += 1
        unsafe pthread_mutex_unlock(mutex)
        do throws(BlockError) {
            try store.sync()
        } catch {
            // Its errno is one of many that mean the same: what was written may be gone. Callers see EIO.
            latched.store(true, ordering: .releasing)
        }
        unsafe pthread_mutex_lock(mutex)
        isRunning = false
        finished = begun
        unsafe pthread_cond_broadcast(ended)
    }
}
