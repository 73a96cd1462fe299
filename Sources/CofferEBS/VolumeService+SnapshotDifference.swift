internal import CofferCatalog
public import CofferShapes
internal import CofferSnapshot

/// A block of 512 KiB that differs between two snapshots.
public struct SnapshotBlockChange: Sendable, Equatable {
    public enum Kind: String, Sendable {
        /// A hole in the first.
        case added
        case changed
        /// A hole in the second.
        case removed
    }

    /// Which block of the volume.
    public let index: UInt64
    public let kind: Kind
}

extension VolumeService {
    /// The blocks that differ between two snapshots of one volume, in ascending order; without a first one, all blocks that
    /// the second has. Both manifests are authenticated: the caller needs `kms:Decrypt` with their keys. Snapshots under
    /// two volume keys cannot be compared, and are refused: equal data has unequal ciphertext there.
    /// (`ListChangedBlocks` of EBS direct)
    public func snapshotDifference(
        from first: String?,
        to second: String,
        caller: Caller
    ) async throws -> [SnapshotBlockChange] {
        var older: OpenedSnapshot?
        if let first { older = try await openedForDifference(first, caller) }
        let newer = try await openedForDifference(second, caller)
        return try await Self.offTheActor { [older] in
            do throws(SnapshotError) {
                var difference = try SnapshotDifference(
                    from: older?.manifest.manifest,
                    to: newer.manifest.manifest
                )
                var changes: [SnapshotBlockChange] = []
                while let block = try difference.next() {
                    let kind: SnapshotBlockChange.Kind =
                        block.first == nil ? .added : block.second == nil ? .removed : .changed
                    changes.append(SnapshotBlockChange(index: block.index, kind: kind))
                }
                return changes
            } catch { throw error.awsError }
        }
    }

    private func openedForDifference(_ reference: String, _ caller: Caller) async throws -> OpenedSnapshot {
        let record = try await permittedSnapshot(reference, to: "ebs:ListChangedBlocks", caller: caller)
        try requireCompleted(record)
        return try await openSnapshot(record.id, caller: caller)
    }
}
