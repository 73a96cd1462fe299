internal import CofferBlock

/// Where the daemon's main thread waits for a reason to leave, and where every other thread gives one.
public final class Departure: @unchecked Sendable {
    // Sendable: `reasons` is only touched under `monitor`.

    public enum Reason: Sendable, Equatable {
        /// The kernel has no more requests: somebody unmounted, or the connection was aborted.
        case disconnected
        /// The exposed file was closed by its last user.
        case lastClose
        /// The process was asked to end.
        case signal(Int32)
    }

    private let monitor = Monitor()
    private var reasons: [Reason] = []

    public init() {}

    /// Never inlined: what an array takes at run time has no place in the request loop, which calls this at most once.
    @inline(never)
    public func ask(_ reason: Reason) {
        monitor.lock()
        defer { monitor.unlock() }
        reasons.append(reason)
        monitor.wakeAll()
    }

    /// Waits for the next reason, in the order in which they were given.
    public func next() -> Reason {
        monitor.lock()
        defer { monitor.unlock() }
        while reasons.isEmpty { monitor.wait() }
        return reasons.removeFirst()
    }
}
