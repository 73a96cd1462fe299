public import CofferShapes

/// A snapshot as `describeSnapshots` tells of it. (EC2 API reference, `Snapshot`.)
public struct Snapshot: Sendable {
    public enum State: String, Sendable {
        case pending, completed, error
    }

    public let id: SnapshotID
    public let arn: ARN
    public let tags: [Tag]
    /// nil for one that was made of no volume of this home.
    public let volumeID: VolumeID?
    /// Of the volume.
    public let sizeBytes: UInt64
    public let region: Region
    public let isEncrypted: Bool
    public let kmsKeyARN: ARN
    public let description: String
    public let started: Timestamp
    public let completed: Timestamp?
    public let state: State
    /// Why it failed; nil where it did not.
    public let stateReason: String?
    /// Percent.
    public let progress: Int
    public let ownerID: AccountID

    /// The Name tag.
    public var name: String? { tags.first { $0.key == "Name" }?.value }
    /// As EBS counts.
    public var sizeGiB: UInt64 { VolumeLimits.gibibytes(sizeBytes) }
    /// What the API says of a snapshot without a volume. (EBS user guide, "Copy an Amazon EBS snapshot".)
    public var volumeText: String { volumeID?.text ?? "vol-ffffffff" }
}

/// What `createSnapshot` makes.
public struct CreateSnapshotRequest: Sendable {
    /// The volume: an id, the beginning of one, or a name.
    public var volume: String
    /// The Name tag, as the command line gives it: refused where another snapshot has it.
    public var name: String?
    /// At most 255 characters.
    public var description: String
    public var tags: [Tag]

    public init(volume: String, name: String? = nil, description: String = "", tags: [Tag] = []) {
        (self.volume, self.name, self.description, self.tags) = (volume, name, description, tags)
    }
}

/// The filters of `DescribeSnapshots`, and what a snapshot has for each.
enum SnapshotFilters {
    static let names: Set<String> = [
        "description", "encrypted", "owner-alias", "owner-id", "progress", "snapshot-id", "start-time",
        "status", "storage-tier", "tag:", "tag-key", "tag-value", "volume-id", "volume-size",
    ]

    static func values(of name: String, _ snapshot: Snapshot) -> [String] {
        if name.hasPrefix("tag:") {
            return snapshot.tags.filter { $0.key == name.dropFirst(4) }.map(\.value)
        }
        switch name {
        case "description": return [snapshot.description]
        case "encrypted": return ["\(snapshot.isEncrypted)"]
        case "owner-id": return [snapshot.ownerID.digits]
        case "progress": return ["\(snapshot.progress)%"]
        case "snapshot-id": return [snapshot.id.text]
        case "start-time": return [snapshot.started.iso8601]
        case "status": return [snapshot.state.rawValue]
        case "storage-tier": return ["standard"]
        case "tag-key": return snapshot.tags.map(\.key)
        case "tag-value": return snapshot.tags.map(\.value)
        case "volume-id": return [snapshot.volumeText]
        case "volume-size": return ["\(snapshot.sizeGiB)"]
        default: return []
        }
    }
}
