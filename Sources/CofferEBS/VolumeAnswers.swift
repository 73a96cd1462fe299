public import CofferShapes

/// An attachment as the EC2 API tells of it. (`VolumeAttachment`)
public struct VolumeAttachment: Sendable, Equatable {
    public enum State: String, Sendable {
        case attaching, attached, detaching, detached, busy
    }

    public let volumeID: VolumeID
    public let instanceID: InstanceID
    public let device: String
    public let state: State
    public let attached: Timestamp
    public let deletesOnTermination: Bool

    public init(
        volumeID: VolumeID,
        instanceID: InstanceID,
        device: String,
        state: State,
        attached: Timestamp,
        deletesOnTermination: Bool
    ) {
        (self.volumeID, self.instanceID, self.device) = (volumeID, instanceID, device)
        (self.state, self.attached) = (state, attached)
        self.deletesOnTermination = deletesOnTermination
    }
}

/// (`VolumeModification`)
public struct VolumeModification: Sendable, Equatable {
    public enum State: String, Sendable {
        case modifying, optimizing, completed, failed
    }

    /// A volume before or after.
    public struct Shape: Sendable, Equatable {
        public let sizeBytes: UInt64
        public let type: VolumeType
        public let iops: Int?
        /// MiB/s.
        public let throughput: Int?
        /// As EBS counts.
        public var sizeGiB: UInt64 { VolumeLimits.gibibytes(sizeBytes) }
    }

    public let volumeID: VolumeID
    public let state: State
    public let statusMessage: String?
    public let original: Shape
    public let target: Shape
    /// Percent.
    public let progress: Int
    public let started: Timestamp
    public let ended: Timestamp?
}

/// Something that happened to a volume. (EBS user guide, "Amazon EventBridge events for Amazon EBS".)
public struct VolumeEvent: Sendable, Equatable {
    public let time: Timestamp
    /// A resource's id.
    public let resource: String
    /// `createVolume`, `attachVolume` and so on.
    public let name: String
    /// `available`, `failed` and so on.
    public let result: String
    /// Why it failed; empty where it did not.
    public let cause: String
}

/// A tag and what bears it. (`TagDescription`)
public struct TagDescription: Sendable, Equatable {
    public let resourceID: String
    /// `volume`, `snapshot`.
    public let resourceType: String
    public let tag: Tag
}

/// A region's encryption by default. (`GetEbsEncryptionByDefault`)
public struct EbsEncryptionByDefault: Sendable, Equatable {
    public let isEnabled: Bool
    /// `sse-kms` or `none`. (`SSEType`)
    public var sseType: String { isEnabled ? "sse-kms" : "none" }
}
