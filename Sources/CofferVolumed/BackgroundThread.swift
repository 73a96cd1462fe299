internal import Glibc

/// Threads that live as long as the process: they wait for signals and for questions.
enum BackgroundThread {
    /// Runs `body` in a new thread.
    static func start(_ body: @escaping @Sendable () -> Void) throws(StartFailure) {
        var thread = pthread_t()
        let argument = unsafe Unmanaged.passRetained(Body(run: body))
        let status = unsafe pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            },
            argument.toOpaque()
        )
        guard status == 0 else {
            unsafe argument.release()
            throw StartFailure("a thread cannot be started: errno \(status)")
        }
        pthread_detach(thread)
    }

    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Makes SIGTERM and SIGINT wait for `onTermination`. To be called before any other thread is started, so that all of
    /// them inherit the mask. The mask that the starter left is replaced: it may block the signal that wakes the serving
    /// threads.
    static func holdTermination() {
        var signals = terminations
        unsafe pthread_sigmask(SIG_SETMASK, &signals, nil)
    }

    /// Turns SIGTERM and SIGINT, those that wait already too, into calls of `body` in a thread of its own.
    static func onTermination(_ body: @escaping @Sendable (Int32) -> Void) throws(StartFailure) {
        try start {
            var (waited, signal) = (terminations, Int32(0))
            while unsafe sigwait(&waited, &signal) == 0 { body(signal) }
        }
    }

    private static var terminations: sigset_t {
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGTERM)
        unsafe sigaddset(&signals, SIGINT)
        return signals
    }
}
