internal import CofferCatalog
internal import CofferSecrets
public import CofferShapes
internal import Glibc

// What parameter groups say. A changed one counts at once in its instances where its parameters do, and from their next
// restart on where not.
extension DatabaseService {
    /// Sets parameters of a group: all of them or, where the engine refuses one, none. (`ModifyDBParameterGroup`)
    public func modifyDBParameterGroup(
        _ name: String,
        _ changes: [ParameterChange],
        caller: Caller
    ) async throws {
        try await change(name, changes, "ModifyDBParameterGroup", caller)
    }

    /// Takes parameters of a group back to the engine's defaults: all, or those that are named.
    /// (`ResetDBParameterGroup`)
    public func resetDBParameterGroup(
        _ name: String,
        _ changes: [ParameterChange]?,
        caller: Caller
    ) async throws {
        try await change(name, changes, "ResetDBParameterGroup", caller)
    }

    /// The parameters of a group by name: what the engine tells of those that it has, and what the group sets.
    /// (`DescribeDBParameters`)
    public func describeDBParameters(of name: String, caller: Caller) async throws -> [DatabaseParameter] {
        let group = try await permittedGroup(name, to: "DescribeDBParameters", caller: caller)
        let set = group.own?.parameters ?? [:]
        let known = try group.version.kind.engine.parameters()
        let unknown = set.keys.filter { name in !known.contains { $0.name == name } }.map { name in
            EngineParameter(name: name, description: "", dataType: "string")
        }
        return (known + unknown).sorted { $0.name < $1.name }.map { parameter in
            DatabaseParameter(
                name: parameter.name,
                value: set[parameter.name] ?? parameter.defaultValue,
                isSet: set[parameter.name] != nil,
                about: parameter
            )
        }
    }

    // MARK: - Changes

    /// nil as changes: all back to the defaults.
    private func change(
        _ name: String,
        _ changes: [ParameterChange]?,
        _ action: String,
        _ caller: Caller
    ) async throws {
        let group = try await ownGroup(name, to: action, caller: caller)
        try check(changes ?? [], of: group)
        try catalog.changeParameterGroup(group.name, in: group.region) { record in
            guard let changes else {
                record.parameters = [:]
                return
            }
            for change in changes { record.parameters[change.name] = change.value }
            try checkByEngine(record)
        }
        for instance in try catalog.databases(in: group.region)
        where instance.parameterGroup.lowercased() == group.name.text {
            signalSupervisor(of: instance, SIGHUP)
        }
    }

    private func check(_ changes: [ParameterChange], of group: ParameterGroupRecord) throws {
        guard let version = engineVersions().first(where: { $0.family == group.family }) else { return }
        let known = try version.kind.engine.parameters()
        for change in changes {
            guard (1...255).contains(change.name.utf8.count), (change.value?.utf8.count ?? 0) <= 8192 else {
                throw AWSError(
                    .invalidParameterValue,
                    "The parameter \(change.name.prefix(255)) or its value is too long, or has no name."
                )
            }
            guard let parameter = known.first(where: { $0.name == change.name }) else { continue }
            guard parameter.isModifiable || change.value == nil else {
                throw AWSError(.invalidParameterValue, "The parameter \(change.name) cannot be modified.")
            }
            guard !(parameter.isStatic && change.isImmediate == true) else {
                throw AWSError(
                    .invalidParameterCombination,
                    "cannot use immediate apply method for static parameter \(change.name)"
                )
            }
        }
    }

    /// Has the engine look at the parameters as if they were an instance's.
    private func checkByEngine(_ group: ParameterGroupRecord) throws {
        guard let version = engineVersions().first(where: { $0.family == group.family }),
            let identifier = DatabaseIdentifier("check")
        else { return }
        let engine = version.kind.engine
        let nobody = arn("pg", group.name.text, group.region)
        var record = DatabaseRecord(
            id: DatabaseID(random: SystemByteSource()),
            identifier: identifier,
            region: group.region,
            engine: version.kind,
            engineVersion: version.version,
            instanceClass: "db.t3.micro",
            allocatedGiB: 20,
            isEncrypted: false,
            kmsKeyARN: nobody,
            masterUser: engine.defaultMasterUser,
            port: engine.defaultPort ?? 0,
            parameterGroup: group.name.text,
            backupRetentionDays: 0,
            backupWindow: BackupWindow.usual,
            keyWatch: DatabaseRecord.KeyWatch(),
            created: clock.now,
            origin: .empty,
            maker: nobody
        )
        record.parameters = group.parameters
        try engine.check(record)
    }
}
