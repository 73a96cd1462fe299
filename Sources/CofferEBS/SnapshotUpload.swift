internal import CofferShapes
internal import CofferSnapshot
internal import Synchronization

/// A snapshot that a client of EBS direct writes, from its start to its end. It holds no key: each block's writer has the
/// KMS open the volume key for it.
final class SnapshotUpload: Sendable {
    let id: SnapshotID
    let region: Region
    let content: any SnapshotContent
    let timeoutMinutes: Int
    private let state: Mutex<State>

    private struct State {
        var stage = Stage.open
        var putsUnderWay = 0
        var lastPut: Timestamp
        /// As the client tells it.
        var percent = 0
    }

    private enum Stage {
        case open
        /// Its last block is written; it is about to be complete.
        case sealed
        /// It was given up.
        case over
    }

    init(
        _ id: SnapshotID,
        in region: Region,
        _ content: any SnapshotContent,
        timeoutMinutes: Int,
        now: Timestamp
    ) {
        (self.id, self.region) = (id, region)
        (self.content, self.timeoutMinutes) = (content, timeoutMinutes)
        state = Mutex(State(lastPut: now))
    }

    var percent: Int { state.withLock { $0.percent } }

    /// A block is about to be written; `endPut` follows.
    func beginPut() throws(DirectError) {
        try state.withLock { (state) throws(DirectError) in
            guard state.stage == .open else { throw notPending }
            state.putsUnderWay += 1
        }
    }

    func endPut(progress: Int?, now: Timestamp) {
        state.withLock { state in
            state.putsUnderWay -= 1
            state.lastPut = max(state.lastPut, now)
            if let progress { state.percent = progress }
        }
    }

    /// Takes no more blocks, where what is there is what the client says it has written: so many, and with this linear
    /// checksum.
    func seal(blockCount: Int, checksum: BlockChecksum?) throws(DirectError) {
        try state.withLock { (state) throws(DirectError) in
            guard state.stage == .open else { throw notPending }
            guard state.putsUnderWay == 0 else {
                throw .validation(
                    .conflictingBlockUpdate,
                    "Blocks of the snapshot '\(id)' are being written still."
                )
            }
            let count = content.count
            guard blockCount == count else {
                throw .validation(
                    .invalidParameterValue,
                    "ChangedBlocksCount is \(blockCount), and \(count) blocks were written."
                )
            }
            if let checksum, BlockChecksum.linear(content.checksums) != checksum {
                throw .validation(
                    .invalidParameterValue,
                    "The checksum is not that of the blocks which were written."
                )
            }
            state.stage = .sealed
        }
    }

    /// Whether nobody has written to it for too long.
    func isExpired(_ now: Timestamp) -> Bool { state.withLock { isExpired($0, now) } }

    private func isExpired(_ state: State, _ now: Timestamp) -> Bool {
        let end = state.lastPut.nanoseconds + UInt64(timeoutMinutes) * 60_000_000_000
        return state.stage == .open && state.putsUnderWay == 0 && now.nanoseconds >= end
    }

    /// The same; it is over then.
    func expire(_ now: Timestamp) -> Bool {
        state.withLock { state in
            guard isExpired(state, now) else { return false }
            state.stage = .over
            return true
        }
    }

    /// Takes no more blocks, for good; false where it is sealed, or over already. What is being written meets an error.
    func end() -> Bool {
        state.withLock { state in
            guard state.stage == .open else { return false }
            state.stage = .over
            return true
        }
    }

    private var notPending: DirectError {
        .validation(
            .invalidSnapshotID,
            "The snapshot '\(id)' is not pending: no blocks can be written to it."
        )
    }
}
