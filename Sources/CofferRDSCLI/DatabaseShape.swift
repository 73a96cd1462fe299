internal import CofferCatalog
internal import CofferRDS
internal import CofferShapes
internal import CofferTerminal

/// An instance as JSON: the RDS API's members, and Coffer's own beside them.
struct DatabaseShape: Encodable {
    struct EndpointShape: Encodable {
        let Address: String
        let Port: Int
    }

    struct TagShape: Encodable {
        let Key: String
        let Value: String
    }

    let DBInstanceIdentifier: String
    let DbiResourceId: String
    let DBInstanceArn: String
    let DBInstanceStatus: String
    let StatusReason: String?
    let Engine: String
    let EngineVersion: String
    let AllocatedStorage: Int
    let StorageEncrypted: Bool
    let KmsKeyId: String
    let MasterUsername: String
    let DBName: String?
    let Endpoint: EndpointShape?
    let Url: String?
    let DBParameterGroupName: String
    let Parameters: [String: String]
    let BackupRetentionPeriod: Int
    let PreferredBackupWindow: String
    let EarliestRestorableTime: String?
    let LatestRestorableTime: String?
    let DeletionProtection: Bool
    let InstanceCreateTime: String
    let VolumeId: String?
    let SupervisorProcessId: Int32?
    let EngineProcessId: Int32?
    let TagList: [TagShape]

    init(_ database: Database) {
        let record = database.record
        DBInstanceIdentifier = record.identifier.text
        DbiResourceId = record.id.text
        DBInstanceArn = database.arn.description
        (DBInstanceStatus, StatusReason) = (database.status.rawValue, database.statusReason)
        (Engine, EngineVersion) = (record.engine.rawValue, record.engineVersion)
        AllocatedStorage = record.allocatedGiB
        (StorageEncrypted, KmsKeyId) = (record.isEncrypted, record.kmsKeyARN.description)
        (MasterUsername, DBName) = (record.masterUser, record.databaseName)
        Endpoint = database.address.map { EndpointShape(Address: $0, Port: record.port) }
        Url = database.url
        (DBParameterGroupName, Parameters) = (record.parameterGroup, record.parameters)
        (BackupRetentionPeriod, PreferredBackupWindow) = (record.backupRetentionDays, record.backupWindow)
        EarliestRestorableTime = database.earliestRestorableTime?.iso8601
        LatestRestorableTime = database.latestRestorableTime?.iso8601
        DeletionProtection = record.isProtected
        InstanceCreateTime = record.created.iso8601
        VolumeId = record.volume?.text
        (SupervisorProcessId, EngineProcessId) = (database.supervisorProcessID, database.engineProcessID)
        TagList = record.tags.map { TagShape(Key: $0.key, Value: $0.value) }
    }

    var pairs: [(label: String, value: String)] {
        var pairs = [
            ("name", DBInstanceIdentifier), ("status", DBInstanceStatus), ("note", StatusReason ?? "-"),
            ("engine", "\(Engine) \(EngineVersion)"), ("url", Url ?? "-"),
            ("size", "\(AllocatedStorage) GiB"),
            ("KMS key", KmsKeyId), ("master user", MasterUsername), ("parameter group", DBParameterGroupName),
        ]
        pairs += Parameters.sorted { $0.key < $1.key }.map { ("parameter", "\($0.key)=\($0.value)") }
        pairs += [
            ("backups kept", "\(BackupRetentionPeriod) days"),
            ("backup window", "\(PreferredBackupWindow) UTC"),
            ("restorable from", EarliestRestorableTime ?? "-"),
            ("restorable to", LatestRestorableTime ?? "-"),
            ("deletion protection", DeletionProtection ? "on" : "off"), ("created", InstanceCreateTime),
            ("volume", VolumeId ?? "-"), ("supervisor", SupervisorProcessId.map { "\($0)" } ?? "-"),
            ("engine's process", EngineProcessId.map { "\($0)" } ?? "-"), ("resource id", DbiResourceId),
            ("ARN", DBInstanceArn),
        ]
        pairs += TagList.map { ("tag", "\($0.Key)=\($0.Value)") }
        return pairs.map { (label: $0.0, value: $0.1) }
    }

    /// What a command prints that has made or started an instance: its connection string alone, or all as JSON.
    static func show(_ database: Database, _ output: OutputFormat) throws {
        switch output {
        case .json: try Terminal.json(DatabaseShape(database))
        case .table: print(database.url ?? database.identifier.text)
        }
    }
}

/// A snapshot of an instance as JSON.
struct DatabaseSnapshotShape: Encodable {
    let DBSnapshotIdentifier: String
    let DBSnapshotArn: String
    let DBInstanceIdentifier: String
    let DbiResourceId: String
    let Status: String
    let StatusReason: String?
    let SnapshotType: String
    let PercentProgress: Int
    let SnapshotCreateTime: String
    let OriginalSnapshotCreateTime: String
    let Engine: String
    let EngineVersion: String
    let AllocatedStorage: Int
    let Encrypted: Bool
    let KmsKeyId: String
    let SnapshotId: String?
    let SharedWith: [String]

    init(_ snapshot: DatabaseSnapshot) {
        let record = snapshot.record
        DBSnapshotIdentifier = record.identifier.text
        DBSnapshotArn = snapshot.arn.description
        (DBInstanceIdentifier, DbiResourceId) = (record.source.identifier.text, record.source.id.text)
        (Status, StatusReason) = (snapshot.status.rawValue, snapshot.statusReason)
        (SnapshotType, PercentProgress) = (record.kind.rawValue, snapshot.progress)
        (SnapshotCreateTime, OriginalSnapshotCreateTime) = (
            record.created.iso8601, record.originalTime.iso8601
        )
        (Engine, EngineVersion) = (record.source.engine.rawValue, record.source.engineVersion)
        AllocatedStorage = record.source.allocatedGiB
        (Encrypted, KmsKeyId) = (record.isEncrypted, record.kmsKeyARN.description)
        (SnapshotId, SharedWith) = (record.snapshot?.text, record.sharedWith)
    }

    var pairs: [(label: String, value: String)] {
        [
            ("name", DBSnapshotIdentifier), ("status", Status), ("note", StatusReason ?? "-"),
            ("instance", DBInstanceIdentifier), ("type", SnapshotType), ("progress", "\(PercentProgress) %"),
            ("made", SnapshotCreateTime), ("shows", OriginalSnapshotCreateTime),
            ("engine", "\(Engine) \(EngineVersion)"), ("size", "\(AllocatedStorage) GiB"),
            ("KMS key", KmsKeyId),
            ("volume snapshot", SnapshotId ?? "-"), ("shared with", SharedWith.joined(separator: " ")),
            ("ARN", DBSnapshotArn),
        ].map { (label: $0.0, value: $0.1) }
    }

    /// Its name alone, or all as JSON.
    static func show(_ snapshot: DatabaseSnapshot, _ output: OutputFormat) throws {
        switch output {
        case .json: try Terminal.json(DatabaseSnapshotShape(snapshot))
        case .table: print(snapshot.record.identifier)
        }
    }
}

/// An event as JSON.
struct EventShape: Encodable {
    let Date: String
    let SourceType: String
    let SourceIdentifier: String
    let EventCategories: [String]
    let Message: String

    init(_ event: DatabaseEvent) {
        Date = event.time.iso8601
        (SourceType, SourceIdentifier) = (event.kind.rawValue, event.identifier)
        (EventCategories, Message) = ([event.category], event.message)
    }
}
