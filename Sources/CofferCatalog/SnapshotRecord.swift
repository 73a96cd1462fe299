public import CofferShapes

/// What the index knows of a snapshot. Its manifest has the last word on whether it is complete, its size and its key.
public struct SnapshotRecord: Sendable, Equatable {
    public let id: SnapshotID
    /// nil for one that was made of no volume of this home: a copy, an import, or through EBS direct.
    public let volume: VolumeID?
    /// Of the volume.
    public let sizeBytes: UInt64
    public let region: Region
    /// The key that wraps the snapshot's volume key.
    public var kmsKeyARN: ARN
    /// What the API answers, as for a volume.
    public let isEncrypted: Bool
    public let description: String
    /// The instant that it shows, or when it was asked for.
    public let started: Timestamp
    public var completed: Timestamp?
    public var stage: Stage = .pending
    /// Why it failed, for people.
    public var failure: String?
    /// By key. They change through the catalogue's tag verbs alone.
    public var tags: [Tag] = []

    /// The Name tag.
    public var name: String? { tags.first { $0.key == VolumeRecord.nameTag }?.value }

    /// What was last known; whether a pending one is complete by now, its folder tells.
    public enum Stage: String, Sendable {
        case pending, completed, failed
    }

    public init(
        id: SnapshotID,
        volume: VolumeID?,
        sizeBytes: UInt64,
        region: Region,
        kmsKeyARN: ARN,
        isEncrypted: Bool,
        description: String,
        started: Timestamp
    ) {
        (self.id, self.volume, self.sizeBytes, self.region) = (id, volume, sizeBytes, region)
        (self.kmsKeyARN, self.isEncrypted) = (kmsKeyARN, isEncrypted)
        (self.description, self.started) = (description, started)
    }
}
