internal import Dispatch

/// Runs an actor on a dispatch queue of its own, because its verbs wait for a device.
final class BlockingExecutor: SerialExecutor {
    private let queue = DispatchQueue(label: "coffer.pkcs11")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { unsafe job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
