/// The actions of Amazon RDS that Coffer has (API reference, "Actions"). The raw value is a place in tables.
enum RDSOperation: Int, CaseIterable, Sendable {
    case addTagsToResource
    case copyDBSnapshot
    case createDBInstance
    case createDBParameterGroup
    case createDBSnapshot
    case deleteDBInstance
    case deleteDBParameterGroup
    case deleteDBSnapshot
    case describeAccountAttributes
    case describeDBEngineVersions
    case describeDBInstanceAutomatedBackups
    case describeDBInstances
    case describeDBParameterGroups
    case describeDBParameters
    case describeDBSnapshotAttributes
    case describeDBSnapshots
    case describeEventCategories
    case describeEvents
    case describeOrderableDBInstanceOptions
    case listTagsForResource
    case modifyDBInstance
    case modifyDBParameterGroup
    case modifyDBSnapshotAttribute
    case rebootDBInstance
    case removeTagsFromResource
    case resetDBParameterGroup
    case restoreDBInstanceFromDBSnapshot
    case restoreDBInstanceToPointInTime
    case startDBInstance
    case stopDBInstance

    /// The name as the API spells it: the case's with a capital.
    var name: String { Self.names[rawValue] }

    /// The operation that a form's `Action` names; nil where Coffer has none such.
    init?(action: String) {
        guard let operation = Self.actions[action] else { return nil }
        self = operation
    }

    /// Whether the answer has an element for the result; three answer with nothing but the request's id.
    var hasResult: Bool {
        switch self {
        case .addTagsToResource, .deleteDBParameterGroup, .removeTagsFromResource: false
        default: true
        }
    }

    private static let names = allCases.map { operation in
        let name = "\(operation)"
        return name.prefix(1).uppercased() + name.dropFirst()
    }

    private static let actions = Dictionary(uniqueKeysWithValues: allCases.map { ($0.name, $0) })
}
