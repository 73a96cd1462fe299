public import CofferControl
public import CofferShapes

/// A volume as `describeVolumes` tells of it.
public struct Volume: Sendable {
    public let id: VolumeID
    public let arn: ARN
    /// By key; the Name tag is the volume's name.
    public let tags: [Tag]
    public let sizeBytes: UInt64
    public let type: VolumeType
    public let iops: Int?
    /// MiB/s.
    public let throughput: Int?
    public let region: Region
    /// What the API answers: false where nobody asked for encryption. The data is encrypted all the same.
    public let isEncrypted: Bool
    /// The key that wraps the volume key; one of AWS's own where `isEncrypted` is false.
    public let kmsKeyARN: ARN
    public let snapshotID: SnapshotID?
    public let sourceVolumeID: VolumeID?
    /// What `ModifyVolumeAttribute` sets. (`AutoEnableIO`)
    public let enablesIOByItself: Bool
    public let dataUnitBytes: Int
    public let cipherName: String
    public let created: Timestamp
    public let state: State
    /// As the API tells of it: who asked for it, under which device, how far it is. nil while it is not attached.
    public let ec2Attachment: VolumeAttachment?
    /// What the kernel, the daemon and the process table say.
    public let attachment: AttachmentState
    /// Why the state is what it is, and what to do about it; nil where nothing is wrong.
    public let stateReason: String?
    /// The file to read and write, while attached.
    public let exposedFile: String?
    /// Where its filesystem is mounted.
    public let mountDirectory: String?
    public let filesystem: String?
    public let isReadOnly: Bool
    public let loopDevice: String?
    public let daemon: Daemon?
    /// The backing file, and how much of the disk it takes.
    public let backingFile: String
    public let allocatedBytes: UInt64

    public var name: String? { tags.first { $0.key == "Name" }?.value }
    /// As EBS counts: a part of a GiB counts whole.
    public var sizeGiB: UInt64 { VolumeLimits.gibibytes(sizeBytes) }
    /// `sse-kms` or `none`. (`SSEType`)
    public var sseType: String { isEncrypted ? "sse-kms" : "none" }

    /// States of a volume as EBS names them. (EC2 API reference, `Volume`.)
    public enum State: String, Sendable {
        case creating
        case available
        case inUse = "in-use"
        case deleting
        case deleted
        case error
    }

    /// The snapshot that it was made of, for whoever asks: a copy of a volume begins with one that nobody knows.
    public var shownSnapshotID: SnapshotID? { sourceVolumeID == nil ? snapshotID : nil }

    /// What the daemon tells of itself.
    public struct Daemon: Sendable {
        public let processID: Int32
        public let fuseConnection: UInt32
        public let threadCount: Int
        public let backingIO: BackingIO
        public let kernel: String
        public let keyMemory: String
        public let requestBytes: Int
        public let openCount: Int
        public let bytesRead: UInt64
        public let bytesWritten: UInt64
        /// Percent of what a volume has from its snapshot that is under its own key; nil once all is.
        public let filledPercent: Int?
        /// Percent of the volume that is under its new volume key; nil while it is not being re-encrypted.
        public let reencryptedPercent: Int?
    }
}

/// How a volume is attached.
public struct AttachOptions: Sendable {
    /// The folder to expose the file `volume` in; nil: below the runtime folder.
    public var directory: String?
    public var isReadOnly: Bool
    /// Writes encrypted zeroes in place of giving room back, so that the store does not tell which units hold data.
    public var keepsDiscardedRoom: Bool
    /// Accepts a header older than the newest one seen.
    public var acceptsRollback: Bool
    public var backingIO: BackingIO
    /// nil: as many as suit the machine and the backing I/O.
    public var threadCount: Int?
    /// Leaves the wrapped volume key as it is, also where the KMS key has newer material.
    public var keepsWrapping = false
    /// Has the volume be no faster than what is provisioned for it.
    public var enforcesLimits = false
    /// Such as `/dev/sdf`; nil: the next that is free.
    public var device: String?
    /// nil: this host, which is the only instance there is.
    public var instance: String?

    public init(
        directory: String? = nil,
        isReadOnly: Bool = false,
        keepsDiscardedRoom: Bool = false,
        acceptsRollback: Bool = false,
        backingIO: BackingIO = .auto,
        threadCount: Int? = nil
    ) {
        (self.directory, self.isReadOnly) = (directory, isReadOnly)
        (self.keepsDiscardedRoom, self.acceptsRollback) = (keepsDiscardedRoom, acceptsRollback)
        (self.backingIO, self.threadCount) = (backingIO, threadCount)
    }
}

/// The filesystems that `mount` makes.
public enum FilesystemKind: String, Sendable, CaseIterable {
    case ext4, xfs
}

/// What `attachVolume` and `mountVolume` tell.
public struct Attachment: Sendable {
    public let volumeID: VolumeID
    public let exposedFile: String
    /// Sentences for the user: a mended header, a filesystem without a journal.
    public let notices: [String]
}

/// The steps of `mount`, in order: what a test kills the command after.
public enum AttachmentStep: String, Sendable, CaseIterable {
    case recorded, rewrapBegun, epochRaised, daemonStarted, keySent, attached, loopAttached, formatting,
        formatted
    case mounted
    /// Of a snapshot's removal: its files are gone, and the index has it still.
    case snapshotRemoved
}
