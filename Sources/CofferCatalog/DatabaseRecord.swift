public import CofferShapes

/// What the catalogue knows of a database instance: what was asked for and how far it is. What runs, the processes tell.
public struct DatabaseRecord: Sendable, Codable, Equatable {
    public let id: DatabaseID
    public var identifier: DatabaseIdentifier
    public let region: Region
    public let engine: DatabaseEngineKind
    public var engineVersion: String
    public var instanceClass: String
    /// What was asked for, such as `gp3`; told, and without effect. nil: nothing was.
    public var storageType: String?
    /// The volume with all that it stores; nil until it is made.
    public var volume: VolumeID?
    public var allocatedGiB: Int
    /// What the API answers, as for a volume.
    public let isEncrypted: Bool
    public let kmsKeyARN: ARN
    public var masterUser: String
    /// The database that is made with the instance; nil: none but the engine's own.
    public var databaseName: String?
    /// 0 for an engine without one.
    public var port: Int
    /// Nobody asked for this one: while the instance is new, another will do.
    public var hasAnyPort = false
    public var parameterGroup: String
    /// What was set for this instance alone, over its parameter group.
    public var parameters: [String: String] = [:]
    /// Days; 0: no automated snapshots and no restore to a time.
    public var backupRetentionDays: Int
    /// UTC, such as `03:00-03:30`.
    public var backupWindow: String
    public var isProtected = false
    public let created: Timestamp
    public let origin: Origin
    public var stage = Stage.creating
    /// Why it failed, for people.
    public var failure: String?
    public var wanted = Wanted.running
    /// Since when the KMS key cannot be used; nil while it can.
    public var keyLost: Timestamp?
    public var keyWatch: KeyWatch
    /// Of one that is being deleted: the snapshot that has to be complete first, and whether its backups stay.
    public var finalSnapshot: DatabaseIdentifier?
    public var keepsBackups: Bool?
    /// Up to when the archive had all when the instance was last stopped.
    public var latestRestorable: Timestamp?
    /// Grants on KMS keys that the instance holds.
    public var grants: [DatabaseGrant] = []
    /// Who made it: what is left to do for the creation is done in that one's name.
    public let maker: ARN
    /// Whether its snapshots begin with its tags.
    public var copiesTags: Bool?
    public var tags: [DatabaseTag] = []

    /// What the instance begins with.
    public enum Origin: Sendable, Codable, Equatable {
        case empty
        /// A snapshot by the id of its volume's snapshot.
        case snapshot(SnapshotID)
        /// A snapshot, and the archive of `source` from there to the time.
        case time(SnapshotID, source: DatabaseID, Timestamp)
    }

    public enum Stage: String, Sendable, Codable {
        case creating, ready, failed, deleting
    }

    public enum Wanted: String, Sendable, Codable {
        case running, stopped
    }

    /// How the KMS key is watched over.
    public struct KeyWatch: Sendable, Codable, Equatable {
        /// How often it is tried.
        public var periodSeconds = 60
        /// How long an instance that was stopped for its key can be started again: 7 days. (RDS user guide, "Overview of
        /// encrypting Amazon RDS resources".)
        public var recoverySeconds = 604_800

        public init() {}
    }

    public init(
        id: DatabaseID,
        identifier: DatabaseIdentifier,
        region: Region,
        engine: DatabaseEngineKind,
        engineVersion: String,
        instanceClass: String,
        allocatedGiB: Int,
        isEncrypted: Bool,
        kmsKeyARN: ARN,
        masterUser: String,
        port: Int,
        parameterGroup: String,
        backupRetentionDays: Int,
        backupWindow: String,
        keyWatch: KeyWatch,
        created: Timestamp,
        origin: Origin,
        maker: ARN
    ) {
        self.keyWatch = keyWatch
        (self.id, self.identifier, self.region) = (id, identifier, region)
        (self.engine, self.engineVersion, self.instanceClass) = (engine, engineVersion, instanceClass)
        (self.allocatedGiB, self.isEncrypted, self.kmsKeyARN) = (allocatedGiB, isEncrypted, kmsKeyARN)
        (self.masterUser, self.port, self.parameterGroup) = (masterUser, port, parameterGroup)
        (self.backupRetentionDays, self.backupWindow) = (backupRetentionDays, backupWindow)
        (self.created, self.origin, self.maker) = (created, origin, maker)
    }
}

/// A grant that an instance holds.
public struct DatabaseGrant: Sendable, Codable, Hashable {
    public let key: ARN
    public let id: String

    public init(key: ARN, id: String) { (self.key, self.id) = (key, id) }
}

/// A tag as the catalogue's documents have it.
public struct DatabaseTag: Sendable, Codable, Hashable {
    public let key: String
    public let value: String

    public init(_ tag: Tag) { (key, value) = (tag.key, tag.value) }

    public var tag: Tag { Tag(key: key, value: value) }
}

/// What the catalogue knows of a snapshot of a database instance. Its data is a snapshot of the instance's volume.
public struct DatabaseSnapshotRecord: Sendable, Codable, Equatable {
    public let identifier: DatabaseIdentifier
    public let region: Region
    /// nil until the volume's snapshot is begun.
    public var snapshot: SnapshotID?
    /// Of the instance, as it was.
    public let source: DatabaseRecord
    public let kind: Kind
    public let created: Timestamp
    /// Since when its content is what it is: a copy keeps its original's.
    public var originalTime: Timestamp
    public let kmsKeyARN: ARN
    public let isEncrypted: Bool
    public var failure: String?
    /// Accounts that may restore it; `all` for everybody.
    public var sharedWith: [String] = []
    public var tags: [DatabaseTag] = []

    public enum Kind: String, Sendable, Codable {
        case manual, automated
    }

    public init(
        identifier: DatabaseIdentifier,
        region: Region,
        source: DatabaseRecord,
        kind: Kind,
        created: Timestamp,
        originalTime: Timestamp,
        kmsKeyARN: ARN,
        isEncrypted: Bool
    ) {
        (self.identifier, self.region, self.source, self.kind) = (identifier, region, source, kind)
        (self.created, self.originalTime) = (created, originalTime)
        (self.kmsKeyARN, self.isEncrypted) = (kmsKeyARN, isEncrypted)
    }
}

/// A parameter group that a user made. (`DBParameterGroup`)
public struct ParameterGroupRecord: Sendable, Codable, Equatable {
    public let name: DatabaseIdentifier
    public let region: Region
    /// Such as `postgres15`.
    public let family: String
    public let description: String
    public var parameters: [String: String] = [:]
    public var tags: [DatabaseTag] = []

    public init(name: DatabaseIdentifier, region: Region, family: String, description: String) {
        (self.name, self.region, self.family, self.description) = (name, region, family, description)
    }
}
