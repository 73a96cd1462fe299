internal import CofferCatalog
internal import CofferRDS
internal import CofferShapes

// What there is to choose from, and the account's backups and numbers.
extension RDSCall {
    func describeDBEngineVersions(_ writer: inout XMLWriter) async throws {
        let filters = try filters(
            knowing: ["db-parameter-group-family", "engine", "engine-mode", "engine-version", "status"]
        )
        let (page, family) = (try page(), arguments.text("DBParameterGroupFamily"))
        let found = try await databases.describeDBEngineVersions(caller: caller).filter { version in
            isAsked(version) && (family == nil || family == version.family)
                && filters.meets("db-parameter-group-family", version.family)
                && filters.meets("engine", version.kind.rawValue)
                && filters.meets("engine-version", version.version) && filters.meets("status", "available")
                && filters.meets("engine-mode", "provisioned")
        }
        let part = page.part(found.sorted { $0.kind.rawValue < $1.kind.rawValue }) { $0.kind.rawValue }
        writer.list("DBEngineVersions", of: "DBEngineVersion", part.items) { writer, version in
            writer.element("Engine", version.kind.rawValue)
            writer.element("MajorEngineVersion", version.major)
            writer.element("EngineVersion", version.version)
            writer.element("DBParameterGroupFamily", version.family)
            writer.element("DBEngineDescription", version.description)
            writer.element("DBEngineVersionDescription", "\(version.description) \(version.version)")
            writer.element("ValidUpgradeTarget") { _ in }
            writer.element("Status", "available")
            writer.element("SupportedEngineModes") { $0.element("member", "provisioned") }
            writer.element("SupportsReadReplica", false)
            writer.element("SupportsLogExportsToCloudwatchLogs", false)
            writer.element("TagList") { _ in }
        }
        writer.element("Marker", part.nextMarker)
    }

    /// One of any class that is asked for; else some that people ask for: an instance uses what the machine has.
    func describeOrderableDBInstanceOptions(_ writer: inout XMLWriter) async throws {
        _ = try filters(knowing: [])
        let page = try page()
        _ = try engineKind(try arguments.requiredText("Engine"))
        let classes = try instanceClass().map { [$0] } ?? ["db.m6g.large", "db.t3.micro", "db.t4g.micro"]
        let versions = try await databases.describeDBEngineVersions(
            asking: "DescribeOrderableDBInstanceOptions",
            caller: caller
        ).filter(isAsked)
        let license = arguments.text("LicenseModel")
        let options = versions.filter { license == nil || license == $0.kind.licenseModel }.flatMap {
            version in
            classes.map { (version: version, name: $0) }
        }
        let part = page.part(options) { $0.name }
        let zone = region.zone
        writer.list("OrderableDBInstanceOptions", of: "OrderableDBInstanceOption", part.items) {
            writer,
            option in
            writer.element("Engine", option.version.kind.rawValue)
            writer.element("EngineVersion", option.version.version)
            writer.element("DBInstanceClass", option.name)
            writer.element("LicenseModel", option.version.kind.licenseModel)
            writer.element("AvailabilityZones") { writer in
                writer.element("AvailabilityZone") { $0.element("Name", zone) }
            }
            writer.element("StorageType", "gp3")
            writer.element("MinStorageSize", 1)
            writer.element("MaxStorageSize", 65_536)
            writer.element("SupportsStorageEncryption", true)
            for name in [
                "MultiAZCapable", "ReadReplicaCapable", "Vpc", "SupportsIops", "SupportsStorageThroughput",
                "SupportsEnhancedMonitoring", "SupportsIAMDatabaseAuthentication",
                "SupportsPerformanceInsights", "SupportsStorageAutoscaling", "SupportsKerberosAuthentication",
                "OutpostCapable", "SupportsClusters",
            ] {
                writer.element(name, false)
            }
        }
        writer.element("Marker", part.nextMarker)
    }

    private func isAsked(_ version: EngineVersion) -> Bool {
        let (engine, number) = (arguments.text("Engine"), arguments.text("EngineVersion"))
        return (engine == nil || engine?.lowercased() == version.kind.rawValue)
            && (number.map { version.version == $0 || version.version.hasPrefix("\($0).") } ?? true)
    }

    func describeDBInstanceAutomatedBackups(_ writer: inout XMLWriter) async throws {
        let filters = try filters(knowing: ["db-instance-id", "dbi-resource-id", "status"])
        let page = try page()
        let (name, id) = (arguments.text("DBInstanceIdentifier"), arguments.text("DbiResourceId"))
        let found = try await databases.describeDBInstanceAutomatedBackups(caller: caller).filter {
            database in
            (name.map { bare($0, "db").lowercased() == database.identifier.text } ?? true)
                && (id == nil || id == database.record.id.text)
                && filters.meets("db-instance-id", database.identifier.text)
                && filters.meets("dbi-resource-id", database.record.id.text)
                && filters.meets("status", database.earliestRestorableTime == nil ? "creating" : "active")
        }
        if found.isEmpty, let asked = id ?? name {
            throw AWSError(
                .automatedBackupNotFound,
                "There is no automated backup of \(asked.prefix(255)): it keeps none, or is not there."
            )
        }
        let part = page.part(found) { $0.identifier.text }
        writer.list("DBInstanceAutomatedBackups", of: "DBInstanceAutomatedBackup", part.items) {
            $0.automatedBackup($1)
        }
        writer.element("Marker", part.nextMarker)
    }

    /// There are no quotas: what is used, and the most that AWS's numbers can say.
    func describeAccountAttributes(_ writer: inout XMLWriter) async throws {
        let used = try await databases.describeAccountAttributes(caller: caller)
        writer.list("AccountQuotas", of: "AccountQuota", used) { writer, quota in
            writer.element("AccountQuotaName", quota.name)
            writer.element("Used", quota.used)
            writer.element("Max", Int(Int32.max))
        }
    }
}
