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

/// What the index knows of a volume. The header has the last word on its size, its cipher and its key.
public struct VolumeRecord: Sendable, Equatable {
    public let id: VolumeID
    public var sizeBytes: UInt64
    public let dataUnitBytes: Int
    public let cipherName: String
    /// The key that wraps the volume key: while a volume is being made, the one that was asked for.
    public var kmsKeyARN: ARN
    public let created: Timestamp
    public let region: Region
    public var stage: Stage = .creating
    /// Why the volume failed, for people.
    public var failure: String?
    public var filesystem: Filesystem = .none
    /// Whether the volume has grown and its filesystem has not yet.
    public var awaitsFilesystemGrowth = false
    public var type: VolumeType = .gp3
    /// What was provisioned; nil where the type has none of its own.
    public var iops: Int? = 3000
    /// MiB/s.
    public var throughput: Int? = 125
    /// What the API answers: false for a volume that nobody asked to have encrypted. Its data is encrypted all the same.
    public var isEncrypted = true
    public var snapshot: SnapshotID?
    public var sourceVolume: VolumeID?
    /// What `ModifyVolumeAttribute` sets. (`AutoEnableIO`)
    public var enablesIOByItself = false
    /// By key. They change through the catalogue's tag verbs alone.
    public var tags: [Tag] = []

    /// The Name tag.
    public var name: String? { tags.first { $0.key == Self.nameTag }?.value }
    public static let nameTag = "Name"

    /// Where the volume's own record is in its life; whether it is attached is the kernel's to tell.
    public enum Stage: String, Sendable {
        /// From the start of creation to its end: one that a crash cut short stays so.
        case creating
        case ready
        /// Its creation failed.
        case failed
        /// Its deletion has begun.
        case deleting
    }

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
        sizeBytes: UInt64,
        dataUnitBytes: Int,
        cipherName: String,
        kmsKeyARN: ARN,
        created: Timestamp,
        region: Region
    ) {
        (self.id, self.sizeBytes, self.dataUnitBytes) = (id, sizeBytes, dataUnitBytes)
        (self.cipherName, self.kmsKeyARN) = (cipherName, kmsKeyARN)
        (self.created, self.region) = (created, region)
    }
}
