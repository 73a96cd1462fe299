internal import Glibc
internal import Synchronization

/// The plain threads that serve a mount. They block in read(2) and in the store, so they are none of Swift's.
final class ServingThreads {
    private let running = Running()
    private let file: ExposedFile
    private var waiting: [Start] = []
    private var threads: [pthread_t] = []

    init(file: ExposedFile) {
        self.file = file
        // Only there to interrupt a read: without a handler it would end the process, and with SA_RESTART the read
        // would go on.
        var action = sigaction()
        unsafe action.__sigaction_handler.sa_handler = { _ in }
        let status = unsafe sigaction(Self.wakeSignal, &action, nil)
        precondition(status == 0, "the waking signal cannot be caught")
    }

    private static let wakeSignal = SIGUSR1

    /// Adds a thread to those that `start` starts.
    func add(_ server: consuming RequestServer) {
        waiting.append(Start(server, running, file.departure))
    }

    /// Starts the threads. Where one cannot be had, those before it serve until `stop`.
    func start() throws(FuseError) {
        while let start = waiting.first {
            var thread = pthread_t()
            let argument = unsafe Unmanaged.passRetained(start)
            running.add()
            let status = unsafe pthread_create(
                &thread,
                nil,
                { argument in
                    guard let argument = unsafe argument else { return nil }
                    unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().run()
                    return nil
                },
                argument.toOpaque()
            )
            guard status == 0 else {
                unsafe argument.release()
                _ = running.remove()
                throw FuseError(
                    "only \(threads.count) of \(threads.count + waiting.count) serving threads could be started: "
                        + "errno \(status)",
                    hint: "raise the limit on processes (`ulimit -u`, or the control group's pids.max)"
                )
            }
            threads.append(thread)
            waiting.removeFirst()
        }
    }

    /// Wakes the threads until each has seen that the file is left. A thread that is about to read when the signal
    /// comes would sleep through it, so it is sent again and again. False when one is still at work in the end.
    func stop(timeoutMilliseconds: Int) -> Bool {
        file.isLeaving = true
        for _ in 0..<max(1, timeoutMilliseconds / 5) {
            if running.isNone { break }
            for thread in threads { pthread_kill(thread, Self.wakeSignal) }
            usleep(5000)
        }
        guard running.isNone else { return false }
        // Only now: a thread that was joined must not be signalled.
        for thread in threads { pthread_join(thread, nil) }
        threads = []
        return true
    }

    /// How many threads are at work.
    fileprivate final class Running: Sendable {
        private let count = Atomic<Int>(0)

        var isNone: Bool { count.load(ordering: .acquiring) == 0 }

        func add() { count.wrappingAdd(1, ordering: .acquiringAndReleasing) }

        /// True for the last one.
        func remove() -> Bool { count.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 }
    }

    /// What crosses pthread_create, as one reference that is taken once, before the loop.
    private final class Start {
        private var server: RequestServer?
        private let running: Running
        private let departure: Departure

        init(_ server: consuming RequestServer, _ running: Running, _ departure: Departure) {
            self.server = consume server
            (self.running, self.departure) = (running, departure)
        }

        func run() {
            // The loop works on memory of this thread's own stack. The server goes before the thread counts as ended:
            // its cipher is wiped by then.
            if var server = server.take() { server.run() }
            if running.remove() { departure.ask(.disconnected) }
        }
    }
}
