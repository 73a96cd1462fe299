public import CofferShapes

/// What makes a repeated request the same one. (EC2 API reference, "Ensuring idempotency".)
public struct ClientToken: Sendable, Hashable {
    /// Operation and region: a token means something to one of each alone.
    public let scope: String
    public let text: String
    /// Of the request's parameters.
    public let digest: [UInt8]

    public init(scope: String, text: String, digest: [UInt8]) {
        (self.scope, self.text, self.digest) = (scope, text, digest)
    }
}

/// Something that happened to a resource. (EBS user guide, "Amazon EventBridge events for Amazon EBS".)
public struct EventRecord: Sendable, Hashable {
    public let time: Timestamp
    /// A resource's id, such as `vol-…`.
    public let resource: String
    /// `createVolume`, `attachVolume` and so on.
    public let name: String
    /// `available`, `failed` and so on.
    public let result: String
    /// Why it failed; empty where it did not.
    public let cause: String
    public let region: Region

    public init(
        time: Timestamp,
        resource: String,
        name: String,
        result: String,
        cause: String,
        region: Region
    ) {
        (self.time, self.resource, self.name) = (time, resource, name)
        (self.result, self.cause, self.region) = (result, cause, region)
    }
}

/// Where a volume is attached, as it was asked for. Whether it is, the kernel tells.
public struct AttachmentEntry: Sendable, Equatable {
    public let volume: VolumeID
    public let instance: InstanceID
    /// `/dev/sdf` and the like; unique among a host's attachments.
    public let device: String
    public let attached: Timestamp
    public var deletesOnTermination: Bool
    public var stage: Stage

    /// What was last begun.
    public enum Stage: String, Sendable {
        case attaching, attached, detaching
    }

    public init(
        volume: VolumeID,
        instance: InstanceID,
        device: String,
        attached: Timestamp,
        deletesOnTermination: Bool = false,
        stage: Stage = .attaching
    ) {
        (self.volume, self.instance, self.device) = (volume, instance, device)
        (self.attached, self.deletesOnTermination, self.stage) = (attached, deletesOnTermination, stage)
    }
}

/// A grant on a KMS key that an attachment holds, noted before it is asked for: one whose id is nil may have been given.
public struct GrantEntry: Sendable, Equatable {
    /// The grant's name, made for it alone: asking for it again under its name gives the same grant.
    public let name: String
    public let volume: VolumeID
    public let key: ARN
    public var grantID: String?

    public init(name: String, volume: VolumeID, key: ARN, grantID: String? = nil) {
        (self.name, self.volume, self.key, self.grantID) = (name, volume, key, grantID)
    }
}

/// A change of a volume's size, type or performance. (EC2 API reference, `VolumeModification`.)
public struct ModificationRecord: Sendable, Equatable {
    /// Grows with each modification of the home; 0 for one that is not stored yet.
    public var number: Int64 = 0
    public let volume: VolumeID
    public let original: Shape
    public let target: Shape
    public var state: State
    public var statusMessage: String?
    /// Percent.
    public var progress: Int
    public let started: Timestamp
    public var ended: Timestamp?

    /// What a modification changes.
    public struct Shape: Sendable, Equatable {
        public var sizeBytes: UInt64
        public var type: VolumeType
        public var iops: Int?
        public var throughput: Int?

        public init(sizeBytes: UInt64, type: VolumeType, iops: Int?, throughput: Int?) {
            (self.sizeBytes, self.type, self.iops, self.throughput) = (sizeBytes, type, iops, throughput)
        }
    }

    public enum State: String, Sendable {
        case modifying, optimizing, completed, failed

        public var isRunning: Bool { self == .modifying || self == .optimizing }
    }

    public init(volume: VolumeID, original: Shape, target: Shape, started: Timestamp) {
        (self.volume, self.original, self.target, self.started) = (volume, original, target, started)
        (state, progress) = (.modifying, 0)
    }
}

extension VolumeRecord {
    public var shape: ModificationRecord.Shape {
        ModificationRecord.Shape(sizeBytes: sizeBytes, type: type, iops: iops, throughput: throughput)
    }
}

/// A region's settings for new volumes.
public struct EncryptionDefaults: Sendable, Equatable {
    public var isByDefault: Bool
    /// nil: the AWS managed key.
    public var key: ARN?

    public init(isByDefault: Bool = false, key: ARN? = nil) {
        (self.isByDefault, self.key) = (isByDefault, key)
    }
}
