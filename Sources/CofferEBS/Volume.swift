public import CofferControl
public import CofferShapes

/// A volume as `describeVolumes` tells of it.
public struct Volume: Sendable {
    public let id: VolumeID
    public let name: String?
    public let sizeBytes: UInt64
    public let dataUnitBytes: Int
    public let cipherName: String
    public let kmsKeyARN: ARN
    public let created: Timestamp
    public let state: State
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

    /// States of a volume as EBS names them. (EC2 API reference, `Volume`.)
    public enum State: String, Sendable {
        case creating
        case available
        case inUse = "in-use"
        case error
    }

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
    }
}

/// What `createVolume` makes. Sizes in bytes.
public struct CreateVolumeRequest: Sendable {
    public var name: String?
    /// Rounded up to a whole number of data units.
    public var sizeBytes: UInt64
    /// nil: the AWS managed key `alias/aws/ebs`.
    public var key: KeyReference?
    /// 512 or 4096.
    public var dataUnitBytes: Int
    /// `aes-256-xts` or `aes-128-xts`.
    public var cipherName: String

    public init(
        name: String? = nil,
        sizeBytes: UInt64,
        key: KeyReference? = nil,
        dataUnitBytes: Int = 4096,
        cipherName: String = "aes-256-xts"
    ) {
        (self.name, self.sizeBytes, self.key) = (name, sizeBytes, key)
        (self.dataUnitBytes, self.cipherName) = (dataUnitBytes, cipherName)
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
    case recorded, epochRaised, daemonStarted, keySent, attached, loopAttached, formatting, formatted, mounted
}
