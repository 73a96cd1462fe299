internal import CofferRDS
internal import CofferShapes

/// One call to RDS: makes it and writes its result's elements. The files `RDSCall+….swift` have a method for each
/// operation, named like it.
struct RDSCall: Sendable {
    let databases: DatabaseService
    let account: String
    let arguments: RDSArguments
    let caller: Caller

    func answer(_ operation: RDSOperation, _ writer: inout XMLWriter) async throws {
        switch operation {
        case .addTagsToResource: try await addTagsToResource()
        case .copyDBSnapshot: try await copyDBSnapshot(&writer)
        case .createDBInstance: try await createDBInstance(&writer)
        case .createDBParameterGroup: try await createDBParameterGroup(&writer)
        case .createDBSnapshot: try await createDBSnapshot(&writer)
        case .deleteDBInstance: try await deleteDBInstance(&writer)
        case .deleteDBParameterGroup: try await deleteDBParameterGroup()
        case .deleteDBSnapshot: try await deleteDBSnapshot(&writer)
        case .describeAccountAttributes: try await describeAccountAttributes(&writer)
        case .describeDBEngineVersions: try await describeDBEngineVersions(&writer)
        case .describeDBInstanceAutomatedBackups: try await describeDBInstanceAutomatedBackups(&writer)
        case .describeDBInstances: try await describeDBInstances(&writer)
        case .describeDBParameterGroups: try await describeDBParameterGroups(&writer)
        case .describeDBParameters: try await describeDBParameters(&writer)
        case .describeDBSnapshotAttributes: try await describeDBSnapshotAttributes(&writer)
        case .describeDBSnapshots: try await describeDBSnapshots(&writer)
        case .describeEventCategories: try describeEventCategories(&writer)
        case .describeEvents: try await describeEvents(&writer)
        case .describeOrderableDBInstanceOptions: try await describeOrderableDBInstanceOptions(&writer)
        case .listTagsForResource: try await listTagsForResource(&writer)
        case .modifyDBInstance: try await modifyDBInstance(&writer)
        case .modifyDBParameterGroup: try await modifyDBParameterGroup(&writer)
        case .modifyDBSnapshotAttribute: try await modifyDBSnapshotAttribute(&writer)
        case .rebootDBInstance: try await rebootDBInstance(&writer)
        case .removeTagsFromResource: try await removeTagsFromResource()
        case .resetDBParameterGroup: try await resetDBParameterGroup(&writer)
        case .restoreDBInstanceFromDBSnapshot: try await restoreDBInstanceFromDBSnapshot(&writer)
        case .restoreDBInstanceToPointInTime: try await restoreDBInstanceToPointInTime(&writer)
        case .startDBInstance: try await startDBInstance(&writer)
        case .stopDBInstance: try await stopDBInstance(&writer)
        }
    }

    // MARK: - What several calls read

    /// The region that the request is signed for: everything in RDS belongs to one.
    var region: Region { caller.region ?? .home }

    /// What a parameter names that is an identifier, or the ARN of a resource of this account and region.
    func identifier(_ name: String, _ kind: String) throws(AWSError) -> String {
        bare(try arguments.requiredText(name), kind)
    }

    /// An ARN of somewhere else stays one, and names nothing here.
    func bare(_ text: String, _ kind: String) -> String {
        let prefix = "arn:aws:rds:\(region):\(account):\(kind):"
        return text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : text
    }

    func instanceIdentifier() throws(AWSError) -> String { try identifier("DBInstanceIdentifier", "db") }

    /// The tags that a request for a new resource brings.
    func tags() -> [Tag] {
        (arguments.structures("Tags") ?? []).map { tag in
            Tag(key: tag.text("Key") ?? "", value: tag.text("Value") ?? "")
        }
    }

    func page() throws(AWSError) -> RDSPage {
        try RDSPage(arguments.integer("MaxRecords"), marker: arguments.text("Marker"))
    }

    func filters(knowing names: Set<String>) throws(AWSError) -> RDSFilters {
        try RDSFilters(arguments.structures("Filters") ?? [], knowing: names)
    }
}
