internal import Dispatch

/// Threads for work that waits (locks, disks, an HSM) or computes for long (RSA keys): the threads that Swift's
/// tasks share must do neither.
struct WorkQueue: Sendable {
    private let queue: DispatchQueue

    /// One job after the other.
    static func serial(_ label: String) -> WorkQueue { WorkQueue(queue: DispatchQueue(label: label)) }

    /// Several at once.
    static func concurrent(_ label: String) -> WorkQueue {
        WorkQueue(queue: DispatchQueue(label: label, attributes: .concurrent))
    }

    func run<Answer: Sendable>(_ body: @escaping @Sendable () throws -> Answer) async throws -> Answer {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try body() }) }
        }
    }
}
