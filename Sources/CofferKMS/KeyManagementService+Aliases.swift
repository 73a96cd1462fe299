public import CofferShapes
internal import CofferTrail

extension KeyManagementService {
    /// Gives a key a name that can later point to another. `target` is a key id or key ARN. (`CreateAlias`)
    public func createAlias(_ name: AliasName, target: KeyReference, caller: Caller) throws {
        try perform("CreateAlias", Self.parameters(name, target), caller) { records, record in
            let key = try aliasTarget(target, of: name, "CreateAlias", caller, records, &record)
            guard try records.alias(name) == nil else { throw Refusal.aliasExists(arn(of: name)) }
            try records.add(StoredAlias(name: name, target: key.id, created: clock.now))
        }
    }

    /// Points an alias to another key; what was encrypted by it before still names the key of then.
    /// (`UpdateAlias`)
    public func updateAlias(_ name: AliasName, target: KeyReference, caller: Caller) throws {
        try perform("UpdateAlias", Self.parameters(name, target), caller) { records, record in
            let key = try aliasTarget(target, of: name, "UpdateAlias", caller, records, &record)
            guard try records.alias(name) != nil else { throw Refusal.noSuchAlias(arn(of: name)) }
            try records.setTarget(key.id, of: name)
        }
    }

    /// Removes the name; the key stays. (`DeleteAlias`)
    public func deleteAlias(_ name: AliasName, caller: Caller) throws {
        try perform("DeleteAlias", ["aliasName": .text(name.text)], caller) { records, record in
            guard !name.isReserved else { throw Refusal.reservedAlias }
            guard let alias = try records.alias(name) else { throw Refusal.noSuchAlias(arn(of: name)) }
            record.resources = [TrailResource(key: arn(of: alias.target))]
            try records.remove(name)
        }
    }

    /// The aliases by name: all of the region, or those of one key, named by id or ARN. (`ListAliases`)
    public func listAliases(key: KeyReference? = nil, caller: Caller) throws -> [AliasEntry] {
        try perform("ListAliases", ["keyId": key.map { .text("\($0)") }], caller) { records, record in
            let id = try key.map { reference in
                try self.key(reference, for: .read, action: "ListAliases", caller, records, &record).id
            }
            return try records.aliases(of: id).map { alias in
                AliasEntry(
                    name: alias.name,
                    arn: arn(of: alias.name),
                    target: alias.target,
                    created: alias.created
                )
            }
        }
    }

    /// The key that an alias is to point to.
    private func aliasTarget(
        _ target: KeyReference,
        of name: AliasName,
        _ action: String,
        _ caller: Caller,
        _ records: KeyRecords,
        _ record: inout TrailRecord
    ) throws -> StoredKey {
        guard !name.isReserved else { throw Refusal.reservedAlias }
        switch target {
        case .alias, .aliasARN: throw Refusal.aliasOfAlias
        case .id, .keyARN: return try key(target, for: .manage, action: action, caller, records, &record)
        }
    }

    private static func parameters(_ name: AliasName, _ target: KeyReference) -> [String: TrailValue?] {
        ["aliasName": .text(name.text), "targetKeyId": .text("\(target)")]
    }
}
