internal import CofferCatalog
internal import CofferEBS
internal import CofferSecrets
public import CofferShapes

extension DatabaseService {
    /// Begins a new instance with what a snapshot holds, or with what another instance held at a time. It is under the
    /// snapshot's KMS key: the way to another one is a copy of the snapshot. (`RestoreDBInstanceFromDBSnapshot`,
    /// `RestoreDBInstanceToPointInTime`)
    public func restoreDBInstance(_ request: RestoreDatabaseRequest, caller: Caller) async throws -> Database
    {
        let identifier = try instanceIdentifier(request.identifier)
        let action: String
        let snapshot: DatabaseSnapshotRecord
        let origin: DatabaseRecord.Origin
        switch request.source {
        case .snapshot(let name):
            action = "RestoreDBInstanceFromDBSnapshot"
            snapshot = try await permittedSnapshot(name, to: action, caller: caller)
            origin = .snapshot(try await restorable(snapshot))
        case .time(let name, let time):
            action = "RestoreDBInstanceToPointInTime"
            let source = try await permitted(name, to: action, caller: caller)
            let target = try target(time, of: source)
            snapshot = try await base(of: source, before: target)
            origin = .time(try await restorable(snapshot), source: source.id, target)
        }
        try await require(action, "db", identifier.text, requestTags: request.tags, caller: caller)
        let source = snapshot.source
        if let engine = request.engine, engine != source.engine {
            throw AWSError(
                .invalidParameterCombination,
                "The snapshot \(snapshot.identifier) is of \(source.engine.rawValue): it cannot be restored to "
                    + "\(engine.rawValue)."
            )
        }
        guard source.port != 0 || request.port == nil else {
            throw AWSError(
                .invalidParameterCombination,
                "\(source.engine.rawValue) listens at no port: clients open its file."
            )
        }
        let id = DatabaseID(random: SystemByteSource())
        if snapshot.isEncrypted {
            let key = KeyReference(snapshot.kmsKeyARN.description)
            _ = try await usableKey(key, isEncrypted: true, for: id, caller)
        }
        let engine = source.engine.engine
        var record = DatabaseRecord(
            id: id,
            identifier: identifier,
            region: region(of: caller),
            engine: source.engine,
            engineVersion: try engine.installedVersion(),
            instanceClass: request.instanceClass ?? source.instanceClass,
            allocatedGiB: source.allocatedGiB,
            isEncrypted: snapshot.isEncrypted,
            kmsKeyARN: snapshot.kmsKeyARN,
            masterUser: source.masterUser,
            port: try request.port ?? engine.defaultPort.map { try freePort(from: $0) } ?? 0,
            parameterGroup: request.parameterGroup ?? source.parameterGroup,
            backupRetentionDays: request.backupRetentionDays ?? source.backupRetentionDays,
            backupWindow: request.backupWindow ?? source.backupWindow,
            keyWatch: source.keyWatch,
            created: clock.now,
            origin: origin,
            maker: caller.principal
        )
        record.hasAnyPort = request.port == nil
        record.databaseName = source.databaseName
        record.storageType = request.storageType ?? source.storageType
        record.copiesTags = request.copiesTags ?? source.copiesTags
        record.parameters = source.parameters
        record.isProtected = request.isProtected
        record.tags = request.tags.map { DatabaseTag($0) }
        guard
            source.engineVersion.prefix(while: { $0 != "." })
                == record.engineVersion.prefix(while: { $0 != "." })
        else {
            throw AWSError(
                .invalidRestore,
                "The snapshot is of \(source.engine.rawValue) \(source.engineVersion), and \(record.engineVersion) is installed: "
                    + "one cannot read the other's data."
            )
        }
        try DatabaseTags.check(request.tags)
        try check(record)
        try catalog.insert(record)
        note(record, "creation", "Restore from snapshot \(snapshot.identifier) has begun")
        try await launchSupervisor(of: record)
        return try describe(record)
    }

    private func restorable(_ snapshot: DatabaseSnapshotRecord) async throws -> SnapshotID {
        let now = try await describe(snapshot)
        guard now.status == .available, let id = snapshot.snapshot else {
            throw AWSError(
                .invalidDatabaseSnapshotState,
                "DBSnapshot \(snapshot.identifier) is \(now.status.rawValue), not available.",
                hint: now.statusReason
            )
        }
        return id
    }

    /// The time to restore to, within what the archive has.
    private func target(_ time: Timestamp?, of source: DatabaseRecord) throws -> Timestamp {
        let now = try describe(source)
        guard source.backupRetentionDays > 0 else {
            throw AWSError(
                .pointInTimeRestoreNotEnabled,
                "Point in time restore is not enabled for DB instance \(source.identifier).",
                hint: "`coffer-rds modify \(source.identifier) --backup-retention 7` enables it from now on"
            )
        }
        guard let first = now.earliestRestorableTime, let last = now.latestRestorableTime else {
            throw AWSError(
                .invalidRestore,
                "There is no backup of DB instance \(source.identifier) yet that it could be restored from."
            )
        }
        let target = time ?? last
        guard (first...max(first, last)).contains(target) else {
            throw AWSError(
                .invalidParameterValue,
                "The specified time \(target.iso8601) is not between the earliest restorable time \(first.iso8601) and the "
                    + "latest, \(last.iso8601)."
            )
        }
        return target
    }

    /// The newest complete snapshot of `source` that is no younger than the time.
    private func base(
        of source: DatabaseRecord,
        before target: Timestamp
    ) async throws -> DatabaseSnapshotRecord {
        let candidates = try catalog.databaseSnapshots(in: source.region)
            .filter { $0.source.id == source.id && $0.kind == .automated && $0.originalTime <= target }
        for candidate in candidates.reversed() where try await describe(candidate).status == .available {
            return candidate
        }
        throw AWSError(
            .invalidRestore,
            "There is no snapshot of DB instance \(source.identifier) from before \(target.iso8601)."
        )
    }
}
