internal import CofferShapes
internal import CofferTrail

/// Which key a caller means, and whether it may be used so. In AWS's order: the request's shape, then the
/// key, then the permission, then the key's state.
extension KeyManagementService {
    /// What a verb does with a key, for AWS managed keys: which action on them is allowed to whom.
    enum Access {
        /// Reading metadata: allowed to everybody in the account.
        case read
        /// Encrypting and decrypting: to the key's service alone, on a caller's behalf.
        case use
        /// Changing the key or its aliases: to nobody.
        case manage
    }

    /// The key that `reference` names, which the caller may access so. It goes on the record, refused or not.
    /// `action` is the name in policies, without `kms:`.
    func key(
        _ reference: KeyReference,
        for access: Access,
        action: String,
        _ caller: Caller,
        _ records: KeyRecords,
        _ record: inout TrailRecord
    ) throws -> StoredKey {
        let key =
            switch reference {
            case .id(let id): try existing(id, records)
            case .keyARN(let arn, let id):
                try local(arn, action: action, caller) { try existing(id, records) }
            case .alias(let name) where access == .manage: throw Refusal.aliasAsKeyID(name)
            case .aliasARN where access == .manage: throw Refusal.aliasARNAsKeyID
            case .alias(let name): try target(of: name, access, caller, records)
            case .aliasARN(let arn, let name):
                try local(arn, action: action, caller) { try target(of: name, access, caller, records) }
            }
        try authorise(key, for: access, action: action, caller, &record)
        return key
    }

    /// Puts the key on the record, and refuses what AWS's policy for its managed keys does not allow.
    func authorise(
        _ key: StoredKey,
        for access: Access,
        action: String,
        _ caller: Caller,
        _ record: inout TrailRecord
    ) throws(AWSError) {
        let arn = arn(of: key.id)
        record.resources = (record.resources ?? []) + [TrailResource(key: arn)]
        guard let service = key.service else { return }
        let isAllowed =
            switch access {
            case .read: true
            case .use: caller.via == service
            case .manage: false
            }
        guard isAllowed else { throw Refusal.accessDenied(caller, action: action, on: arn) }
    }

    /// Refuses a key whose state forbids cryptography. (Developer guide, "Key states of AWS KMS keys".)
    func requireUsable(_ key: StoredKey) throws(AWSError) {
        switch key.state {
        case .enabled: return
        case .disabled: throw Refusal.disabled(arn(of: key.id))
        }
    }

    private func existing(_ id: KeyID, _ records: KeyRecords) throws -> StoredKey {
        guard let key = try records.key(id) else { throw Refusal.noSuchKey(arn(of: id)) }
        return key
    }

    /// Runs `body` for an ARN of this account and region.
    private func local(
        _ given: ARN,
        action: String,
        _ caller: Caller,
        _ body: () throws -> StoredKey
    ) throws -> StoredKey {
        guard given.region == region.name else { throw Refusal.otherRegion(given) }
        // Whether another account has such a key is not told.
        guard given.account == account.digits else {
            throw Refusal.accessDenied(caller, action: action, on: given)
        }
        return try body()
    }

    /// The alias's key. The alias of an AWS managed key makes that key when it is missing: in `DescribeKey`,
    /// and when the key's own service uses it. (API reference, `DescribeKey`, "KeyId".)
    private func target(
        of name: AliasName,
        _ access: Access,
        _ caller: Caller,
        _ records: KeyRecords
    ) throws -> StoredKey {
        if let alias = try records.alias(name) { return try existing(alias.target, records) }
        let service = AWSService.allCases.first { AliasName.awsManaged($0) == name }
        guard let service, access == .read || caller.via == service else {
            throw Refusal.noSuchAlias(arn(of: name))
        }
        return try makeAWSManagedKey(of: service, records)
    }
}
