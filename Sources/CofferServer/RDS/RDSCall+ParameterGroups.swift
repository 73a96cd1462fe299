internal import CofferRDS
internal import CofferShapes

// Parameter groups and what they set.
extension RDSCall {
    func createDBParameterGroup(_ writer: inout XMLWriter) async throws {
        let group = try await databases.createDBParameterGroup(
            try arguments.requiredText("DBParameterGroupName"),
            family: try arguments.requiredText("DBParameterGroupFamily"),
            description: try arguments.requiredText("Description"),
            tags: tags(),
            caller: caller
        )
        writer.element("DBParameterGroup") { Self.write(group, &$0) }
    }

    func describeDBParameterGroups(_ writer: inout XMLWriter) async throws {
        _ = try filters(knowing: [])
        let page = try page()
        let found = try await databases.describeDBParameterGroups(
            arguments.text("DBParameterGroupName").map { bare($0, "pg") },
            caller: caller
        )
        let part = page.part(found) { $0.name }
        writer.list("DBParameterGroups", of: "DBParameterGroup", part.items) { Self.write($1, &$0) }
        writer.element("Marker", part.nextMarker)
    }

    func deleteDBParameterGroup() async throws {
        try await databases.deleteDBParameterGroup(try groupName(), caller: caller)
    }

    func modifyDBParameterGroup(_ writer: inout XMLWriter) async throws {
        let name = try groupName()
        guard let changes = try changes(needingValues: true), !changes.isEmpty else {
            throw .missingParameter("Parameters") as AWSError
        }
        try await databases.modifyDBParameterGroup(name, changes, caller: caller)
        writer.element("DBParameterGroupName", name)
    }

    /// All parameters, unless some are named and `ResetAllParameters` is not said.
    func resetDBParameterGroup(_ writer: inout XMLWriter) async throws {
        let (name, changes) = (try groupName(), try changes(needingValues: false))
        let resetsAll = arguments.flag("ResetAllParameters") ?? false
        guard !resetsAll || changes == nil else {
            throw AWSError(
                .invalidParameterCombination,
                "ResetAllParameters and Parameters cannot be used together."
            )
        }
        guard resetsAll || changes != nil else {
            throw AWSError(
                .invalidParameterCombination,
                "Either ResetAllParameters or Parameters has to be given."
            )
        }
        try await databases.resetDBParameterGroup(name, changes, caller: caller)
        writer.element("DBParameterGroupName", name)
    }

    func describeDBParameters(_ writer: inout XMLWriter) async throws {
        _ = try filters(knowing: [])
        let (page, source) = (try page(), arguments.text("Source"))
        if let source, !["user", "system", "engine-default"].contains(source) {
            throw AWSError(.invalidParameterValue, "Invalid source: \(source.prefix(64))")
        }
        let found = try await databases.describeDBParameters(of: try groupName(), caller: caller)
            .filter { source == nil || source == $0.source }
        let part = page.part(found) { $0.name }
        writer.list("Parameters", of: "Parameter", part.items) { writer, parameter in
            writer.element("ParameterName", parameter.name)
            writer.element("ParameterValue", parameter.value)
            writer.element("Description", parameter.about.description)
            writer.element("Source", parameter.source)
            writer.element("ApplyType", parameter.about.isStatic ? "static" : "dynamic")
            writer.element("DataType", parameter.about.dataType)
            writer.element("AllowedValues", parameter.about.allowedValues)
            writer.element("IsModifiable", parameter.about.isModifiable)
            writer.element("ApplyMethod", parameter.about.isStatic ? "pending-reboot" : "immediate")
        }
        writer.element("Marker", part.nextMarker)
    }

    // MARK: - What they read and write

    private func groupName() throws(AWSError) -> String { try identifier("DBParameterGroupName", "pg") }

    /// RDS takes 20 in one request.
    private func changes(needingValues: Bool) throws(AWSError) -> [ParameterChange]? {
        guard let parameters = arguments.structures("Parameters") else { return nil }
        guard parameters.count <= 20 else {
            throw AWSError(
                .invalidParameterValue,
                "\(parameters.count) parameters are too many: a request takes 20."
            )
        }
        var changes: [ParameterChange] = []
        for parameter in parameters {
            let value = parameter.text("ParameterValue")
            guard let name = parameter.text("ParameterName"), !name.isEmpty, value != nil || !needingValues
            else {
                throw AWSError(.invalidParameterValue, "A parameter needs ParameterName and ParameterValue.")
            }
            let isImmediate: Bool?
            switch parameter.text("ApplyMethod") {
            case nil: isImmediate = nil
            case "immediate": isImmediate = true
            case "pending-reboot": isImmediate = false
            case let method?:
                throw .invalidParameter("ApplyMethod", method, "Valid values: immediate, pending-reboot.")
            }
            changes.append(
                ParameterChange(name: name, value: needingValues ? value : nil, isImmediate: isImmediate)
            )
        }
        return changes
    }

    private static func write(_ group: DatabaseParameterGroup, _ writer: inout XMLWriter) {
        writer.element("DBParameterGroupName", group.name)
        writer.element("DBParameterGroupFamily", group.family)
        writer.element("Description", group.description)
        writer.element("DBParameterGroupArn", group.arn.description)
    }
}

extension DatabaseParameter {
    fileprivate var source: String { isSet ? "user" : "engine-default" }
}
