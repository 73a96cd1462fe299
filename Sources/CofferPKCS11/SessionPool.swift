internal import CPKCS11
internal import CofferShapes
internal import Glibc

/// The sessions with one token: opened when all others are in use, up to a limit, then waited for.
///
/// They stay open, because a token forgets the login with the last session. A session that failed in a way that may
/// have left an operation in it is closed and replaced by the next that is needed.
@safe
final class SessionPool: @unchecked Sendable {
    // Sendable: all that changes below is only touched under `mutex`.

    /// As many as HSMs commonly allow to one program without a word in their set-up.
    static let defaultLimit = 16

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var idle: [Session] = []
    /// Idle, lent, or being opened.
    private var count = 0
    private var limit: Int
    private var isClosed = false

    init(limit: Int = defaultLimit) {
        precondition(limit > 0, "a pool has room for a session")
        self.limit = limit
        let status = unsafe (pthread_mutex_init(mutex, nil), pthread_cond_init(changed, nil))
        precondition(status == (0, 0), "a lock cannot be made")
    }

    deinit {
        unsafe pthread_cond_destroy(changed)
        unsafe pthread_mutex_destroy(mutex)
        unsafe changed.deallocate()
        unsafe mutex.deallocate()
    }

    /// An idle session, or a new one from `open`, or the next one that comes back. Throws `.gone` after `close`.
    func take(_ open: () throws(HardwareTokenError) -> Session) throws(HardwareTokenError) -> Session {
        lock()
        defer { unlock() }
        while !isClosed {
            if let session = idle.popLast() { return session }
            if count < limit {
                if let session = try opened(open) { return session }
            } else {
                unsafe pthread_cond_wait(changed, mutex)
            }
        }
        throw .gone
    }

    /// Takes a session back that is fit for another operation.
    func give(_ session: Session) {
        lock()
        idle.append(session)
        unsafe pthread_cond_broadcast(changed)
        unlock()
    }

    /// Takes a session back that is not; with `andIdle` all that nobody uses go too, as they share its fate.
    func drop(_ session: Session, andIdle: Bool) {
        lock()
        let dropped = [session] + (andIdle && !isClosed ? idle : [])
        if dropped.count > 1 { idle = [] }
        unlock()
        for session in dropped { session.close() }
        lock()
        count -= dropped.count
        unsafe pthread_cond_broadcast(changed)
        unlock()
    }

    /// Lends no more sessions, and waits for those that are lent. Gives all that are open to the one call that closed,
    /// and nothing to later ones.
    func close() -> [Session] {
        lock()
        defer { unlock() }
        guard !isClosed else { return [] }
        isClosed = true
        unsafe pthread_cond_broadcast(changed)
        while idle.count < count { unsafe pthread_cond_wait(changed, mutex) }
        defer { (idle, count) = ([], 0) }
        return idle
    }

    /// Opens a session outside of the lock; nil where the token has no more to give and those in use must do. The mutex
    /// is held on entry and on return.
    private func opened(
        _ open: () throws(HardwareTokenError) -> Session
    ) throws(HardwareTokenError) -> Session? {
        count += 1
        unlock()
        do throws(HardwareTokenError) {
            let session = try open()
            lock()
            return session
        } catch {
            lock()
            count -= 1
            unsafe pthread_cond_broadcast(changed)
            let isFull = error == .failed(function: "C_OpenSession", code: CKR_SESSION_COUNT)
            guard isFull && count > 0 else { throw error }
            limit = count
            return nil
        }
    }

    private func lock() { unsafe pthread_mutex_lock(mutex) }
    private func unlock() { unsafe pthread_mutex_unlock(mutex) }
}
