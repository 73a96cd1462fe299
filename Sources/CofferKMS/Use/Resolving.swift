internal import CofferShapes
internal import CofferTrail

/// Where a call finds keys: the cache for uses, the open transaction for changes.
protocol KeySource {
    func key(_ place: KeyPlace) throws -> LoadedKey?
    func target(of name: AliasName, in region: Region) throws -> KeyID?
}

extension KeyCache: KeySource {}

/// Keys as an open transaction sees them.
struct TransactionKeys: KeySource {
    let records: KeyRecords
    let account: AccountID

    func key(_ place: KeyPlace) throws -> LoadedKey? { try LoadedKey(place, account: account, records) }

    func target(of name: AliasName, in region: Region) throws -> KeyID? {
        try records.alias(name, in: region)?.target
    }
}

/// The alias of an AWS managed key that is not there yet: made at its service's first use.
struct MissingAWSManagedKey: Error { let service: AWSService }

// Which key a caller means, and whether it may be used so. In AWS's order: the request's shape, then the key,
// then the permission; states come after.
extension KeyManagementService {
    /// The key that a use means, by any of its names.
    func key(_ reference: KeyReference, _ permission: Permission, _ call: inout Call) throws -> LoadedKey {
        try key(reference, permission, in: cache, takesAlias: true, &call)
    }

    /// The key that a use means, by id or key ARN.
    func ownKey(_ reference: KeyReference, _ permission: Permission, _ call: inout Call) throws -> LoadedKey {
        try key(reference, permission, in: cache, takesAlias: false, &call)
    }

    /// The key that a change is about, as its transaction sees it, by id or key ARN.
    func key(
        _ reference: KeyReference,
        _ permission: Permission,
        _ records: KeyRecords,
        _ call: inout Call
    ) throws -> LoadedKey {
        let source = TransactionKeys(records: records, account: account)
        return try key(reference, permission, in: source, takesAlias: false, &call)
    }

    private func key(
        _ reference: KeyReference,
        _ permission: Permission,
        in source: some KeySource,
        takesAlias: Bool,
        _ call: inout Call
    ) throws -> LoadedKey {
        var permission = permission
        let key = try find(reference, &permission, in: source, takesAlias: takesAlias, call)
        try authorise(permission, on: key, &call)
        return key
    }

    /// Finds a key without asking whether it may be used.
    private func find(
        _ reference: KeyReference,
        _ permission: inout Permission,
        in source: some KeySource,
        takesAlias: Bool,
        _ call: Call
    ) throws -> LoadedKey {
        switch reference {
        case .id(let id): return try existing(id, in: source, call)
        case .keyARN(let arn, let id):
            try requireLocal(arn, permission, call)
            return try existing(id, in: source, call)
        case .alias(let name):
            guard takesAlias else { throw Refusal.noKeyID(name.text) }
            permission.facts.append(("kms:requestalias", [name.text]))
            return try target(of: name, permission, in: source, call)
        case .aliasARN(let arn, let name):
            guard takesAlias else { throw Refusal.aliasARNAsKeyID }
            try requireLocal(arn, permission, call)
            permission.facts.append(("kms:requestalias", [name.text]))
            return try target(of: name, permission, in: source, call)
        case .other(let text):
            if text.hasPrefix("arn:") { throw Refusal.noARN(text, declared: permission.refusesARNs) }
            if takesAlias, text.hasPrefix(AliasName.prefix) {
                let arn = "arn:aws:kms:\(call.region):\(account):\(text)"
                throw AWSError(.notFound, "Alias \(arn) is not found.")
            }
            throw Refusal.noKeyID(text)
        }
    }

    private func existing(_ id: KeyID, in source: some KeySource, _ call: Call) throws -> LoadedKey {
        guard let key = try source.key(KeyPlace(region: call.region, id: id)) else {
            throw Refusal.noSuchKey(arn(of: id, in: call.region))
        }
        return key
    }

    /// Refuses ARNs of other regions and accounts. Whether another account has such a key is not told.
    private func requireLocal(_ given: ARN, _ permission: Permission, _ call: Call) throws {
        guard given.region == call.region.name else { throw Refusal.otherRegion(given) }
        guard given.account == account.digits else {
            throw Refusal.accessDenied(
                call.caller,
                action: permission.action,
                on: given.description,
                "because the resource does not exist in this Region, no resource-based policies allow access, "
                    + "or a resource-based policy explicitly denies access"
            )
        }
    }

    /// The alias's key. The alias of an AWS managed key has that key made when it is missing: in
    /// `DescribeKey`, and when the key's own service uses it. (API reference, `DescribeKey`, "KeyId".)
    private func target(
        of name: AliasName,
        _ permission: Permission,
        in source: some KeySource,
        _ call: Call
    ) throws -> LoadedKey {
        if let target = try source.target(of: name, in: call.region) {
            return try existing(target, in: source, call)
        }
        let service = AWSService.allCases.first { AliasName.awsManaged($0) == name }
        if let service, permission.action == "kms:DescribeKey" || call.caller.via == service {
            throw MissingAWSManagedKey(service: service)
        }
        throw Refusal.noSuchAlias(arn(of: name, in: call.region))
    }
}
