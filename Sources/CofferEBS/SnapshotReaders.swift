internal import CofferShapes
internal import CofferSnapshot
internal import Synchronization

/// The snapshots that were read last: their manifests and packs, open. No key is among that, and no leave: whoever reads
/// asks the KMS, each time.
final class SnapshotReaders: Sendable {
    /// Each holds up to 64 packs open, and a process 1024 files as a rule.
    private static let capacity = 8
    /// How long one is kept.
    private static let seconds: Int64 = 60

    private struct Kept {
        let reader: SnapshotReader
        let since: ContinuousClock.Instant
    }

    private let kept = Mutex<[SnapshotID: Kept]>([:])

    subscript(_ id: SnapshotID) -> SnapshotReader? {
        kept.withLock { kept in
            kept = kept.filter { $0.value.since.duration(to: .now) < .seconds(Self.seconds) }
            return kept[id]?.reader
        }
    }

    /// Closes the files of a snapshot that is gone, whose room they would keep.
    func remove(_ id: SnapshotID) { kept.withLock { $0[id] = nil } }

    func insert(_ reader: SnapshotReader) {
        kept.withLock { kept in
            if kept.count >= Self.capacity, let oldest = kept.min(by: { $0.value.since < $1.value.since }) {
                kept[oldest.key] = nil
            }
            kept[reader.snapshot.snapshotID] = Kept(reader: reader, since: .now)
        }
    }
}
