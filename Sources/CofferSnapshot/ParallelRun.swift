internal import Glibc
internal import Synchronization

/// Runs a closure over many items on plain threads: they block in the store and in the cipher, so they are none of
/// Swift's.
enum ParallelRun {
    /// As many threads as there are processors, at most 8: hashing and copying saturate a disk before that.
    static let threadCount = max(1, min(8, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))))

    /// Calls `body` with the number of a worker and of an item, for each item below `count`; a worker's calls follow each
    /// other. Returns when all are done. After the first error no more begin, and it is thrown. The calling thread is
    /// worker 0; where no more threads can be had, fewer do the work.
    static func forEach(
        _ count: Int,
        workers: Int,
        _ body: @escaping @Sendable (_ worker: Int, _ item: Int) throws(SnapshotError) -> Void
    ) throws(SnapshotError) {
        let work = Work(count, body)
        var threads: [pthread_t] = []
        for worker in 1..<max(1, min(workers, count)) {
            var thread = pthread_t()
            let start = unsafe Unmanaged.passRetained(Start(work, worker))
            let status = unsafe pthread_create(
                &thread,
                nil,
                { argument in
                    guard let argument = unsafe argument else { return nil }
                    let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                    start.work.run(start.worker)
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
        work.run(0)
        for thread in threads { pthread_join(thread, nil) }
        if let error = work.error.withLock({ $0 }) { throw error }
    }

    private final class Start: Sendable {
        let work: Work
        let worker: Int

        init(_ work: Work, _ worker: Int) { (self.work, self.worker) = (work, worker) }
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
