internal import CofferEBS
internal import CofferShapes

// Who may make volumes of a snapshot.
extension EC2Call {
    func modifySnapshotAttribute(_ writer: inout XMLWriter) async throws {
        if arguments.text("Attribute") == "productCodes" {
            throw .invalidParameter(
                "Attribute",
                "productCodes",
                "Only createVolumePermission can be changed."
            )
                as AWSError
        }
        try await volumes.modifySnapshotAttribute(
            try Self.snapshotID(try arguments.requiredText("SnapshotId")).text,
            try sharingChange(),
            isDryRun: isDryRun,
            caller: caller
        )
        Self.writeSuccess(&writer)
    }

    /// The two forms that a change has: a structure, or an operation with lists of users and groups.
    private func sharingChange() throws(AWSError) -> SnapshotSharingChange {
        let users = arguments.texts("UserId")
        let groups = arguments.texts("UserGroup")
        guard let structure = arguments.structure("CreateVolumePermission") else {
            guard let operation = arguments.text("OperationType") else {
                throw .missingParameter("OperationType")
            }
            var grantees: [SnapshotGrantee] = []
            for user in users { grantees.append(try Self.account(user)) }
            for group in groups { grantees.append(try Self.group(group)) }
            return operation == "add"
                ? SnapshotSharingChange(adding: grantees) : SnapshotSharingChange(removing: grantees)
        }
        guard users.isEmpty, groups.isEmpty, arguments.text("OperationType") == nil else {
            throw AWSError(
                .invalidParameterCombination,
                "The parameter CreateVolumePermission cannot be used with OperationType, UserId and UserGroup."
            )
        }
        return SnapshotSharingChange(
            adding: try Self.grantees(structure.structures("Add")),
            removing: try Self.grantees(structure.structures("Remove"))
        )
    }

    func describeSnapshotAttribute(_ writer: inout XMLWriter) async throws {
        let id = try Self.snapshotID(try arguments.requiredText("SnapshotId"))
        let grantees = try await volumes.describeSnapshotAttribute(
            id.text,
            isDryRun: isDryRun,
            caller: caller
        )
        writer.element("snapshotId", id.text)
        guard try arguments.requiredText("Attribute") == "createVolumePermission" else {
            return writer.element("productCodes") { _ in }
        }
        writer.list("createVolumePermission", of: "item", grantees) { writer, grantee in
            switch grantee {
            case .everyone: writer.element("group", grantee.text)
            case .account: writer.element("userId", grantee.text)
            }
        }
    }

    func resetSnapshotAttribute(_ writer: inout XMLWriter) async throws {
        guard try arguments.requiredText("Attribute") == "createVolumePermission" else {
            throw .invalidParameter("Attribute", "productCodes", "Only createVolumePermission can be reset.")
                as AWSError
        }
        try await volumes.resetSnapshotAttribute(
            try Self.snapshotID(try arguments.requiredText("SnapshotId")).text,
            isDryRun: isDryRun,
            caller: caller
        )
        Self.writeSuccess(&writer)
    }

    // MARK: - Whom they name

    private static func grantees(_ permissions: [EC2Arguments]) throws(AWSError) -> [SnapshotGrantee] {
        var grantees: [SnapshotGrantee] = []
        for permission in permissions {
            if let user = permission.text("UserId") { grantees.append(try account(user)) }
            if let group = permission.text("Group") { grantees.append(try Self.group(group)) }
        }
        return grantees
    }

    private static func account(_ text: String) throws(AWSError) -> SnapshotGrantee {
        guard let account = AccountID(text) else {
            throw AWSError(
                AWSError.Code("InvalidUserID.Malformed", .usage),
                "Invalid user id: \"\(text.prefix(100))\""
            )
        }
        return .account(account)
    }

    private static func group(_ text: String) throws(AWSError) -> SnapshotGrantee {
        guard text == "all" else {
            throw .invalidParameter("UserGroup", text, "The only group is all.")
        }
        return .everyone
    }

    /// An account's id or `all`.
    static func grantee(_ text: String, _ parameter: String) throws(AWSError) -> SnapshotGrantee {
        guard let grantee = SnapshotGrantee(text) else {
            throw .invalidParameter(parameter, text, "It is self, all or an account's id.")
        }
        return grantee
    }
}
