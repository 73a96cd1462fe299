internal import CofferCatalog
internal import CofferShapes

/// One thing in a home that is not as it should be.
public struct HomeFinding: Sendable {
    /// For programs: one of `HomeFinding.Code`, or of what a check of a header or of the snapshots finds.
    public let code: String
    /// What it is about: an id, or a path.
    public let resource: String
    /// For people.
    public let sentence: String
    /// How it is mended; nil where that would lose something, or is not Coffer's to decide.
    let mend: HomeMend?

    /// Whether `repairHome` mends it.
    public var canBeRepaired: Bool { mend != nil }

    public enum Code: String, Sendable {
        // Volumes.
        case creationInterrupted, creationFailed, deletionInterrupted, fileMissing, fileUnlisted
        case indexStale, modificationInterrupted
        case fillMapMissing, fillSnapshotMissing
        // Attachments.
        case daemonDied, daemonHangs, daemonFaulted, daemonUnlisted
        case attachmentEnded, grantLeft, staleNotes
        // Snapshots.
        case snapshotInterrupted, snapshotFailed, snapshotMissing, snapshotUnlisted, snapshotLeft,
            snapshotRetired
        // Of any kind.
        case leftoverFile, leftoverEntry, foreignFile
    }

    init(_ code: Code, _ resource: String, _ sentence: String, _ mend: HomeMend? = nil) {
        self.init(code.rawValue, resource, sentence, mend)
    }

    init(_ code: String, _ resource: String, _ sentence: String, _ mend: HomeMend? = nil) {
        (self.code, self.resource, self.sentence, self.mend) = (code, resource, sentence, mend)
    }

    /// Whether both tell of the same.
    func isSame(as other: HomeFinding) -> Bool {
        code == other.code && resource == other.resource && mend == other.mend
    }
}

/// What mends a finding. Each looks again, under the locks that it takes, before it changes anything.
enum HomeMend: Sendable, Equatable {
    /// A volume whose making or removal was cut short, or failed.
    case removeVolume(VolumeID)
    case rewriteHeader(VolumeID)
    /// Ends a change of the KMS key, and takes what the header says into the index.
    case settleHeader(VolumeID)
    case resumeReencryption(VolumeID)
    case settleModification(VolumeID)
    case undoAttachment(VolumeID)
    case endAttachment(VolumeID)
    case retireGrants(VolumeID)
    /// Notes in the runtime folder of a volume that is not attached; of one that is gone all of it.
    case clearNotes(VolumeID)
    case removeNotes(VolumeID)
    case unlock(SnapshotID)
    /// Maps of a volume that is gone, or that is filled.
    case removeMaps(VolumeID)
    case removeTags(String)
    case removePermissions(String)
    case removeModifications(VolumeID)
    case removeSnapshot(SnapshotID)
    /// Of which a copy of a volume was made.
    case discardSnapshot(SnapshotID, of: VolumeID)
    case removeSnapshotFolder(SnapshotID)
    case listSnapshot(SnapshotID)
    case releaseRetired
    /// Whatever the check of the snapshots' own files finds.
    case cleanSnapshots

    /// What was done, for people.
    var deed: String {
        switch self {
        case .removeVolume, .removeSnapshot, .discardSnapshot: "removed"
        case .rewriteHeader: "written anew from the good copy"
        case .settleHeader: "the index has what the header says"
        case .resumeReencryption: "going on in the background"
        case .settleModification: "noted as ended"
        case .undoAttachment: "unmounted and detached"
        case .endAttachment: "noted as detached"
        case .retireGrants: "retired"
        case .listSnapshot: "taken into the index"
        case .clearNotes, .removeNotes, .unlock, .removeMaps, .removeTags, .removePermissions,
            .removeModifications,
            .removeSnapshotFolder, .releaseRetired:
            "removed"
        case .cleanSnapshots: "cleaned up"
        }
    }
}

/// Which part of a home is looked at.
public enum HomeScope: Sendable {
    case all, snapshots
}

/// What a check of a home found.
public struct HomeReport: Sendable {
    /// A header or manifest whose code could not be checked: without the key forged bytes look like honest ones.
    public struct Unauthenticated: Sendable {
        public let resource: String
        public let why: String
    }

    public internal(set) var findings: [HomeFinding] = []
    /// What somebody is working on, so that nothing can be said of it: ids, sorted.
    public internal(set) var busy: Set<String> = []
    public internal(set) var unauthenticated: [Unauthenticated] = []
    public internal(set) var volumesChecked = 0
    public internal(set) var snapshotsChecked = 0
    /// Snapshots' blocks of 512 KiB that were read and found right; 0 where none was to be read.
    public internal(set) var blocksRead: UInt64 = 0

    public var isClean: Bool { findings.isEmpty }
}

/// What a repair of a home did.
public struct HomeRepair: Sendable {
    /// A finding that was mended, and how; or was not, and why.
    public struct Deed: Sendable {
        public let finding: HomeFinding
        public let words: String
    }

    public internal(set) var mended: [Deed] = []
    public internal(set) var failed: [Deed] = []
    /// What is left.
    public internal(set) var report: HomeReport
}
