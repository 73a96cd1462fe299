internal import Glibc
internal import Synchronization

/// Runs `body` in that many plain threads at once, and gives what went wrong in them: an expectation that fails in a
/// thread that the test did not start would be nobody's.
public func inParallel(_ threadCount: Int, _ body: @escaping @Sendable (Int) throws -> String?) -> [String] {
    let work = ParallelWork(body)
    var threads: [pthread_t] = []
    for _ in 0..<threadCount {
        var thread = pthread_t()
        let status = unsafe pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<ParallelWork>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            },
            Unmanaged.passRetained(work).toOpaque()
        )
        precondition(status == 0, "a thread cannot be started")
        threads.append(thread)
    }
    for thread in threads { pthread_join(thread, nil) }
    return work.problems.withLock { $0 }
}

private final class ParallelWork: Sendable {
    let problems = Mutex<[String]>([])
    private let next = Atomic<Int>(0)
    private let body: @Sendable (Int) throws -> String?

    init(_ body: @escaping @Sendable (Int) throws -> String?) { self.body = body }

    func run() {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        var problem: String?
        do { problem = try body(index) } catch { problem = "\(error)" }
        if let problem { problems.withLock { $0.append("thread \(index): \(problem)") } }
    }
}
