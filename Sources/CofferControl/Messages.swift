public import CofferShapes

/// How a daemon reads and writes the volume's file.
public enum BackingIO: String, Codable, Sendable, CaseIterable {
    /// Through the page cache, unless the daemon shares a memory-limited group with those who use the volume.
    case auto
    /// Through the page cache.
    case cached
    /// Past it (open(2), O_DIRECT).
    case direct
}

/// What the starter of a daemon sends it over their private socket, before the volume key. Nothing in it is secret.
public struct AttachOrder: Codable, Sendable, Equatable {
    public var volumeID: String
    /// The folder to mount on; it exists. nil: nothing is mounted, and the daemon leaves once it has done what it is asked
    /// for over its control socket.
    public var exposedDirectory: String?
    /// Where the daemon listens for `ControlRequest`s.
    public var controlSocketPath: String
    /// The file that the daemon logs to.
    public var logPath: String
    /// The volume's changed-block map, made where it is missing; nil where nothing is written to the volume.
    public var changedMapPath: String?
    public var isReadOnly: Bool
    /// Leave when the exposed file, once opened, is closed by its last user (set by `mount`).
    public var leavesAtLastClose: Bool
    /// Give room back on discard; otherwise write encrypted zeroes, which hides which units hold data.
    public var punchesHoles: Bool
    public var backingIO: BackingIO
    /// Serving threads, at least 1; nil: as many as suit the machine and the backing I/O.
    public var threadCount: Int?

    public init(
        volumeID: String,
        exposedDirectory: String?,
        controlSocketPath: String,
        logPath: String,
        changedMapPath: String? = nil,
        isReadOnly: Bool,
        leavesAtLastClose: Bool,
        punchesHoles: Bool,
        backingIO: BackingIO,
        threadCount: Int?
    ) {
        self.volumeID = volumeID
        self.exposedDirectory = exposedDirectory
        self.controlSocketPath = controlSocketPath
        self.logPath = logPath
        self.changedMapPath = changedMapPath
        self.isReadOnly = isReadOnly
        self.leavesAtLastClose = leavesAtLastClose
        self.punchesHoles = punchesHoles
        self.backingIO = backingIO
        self.threadCount = threadCount
    }
}

/// What a daemon must know of the volume besides its key: fields of the header, which the starter has read and
/// authenticated. It follows the `AttachOrder`; after it come the 64 bytes of the volume key, raw.
public struct VolumeParameters: Codable, Sendable, Equatable {
    /// Where the data begins in the store, bytes.
    public var dataOffset: UInt64
    public var volumeBytes: UInt64
    /// 512 or 4096.
    public var dataUnitBytes: Int
    /// The cipher's number in the format.
    public var cipherID: UInt32
    /// The 32 bytes of salt and the 16 of the uuid that steer the derivation of the data's keys, in hex.
    public var saltHex: String
    public var uuidHex: String
    /// The header that was read, or written last: what the daemon writes follows it.
    public var mark: RollbackMark
    /// What a volume that is not filled yet is filled from. Then 64 bytes of the snapshot's volume key follow those of the
    /// volume's own.
    public var fill: FillParameters?
    /// Whether some of the data is under the volume key before this one. Then 64 bytes of that one follow.
    public var isReencrypting: Bool

    public init(
        dataOffset: UInt64,
        volumeBytes: UInt64,
        dataUnitBytes: Int,
        cipherID: UInt32,
        saltHex: String,
        uuidHex: String,
        mark: RollbackMark,
        fill: FillParameters? = nil,
        isReencrypting: Bool = false
    ) {
        self.dataOffset = dataOffset
        self.volumeBytes = volumeBytes
        self.dataUnitBytes = dataUnitBytes
        self.cipherID = cipherID
        self.saltHex = saltHex
        self.uuidHex = uuidHex
        self.mark = mark
        self.fill = fill
        self.isReencrypting = isReencrypting
    }
}

/// The snapshot that a volume is filled from.
public struct FillParameters: Codable, Sendable, Equatable {
    public var snapshotID: String
    public var snapshotsFolder: String
    /// The volume's fill map.
    public var mapPath: String

    public init(snapshotID: String, snapshotsFolder: String, mapPath: String) {
        (self.snapshotID, self.snapshotsFolder, self.mapPath) = (snapshotID, snapshotsFolder, mapPath)
    }
}

extension AttachOrder {
    /// A file that the daemon leaves when its last sync failed: what was written since the one before may be lost.
    public static func unsyncedMark(controlSocketPath: String) -> String { controlSocketPath + ".unsynced" }
}

/// The daemon's answer, once: it serves and the mount answers, or why not.
public enum AttachAnswer: Codable, Sendable, Equatable {
    case ready(AttachReady)
    case failed(DaemonFailure)
}

public struct AttachReady: Codable, Sendable, Equatable {
    public var processID: Int32
    /// The FUSE connection's number: the name of its folder under /sys/fs/fuse/connections.
    /// 0 where nothing is mounted.
    public var fuseConnection: UInt32
    /// Sentences for the user.
    public var notices: [String]

    public init(processID: Int32, fuseConnection: UInt32, notices: [String]) {
        self.processID = processID
        self.fuseConnection = fuseConnection
        self.notices = notices
    }
}

/// Why a daemon did not do what it was asked for: an `AWSError` on its way.
public struct DaemonFailure: Codable, Sendable, Equatable {
    private var code: String
    private var kind: AWSError.Kind
    private var message: String
    private var hint: String?

    public init(_ error: AWSError) {
        (code, kind, message, hint) = (error.code.name, error.code.kind, error.message, error.hint)
    }

    public var error: AWSError { AWSError(AWSError.Code(code, kind), message, hint: hint) }
}

