internal import Synchronization

/// How far work on a snapshot has come.
public struct SnapshotProgress: Sendable, Equatable {
    /// Blocks looked at, of `blocksTotal`. The total is an upper bound until the work ends.
    public var blocksDone: UInt64
    public var blocksTotal: UInt64
    /// Ciphertext written, bytes.
    public var bytesStored: UInt64
}

/// What whoever waits for work on a snapshot holds in hand: it hears of progress, and can end the work.
public final class JobControl: Sendable {
    private let cancelled = Atomic<Bool>(false)
    private let onProgress: @Sendable (SnapshotProgress) -> Void
    /// Whether other threads that want the processors come first: for a snapshot of a volume that is in use.
    let isBackground: Bool

    /// `onProgress` is called by the thread that does the work, some times a second, and should return soon.
    public init(
        isBackground: Bool = false,
        onProgress: @escaping @Sendable (SnapshotProgress) -> Void = { _ in }
    ) {
        (self.isBackground, self.onProgress) = (isBackground, onProgress)
    }

    /// Has the work end with `.cancelled` before it is complete, or lets it complete where that is too late.
    public func cancel() { cancelled.store(true, ordering: .releasing) }

    public var isCancelled: Bool { cancelled.load(ordering: .acquiring) }

    func check() throws(SnapshotError) {
        guard !isCancelled else { throw .cancelled }
    }

    func report(_ progress: SnapshotProgress) { onProgress(progress) }
}
