internal import Glibc

/// Threads that live as long as the process: they wait for signals and for questions.
enum BackgroundThread {
    /// Runs `body` in a new thread. Traps when there is none to be had: nothing is served yet.
    static func start(_ body: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let status = unsafe pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            },
            Unmanaged.passRetained(Body(run: body)).toOpaque()
        )
        precondition(status == 0, "a thread cannot be started")
        pthread_detach(thread)
    }

    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Turns SIGTERM and SIGINT into calls of `body`, in a thread of its own. To be called before any other thread is
    /// started, so that all of them inherit the mask and only this one sees the signals. The mask that the starter left
    /// is replaced: it may block the signal that wakes the serving threads.
    static func onTermination(_ body: @escaping @Sendable (Int32) -> Void) {
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGTERM)
        unsafe sigaddset(&signals, SIGINT)
        unsafe pthread_sigmask(SIG_SETMASK, &signals, nil)
        let waited = signals
        start {
            var (waited, signal) = (waited, Int32(0))
            while unsafe sigwait(&waited, &signal) == 0 { body(signal) }
        }
    }
}
