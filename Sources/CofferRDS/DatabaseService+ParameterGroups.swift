internal import CofferCatalog
public import CofferShapes

// Parameter groups, by name.
extension DatabaseService {
    /// Makes an empty group for engines of a family, such as `postgres15`. (`CreateDBParameterGroup`)
    public func createDBParameterGroup(
        _ name: String,
        family: String,
        description: String,
        tags: [Tag] = [],
        caller: Caller
    ) async throws -> DatabaseParameterGroup {
        try await require(
            "CreateDBParameterGroup",
            "pg",
            name.lowercased(),
            requestTags: tags,
            caller: caller
        )
        let identifier = try DatabaseIdentifier.parse(
            name,
            limit: DatabaseIdentifier.snapshotCharacters,
            of: "DBParameterGroupName"
        )
        guard engineVersions().contains(where: { $0.family == family }) else {
            throw AWSError(
                .invalidParameterValue,
                "ParameterGroupFamily \(family.prefix(64)) is not a valid parameter group family"
            )
        }
        guard (1...255).contains(description.utf8.count) else {
            throw AWSError(
                .invalidParameterValue,
                "The parameter group's description has to be 1 to 255 characters long."
            )
        }
        try DatabaseTags.check(tags)
        var record = ParameterGroupRecord(
            name: identifier,
            region: region(of: caller),
            family: family,
            description: description
        )
        record.tags = tags.map { DatabaseTag($0) }
        try catalog.insert(record)
        return told(record)
    }

    /// The region's groups by name, the default ones among them; or the one that is named. (`DescribeDBParameterGroups`)
    public func describeDBParameterGroups(
        _ name: String? = nil,
        caller: Caller
    ) async throws -> [DatabaseParameterGroup] {
        if let name {
            return [try await permittedGroup(name, to: "DescribeDBParameterGroups", caller: caller).shown]
        }
        try await require("DescribeDBParameterGroups", "pg", "*", caller: caller)
        let region = region(of: caller)
        let defaults = engineVersions().map { defaultGroup(of: $0, in: region) }
        let own = try catalog.parameterGroups(in: region).map(told)
        return (defaults + own).sorted { $0.name < $1.name }
    }

    /// Deletes a group that no instance has. (`DeleteDBParameterGroup`)
    public func deleteDBParameterGroup(_ name: String, caller: Caller) async throws {
        let record = try await ownGroup(name, to: "DeleteDBParameterGroup", caller: caller)
        let users = try catalog.databases(in: record.region).filter {
            $0.parameterGroup.lowercased() == record.name.text
        }
        if let user = users.first {
            throw AWSError(
                .invalidParameterGroupState,
                "One or more database instances are still members of this parameter group \(record.name), such as "
                    + "\(user.identifier), so the group cannot be deleted."
            )
        }
        try catalog.removeParameterGroup(record.name, in: record.region)
    }

    // MARK: - Finding them

    /// A group, with the version of its engine that is installed.
    struct FoundGroup {
        let shown: DatabaseParameterGroup
        /// nil for a default one.
        let own: ParameterGroupRecord?
        let version: EngineVersion
    }

    func permittedGroup(_ text: String, to action: String, caller: Caller) async throws -> FoundGroup {
        let (name, region) = (text.lowercased(), region(of: caller))
        let own = try DatabaseIdentifier(name).flatMap { try catalog.parameterGroup($0, in: region) }
        try await require(action, "pg", name, tags: own?.tags.map(\.tag) ?? [], caller: caller)
        let versions = engineVersions()
        if let version = versions.first(where: { $0.defaultGroupName == name }) {
            return FoundGroup(shown: defaultGroup(of: version, in: region), own: nil, version: version)
        }
        guard let own else {
            throw AWSError(.parameterGroupNotFound, "DBParameterGroup not found: \(text.prefix(255))")
        }
        guard let version = versions.first(where: { $0.family == own.family }) else {
            throw AWSError(
                .invalidParameterGroupState,
                "The engine of the parameter group \(own.name), \(own.family), is not installed."
            )
        }
        return FoundGroup(shown: told(own), own: own, version: version)
    }

    /// One that somebody made: nobody changes the others.
    func ownGroup(_ name: String, to action: String, caller: Caller) async throws -> ParameterGroupRecord {
        let found = try await permittedGroup(name, to: action, caller: caller)
        guard let own = found.own else {
            throw AWSError(
                .invalidParameterGroupState,
                "The default parameter group \(found.shown.name) cannot be changed or deleted: make one of your own."
            )
        }
        return own
    }

    private func defaultGroup(of version: EngineVersion, in region: Region) -> DatabaseParameterGroup {
        DatabaseParameterGroup(
            name: version.defaultGroupName,
            family: version.family,
            description: "Default parameter group for \(version.family)",
            arn: arn("pg", version.defaultGroupName, region)
        )
    }

    private func told(_ record: ParameterGroupRecord) -> DatabaseParameterGroup {
        DatabaseParameterGroup(
            name: record.name.text,
            family: record.family,
            description: record.description,
            arn: arn("pg", record.name.text, record.region)
        )
    }
}
