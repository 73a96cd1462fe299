public import CofferShapes
internal import CofferTrail

extension KeyManagementService {
    /// Gives a key a name that can later point to another. `target` is a key id or key ARN. (`CreateAlias`)
    public func createAlias(_ name: String, target: KeyReference, caller: Caller) async throws {
        try await change("CreateAlias", caller, Self.parameters(name, target)) { [self] records, call in
            let name = try Self.alias(name)
            let key = try aliasTarget(target, of: name, "CreateAlias", records, &call)
            try key.requireNotPendingDeletion()
            guard try records.alias(name, in: call.region) == nil else {
                throw Refusal.aliasExists(arn(of: name, in: call.region))
            }
            guard key.aliases.count < Limits.aliasesPerKey else {
                throw AWSError(.limitExceeded, "\(key.arn) has \(Limits.aliasesPerKey) aliases already")
            }
            let now = clock.now
            let alias = StoredAlias(name: name, target: key.id, created: now, updated: now)
            try records.add(alias, in: call.region)
        }
    }

    /// Points an alias to another key; what was encrypted by it before still names the key of then.
    /// (`UpdateAlias`)
    public func updateAlias(_ name: String, target: KeyReference, caller: Caller) async throws {
        try await change("UpdateAlias", caller, Self.parameters(name, target)) { [self] records, call in
            let name = try Self.alias(name)
            let key = try aliasTarget(target, of: name, "UpdateAlias", records, &call)
            guard let alias = try records.alias(name, in: call.region) else {
                throw Refusal.noSuchAlias(arn(of: name, in: call.region))
            }
            try key.requireNotPendingDeletion()
            let old = try self.key(.id(alias.target), Permission("UpdateAlias"), records, &call)
            guard old.stored.usage == key.stored.usage, old.stored.spec.family == key.stored.spec.family
            else {
                throw Refusal.validation(
                    "Alias \(arn(of: name, in: call.region)) cannot be changed to a key of another type or "
                        + "key usage."
                )
            }
            try records.setTarget(key.id, of: name, in: call.region, at: clock.now)
        }
    }

    /// Removes the name; the key stays. (`DeleteAlias`)
    public func deleteAlias(_ name: String, caller: Caller) async throws {
        try await change("DeleteAlias", caller, ["aliasName": .text(name)]) { [self] records, call in
            let name = try Self.alias(name)
            try authorise(Permission("DeleteAlias"), onAlias: name, &call)
            guard let alias = try records.alias(name, in: call.region) else {
                throw Refusal.noSuchAlias(arn(of: name, in: call.region))
            }
            _ = try self.key(.id(alias.target), Permission("DeleteAlias"), records, &call)
            try records.remove(name, in: call.region)
        }
    }

    /// The aliases by name: all of the region, or those of one key, named by id or ARN. The names that are
    /// reserved for AWS managed keys are the last of all, with no target where the key is not there yet.
    /// (`ListAliases`)
    public func listAliases(
        key: KeyReference? = nil,
        page: Page = Page(),
        caller: Caller
    ) async throws -> Listing<AliasEntry> {
        try await use("ListAliases", caller, ["keyId": key.map { .text("\($0)") }]) { call in
            try authorise(Permission("ListAliases"), &call)
            let region = call.region
            let id = try key.map { try ownKey($0, Permission("ListAliases", isFree: true), &call).id }
            var entries = try cache.read { try $0.aliases(in: region, of: id) }.map { alias in
                AliasEntry(
                    name: alias.name,
                    arn: arn(of: alias.name, in: region),
                    target: alias.target,
                    created: alias.created,
                    updated: alias.updated
                )
            }
            if id == nil {
                let missing = AWSService.allCases.map { AliasName.awsManaged($0) }
                    .filter { name in !entries.contains { $0.name == name } }
                entries += missing.map { name in
                    AliasEntry(
                        name: name,
                        arn: arn(of: name, in: region),
                        target: nil,
                        created: nil,
                        updated: nil
                    )
                }
                entries.sort { $0.order < $1.order }
            }
            return try Pagination.aliases.part(entries, page, name: \.order)
        }
    }

    /// The key that an alias is to point to: leave is needed on both.
    private func aliasTarget(
        _ target: KeyReference,
        of name: AliasName,
        _ action: String,
        _ records: KeyRecords,
        _ call: inout Call
    ) throws -> LoadedKey {
        switch target {
        case .alias, .aliasARN: throw Refusal.aliasOfAlias
        case .other(let text) where text.hasPrefix(AliasName.prefix): throw Refusal.aliasOfAlias
        case .id, .keyARN, .other: break
        }
        try authorise(Permission(action), onAlias: name, &call)
        return try key(target, Permission(action), records, &call)
    }

    /// The alias that a change is about. Names below `alias/aws/` are AWS's.
    private static func alias(_ text: String) throws(AWSError) -> AliasName {
        if text.hasPrefix(AliasName.prefix), text.contains(":") {
            throw AWSError(.validation, "\(text) contains invalid characters for an alias")
        }
        let name = try AliasName(text)
        guard !name.isReserved else { throw Refusal.reservedAlias }
        return name
    }

    private static func parameters(_ name: String, _ target: KeyReference) -> [String: TrailValue?] {
        ["aliasName": .text(name), "targetKeyId": .text("\(target)")]
    }
}

extension AliasEntry {
    /// Sorts by name, the customer's own before those that are reserved.
    fileprivate var order: String { (name.isReserved ? "1" : "0") + name.text }
}

extension KeySpec {
    fileprivate enum Family { case symmetric, hmac, asymmetric }

    /// An alias may move between keys of one family only. (`UpdateAlias`)
    fileprivate var family: Family {
        isSymmetricEncryption ? .symmetric : isHMAC ? .hmac : .asymmetric
    }
}
