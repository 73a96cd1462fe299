internal import Glibc

/// A lock to wait under: plain threads, which serve requests, take no lock of Swift's concurrency.
@safe
package final class Monitor: @unchecked Sendable {
    // Sendable: both are made in init, destroyed in deinit, and otherwise only locked and waited for.

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    package init() {
        let status = unsafe (pthread_mutex_init(mutex, nil), pthread_cond_init(changed, nil))
        precondition(status == (0, 0), "a lock cannot be made")
    }

    deinit {
        unsafe pthread_cond_destroy(changed)
        unsafe pthread_mutex_destroy(mutex)
        unsafe changed.deallocate()
        unsafe mutex.deallocate()
    }

    @inline(__always)
    package func lock() { unsafe pthread_mutex_lock(mutex) }

    @inline(__always)
    package func unlock() { unsafe pthread_mutex_unlock(mutex) }

    /// Gives the lock up until somebody calls `wakeAll`, and has it again on return; it may return early.
    @inline(__always)
    package func wait() { unsafe pthread_cond_wait(changed, mutex) }

    @inline(__always)
    package func wakeAll() { unsafe pthread_cond_broadcast(changed) }
}
