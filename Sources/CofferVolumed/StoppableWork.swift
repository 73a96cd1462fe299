internal import Glibc
internal import Synchronization

/// Long work of this process in a thread of its own, which can be stopped between its steps and goes on when the volume is
/// attached again.
final class StoppableWork: Sendable {
    private enum State {
        case idle, running, stopping
    }

    private let state = Mutex(State.idle)

    /// Whether it was asked to stop. To be looked at between steps.
    var isStopped: Bool { state.withLock { $0 == .stopping } }
    var isRunning: Bool { state.withLock { $0 != .idle } }

    /// Does `body` in a thread of its own.
    func start(_ body: @escaping @Sendable () -> Void) throws(StartFailure) {
        state.withLock { $0 = .running }
        do throws(StartFailure) {
            try BackgroundThread.start {
                body()
                self.state.withLock { $0 = .idle }
            }
        } catch {
            state.withLock { $0 = .idle }
            throw error
        }
    }

    /// Returns when the work has stopped, or after 20 seconds of a store that hangs.
    func stop() {
        state.withLock { if $0 == .running { $0 = .stopping } }
        for _ in 0..<4000 where isRunning { usleep(5000) }
    }
}
