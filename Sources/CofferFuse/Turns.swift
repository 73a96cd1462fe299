internal import Glibc

/// Lets only as many threads wait for requests, or work on them, as there are processors for them; the others stand by.
/// A thread that has to wait for the medium to read, sync or discard passes its turn on first, so that the medium gets
/// many requests at once, and what lies in memory is served by few threads, whose buffers stay in the processors' caches.
/// Writes keep their turn: they go to the page cache, and wait only where it is full of what is not yet written.
@safe
final class Turns: @unchecked Sendable {
    // Sendable: a semaphore, made in init and destroyed in deinit.

    /// Whether there are threads that stand by.
    let isShared: Bool
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    /// `count` turns (at least 1) for `threadCount` threads.
    init(_ count: Int, threadCount: Int) {
        isShared = count < threadCount
        let status = unsafe sem_init(semaphore, 0, UInt32(count))
        precondition(status == 0, "a semaphore cannot be made")
    }

    deinit {
        unsafe sem_destroy(semaphore)
        unsafe semaphore.deallocate()
    }

    /// Waits for a turn. False when a signal came first.
    func take() -> Bool { unsafe sem_wait(semaphore) == 0 }

    func pass() {
        let status = unsafe sem_post(semaphore)
        precondition(status == 0, "too many turns")
    }
}
