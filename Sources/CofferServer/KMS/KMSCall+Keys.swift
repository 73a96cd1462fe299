internal import CofferJSON
internal import CofferKMS
internal import CofferShapes

// Keys: making, describing, states, deletion.
extension KMSCall {
    func createKey() async throws -> [UInt8] {
        try refuseExternalKeyStore()
        var order = KeyOrder(description: arguments.text("Description") ?? "")
        order.policy = arguments.text("Policy")
        order.usage = arguments.choice("KeyUsage")
        if let spec = try keySpec() { order.spec = spec }
        if let origin = arguments.choice("Origin", KeyOrigin.self) { order.origin = origin }
        order.customKeyStoreID = arguments.text("CustomKeyStoreId")
        order.bypassesPolicyLockoutSafetyCheck = arguments.flag("BypassPolicyLockoutSafetyCheck")
        order.tags = arguments.tags
        order.isMultiRegion = arguments.flag("MultiRegion")
        let metadata = try await kms.createKey(order, caller: caller)
        return JSONWriter.object { $0.keyMetadata("KeyMetadata", metadata) }
    }

    /// The spec under its new or its old name; both may be given if they say the same.
    private func keySpec() throws(AWSError) -> KeySpec? {
        let (new, old) = (
            arguments.choice("KeySpec", KeySpec.self), arguments.choice("CustomerMasterKeySpec", KeySpec.self)
        )
        if let new, let old, new != old {
            throw AWSError(
                .validation,
                "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. "
                    + "CustomerMasterKeySpec is deprecated."
            )
        }
        return new ?? old
    }

    private func refuseExternalKeyStore() throws(AWSError) {
        guard arguments.text("XksKeyId") == nil else {
            throw AWSError(
                .unsupportedOperation,
                "external key stores are not supported; use a PKCS #11 token"
            )
        }
    }

    func describeKey() async throws -> [UInt8] {
        let metadata = try await kms.describeKey(
            try arguments.key(),
            grantTokens: arguments.grantTokens,
            caller: caller
        )
        return JSONWriter.object { $0.keyMetadata("KeyMetadata", metadata) }
    }

    func listKeys() async throws -> [UInt8] {
        let keys = try await kms.listKeys(page: arguments.page, caller: caller)
        return JSONWriter.object { writer in
            writer.listing("Keys", keys) { writer, key in
                writer.beginObject()
                writer.member("KeyId", key.id.description)
                writer.member("KeyArn", key.arn)
                writer.endObject()
            }
        }
    }

    func enableKey() async throws -> [UInt8] {
        try await kms.enableKey(try arguments.key(), caller: caller)
        return Self.nothing
    }

    func disableKey() async throws -> [UInt8] {
        try await kms.disableKey(try arguments.key(), caller: caller)
        return Self.nothing
    }

    func updateKeyDescription() async throws -> [UInt8] {
        try await kms.updateKeyDescription(
            try arguments.key(),
            to: try arguments.requiredText("Description"),
            caller: caller
        )
        return Self.nothing
    }

    func scheduleKeyDeletion() async throws -> [UInt8] {
        let deletion = try await kms.scheduleKeyDeletion(
            try arguments.key(),
            pendingWindowInDays: arguments.integer("PendingWindowInDays"),
            caller: caller
        )
        return JSONWriter.object { writer in
            writer.member("KeyId", deletion.keyARN)
            writer.member("DeletionDate", deletion.deletionDate)
            writer.member("KeyState", deletion.state)
            writer.member("PendingWindowInDays", deletion.pendingWindowInDays)
        }
    }

    func cancelKeyDeletion() async throws -> [UInt8] {
        let arn = try await kms.cancelKeyDeletion(try arguments.key(), caller: caller)
        return JSONWriter.object { $0.member("KeyId", arn) }
    }

    func getKeyLastUsage() async throws -> [UInt8] {
        let usage = try await kms.getKeyLastUsage(try arguments.key(), caller: caller)
        return JSONWriter.object { writer in
            writer.member("KeyId", usage.keyARN)
            // Empty of a key that was never used.
            writer.object("KeyLastUsage") { writer in
                writer.member("Operation", usage.operation)
                writer.member("Timestamp", usage.time)
                writer.member("CloudTrailEventId", usage.eventID)
            }
            writer.member("TrackingStartDate", usage.trackingStart)
            writer.member("KeyCreationDate", usage.created)
        }
    }

    func replicateKey() async throws -> [UInt8] {
        var order = KeyOrder(description: arguments.text("Description") ?? "")
        order.policy = arguments.text("Policy")
        order.bypassesPolicyLockoutSafetyCheck = arguments.flag("BypassPolicyLockoutSafetyCheck")
        order.tags = arguments.tags
        let replica = try await kms.replicateKey(
            try arguments.key(),
            to: try region("ReplicaRegion"),
            order: order,
            caller: caller
        )
        return JSONWriter.object { writer in
            writer.keyMetadata("ReplicaKeyMetadata", replica.metadata)
            writer.member("ReplicaPolicy", replica.policy)
            if !replica.tags.isEmpty {
                writer.list("ReplicaTags", replica.tags) { writer, tag in writer.tag(tag) }
            }
        }
    }

    func updatePrimaryRegion() async throws -> [UInt8] {
        try await kms.updatePrimaryRegion(
            try arguments.key(),
            to: try region("PrimaryRegion"),
            caller: caller
        )
        return Self.nothing
    }

    private func region(_ name: String) throws(AWSError) -> Region {
        let text = try arguments.requiredText(name)
        guard let region = Region(text) else {
            throw AWSError(.validation, "'\(text)' is no region's name")
        }
        return region
    }
}
