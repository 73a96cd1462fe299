internal import CofferRDS
internal import CofferShapes

// Instances made of what others held.
extension RDSCall {
    func restoreDBInstanceFromDBSnapshot(_ writer: inout XMLWriter) async throws {
        let request = try restoreRequest(
            "DBInstanceIdentifier",
            .snapshot(try identifier("DBSnapshotIdentifier", "snapshot"))
        )
        try await restore(request, &writer)
    }

    func restoreDBInstanceToPointInTime(_ writer: inout XMLWriter) async throws {
        let (time, isLatest) = (
            arguments.time("RestoreTime"), arguments.flag("UseLatestRestorableTime") ?? false
        )
        guard (time != nil) != isLatest else {
            throw AWSError(
                .invalidParameterCombination,
                "Either RestoreTime or UseLatestRestorableTime has to be given, and not both."
            )
        }
        let request = try restoreRequest(
            "TargetDBInstanceIdentifier",
            .time(of: try await sourceInstance(), time)
        )
        try await restore(request, &writer)
    }

    /// The instance's identifier; one that its resource id does not lead to is not there under that name either.
    private func sourceInstance() async throws -> String {
        let (name, id) = (arguments.text("SourceDBInstanceIdentifier"), arguments.text("SourceDbiResourceId"))
        switch (name, id) {
        case (let name?, nil): return bare(name, "db")
        case (nil, let id?): return try await databases.identifier(ofResource: id) ?? id
        default:
            throw AWSError(
                .invalidParameterCombination,
                "One of SourceDBInstanceIdentifier and SourceDbiResourceId has to be given."
            )
        }
    }

    private func restoreRequest(
        _ name: String,
        _ source: RestoreDatabaseRequest.Source
    ) throws -> RestoreDatabaseRequest {
        var request = RestoreDatabaseRequest(identifier: try arguments.requiredText(name), source: source)
        request.engine = try arguments.text("Engine").map { text throws(AWSError) in try engineKind(text) }
        request.port = try port("Port", nil)
        request.parameterGroup = parameterGroup()
        request.instanceClass = try instanceClass()
        request.storageType = try storageType()
        request.backupRetentionDays = arguments.integer("BackupRetentionPeriod")
        request.backupWindow = arguments.text("PreferredBackupWindow")
        request.isProtected = arguments.flag("DeletionProtection") ?? false
        request.copiesTags = arguments.flag("CopyTagsToSnapshot")
        request.tags = tags()
        try checkZone()
        return request
    }

    private func restore(_ request: RestoreDatabaseRequest, _ writer: inout XMLWriter) async throws {
        let made = try await databases.restoreDBInstance(request, caller: caller)
        writer.element("DBInstance") { $0.database(made, as: .creating) }
    }
}
