internal import CofferPolicy
internal import CofferShapes

/// What a caller asks leave for, and what policies may want to know of it.
struct Permission: Sendable {
    /// As policies name it: `kms:Decrypt`.
    let action: String
    /// The operation by which a grant may allow it.
    var grant: GrantOperation?
    var context: EncryptionContext?
    /// Values of condition keys, the keys in lower case.
    var facts: [(key: String, values: [String])] = []
    /// Nobody has to allow it: the caller's part in it is leave enough. A denial still counts.
    var isFree = false

    init(_ operation: String, grant: GrantOperation? = nil, isFree: Bool = false) {
        action = "kms:\(operation)"
        self.grant = grant
        self.isFree = isFree
    }

    /// For cryptography under an encryption context.
    init(
        _ operation: String,
        grant: GrantOperation,
        _ context: EncryptionContext,
        _ algorithm: EncryptionAlgorithm
    ) {
        self.init(operation, grant: grant)
        self.context = context
        facts = [("kms:encryptionalgorithm", [algorithm.rawValue])]
    }

    /// For a new key.
    init(creating key: StoredKey, _ order: KeyOrder) {
        self.init("CreateKey")
        facts = [
            ("kms:keyspec", [key.spec.rawValue]), ("kms:keyusage", [key.usage.rawValue]),
            ("kms:keyorigin", [key.origin.rawValue]), ("kms:multiregion", ["\(order.isMultiRegion)"]),
            ("kms:bypasspolicylockoutsafetycheck", ["\(order.bypassesPolicyLockoutSafetyCheck)"]),
        ]
        if order.isMultiRegion { facts.append(("kms:multiregionkeytype", ["PRIMARY"])) }
        add(order.tags)
    }

    /// For the tags of a new key.
    init(tagging tags: [Tag]) {
        self.init("TagResource")
        add(tags)
    }

    /// For a new grant.
    init(granting order: GrantOrder, _ caller: Caller) {
        self.init("CreateGrant", grant: .createGrant)
        facts = [
            ("kms:grantoperations", order.operations.map(\.rawValue)),
            ("kms:granteeprincipal", [order.grantee]),
            // A grant made through one of our services for that service.
            ("kms:grantisforawsresource", ["\(caller.via != nil)"]),
        ]
        if let retiring = order.retiring { facts.append(("kms:retiringprincipal", [retiring])) }
        if order.constraints?.equals != nil {
            facts.append(("kms:grantconstrainttype", ["EncryptionContextEquals"]))
        } else if order.constraints?.subset != nil {
            facts.append(("kms:grantconstrainttype", ["EncryptionContextSubset"]))
        }
        grantOrder = order
    }

    /// Where a grant is asked for: one that itself comes by a grant can be no wider.
    private(set) var grantOrder: GrantOrder?

    /// The tags of a request, as conditions know them.
    mutating func add(_ tags: [Tag]) {
        guard !tags.isEmpty else { return }
        facts.append(("aws:tagkeys", tags.map(\.key)))
        for tag in tags { facts.append(("aws:requesttag/\(tag.key.lowercased())", [tag.value])) }
    }

    var name: String { String(action.dropFirst("kms:".count)) }

    /// Whether the operation declares InvalidArnException: those of cryptography and on aliases do not. (API reference,
    /// each operation's errors.)
    var refusesARNs: Bool { !Self.withoutInvalidARN.contains(name) }

    private static let withoutInvalidARN: Set<String> = [
        "CreateAlias", "Decrypt", "DeriveSharedSecret", "Encrypt", "GenerateDataKey", "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext", "GenerateMac",
        "ReEncryptFrom",
        "ReEncryptTo", "Sign", "UpdateAlias", "Verify", "VerifyMac",
    ]
}

/// The values of the condition keys of a call, found when a policy asks. (KMS developer guide, "AWS KMS
/// condition keys"; IAM user guide, "AWS global condition context keys".)
struct ConditionValues: Sendable {
    let permission: Permission
    let caller: Caller
    let region: Region
    let account: AccountID
    let key: LoadedKey?
    let now: Timestamp

    func values(of name: String) -> [String]? {
        if let fact = permission.facts.first(where: { $0.key == name }) { return fact.values }
        if name.hasPrefix("aws:") { return global(name) }
        if name.hasPrefix("kms:encryptioncontext:") {
            return encryptionContext(name.dropFirst("kms:encryptioncontext:".count))
        }
        switch name {
        case "kms:calleraccount": return [caller.principal.account]
        case "kms:viaservice": return caller.via.map { ["\($0.endpointPrefix).\(region).amazonaws.com"] }
        case "kms:encryptioncontextkeys": return permission.context.map { Array($0.pairs.keys) }
        case "kms:keyspec": return key.map { [$0.stored.spec.rawValue] }
        case "kms:keyusage": return key.map { [$0.stored.usage.rawValue] }
        case "kms:keyorigin": return key.map { [$0.stored.origin.rawValue] }
        case "kms:multiregion": return key.map { ["\($0.stored.primaryRegion != nil)"] }
        case "kms:multiregionkeytype":
            return key?.stored.primaryRegion.map { [$0 == region ? "PRIMARY" : "REPLICA"] }
        case "kms:resourcealiases": return key.map { $0.aliases.map(\.text) }
        default: return nil
        }
    }

    /// A context's keys are told apart by case where cryptography is, and not where a condition names one.
    private func encryptionContext(_ name: Substring) -> [String]? {
        permission.context?.pairs.first { $0.key.lowercased() == name }.map { [$0.value] }
    }

    /// The keys of every service; the tags are the KMS's own to know.
    private func global(_ name: String) -> [String]? {
        let tags = "aws:resourcetag/"
        if name.hasPrefix(tags) {
            let tag = name.dropFirst(tags.count)
            return key?.tags.first { $0.key.lowercased() == tag }.map { [$0.value] }
        }
        return GlobalConditionKeys(caller: caller, region: region, resourceAccount: account, now: now)
            .values(of: name)
    }
}
