internal import CofferCatalog
internal import CofferRDS
internal import CofferShapes

// The structures that several answers share: each writes its members into the element that the caller has begun. (RDS
// API reference, "Data Types")
extension XMLWriter {
    /// `status` where the answer says what was just begun.
    mutating func database(_ database: Database, as status: DatabaseStatus? = nil) {
        let record = database.record
        element("DBInstanceIdentifier", record.identifier.text)
        element("DBInstanceArn", database.arn.description)
        element("DbiResourceId", record.id.text)
        element("DBInstanceClass", record.instanceClass)
        element("DBInstanceStatus", (status ?? database.status).rawValue)
        statusInfos(database)
        element("Engine", record.engine.rawValue)
        element("EngineVersion", record.engineVersion)
        element("LicenseModel", record.engine.licenseModel)
        if record.engine.hasMasterUser { element("MasterUsername", record.masterUser) }
        element("DBName", record.databaseName)
        if let address = database.address {
            element("Endpoint") { writer in
                writer.element("Address", address)
                writer.element("Port", record.port)
            }
        }
        element("DbInstancePort", 0)
        storage(record)
        element("StorageEncrypted", record.isEncrypted)
        element("StorageEncryptionType", record.isEncrypted ? "sse-kms" : "none")
        if record.isEncrypted { element("KmsKeyId", record.kmsKeyARN.description) }
        if record.stage != .creating { element("InstanceCreateTime", record.created.iso8601) }
        backups(database)
        element("PreferredMaintenanceWindow", "sun:04:00-sun:04:30")
        element("PendingModifiedValues") { _ in }
        list("DBParameterGroups", of: "DBParameterGroup", [database]) { writer, database in
            writer.element("DBParameterGroupName", database.record.parameterGroup)
            writer.element(
                "ParameterApplyStatus",
                database.waitingParameters.isEmpty ? "in-sync" : "pending-reboot"
            )
        }
        absences(record.region)
        element("CopyTagsToSnapshot", record.copiesTags ?? false)
        element("DeletionProtection", record.isProtected)
        databaseTags(record.tags)
    }

    /// Why an instance is as it is, where there is something to tell.
    private mutating func statusInfos(_ database: Database) {
        list("StatusInfos", of: "DBInstanceStatusInfo", database.statusReason.map { [$0] } ?? []) {
            writer,
            reason in
            writer.element("StatusType", "instance")
            writer.element("Normal", database.status.isUsable || database.status == .creating)
            writer.element("Status", database.status.rawValue)
            writer.element("Message", reason)
        }
    }

    private mutating func storage(_ record: DatabaseRecord) {
        element("AllocatedStorage", record.allocatedGiB)
        element("StorageType", record.storageType ?? "gp3")
    }

    private mutating func backups(_ database: Database) {
        element("BackupRetentionPeriod", database.record.backupRetentionDays)
        element("PreferredBackupWindow", database.record.backupWindow)
        element("LatestRestorableTime", database.latestRestorableTime?.iso8601)
        element("BackupTarget", "region")
    }

    /// What clients look at, and Coffer has not.
    private mutating func absences(_ region: Region) {
        element("AvailabilityZone", region.zone)
        for name in [
            "DBSecurityGroups", "VpcSecurityGroups", "ReadReplicaDBInstanceIdentifiers",
            "OptionGroupMemberships", "DomainMemberships", "AssociatedRoles",
        ] {
            element(name) { _ in }
        }
        for name in [
            "MultiAZ", "PubliclyAccessible", "AutoMinorVersionUpgrade", "IAMDatabaseAuthenticationEnabled",
            "PerformanceInsightsEnabled", "CustomerOwnedIpEnabled",
        ] {
            element(name, false)
        }
        element("MonitoringInterval", 0)
        element("NetworkType", "IPV4")
    }

    mutating func databaseSnapshot(_ snapshot: DatabaseSnapshot, as status: String? = nil) {
        let (record, source) = (snapshot.record, snapshot.record.source)
        element("DBSnapshotIdentifier", record.identifier.text)
        element("DBSnapshotArn", snapshot.arn.description)
        element("DBInstanceIdentifier", source.identifier.text)
        element("DbiResourceId", source.id.text)
        element("SnapshotCreateTime", record.created.iso8601)
        element("OriginalSnapshotCreateTime", record.originalTime.iso8601)
        element("SnapshotDatabaseTime", record.originalTime.iso8601)
        element("InstanceCreateTime", source.created.iso8601)
        element("SnapshotType", record.kind.rawValue)
        element("Status", status ?? snapshot.status.rawValue)
        element("PercentProgress", snapshot.progress)
        element("Engine", source.engine.rawValue)
        element("EngineVersion", source.engineVersion)
        element("LicenseModel", source.engine.licenseModel)
        if source.engine.hasMasterUser { element("MasterUsername", source.masterUser) }
        element("Port", source.port)
        element("AvailabilityZone", record.region.zone)
        storage(source)
        element("Encrypted", record.isEncrypted)
        element("StorageEncryptionType", record.isEncrypted ? "sse-kms" : "none")
        if record.isEncrypted { element("KmsKeyId", record.kmsKeyARN.description) }
        element("BackupRetentionPeriod", source.backupRetentionDays)
        element("PreferredBackupWindow", source.backupWindow)
        element("SnapshotTarget", "region")
        element("IAMDatabaseAuthenticationEnabled", false)
        databaseTags(record.tags)
    }

    /// What can be restored to a time.
    mutating func automatedBackup(_ database: Database) {
        let record = database.record
        element("DBInstanceArn", database.arn.description)
        element("DbiResourceId", record.id.text)
        element("DBInstanceIdentifier", record.identifier.text)
        element("Region", record.region.name)
        element("AvailabilityZone", record.region.zone)
        element("Status", database.earliestRestorableTime == nil ? "creating" : "active")
        element("RestoreWindow") { writer in
            writer.element("EarliestTime", database.earliestRestorableTime?.iso8601)
            writer.element("LatestTime", database.latestRestorableTime?.iso8601)
        }
        element("Engine", record.engine.rawValue)
        element("EngineVersion", record.engineVersion)
        element("LicenseModel", record.engine.licenseModel)
        if record.engine.hasMasterUser { element("MasterUsername", record.masterUser) }
        element("Port", record.port)
        element("InstanceCreateTime", record.created.iso8601)
        storage(record)
        element("Encrypted", record.isEncrypted)
        element("StorageEncryptionType", record.isEncrypted ? "sse-kms" : "none")
        if record.isEncrypted { element("KmsKeyId", record.kmsKeyARN.description) }
        element("BackupRetentionPeriod", record.backupRetentionDays)
        element("PreferredBackupWindow", record.backupWindow)
        element("BackupTarget", "region")
        databaseTags(record.tags)
    }

    private mutating func databaseTags(_ tags: [DatabaseTag]) { rdsTags(tags.map(\.tag)) }

    mutating func rdsTags(_ tags: [Tag]) {
        list("TagList", of: "Tag", tags) { writer, tag in
            writer.element("Key", tag.key)
            writer.element("Value", tag.value)
        }
    }
}

extension DatabaseEngineKind {
    var licenseModel: String {
        switch self {
        case .sqlite: "public-domain"
        case .postgres: "postgresql-license"
        }
    }

    /// Whether clients log in, and so a master user is told of.
    var hasMasterUser: Bool { self == .postgres }
}
