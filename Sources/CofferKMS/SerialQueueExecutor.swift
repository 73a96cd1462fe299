internal import Dispatch

/// Runs an actor on a dispatch queue of its own, because its verbs wait for locks and disks, and the threads
/// that Swift's tasks share must not.
final class SerialQueueExecutor: SerialExecutor {
    private let queue = DispatchQueue(label: "coffer.kms")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { unsafe job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
