internal import Glibc
internal import Synchronization

/// Runs a closure over many items on plain threads: they block in the store and in the cipher, so they are none of
/// Swift's.
enum ParallelRun {
    /// As many threads as there are processors, at most 8: hashing and copying saturate a disk before that.
    static let threadCount = max(1, min(8, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))))

    /// Calls `body` with the number of a worker and of an item, for each item below `count`; a worker's calls follow each
    /// other. Returns when all are done. After the first error no more begin, and it is thrown. Where no more threads can
    /// be had, fewer do the work. With `isBackground` they yield to other threads (nice(2)).
    static func forEach(
        _ count: Int,
        workers: Int,
        isBackground: Bool = false,
        _ body: @escaping @Sendable (_ worker: Int, _ item: Int) throws(SnapshotError) -> Void
    ) throws(SnapshotError) {
        let work = Work(count, body)
        var threads: [pthread_t] = []
        // The calling thread is worker 0, unless the work is in the background: its own priority is not ours to change.
        for worker in (isBackground ? 0 : 1)..<max(1, min(workers, count)) {
            var thread = pthread_t()
            let start = unsafe Unmanaged.passRetained(Start(work, worker, isBackground: isBackground))
            let status = unsafe pthread_create(
                &thread,
                nil,
                { argument in
                    guard let argument = unsafe argument else { return nil }
                    unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().run()
                    return nil
                },
                start.toOpaque()
            )
            guard status == 0 else {
                unsafe start.release()
                break
            }
            threads.append(thread)
        }
        if !isBackground || threads.isEmpty { work.run(0) }
        for thread in threads { pthread_join(thread, nil) }
        if let error = work.error.withLock({ $0 }) { throw error }
    }

    private final class Start: Sendable {
        private let work: Work
        private let worker: Int
        private let isBackground: Bool

        init(_ work: Work, _ worker: Int, isBackground: Bool) {
            (self.work, self.worker, self.isBackground) = (work, worker, isBackground)
        }

        func run() {
            // Of this thread alone, as Linux has it. Where it is refused the work is done all the same.
            if isBackground { _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19) }
            work.run(worker)
        }
    }

    private final class Work: Sendable {
        let error = Mutex<SnapshotError?>(nil)
        private let next = Atomic<Int>(0)
        private let count: Int
        private let body: @Sendable (Int, Int) throws(SnapshotError) -> Void

        init(_ count: Int, _ body: @escaping @Sendable (Int, Int) throws(SnapshotError) -> Void) {
            (self.count, self.body) = (count, body)
        }

        func run(_ worker: Int) {
            while true {
                let item = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard item < count else { return }
                do throws(SnapshotError) {
                    try body(worker, item)
                } catch {
                    self.error.withLock { if $0 == nil { $0 = error } }
                    next.store(count, ordering: .relaxed)
                    return
                }
            }
        }
    }
}
