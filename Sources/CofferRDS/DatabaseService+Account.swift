internal import CofferCatalog
public import CofferShapes

extension DatabaseService {
    /// How many of what AWS limits there are in the region. (`DescribeAccountAttributes`)
    public func describeAccountAttributes(caller: Caller) async throws -> [(name: String, used: Int)] {
        try await require("DescribeAccountAttributes", "*", "*", caller: caller)
        let region = region(of: caller)
        let instances = try catalog.databases(in: region)
        let manual = try catalog.databaseSnapshots(in: region).filter { $0.kind == .manual }
        return [
            ("AllocatedStorage", instances.reduce(0) { $0 + $1.allocatedGiB }),
            ("DBInstances", instances.count),
            ("DBParameterGroups", try catalog.parameterGroups(in: region).count),
            ("ManualSnapshots", manual.count),
        ]
    }

    /// The identifier of the instance with this resource id; nil where there is none. What a caller may do with it is asked
    /// under that name.
    public func identifier(ofResource id: String) throws -> String? {
        try DatabaseID(id).flatMap { try catalog.database(id: $0) }?.identifier.text
    }

    /// A snapshot with who may restore it. (`DescribeDBSnapshotAttributes`)
    public func describeDBSnapshotAttributes(_ name: String, caller: Caller) async throws -> DatabaseSnapshot
    {
        try await describe(
            try await permittedSnapshot(name, to: "DescribeDBSnapshotAttributes", caller: caller)
        )
    }
}
