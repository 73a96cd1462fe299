public import CofferShapes

/// The account and region that everything in a home belongs to.
public struct HomeIdentity: Sendable, Equatable {
    public let account: AccountID
    public let region: Region

    public init(account: AccountID, region: Region) {
        self.account = account
        self.region = region
    }
}

/// What the index knows of a volume. The header has the last word on everything but name, creation and filesystem.
public struct VolumeRecord: Sendable, Equatable {
    public let id: VolumeID
    /// The Name tag, unique in a home.
    public let name: String?
    public let sizeBytes: UInt64
    public let dataUnitBytes: Int
    public let cipherName: String
    public let kmsKeyARN: ARN
    public let created: Timestamp
    /// False from the start of creation to its end: one that a crash cut short stays so.
    public var isComplete: Bool
    public var filesystem: Filesystem

    /// What `mount` put on the volume.
    public enum Filesystem: String, Sendable {
        case none
        /// mkfs was started and is not known to have ended.
        case formattingExt4 = "formatting-ext4"
        case formattingXFS = "formatting-xfs"
        case ext4
        case xfs

        /// Whether what is on the volume is at most an unfinished filesystem of ours.
        public var isFormatting: Bool { self == .formattingExt4 || self == .formattingXFS }
    }

    public init(
        id: VolumeID,
        name: String?,
        sizeBytes: UInt64,
        dataUnitBytes: Int,
        cipherName: String,
        kmsKeyARN: ARN,
        created: Timestamp,
        isComplete: Bool = false,
        filesystem: Filesystem = .none
    ) {
        (self.id, self.name, self.sizeBytes, self.dataUnitBytes) = (id, name, sizeBytes, dataUnitBytes)
        (self.cipherName, self.kmsKeyARN, self.created) = (cipherName, kmsKeyARN, created)
        (self.isComplete, self.filesystem) = (isComplete, filesystem)
    }
}
