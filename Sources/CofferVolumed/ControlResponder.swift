internal import CofferBlock
internal import CofferControl
internal import CofferCrypto
internal import CofferFuse
internal import CofferSecrets
internal import CofferShapes
internal import CofferSnapshot
internal import CofferXTS
internal import Glibc
internal import Logging
internal import Synchronization

/// Answers over the control socket, one caller at a time, from a thread of its own: a store that hangs does not keep it
/// from saying so, unless it is asked for what needs the store.
final class ControlResponder: Sendable {
    /// How long a caller may take to ask: it does so at once, and others wait behind it.
    private static let timeoutMilliseconds = 1000

    private let listener: ControlListener
    private let volumeID: VolumeID
    private let file: ExposedFile
    /// nil where nothing is written to the volume.
    private let keeper: VolumeKeeper?
    /// 0 once the mount is undone.
    private let connection: Atomic<UInt32>
    private let threadCount: Int
    private let backingIO: BackingIO
    private let kernel: XTSKernel
    private let log: Logger

    init(
        listener: consuming ControlListener,
        volumeID: VolumeID,
        file: ExposedFile,
        keeper: VolumeKeeper?,
        connection: UInt32,
        threadCount: Int,
        backingIO: BackingIO,
        kernel: XTSKernel,
        log: Logger
    ) {
        self.listener = listener
        (self.volumeID, self.file, self.keeper) = (volumeID, file, keeper)
        self.connection = Atomic(connection)
        (self.threadCount, self.backingIO) = (threadCount, backingIO)
        (self.kernel, self.log) = (kernel, log)
    }

    /// From here on this daemon is one without a mount, which works on the volume until it leaves.
    func noteThatNothingIsMounted() { connection.store(0, ordering: .releasing) }

    func start() throws(StartFailure) {
        try BackgroundThread.start {
            while true {
                do throws(ControlError) {
                    if let caller = try self.listener.accept(timeoutMilliseconds: 60_000) {
                        try self.answer(consume caller)
                    }
                } catch {
                    self.log.notice("a question was not answered: \(error.description)")
                    if case .system = error { usleep(100_000) }  // out of descriptors, say: do not spin
                }
            }
        }
    }

    private func answer(_ caller: consuming ControlChannel) throws(ControlError) {
        switch try caller.receive(ControlRequest.self, timeoutMilliseconds: Self.timeoutMilliseconds) {
        case .status: try caller.send(status)
        case .grow(let count):
            try caller.send(answer { keeper in try keeper.grow(toBytes: count) })
        case .limit(let limits):
            try caller.send(answer { keeper in try keeper.limit(limits) })
        case .beginSnapshot(let order):
            // A filesystem may have much to write before it holds still: others are answered meanwhile.
            answer(consume caller) { keeper in try keeper.beginSnapshot(order) }
        case .rewrap(let order): answer(consume caller) { keeper in try keeper.rewrap(order) }
        case .beginReencryption(let order):
            let secret = try caller.receiveSecret(
                count: VolumeKey.count,
                timeoutMilliseconds: Self.timeoutMilliseconds
            )
            guard let newKey = VolumeKey(secret) else { throw .malformed }
            let held = HeldVolumeKey(newKey)
            answer(consume caller) { keeper in try keeper.beginReencryption(order, to: held) }
        }
    }

    /// Answers from another thread.
    private func answer(
        _ caller: consuming ControlChannel,
        _ change: @escaping @Sendable (VolumeKeeper) throws -> RollbackMark
    ) {
        let waiting = WaitingCaller(consume caller)
        do throws(StartFailure) {
            try BackgroundThread.start { waiting.send(self.answer(change)) }
        } catch {
            waiting.send(.failed(DaemonFailure(AWSError(.internalError, error.message))))
        }
    }

    /// A caller who is answered from another thread.
    private final class WaitingCaller: Sendable {
        private let channel: ControlChannel

        init(_ channel: consuming ControlChannel) { self.channel = channel }

        /// One who has gone in the meantime learns the outcome from the snapshot's folder.
        func send(_ answer: ControlAnswer) { try? channel.send(answer) }
    }

    private func answer(_ change: (VolumeKeeper) throws -> RollbackMark) -> ControlAnswer {
        guard let keeper else {
            return .failed(DaemonFailure(AWSError(.incorrectState, "the volume is attached read-only")))
        }
        do {
            return .done(try change(keeper))
        } catch {
            let error = Self.awsError(error)
            log.error("\(error)")
            return .failed(DaemonFailure(error))
        }
    }

    private static func awsError(_ error: any Error) -> AWSError {
        switch error {
        case let error as AWSError: error
        case let error as HeaderError: error.awsError
        case let error as SnapshotError: error.awsError
        case let error as StartFailure: AWSError(.invalidParameterValue, error.message)
        default: AWSError(.internalError, "\(error)")
        }
    }

    private var status: DaemonStatus {
        let transferred = file.volume.transferred
        return DaemonStatus(
            volumeID: volumeID.text,
            processID: getpid(),
            state: file.isLeaving ? .leaving : file.volume.isFaulted ? .faulted : .serving,
            fuseConnection: connection.load(ordering: .acquiring),
            openCount: file.openCount,
            volumeBytes: file.volume.volumeBytes,
            threadCount: threadCount,
            backingIO: backingIO,
            kernel: kernel.name,
            keyMemory: Self.keyMemory.rawValue,
            requestBytes: FuseSession.requestBytes,
            bytesRead: transferred.bytesRead,
            bytesWritten: transferred.bytesWritten,
            snapshot: keeper?.snapshotStatus,
            filledPercent: file.volume.isFilling ? filledPercent : nil,
            reencryptedPercent: keeper?.reencryptedPercent
        )
    }

    private var filledPercent: Int? {
        file.volume.fillProgress.map { $0.total == 0 ? 100 : $0.filled * 100 / $0.total }
    }

    /// The weaker of what libcrypto's arena has and what a new key would get now.
    static var keyMemory: LockedMemory.Protection {
        let order: [LockedMemory.Protection] = [.undumped, .locked, .secretMapping]
        let present = [LibcryptoMemory.usage.protection ?? .undumped, LockedMemory(count: 1).protection]
        return order.first { present.contains($0) } ?? .undumped
    }
}