/// What may be asked of a serving daemon over its control socket. While it serves, it alone writes the volume's file.
public enum ControlRequest: Codable, Sendable, Equatable {
    /// Answered by a `DaemonStatus`.
    case status
    /// Makes the volume larger; answered by a `ControlAnswer`.
    case grow(toBytes: UInt64)
    /// Begins a snapshot; answered by a `ControlAnswer` once the volume's content is fixed. The blocks are copied in the
    /// background; `status` tells how far that has come, and the snapshot's folder how it ends.
    case beginSnapshot(SnapshotOrder)
    /// Puts the volume key, wrapped anew, into the header: whoever asks has proved that it opens. Answered by a
    /// `ControlAnswer`.
    case rewrap(WrappedKeyOrder)
    /// Begins to bring the data under a new volume key, wrapped like this, whose 64 bytes follow the message. Answered by a
    /// `ControlAnswer` once the header says so; `status` tells how far it has come.
    case beginReencryption(WrappedKeyOrder)
}

/// A volume key as a KMS wrapped it.
public struct WrappedKeyOrder: Codable, Sendable, Equatable {
    public var keyARN: String
    /// The ciphertext blob, in hex.
    public var blobHex: String
    public var context: [String: String]

    public init(keyARN: String, blobHex: String, context: [String: String]) {
        (self.keyARN, self.blobHex, self.context) = (keyARN, blobHex, context)
    }
}

/// What a daemon must know of a snapshot that it is to make.
public struct SnapshotOrder: Codable, Sendable, Equatable {
    public var snapshotID: String
    /// The home's folder of snapshots; it exists.
    public var snapshotsFolder: String
    /// Complete snapshots of the volume, the newest first: what the new one is compared with, where the changed-block map
    /// knows nothing.
    public var earlier: [String]
    /// The filesystem on the volume: it is frozen at the snapshot's moment, so that it is clean.
    public var filesystem: FilesystemPlace?

    public init(
        snapshotID: String,
        snapshotsFolder: String,
        earlier: [String],
        filesystem: FilesystemPlace?
    ) {
        (self.snapshotID, self.snapshotsFolder) = (snapshotID, snapshotsFolder)
        (self.earlier, self.filesystem) = (earlier, filesystem)
    }
}

/// Where a filesystem is mounted, and the device that it is on: its major and minor number.
public struct FilesystemPlace: Codable, Sendable, Equatable {
    public var directory: String
    public var deviceMajor: UInt32
    public var deviceMinor: UInt32

    public init(directory: String, deviceMajor: UInt32, deviceMinor: UInt32) {
        (self.directory, self.deviceMajor, self.deviceMinor) = (directory, deviceMajor, deviceMinor)
    }
}

/// How far a snapshot has come that a daemon is making.
public struct SnapshotProgressReport: Codable, Sendable, Equatable {
    public var snapshotID: String
    public var blocksDone: UInt64
    public var blocksTotal: UInt64

    public init(snapshotID: String, blocksDone: UInt64, blocksTotal: UInt64) {
        (self.snapshotID, self.blocksDone, self.blocksTotal) = (snapshotID, blocksDone, blocksTotal)
    }
}

/// Answer of whatever changes the volume.
public enum ControlAnswer: Codable, Sendable, Equatable {
    /// It is done, and durable; the header is this one now.
    case done(RollbackMark)
    case failed(DaemonFailure)
}

/// Answer of `status`.
public struct DaemonStatus: Codable, Sendable, Equatable {
    public enum State: String, Codable, Sendable {
        case serving
        /// A sync of the store failed: reads go on, every write and sync fails until the volume is attached again.
        case faulted
        case leaving
    }

    public var volumeID: String
    public var processID: Int32
    public var state: State
    /// 0 where nothing is mounted.
    public var fuseConnection: UInt32
    /// How many times the exposed file is open now.
    public var openCount: Int
    /// The volume's size, bytes.
    public var volumeBytes: UInt64
    public var threadCount: Int
    /// Never `.auto`: what was chosen.
    public var backingIO: BackingIO
    /// The cipher kernel's name.
    public var kernel: String
    /// How the key's memory is protected (`LockedMemory.Protection`).
    public var keyMemory: String
    /// The largest request, bytes.
    public var requestBytes: Int
    public var bytesRead: UInt64
    public var bytesWritten: UInt64
    /// The snapshot that is being made, if any.
    public var snapshot: SnapshotProgressReport?
    /// Percent of the volume's content that is under its own key; nil for a volume that needs no filling.
    public var filledPercent: Int?
    /// Percent of the volume that is under its new key; nil while it is not being re-encrypted.
    public var reencryptedPercent: Int?

    public init(
        volumeID: String,
        processID: Int32,
        state: State,
        fuseConnection: UInt32,
        openCount: Int,
        volumeBytes: UInt64,
        threadCount: Int,
        backingIO: BackingIO,
        kernel: String,
        keyMemory: String,
        requestBytes: Int,
        bytesRead: UInt64,
        bytesWritten: UInt64,
        snapshot: SnapshotProgressReport?,
        filledPercent: Int?,
        reencryptedPercent: Int?
    ) {
        self.volumeID = volumeID
        self.processID = processID
        self.state = state
        self.fuseConnection = fuseConnection
        self.openCount = openCount
        self.volumeBytes = volumeBytes
        self.threadCount = threadCount
        self.backingIO = backingIO
        self.kernel = kernel
        self.keyMemory = keyMemory
        self.requestBytes = requestBytes
        self.bytesRead = bytesRead
        self.bytesWritten = bytesWritten
        self.snapshot = snapshot
        self.filledPercent = filledPercent
        self.reencryptedPercent = reencryptedPercent
    }
}
