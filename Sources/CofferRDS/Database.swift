public import CofferCatalog
public import CofferShapes

/// A database instance as `describeDBInstances` tells of it: what was asked for, and what runs.
public struct Database: Sendable {
    public let record: DatabaseRecord
    public let arn: ARN
    public let status: DatabaseStatus
    /// Why the status is what it is, and what to do about it; nil where nothing is wrong.
    public let statusReason: String?
    /// What a client connects with, without a password; nil while nothing answers.
    public let url: String?
    /// The host that listens, or the path of an SQLite database.
    public let address: String?
    /// Up to when, and from when, it can be restored to a time; nil where it cannot.
    public let latestRestorableTime: Timestamp?
    public let earliestRestorableTime: Timestamp?
    public let figures: EngineFigures
    /// Changed parameters that wait for a restart.
    public let waitingParameters: [String]
    public let supervisorProcessID: Int32?
    public let engineProcessID: Int32?
    /// How often the supervisor has started the engine.
    public let startCount: Int

    public var identifier: DatabaseIdentifier { record.identifier }
}

/// States of an instance as RDS names them. (RDS user guide, "Viewing Amazon RDS DB instance status".)
public enum DatabaseStatus: String, Sendable, CaseIterable {
    case creating, available, modifying, rebooting, starting, stopping, stopped, deleting, failed
    case backingUp = "backing-up"
    case restoreError = "restore-error"
    case storageFull = "storage-full"
    case keyRecoverable = "inaccessible-encryption-credentials-recoverable"
    case keyLost = "inaccessible-encryption-credentials"

    /// Whether clients can connect.
    public var isUsable: Bool {
        switch self {
        case .available, .backingUp, .modifying: true
        default: false
        }
    }
}

/// A snapshot of an instance as `describeDBSnapshots` tells of it.
public struct DatabaseSnapshot: Sendable {
    public let record: DatabaseSnapshotRecord
    public let arn: ARN
    public let status: Status
    public let statusReason: String?
    /// Percent.
    public let progress: Int

    /// (RDS API reference, `DBSnapshot`, "Status".)
    public enum Status: String, Sendable {
        case creating, available, failed
    }
}
