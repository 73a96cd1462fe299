internal import CofferCrypto
internal import CofferPolicy
internal import CofferSecrets
public import CofferShapes
internal import CofferTrail

extension KeyManagementService {
    /// Makes a KMS key. (`CreateKey`)
    public func createKey(_ order: KeyOrder, caller: Caller) async throws -> KeyMetadata {
        let parameters: [String: TrailValue?] = [
            "description": .text(order.description), "keySpec": .text(order.spec.rawValue),
            "keyUsage": order.usage.map { .text($0.rawValue) }, "origin": .text(order.origin.rawValue),
            "customKeyStoreId": order.customKeyStoreID.map { .text($0) },
            "multiRegion": .bool(order.isMultiRegion),
            "bypassPolicyLockoutSafetyCheck": .bool(order.bypassesPolicyLockoutSafetyCheck),
        ]
        let isMade = order.origin == .awsKMS && (try? Self.usage(of: order)) != nil
        // A key pair takes up to seconds to make: before the lock, and only for who may order it.
        if isMade, KeyPairKind(order.spec) != nil {
            try await refuseEarly("CreateKey", caller, parameters) { call in
                let key = try newKey(order, call)
                try authorise(Permission(creating: key, order), &call)
            }
        }
        let material = isMade ? try await make(order.spec) : nil
        return try await change("CreateKey", caller, parameters) { [self] records, call in
            var key = try newKey(order, call)
            try authorise(Permission(creating: key, order), &call)
            try authoriseTags(order.tags, of: key.id, call)
            try check(order, for: key, call)
            if let policy = order.policy {
                try check(policy, for: key, bypass: order.bypassesPolicyLockoutSafetyCheck, call)
                key.policy = policy
            }
            try records.add(key)
            for tag in order.tags { try records.set(tag, of: key.place) }
            try giveMaterial(material, to: key, records, call)
            let arn = arn(of: key.id, in: key.region)
            call.record.resources = [TrailResource(key: arn)]
            call.record.responseElements = [
                "keyId": .text(key.id.description), "arn": .text(arn.description),
            ]
            return try metadata(of: loaded(key.place, records))
        }
    }

    public func describeKey(_ key: KeyReference, caller: Caller) async throws -> KeyMetadata {
        try await describeKey(key, grantTokens: [], caller: caller)
    }

    /// As the protocol's, by a grant too. (`DescribeKey`, "GrantTokens")
    public func describeKey(
        _ key: KeyReference,
        grantTokens: [String],
        caller: Caller
    ) async throws -> KeyMetadata {
        try await use("DescribeKey", caller, ["keyId": .text("\(key)")]) { call in
            try check(grantTokens)
            return metadata(of: try self.key(key, Permission("DescribeKey", grant: .describeKey), &call))
        }
    }

    /// The AWS managed key of a service; of two first uses at once, in any processes, both get the same key.
    public func awsManagedKey(of service: AWSService, caller: Caller) async throws -> KeyMetadata {
        try await describeKey(.alias(.awsManaged(service)), caller: caller)
    }

    /// The keys of the region, oldest first. (`ListKeys`)
    public func listKeys(page: Page = Page(), caller: Caller) async throws -> Listing<KeyEntry> {
        let limit = page.limit.map { TrailValue.number($0) }
        return try await use("ListKeys", caller, ["limit": limit]) { call in
            try authorise(Permission("ListKeys"), &call)
            let region = call.region
            let limit = try Pagination.keys.limit(page)
            let marker = try page.marker.map { marker in
                let parts = try Pagination.open(marker).split(separator: " ")
                guard parts.count == 2, let created = Int64(parts[0]) else { throw Refusal.badMarker() }
                return KeyMarker(created: created, id: String(parts[1]))
            }
            let found = try cache.read { records in
                try records.keyEntries(in: region, after: marker, limit: limit + 1)
            }
            let part = found.prefix(limit)
            let items = try part.map { entry in
                guard let id = KeyID(entry.id) else { throw KeyRecords.damaged }
                return KeyEntry(id: id, arn: arn(of: id, in: region))
            }
            let isLast = found.count <= limit
            let next = isLast ? nil : part.last.map { Pagination.seal("\($0.created) \($0.id)") }
            return Listing(items: items, nextMarker: next)
        }
    }

    /// Changes the description; at most 8192 characters (UTF-16). (`UpdateKeyDescription`)
    public func updateKeyDescription(
        _ key: KeyReference,
        to description: String,
        caller: Caller
    ) async throws {
        let parameters: [String: TrailValue?] = [
            "keyId": .text("\(key)"), "description": .text(description),
        ]
        try await change("UpdateKeyDescription", caller, parameters) { [self] records, call in
            guard description.utf16.count <= Limits.descriptionCharacters else {
                throw Refusal.tooLong("description", limit: Limits.descriptionCharacters)
            }
            let key = try self.key(key, Permission("UpdateKeyDescription"), records, &call)
            try key.requireNotPendingDeletion()
            var stored = key.stored
            stored.description = description
            try records.update(stored)
        }
    }

    /// Lets a key be used again. Takes a key id or key ARN; does nothing to an enabled key. (`EnableKey`)
    public func enableKey(_ key: KeyReference, caller: Caller) async throws {
        try await setEnabled(true, key, "EnableKey", caller)
    }

    /// Stops every use of a key, in all processes, from the next call on. What was decrypted before stays
    /// decrypted: attached volumes go on. Takes a key id or key ARN; does nothing to a disabled key.
    /// (`DisableKey`)
    public func disableKey(_ key: KeyReference, caller: Caller) async throws {
        try await setEnabled(false, key, "DisableKey", caller)
    }

    private func setEnabled(
        _ isEnabled: Bool,
        _ key: KeyReference,
        _ action: String,
        _ caller: Caller
    ) async throws {
        try await change(action, caller, ["keyId": .text("\(key)")]) { [self] records, call in
            let key = try self.key(key, Permission(action), records, &call)
            try key.requireNotPendingDeletion()
            if key.state == .pendingImport { throw Refusal.pendingImport(key.arn) }
            var stored = key.stored
            stored.isEnabled = isEnabled
            try records.update(stored)
        }
    }

    func loaded(_ place: KeyPlace, _ records: KeyRecords) throws -> LoadedKey {
        guard let key = try LoadedKey(place, account: account, records) else { throw KeyRecords.damaged }
        return key
    }

    func metadata(of key: LoadedKey) -> KeyMetadata {
        let stored = key.stored
        let current = key.currentMaterial
        var metadata = KeyMetadata(
            accountID: account,
            keyID: key.id,
            arn: key.arn,
            created: stored.created,
            description: stored.description,
            state: key.state,
            manager: stored.service == nil ? .customer : .aws,
            currentKeyMaterialID: stored.spec.isSymmetricEncryption && stored.customKeyStoreID == nil
                ? current?.textID : nil
        )
        (metadata.spec, metadata.usage, metadata.origin) = (stored.spec, stored.usage, stored.origin)
        metadata.deletionDate = stored.deletionDate
        if key.state == .pendingReplicaDeletion {
            metadata.pendingDeletionWindowInDays = stored.pendingWindowInDays
        }
        if stored.origin == .external, key.state != .pendingImport {
            metadata.expirationModel = current?.expirationModel
            metadata.validTo = key.materials.compactMap(\.validTo).min()
        }
        metadata.customKeyStoreID = stored.customKeyStoreID
        metadata.cloudHSMClusterID = key.keyStore?.tokenLabel
        metadata.multiRegion = multiRegion(of: key)
        return metadata
    }
}
