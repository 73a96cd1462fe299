public import CofferShapes

/// What `startSnapshot` begins. (EBS direct API reference, `StartSnapshot`.)
public struct StartSnapshotRequest: Sendable {
    /// GiB, 1 to 65536.
    public var volumeSizeGiB: Int
    /// The id of a snapshot whose blocks this one has, where no others are written.
    public var parent: String?
    public var tags: [Tag] = []
    public var description = ""
    /// The same again begins nothing.
    public var clientToken: String?
    /// Not together with a parent, whose key a child has.
    public var isEncrypted: Bool?
    public var key: KeyReference?
    /// After so many minutes in which no block is written the snapshot is given up, 10 to 4320.
    public var timeoutMinutes = 60

    public init(volumeSizeGiB: Int) { self.volumeSizeGiB = volumeSizeGiB }
}

/// A snapshot that was begun.
public struct StartedSnapshot: Sendable {
    public let snapshot: Snapshot
    public let parent: SnapshotID?
}

/// A block that is sent: 512 KiB of plaintext, and its SHA-256 as the sender gives it.
public struct DirectBlockUpload: Sendable {
    public var index: Int
    /// May hold plaintext that is its owner's to wipe.
    public var data: [UInt8]
    /// 32 bytes.
    public var checksum: [UInt8]
    /// How far the sender is, percent.
    public var progress: Int?

    public init(index: Int, data: [UInt8], checksum: [UInt8], progress: Int? = nil) {
        (self.index, self.data, self.checksum, self.progress) = (index, data, checksum, progress)
    }
}

/// Which part of a list of blocks is asked for.
public struct DirectBlockQuery: Sendable {
    /// Of no account with a page's token.
    public var startingIndex: Int
    /// 100 to 10000.
    public var limit: Int?
    public var pageToken: String?

    public init(startingIndex: Int = 0, limit: Int? = nil, pageToken: String? = nil) {
        (self.startingIndex, self.limit, self.pageToken) = (startingIndex, limit, pageToken)
    }
}

/// A part of a list of blocks, which is in ascending order.
public struct DirectBlockList<Item: Sendable>: Sendable {
    public let items: [Item]
    /// When the blocks' tokens expire.
    public let expiry: Timestamp
    public let volumeSizeGiB: UInt64
    /// nil at the end. A part may be empty and not the last.
    public let nextToken: String?
}

/// A block that a snapshot has.
public struct DirectBlock: Sendable {
    public let index: UInt64
    public let token: String
}

/// A block in which two snapshots differ.
public struct DirectChangedBlock: Sendable {
    public let index: UInt64
    /// nil where the first snapshot has no such block.
    public let firstToken: String?
    public let secondToken: String
}

/// A block's plaintext, which is its receiver's to wipe, with its SHA-256.
public struct DirectBlockData: Sendable {
    public let data: [UInt8]
    public let checksum: [UInt8]
}
