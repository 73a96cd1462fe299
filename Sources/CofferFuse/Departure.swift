internal import Glibc

/// Where the daemon's main thread waits for a reason to leave, and where every other thread gives one.
@safe
public final class Departure: @unchecked Sendable {
    // Sendable: `reasons` is only touched under `mutex`.

    public enum Reason: Sendable, Equatable {
        /// The kernel has no more requests: somebody unmounted, or the connection was aborted.
        case disconnected
        /// The exposed file was closed by its last user.
        case lastClose
        /// The process was asked to end.
        case signal(Int32)
    }

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var reasons: [Reason] = []

    public init() {
        let status = unsafe (pthread_mutex_init(mutex, nil), pthread_cond_init(changed, nil))
        precondition(status == (0, 0), "a lock cannot be made")
    }

    deinit {
        unsafe pthread_cond_destroy(changed)
        unsafe pthread_mutex_destroy(mutex)
        unsafe changed.deallocate()
        unsafe mutex.deallocate()
    }

    /// Never inlined: what an array takes at run time has no place in the request loop, which calls this at most once.
    @inline(never)
    public func ask(_ reason: Reason) {
        unsafe pthread_mutex_lock(mutex)
        reasons.append(reason)
        unsafe pthread_cond_signal(changed)
        unsafe pthread_mutex_unlock(mutex)
    }

    /// Waits for the next reason, in the order in which they were given.
    public func next() -> Reason {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while reasons.isEmpty { unsafe pthread_cond_wait(changed, mutex) }
        return reasons.removeFirst()
    }
}
