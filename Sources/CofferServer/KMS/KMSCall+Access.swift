internal import CofferJSON
internal import CofferKMS
internal import CofferShapes

// Aliases, tags, policies and grants: by which name, and who may.
extension KMSCall {
    // MARK: - Aliases

    func createAlias() async throws -> [UInt8] {
        try await kms.createAlias(
            try arguments.requiredText("AliasName"),
            target: try arguments.key("TargetKeyId"),
            caller: caller
        )
        return Self.nothing
    }

    func updateAlias() async throws -> [UInt8] {
        try await kms.updateAlias(
            try arguments.requiredText("AliasName"),
            target: try arguments.key("TargetKeyId"),
            caller: caller
        )
        return Self.nothing
    }

    func deleteAlias() async throws -> [UInt8] {
        try await kms.deleteAlias(try arguments.requiredText("AliasName"), caller: caller)
        return Self.nothing
    }

    func listAliases() async throws -> [UInt8] {
        let aliases = try await kms.listAliases(
            key: arguments.optionalKey("KeyId"),
            page: arguments.page,
            caller: caller
        )
        return JSONWriter.object { writer in
            writer.listing("Aliases", aliases) { writer, alias in writer.alias(alias) }
        }
    }

    // MARK: - Tags

    func tagResource() async throws -> [UInt8] {
        try await kms.tagResource(try arguments.key(), arguments.tags, caller: caller)
        return Self.nothing
    }

    func untagResource() async throws -> [UInt8] {
        try await kms.untagResource(try arguments.key(), arguments.texts("TagKeys"), caller: caller)
        return Self.nothing
    }

    func listResourceTags() async throws -> [UInt8] {
        let tags = try await kms.listResourceTags(try arguments.key(), page: arguments.page, caller: caller)
        return JSONWriter.object { writer in
            writer.listing("Tags", tags) { writer, tag in writer.tag(tag) }
        }
    }

    // MARK: - Policies

    func getKeyPolicy() async throws -> [UInt8] {
        let name = arguments.text("PolicyName")
        let policy = try await kms.getKeyPolicy(try arguments.key(), name: name, caller: caller)
        return JSONWriter.object { writer in
            writer.member("Policy", policy)
            writer.member("PolicyName", name ?? "default")
        }
    }

    func putKeyPolicy() async throws -> [UInt8] {
        try await kms.putKeyPolicy(
            try arguments.key(),
            name: arguments.text("PolicyName"),
            policy: try arguments.requiredText("Policy"),
            bypassesLockoutSafetyCheck: arguments.flag("BypassPolicyLockoutSafetyCheck"),
            caller: caller
        )
        return Self.nothing
    }

    func listKeyPolicies() async throws -> [UInt8] {
        let names = try await kms.listKeyPolicies(try arguments.key(), page: arguments.page, caller: caller)
        return JSONWriter.object { writer in
            writer.listing("PolicyNames", names) { writer, name in writer.string(name) }
        }
    }

    // MARK: - Grants

    func createGrant() async throws -> [UInt8] {
        let order = GrantOrder(
            grantee: try arguments.requiredText("GranteePrincipal"),
            retiring: arguments.text("RetiringPrincipal"),
            operations: arguments.texts("Operations").compactMap(GrantOperation.init),
            constraints: arguments.grantConstraints,
            name: arguments.text("Name")
        )
        let grant = try await kms.createGrant(
            order,
            on: try arguments.key(),
            use: arguments.use,
            caller: caller
        )
        return JSONWriter.object { writer in
            writer.member("GrantToken", grant.token)
            writer.member("GrantId", grant.id)
        }
    }

    func listGrants() async throws -> [UInt8] {
        let grants = try await kms.listGrants(
            try arguments.key(),
            id: arguments.text("GrantId"),
            grantee: arguments.text("GranteePrincipal"),
            page: arguments.page,
            caller: caller
        )
        return JSONWriter.object { writer in
            writer.listing("Grants", grants) { writer, grant in writer.grant(grant) }
        }
    }

    func listRetirableGrants() async throws -> [UInt8] {
        let grants = try await kms.listRetirableGrants(
            retiring: try arguments.requiredText("RetiringPrincipal"),
            page: arguments.page,
            caller: caller
        )
        return JSONWriter.object { writer in
            writer.listing("Grants", grants) { writer, grant in writer.grant(grant) }
        }
    }

    func retireGrant() async throws -> [UInt8] {
        try await kms.retireGrant(try grantReference(), isDryRun: arguments.flag("DryRun"), caller: caller)
        return Self.nothing
    }

    /// By its token, or by its key and id, and not by both.
    private func grantReference() throws(AWSError) -> GrantReference {
        let (token, key, id) = (
            arguments.text("GrantToken"), arguments.optionalKey("KeyId"), arguments.text("GrantId")
        )
        switch (token, key, id) {
        case (let token?, nil, nil): return .token(token)
        case (nil, let key?, let id?): return .id(id, key: key)
        default:
            throw AWSError(
                .validation,
                "You must specify either a grant token, or a combination of key ID and grant ID, and not both."
            )
        }
    }

    func revokeGrant() async throws -> [UInt8] {
        try await kms.revokeGrant(
            try arguments.requiredText("GrantId"),
            on: try arguments.key(),
            isDryRun: arguments.flag("DryRun"),
            caller: caller
        )
        return Self.nothing
    }
}
