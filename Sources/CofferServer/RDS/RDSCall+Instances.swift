internal import CofferCatalog
internal import CofferRDS
internal import CofferSecrets
internal import CofferShapes

// Instances. Each call answers at once: the supervisor of the instance does what takes long.
extension RDSCall {
    func createDBInstance(_ writer: inout XMLWriter) async throws {
        let engine = try engineKind(try arguments.requiredText("Engine"))
        var request = CreateDatabaseRequest(
            identifier: try arguments.requiredText("DBInstanceIdentifier"),
            engine: engine
        )
        request.engineVersion = arguments.text("EngineVersion")
        request.instanceClass = try instanceClass() ?? request.instanceClass
        request.storageType = try storageType()
        request.allocatedGiB = arguments.integer("AllocatedStorage") ?? request.allocatedGiB
        request.isEncrypted = arguments.flag("StorageEncrypted") ?? false
        request.key = arguments.text("KmsKeyId").map { KeyReference($0) }
        request.masterUser = try masterUser(engine)
        request.databaseName = arguments.text("DBName")
        request.port = try port("Port", engine)
        request.parameterGroup = parameterGroup()
        request.backupRetentionDays = arguments.integer("BackupRetentionPeriod") ?? 1
        request.backupWindow = arguments.text("PreferredBackupWindow")
        request.isProtected = arguments.flag("DeletionProtection") ?? false
        request.copiesTags = arguments.flag("CopyTagsToSnapshot") ?? false
        request.tags = tags()
        try checkZone()
        let made = try await databases.createDBInstance(
            request,
            password: try password(),
            caller: caller
        )
        writer.element("DBInstance") { $0.database(made, as: .creating) }
    }

    func describeDBInstances(_ writer: inout XMLWriter) async throws {
        let filters = try filters(knowing: [
            "db-cluster-id", "db-instance-id", "dbi-resource-id", "domain", "engine",
        ])
        let page = try page()
        let name = arguments.text("DBInstanceIdentifier").map { bare($0, "db") }
        // Nothing here belongs to a cluster or a domain.
        let found = try await databases.describeDBInstances(name, caller: caller).filter { database in
            filters.meets("db-instance-id", database.identifier.text, database.arn.description)
                && filters.meets("dbi-resource-id", database.record.id.text)
                && filters.meets("engine", database.record.engine.rawValue)
                && filters.meets("db-cluster-id") && filters.meets("domain")
        }
        let part = page.part(found) { $0.identifier.text }
        writer.list("DBInstances", of: "DBInstance", part.items) { $0.database($1) }
        writer.element("Marker", part.nextMarker)
    }

    /// Everything is applied at once, whatever `ApplyImmediately` says.
    func modifyDBInstance(_ writer: inout XMLWriter) async throws {
        let name = try instanceIdentifier()
        var request = ModifyDatabaseRequest()
        request.allocatedGiB = arguments.integer("AllocatedStorage")
        request.instanceClass = try instanceClass()
        request.storageType = try storageType()
        request.backupRetentionDays = arguments.integer("BackupRetentionPeriod")
        request.backupWindow = arguments.text("PreferredBackupWindow")
        request.isProtected = arguments.flag("DeletionProtection")
        request.copiesTags = arguments.flag("CopyTagsToSnapshot")
        request.parameterGroup = parameterGroup()
        request.port = try port("DBPortNumber", nil)
        request.engineVersion = arguments.text("EngineVersion")
        if let engine = arguments.text("Engine") { _ = try engineKind(engine) }
        let changed = try await databases.modifyDBInstance(
            name,
            request,
            password: try password(),
            caller: caller
        )
        writer.element("DBInstance") { $0.database(changed) }
    }

    func startDBInstance(_ writer: inout XMLWriter) async throws {
        let started = try await databases.startDBInstance(try instanceIdentifier(), caller: caller)
        writer.element("DBInstance") { $0.database(started, as: .starting) }
    }

    func stopDBInstance(_ writer: inout XMLWriter) async throws {
        let stopped = try await databases.stopDBInstance(
            try instanceIdentifier(),
            snapshot: arguments.text("DBSnapshotIdentifier"),
            caller: caller
        )
        writer.element("DBInstance") { $0.database(stopped, as: .stopping) }
    }

    func rebootDBInstance(_ writer: inout XMLWriter) async throws {
        let rebooted = try await databases.rebootDBInstance(try instanceIdentifier(), caller: caller)
        writer.element("DBInstance") { $0.database(rebooted, as: .rebooting) }
    }

    /// The rest goes on after the answer, once a last snapshot is complete.
    func deleteDBInstance(_ writer: inout XMLWriter) async throws {
        var request = DeleteDatabaseRequest(
            identifier: try instanceIdentifier(),
            finalSnapshot: arguments.text("FinalDBSnapshotIdentifier"),
            skipsFinalSnapshot: arguments.flag("SkipFinalSnapshot") ?? false
        )
        request.deletesAutomatedBackups = arguments.flag("DeleteAutomatedBackups") ?? true
        let doomed = try await databases.deleteDBInstance(request, caller: caller)
        await databases.finishDeletionAfterwards(of: doomed.resourceID)
        writer.element("DBInstance") { $0.database(doomed, as: .deleting) }
    }
}
