internal import CofferCrypto
internal import CofferSecrets
public import CofferShapes
internal import CofferTrail

extension KeyManagementService {
    /// Makes a replica of a multi-Region primary key in another region: the same id and material, with a
    /// policy, tags and state of its own. (`ReplicateKey`)
    public func replicateKey(
        _ key: KeyReference,
        to region: Region,
        order: KeyOrder,
        caller: Caller
    ) async throws -> ReplicaResponse {
        let parameters: [String: TrailValue?] = [
            "keyId": .text("\(key)"), "replicaRegion": .text(region.name),
            "description": .text(order.description),
        ]
        return try await change("ReplicateKey", caller, parameters) { [self] records, call in
            var permission = Permission("ReplicateKey")
            permission.facts.append(("kms:replicaregion", [region.name]))
            let primary = try self.key(key, permission, records, &call)
            try requirePrimary(primary)
            try primary.requireUsable()
            guard region != call.region else {
                throw Refusal.validation(
                    "The replica Region must be different from the primary key's Region."
                )
            }
            guard try records.key(KeyPlace(region: region, id: primary.id)) == nil else {
                throw AWSError(
                    .alreadyExists,
                    "Unable to replicate key to region \(region), because a replica already exists."
                )
            }
            try authoriseReplica(of: primary, in: region, order, call)
            let replica = try makeReplica(of: primary, in: region, order, records, call)
            let loaded = try loaded(replica.place, records)
            call.record.responseElements = ["replicaArn": .text(loaded.arn.description)]
            return ReplicaResponse(
                metadata: metadata(of: loaded),
                policy: replica.policy,
                tags: loaded.tags
            )
        }
    }

    /// Makes a replica the primary key, and the primary key a replica. (`UpdatePrimaryRegion`)
    public func updatePrimaryRegion(_ key: KeyReference, to region: Region, caller: Caller) async throws {
        let parameters: [String: TrailValue?] = [
            "keyId": .text("\(key)"), "primaryRegion": .text(region.name),
        ]
        try await change("UpdatePrimaryRegion", caller, parameters) { [self] records, call in
            var permission = Permission("UpdatePrimaryRegion")
            permission.facts.append(("kms:primaryregion", [region.name]))
            let primary = try self.key(key, permission, records, &call)
            try requirePrimary(primary)
            try primary.requireUsable()
            guard region != primary.stored.region, primary.regions.contains(region) else {
                throw AWSError(
                    .notFound,
                    "\(arn(of: primary.id, in: region)) does not exist, or is the primary key already."
                )
            }
            try loaded(KeyPlace(region: region, id: primary.id), records).requireUsable()
            // The rotation schedule belongs to the primary key.
            let schedule = (primary.stored.rotationPeriodInDays, primary.stored.nextRotation)
            for member in primary.regions {
                guard var stored = try records.key(KeyPlace(region: member, id: primary.id)) else {
                    throw KeyRecords.damaged
                }
                stored.primaryRegion = region
                (stored.rotationPeriodInDays, stored.nextRotation) = member == region ? schedule : (nil, nil)
                try records.update(stored)
            }
        }
    }

    /// Which keys of other regions belong to a key; nil for a single-Region key.
    func multiRegion(of key: LoadedKey) -> MultiRegionConfiguration? {
        guard let primary = key.stored.primaryRegion else { return nil }
        let members = key.regions.map { region in
            MultiRegionConfiguration.Member(arn: arn(of: key.id, in: region), region: region)
        }
        return MultiRegionConfiguration(
            kind: primary == key.stored.region ? .primary : .replica,
            primary: MultiRegionConfiguration.Member(arn: arn(of: key.id, in: primary), region: primary),
            replicas: members.filter { $0.region != primary }
        )
    }

    private func requirePrimary(_ key: LoadedKey) throws(AWSError) {
        guard key.stored.primaryRegion == key.stored.region else {
            throw AWSError(
                .unsupportedOperation,
                "\(key.arn) is not a multi-region primary key."
            )
        }
    }

    /// Leave to make the replica is asked of identity policies, in its own region.
    private func authoriseReplica(
        of primary: LoadedKey,
        in region: Region,
        _ order: KeyOrder,
        _ call: Call
    ) throws {
        var there = call.caller
        there.region = region
        var probe = self.call("CreateKey", there, [:])
        var replica = order
        replica.isMultiRegion = true
        try authorise(Permission(creating: primary.stored, replica), &probe)
        try authoriseTags(order.tags, of: primary.id, probe)
    }

    private func makeReplica(
        of primary: LoadedKey,
        in region: Region,
        _ order: KeyOrder,
        _ records: KeyRecords,
        _ call: Call
    ) throws -> StoredKey {
        var replica = StoredKey(
            id: primary.id,
            region: region,
            created: clock.now,
            description: order.description,
            spec: primary.stored.spec,
            usage: primary.stored.usage,
            origin: primary.stored.origin,
            policy: DefaultPolicy.customer(account: account),
            primaryRegion: primary.stored.region
        )
        if let policy = order.policy {
            try check(policy, for: replica, bypass: order.bypassesPolicyLockoutSafetyCheck, call)
            replica.policy = policy
        }
        try Self.check(order.tags, beside: [])
        try records.add(replica)
        for tag in order.tags { try records.set(tag, of: replica.place) }
        let wrappingKey = try hierarchy.makeWrappingKey(replica.id)
        try records.setWrappingKey(wrappingKey, of: replica.place)
        // Imported material has to be imported into each region by itself.
        guard replica.origin == .awsKMS else { return replica }
        for var material in primary.materials {
            material.wrapped = try rewrap(material, of: primary, under: wrappingKey)
            try records.add(material, to: replica.place)
        }
        return replica
    }

    private func rewrap(
        _ material: StoredMaterial,
        of key: LoadedKey,
        under wrappingKey: [UInt8]
    ) throws -> [UInt8] {
        switch try key.unwrap(material, hierarchy) {
        case .secret(let secret):
            return try hierarchy.wrap(secret.secret, id: material.id, of: key.id, wrappingKey: wrappingKey)
        case .keyPair(let pair):
            let secret = try pair.encoded()
            return try hierarchy.wrap(secret, id: material.id, of: key.id, wrappingKey: wrappingKey)
        }
    }
}
