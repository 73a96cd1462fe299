internal import CofferCatalog
internal import CofferShapes

/// Parameter groups: sets of an engine's parameters under a name. The default ones are there by themselves and empty, and
/// nobody changes them. (RDS user guide, "Parameter groups for Amazon RDS".)
enum ParameterGroup {
    /// `sqlite3` or `postgres15`.
    static func family(_ engine: DatabaseEngineKind, version: String) -> String {
        "\(engine.rawValue)\(version.prefix { $0 != "." })"
    }

    static func defaultName(_ engine: DatabaseEngineKind, version: String) -> String {
        "default.\(family(engine, version: version))"
    }
}

extension DatabaseService {
    /// The parameters of an instance's group.
    func groupParameters(_ record: DatabaseRecord) throws -> [String: String] {
        guard let group = try userGroup(record) else { return [:] }
        return group.parameters
    }

    /// DBParameterGroupNotFound, and InvalidParameterCombination where it is for another engine.
    func requireParameterGroup(_ record: DatabaseRecord) throws {
        let family = ParameterGroup.family(record.engine, version: record.engineVersion)
        guard let group = try userGroup(record), group.family != family else { return }
        throw AWSError(
            .invalidParameterCombination,
            "The parameter group \(record.parameterGroup) with DBParameterGroupFamily \(group.family) can't be used for this "
                + "instance. Use a parameter group with DBParameterGroupFamily \(family)."
        )
    }

    /// nil: the default one.
    private func userGroup(_ record: DatabaseRecord) throws -> ParameterGroupRecord? {
        let name = record.parameterGroup
        if name == ParameterGroup.defaultName(record.engine, version: record.engineVersion) { return nil }
        guard let identifier = DatabaseIdentifier(name),
            let group = try catalog.parameterGroup(identifier, in: record.region)
        else { throw AWSError(.parameterGroupNotFound, "DBParameterGroup not found: \(name)") }
        return group
    }
}
