internal import CofferShapes
internal import CofferSnapshot
internal import Synchronization

/// The uploads of this process. They end with it.
final class PendingUploads: Sendable {
    /// Each holds a file or two open, and 96 bytes of memory for each block.
    static let limit = 100

    private let state = Mutex<State>(State())

    private struct State {
        var uploads: [SnapshotID: SnapshotUpload] = [:]
        /// Those that are being begun, and will have a place.
        var reserved = 0
        /// Those that ended well last, with their counts of blocks: a client may not have heard.
        var completed: [(id: SnapshotID, count: Int)] = []
    }

    var isEmpty: Bool { state.withLock { $0.uploads.isEmpty } }

    subscript(_ id: SnapshotID) -> SnapshotUpload? { state.withLock { $0.uploads[id] } }

    /// Whether a snapshot that is being written has the blocks of this one.
    func needs(_ id: SnapshotID) -> Bool {
        state.withLock { $0.uploads.values.contains { $0.content.header.parent == id } }
    }

    func percent(_ id: SnapshotID) -> Int? { self[id]?.percent }

    /// Keeps a place for one more, until `release`.
    func reserve() throws(DirectError) {
        try state.withLock { (state) throws(DirectError) in
            guard state.uploads.count + state.reserved < Self.limit else {
                throw DirectError(
                    .concurrentLimit,
                    "\(Self.limit) snapshots are being written: complete some of them first."
                )
            }
            state.reserved += 1
        }
    }

    func release() { state.withLock { $0.reserved -= 1 } }

    func insert(_ upload: SnapshotUpload) {
        state.withLock { $0.uploads[upload.id] = upload }
    }

    func remove(_ id: SnapshotID) { state.withLock { _ = $0.uploads.removeValue(forKey: id) } }

    /// An upload has become a snapshot.
    func complete(_ upload: SnapshotUpload) {
        let count = upload.content.count
        state.withLock { state in
            state.uploads[upload.id] = nil
            state.completed.append((upload.id, count))
            if state.completed.count > Self.limit { state.completed.removeFirst() }
        }
    }

    /// Whether the snapshot was completed here with so many blocks.
    func hasCompleted(_ id: SnapshotID, count: Int) -> Bool {
        state.withLock { $0.completed.contains { $0 == (id, count) } }
    }

    /// Those that have expired: over, and no more among these.
    func takeExpired(_ now: Timestamp) -> [SnapshotUpload] { take { $0.expire(now) } }

    /// Those that are neither complete nor about to be.
    func takeOpen() -> [SnapshotUpload] { take { $0.end() } }

    private func take(_ isWanted: (SnapshotUpload) -> Bool) -> [SnapshotUpload] {
        state.withLock { state in
            let taken = state.uploads.values.filter(isWanted)
            for upload in taken { state.uploads[upload.id] = nil }
            return taken
        }
    }
}
