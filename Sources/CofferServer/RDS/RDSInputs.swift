/// What each action takes, as AWS's service model of RDS (2014-10-31) has it. What the service itself checks on top is the
/// database service's business.
enum RDSInputs {
    static func members(of operation: RDSOperation) -> [RDSMember] { table[operation.rawValue] }

    private static let table = RDSOperation.allCases.map { describe($0) }

    private static func describe(_ operation: RDSOperation) -> [RDSMember] {
        switch operation {
        case .addTagsToResource:
            [
                required("ResourceName"),
                required("Tags", tags),
            ]
        case .copyDBSnapshot:
            [
                required("SourceDBSnapshotIdentifier"),
                required("TargetDBSnapshotIdentifier"),
                optional("KmsKeyId"),
                optional("Tags", tags),
                optional("CopyTags", .boolean),
                optional("PreSignedUrl"),
                absent("OptionGroupName"),
                absent("TargetCustomAvailabilityZone"),
                absent("SnapshotTarget", neutral: ["region"]),
                optional("CopyOptionGroup", .boolean),
                absent("SnapshotAvailabilityZone"),
            ]
        case .createDBInstance: createDBInstance
        case .createDBParameterGroup:
            [
                required("DBParameterGroupName"),
                required("DBParameterGroupFamily"),
                required("Description"),
                optional("Tags", tags),
            ]
        case .createDBSnapshot:
            [
                required("DBSnapshotIdentifier"),
                required("DBInstanceIdentifier"),
                optional("Tags", tags),
            ]
        case .deleteDBInstance:
            [
                required("DBInstanceIdentifier"),
                optional("SkipFinalSnapshot", .boolean),
                optional("FinalDBSnapshotIdentifier"),
                optional("DeleteAutomatedBackups", .boolean),
            ]
        case .deleteDBParameterGroup:
            [
                required("DBParameterGroupName")
            ]
        case .deleteDBSnapshot:
            [
                required("DBSnapshotIdentifier")
            ]
        case .describeAccountAttributes: []
        case .describeDBEngineVersions:
            [
                optional("Engine"),
                optional("EngineVersion"),
                optional("DBParameterGroupFamily"),
                optional("Filters", filters),
                optional("MaxRecords", .integer),
                optional("Marker"),
                optional("DefaultOnly", .boolean),
                optional("ListSupportedCharacterSets", .boolean),
                optional("ListSupportedTimezones", .boolean),
                optional("IncludeAll", .boolean),
            ]
        case .describeDBInstanceAutomatedBackups:
            [
                optional("DbiResourceId"),
                optional("DBInstanceIdentifier"),
                optional("Filters", filters),
                optional("MaxRecords", .integer),
                optional("Marker"),
                absent("DBInstanceAutomatedBackupsArn"),
            ]
        case .describeDBInstances:
            [
                optional("DBInstanceIdentifier"),
                optional("Filters", filters),
                optional("MaxRecords", .integer),
                optional("Marker"),
            ]
        case .describeDBParameterGroups:
            [
                optional("DBParameterGroupName"),
                optional("Filters", filters),
                optional("MaxRecords", .integer),
                optional("Marker"),
            ]
        case .describeDBParameters:
            [
                required("DBParameterGroupName"),
                optional("Source"),
                optional("Filters", filters),
                optional("MaxRecords", .integer),
                optional("Marker"),
            ]
        case .describeDBSnapshotAttributes:
            [
                required("DBSnapshotIdentifier")
            ]
        case .describeDBSnapshots:
            [
                optional("DBInstanceIdentifier"),
                optional("DBSnapshotIdentifier"),
                optional("SnapshotType"),
                optional("Filters", filters),
                optional("MaxRecords", .integer),
                optional("Marker"),
                optional("IncludeShared", .boolean),
                optional("IncludePublic", .boolean),
                optional("DbiResourceId"),
            ]
        case .describeEventCategories:
            [
                optional("SourceType"),
                optional("Filters", filters),
            ]
        case .describeEvents:
            [
                optional("SourceIdentifier"),
                optional("SourceType"),
                optional("StartTime", .time),
                optional("EndTime", .time),
                optional("Duration", .integer),
                optional("EventCategories", .list("EventCategory", .text)),
                optional("Filters", filters),
                optional("MaxRecords", .integer),
                optional("Marker"),
            ]
        case .describeOrderableDBInstanceOptions:
            [
                required("Engine"),
                optional("EngineVersion"),
                optional("DBInstanceClass"),
                optional("LicenseModel"),
                optional("AvailabilityZoneGroup"),
                optional("Vpc", .boolean),
                optional("Filters", filters),
                optional("MaxRecords", .integer),
                optional("Marker"),
            ]
        case .listTagsForResource:
            [
                required("ResourceName"),
                optional("Filters", filters),
            ]
        case .modifyDBInstance: modifyDBInstance
        case .modifyDBParameterGroup:
            [
                required("DBParameterGroupName"),
                required("Parameters", parameters),
            ]
        case .modifyDBSnapshotAttribute:
            [
                required("DBSnapshotIdentifier"),
                required("AttributeName"),
                optional("ValuesToAdd", .list("AttributeValue", .text)),
                optional("ValuesToRemove", .list("AttributeValue", .text)),
            ]
        case .rebootDBInstance:
            [
                required("DBInstanceIdentifier"),
                absent("ForceFailover", .boolean),
            ]
        case .removeTagsFromResource:
            [
                required("ResourceName"),
                required("TagKeys", .list("member", .text)),
            ]
        case .resetDBParameterGroup:
            [
                required("DBParameterGroupName"),
                optional("ResetAllParameters", .boolean),
                optional("Parameters", parameters),
            ]
        case .restoreDBInstanceFromDBSnapshot: restoreDBInstanceFromDBSnapshot
        case .restoreDBInstanceToPointInTime: restoreDBInstanceToPointInTime
        case .startDBInstance:
            [
                required("DBInstanceIdentifier")
            ]
        case .stopDBInstance:
            [
                required("DBInstanceIdentifier"),
                optional("DBSnapshotIdentifier"),
            ]
        }
    }

    // MARK: - What several actions take

    static let tags = RDSShape.list("Tag", .structure([optional("Key"), optional("Value")]))
    private static let filters = RDSShape.list(
        "Filter",
        .structure([required("Name"), required("Values", .list("Value", .text))])
    )
    private static let parameters = RDSShape.list(
        "Parameter",
        .structure([
            optional("ParameterName"), optional("ParameterValue"), optional("Description"),
            optional("Source"), optional("ApplyType"), optional("DataType"), optional("AllowedValues"),
            optional("IsModifiable", .boolean), optional("MinimumEngineVersion"), optional("ApplyMethod"),
            optional("SupportedEngineModes", .list("member", .text)),
        ])
    )

    static func required(_ name: String, _ shape: RDSShape = .text) -> RDSMember {
        RDSMember(name: name, shape: shape, isRequired: true)
    }

    static func optional(_ name: String, _ shape: RDSShape = .text) -> RDSMember {
        RDSMember(name: name, shape: shape)
    }

    /// What Coffer has not.
    static func absent(_ name: String, _ shape: RDSShape = .text, neutral: [String] = []) -> RDSMember {
        RDSMember(name: name, shape: shape, neutral: neutral)
    }
}
