internal import Glibc

/// The locks that keep the partial writes of a volume from tearing their neighbours: 64 stripes of 1 MiB each, dealt
/// out by offset. Whoever reads a data unit, changes a part of it and writes it back holds its stripe exclusively; all
/// other access shares it, so that requests for whole units never wait for each other.
///
/// Order: a thread that holds a stripe exclusively, or one stripe shared, takes no other, and none takes a stripe twice.
/// `lockAllShared` and `lockAllExclusively` go from the first to the last, so that of two one is ahead of the other
/// everywhere, and whoever else holds or waits for a stripe holds no other: there is no circle to deadlock in.
@safe
final class StripeLocks: @unchecked Sendable {
    // Sendable: the locks are made in init, destroyed in deinit, and otherwise only locked.

    static let stripeBytes = 1 << 20
    static let count = 64
    /// A cache line for each, so that threads in different places do not take lines from each other.
    private static let spacing = 64

    private let locks: UnsafeMutableRawPointer

    init() {
        precondition(
            MemoryLayout<pthread_rwlock_t>.size <= Self.spacing,
            "a lock is larger than a cache line"
        )
        unsafe locks = UnsafeMutableRawPointer.allocate(
            byteCount: Self.count * Self.spacing,
            alignment: Self.spacing
        )
        // glibc lets readers pass a waiting writer for ever unless told otherwise: a partial write would starve.
        var attributes = pthread_rwlockattr_t()
        unsafe pthread_rwlockattr_init(&attributes)
        let prefersWriters: Int32 = 2  // PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP
        unsafe pthread_rwlockattr_setkind_np(&attributes, prefersWriters)
        defer { unsafe pthread_rwlockattr_destroy(&attributes) }
        for index in 0..<Self.count {
            let lock = unsafe (locks + index * Self.spacing).bindMemory(
                to: pthread_rwlock_t.self,
                capacity: 1
            )
            let status = unsafe pthread_rwlock_init(lock, &attributes)
            precondition(status == 0, "a lock cannot be made")
        }
    }

    deinit {
        for index in 0..<Self.count { unsafe pthread_rwlock_destroy(lock(index)) }
        unsafe locks.deallocate()
    }

    /// The stripe of an offset in the volume.
    @inline(__always)
    static func index(of offset: UInt64) -> Int {
        Int(truncatingIfNeeded: offset / UInt64(stripeBytes)) & (count - 1)
    }

    @inline(__always)
    func lockShared(_ index: Int) {
        let status = unsafe pthread_rwlock_rdlock(lock(index))
        precondition(status == 0, "a stripe cannot be shared")
    }

    @inline(__always)
    func lockExclusively(_ index: Int) {
        let status = unsafe pthread_rwlock_wrlock(lock(index))
        precondition(status == 0, "a stripe cannot be locked")
    }

    @inline(__always)
    func unlock(_ index: Int) {
        let status = unsafe pthread_rwlock_unlock(lock(index))
        precondition(status == 0, "a stripe is not locked")
    }

    func lockAllShared() {
        for index in 0..<Self.count { lockShared(index) }
    }

    /// Waits until no request is under way; none begins before `unlockAll`.
    func lockAllExclusively() {
        for index in 0..<Self.count { lockExclusively(index) }
    }

    func unlockAll() {
        for index in 0..<Self.count { unlock(index) }
    }

    @inline(__always)
    private func lock(_ index: Int) -> UnsafeMutablePointer<pthread_rwlock_t> {
        precondition(index >= 0 && index < Self.count, "no such stripe")
        return unsafe (locks + index * Self.spacing).assumingMemoryBound(to: pthread_rwlock_t.self)
    }
}
