/// Brings what has been written onto the medium, and the head after it: for a caller that waits for it, or
/// within a second by a thread of its own.
///
/// Who asks while another syncs waits, and then has one sync for all who waited. After a failed fdatasync(2)
/// the kernel may hold lines for clean that are lost, so every append fails with that error from then on. A
/// head that could not be stored is tried again, and appends fail until it could be.
final class TrailSync: Sendable {
    private struct State: Sendable {
        /// What this process wrote last.
        var latest: TrailEnd.Written?
        /// The number of the last line that is on the medium with its head.
        var syncedThrough: UInt64 = 0
        var isSyncing = false
        var failure: FileError?
        /// What the thread met when it stored the head last.
        var headFailure: (any Error)?
        var thread: JoinableThread?
        var isClosed = false

        var isDirty: Bool { (latest?.position.sequence ?? 0) > syncedThrough }
    }

    private enum Step {
        case over
        case failed(FileError)
        case sync(TrailEnd.Written)
    }

    private static let intervalMilliseconds = 500

    private let head: any TrailHead
    private let monitor = Monitor(State())

    init(head: any TrailHead) { self.head = head }

    /// Throws where appends must fail.
    func check() throws {
        try monitor.withLock { state -> Result<Void, any Error> in
            if state.isClosed { return .failure(TrailError.closed) }
            if let failure = state.failure ?? state.headFailure { return .failure(failure) }
            return .success(())
        }.get()
    }

    /// Notes what was written. Called in the order of writing.
    func wrote(_ written: TrailEnd.Written) {
        let isFirst = monitor.withLock { state in
            defer { state.latest = written }
            return !state.isDirty
        }
        // The thread waits for that alone.
        if isFirst { monitor.update { _ in } }
    }

    /// Returns when the line with number `sequence`, which was noted, is on the medium and the head stored.
    func sync(through sequence: UInt64) throws {
        while true {
            let step = monitor.when { state -> Step? in
                if let failure = state.failure { return .failed(failure) }
                guard state.syncedThrough < sequence, let latest = state.latest else { return .over }
                guard !state.isSyncing else { return nil }
                state.isSyncing = true
                return .sync(latest)
            }
            switch step {
            case .over: return
            case .failed(let failure): throw failure
            case .sync(let latest):
                let result = Result {
                    try syncData(latest.file)
                    try head.store(latest.position)
                }
                monitor.update { state in
                    state.isSyncing = false
                    guard case .success = result else { return }
                    state.syncedThrough = latest.position.sequence
                    state.headFailure = nil
                }
                try result.get()
            }
        }
    }

    /// As `sync`, at once and on this thread, for a head that is stored with a transaction.
    func syncHere(_ written: TrailEnd.Written) throws {
        try syncData(written.file)
        try head.store(written.position)
    }

    /// Everything that was noted.
    func flush() throws {
        try sync(through: monitor.withLock { $0.latest?.position.sequence ?? 0 })
    }

    /// Makes sure of a thread that syncs what nobody waits for.
    func startThread() throws {
        try monitor.withLock { state -> Result<Void, any Error> in
            guard state.thread == nil, !state.isClosed else { return .success(()) }
            return Result { state.thread = try JoinableThread { self.run() } }
        }.get()
    }

    /// Syncs what is left and ends the thread; nothing can be appended afterwards.
    func close() throws {
        let thread = monitor.update { state in
            defer { state.thread = nil }
            state.isClosed = true
            return state.thread
        }
        thread?.join()
        try flush()
    }

    private func run() {
        while monitor.when({ state in state.isClosed ? false : state.isDirty ? true : nil }) {
            monitor.wait(milliseconds: Self.intervalMilliseconds) { $0.isClosed }
            do {
                try flush()
            } catch is FileError where monitor.withLock({ $0.failure != nil }) {
                return
            } catch {
                monitor.withLock { $0.headFailure = error }
            }
        }
    }

    private func syncData(_ file: TrailEnd.File) throws {
        do {
            try file.file.syncData()
        } catch {
            monitor.update { $0.failure = error }
            throw error
        }
    }
}
