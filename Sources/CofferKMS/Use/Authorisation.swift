internal import CofferPolicy
internal import CofferShapes
internal import CofferTrail

/// Why somebody may or may not do something with a key.
public struct Explanation: Sendable {
    public let isAllowed: Bool
    /// One sentence that names what decided.
    public let verdict: String
    /// The statements that came near, and what did not fit.
    public let nearMisses: [String]
}

// Who may do what: key policies, identity policies and grants, decided by the one policy engine.
extension KeyManagementService {
    /// Puts the key on the record, and refuses what nothing allows.
    func authorise(_ permission: Permission, on key: LoadedKey, _ call: inout Call) throws {
        call.record.resources = (call.record.resources ?? []) + [key.resource]
        let decision = try decide(permission, on: key, key.policy, call.caller, call.region)
        try permit(decision, permission, on: key.resource.ARN, call.caller)
    }

    /// For verbs that are about no key yet, or about all of them.
    func authorise(_ permission: Permission, _ call: inout Call) throws {
        try authorise(permission, onResource: "*", call)
    }

    /// Changing an alias needs leave on the alias as well as on its keys.
    func authorise(_ permission: Permission, onAlias name: AliasName, _ call: inout Call) throws {
        try authorise(permission, onResource: arn(of: name, in: call.region).description, call)
    }

    /// A key made with tags needs leave to tag it, as `TagResource` does. (`CreateKey`, "Required permissions")
    func authoriseTags(_ tags: [Tag], of id: KeyID, _ call: Call) throws {
        guard !tags.isEmpty else { return }
        try authorise(Permission(tagging: tags), onResource: arn(of: id, in: call.region).description, call)
    }

    /// Whether a key policy would let the caller put another in its place.
    func allowsChange(_ policy: PolicyDocument, of key: StoredKey, _ call: Call) throws -> Bool {
        let arn = arn(of: key.id, in: key.region)
        var request = request(Permission("PutKeyPolicy"), nil, arn.description, call.caller, key.region)
        request.resourceAccount = account.digits
        let identity = try identities.policies(of: call.caller.principal)
        let policies = PolicySet(resource: NamedPolicy("the new key policy", policy), identity: identity)
        return policies.decide(request, mode: .resourcePolicyRequired).isAllowed
    }

    func explain(
        _ permission: Permission,
        on key: LoadedKey,
        as principal: Caller,
        _ call: Call
    ) throws -> Explanation {
        switch try decide(permission, on: key, key.policy, principal, call.region) {
        case .allowed(let ground):
            return Explanation(isAllowed: true, verdict: "allowed by \(ground)", nearMisses: [])
        case .denied(let statement):
            return Explanation(isAllowed: false, verdict: "denied by \(statement)", nearMisses: [])
        case .notAllowed(let refusal):
            let missing =
                refusal.missing == .resourcePolicy
                ? "no statement of the key policy allows it, and no grant does"
                : "the key policy leaves it to the account, and no identity policy allows it"
            return Explanation(
                isAllowed: false,
                verdict: missing,
                nearMisses: refusal.nearMisses.map(\.description)
            )
        }
    }

    // MARK: - Principals

    /// Whether a key policy may name this principal: users of this account must be there.
    func exists(_ principal: PolicyPrincipalName) throws -> Bool {
        switch principal {
        case .arn(let text):
            guard let arn = ARN(text) else { return false }
            return try exists(arn)
        case .everyone, .account, .service, .federated, .canonicalUser: return true
        }
    }

    /// Whether a grant may name this principal: an ARN, or a service of AWS's.
    func isPrincipal(_ text: String) throws -> Bool {
        guard let arn = ARN(text) else { return text.hasSuffix(".amazonaws.com") }
        guard AccountID(arn.account) != nil else { return false }
        let kind = arn.resource.prefix { $0 != "/" }
        // Neither a group nor everybody.
        let isPrincipal =
            switch arn.service {
            case "iam": arn.resource == "root" || kind == "user" || kind == "role"
            case "sts": kind == "assumed-role" || kind == "federated-user"
            default: false
            }
        return try isPrincipal && exists(arn)
    }

    /// Of this account's users those that are there; whom another account has, and which roles, is not known here.
    private func exists(_ arn: ARN) throws -> Bool {
        guard arn.account == account.digits, arn.resource.hasPrefix("user/") else { return true }
        return try identities.exists(arn)
    }

    // MARK: - Deciding

    private func authorise(_ permission: Permission, onResource resource: String, _ call: Call) throws {
        let identity = try identities.policies(of: call.caller.principal)
        let request = request(permission, nil, resource, call.caller, call.region)
        let decision = PolicySet(resource: nil, identity: identity).decide(request, mode: .eitherSuffices)
        try permit(decision, permission, on: resource, call.caller)
    }

    private func decide(
        _ permission: Permission,
        on key: LoadedKey,
        _ policy: PolicyDocument,
        _ caller: Caller,
        _ region: Region
    ) throws -> PolicyDecision {
        let identity = try identities.policies(of: caller.principal)
        let request = request(permission, key, key.resource.ARN, caller, region)
        return PolicySet(resource: NamedPolicy("the key policy", policy), identity: identity)
            .decide(request, mode: .resourcePolicyRequired) { key.grant(allowing: permission, to: caller) }
    }

    private func request(
        _ permission: Permission,
        _ key: LoadedKey?,
        _ resource: String,
        _ caller: Caller,
        _ region: Region
    ) -> PolicyRequest {
        let values = ConditionValues(
            permission: permission,
            caller: caller,
            region: region,
            account: account,
            key: key,
            now: clock.now
        )
        return PolicyRequest(
            principal: PolicyPrincipal(caller.principal),
            action: permission.action,
            resource: resource,
            resourceAccount: account.digits,
            context: PolicyContext { name in values.values(of: name) }
        )
    }

    private func permit(
        _ decision: PolicyDecision,
        _ permission: Permission,
        on resource: String,
        _ caller: Caller
    ) throws(AWSError) {
        let because: String
        switch decision {
        case .allowed: return
        case .notAllowed where permission.isFree: return
        case .denied(let statement):
            let kind = statement.kind == .resource ? "a resource-based policy" : "an identity-based policy"
            because = "with an explicit deny in \(kind)"
        case .notAllowed(let refusal):
            let kind = refusal.missing == .resourcePolicy ? "resource-based" : "identity-based"
            because = "because no \(kind) policy allows the \(permission.action) action"
        }
        throw Refusal.accessDenied(caller, action: permission.action, on: resource, because)

    }
}

extension LoadedKey {
    /// The grant that allows something to a caller, in words; nil where none does.
    func grant(allowing permission: Permission, to caller: Caller) -> String? {
        guard let operation = permission.grant, !grants.isEmpty else { return nil }
        let principal = caller.principal.description
        let found = grants.first { grant in
            let order = grant.order
            return order.grantee == principal && order.operations.contains(operation)
                && (order.constraints?.allow(permission.context) ?? true)
                && (permission.grantOrder.map { order.covers($0) } ?? true)
        }
        return found.map { "the grant \($0.id)" }
    }
}

extension GrantConstraints {
    /// Whether cryptography under a context is within the constraints; they bind nothing that has none. The keys of
    /// a constraint are found whatever their case, its values are not. (`GrantConstraints`)
    fileprivate func allow(_ context: EncryptionContext?) -> Bool {
        guard let context else { return true }
        let pairs = Self.folded(context)
        if let equals, Self.folded(equals) != pairs { return false }
        if let subset {
            return Self.folded(subset).allSatisfy { pairs[$0.key] == $0.value }
        }
        return true
    }

    fileprivate static func folded(_ context: EncryptionContext) -> [String: String] {
        Dictionary(context.pairs.map { ($0.key.lowercased(), $0.value) }) { first, _ in first }
    }
}

extension GrantOrder {
    /// Whether a grant made by way of this one is no wider. (Developer guide, "Grants": a grant that allows
    /// `CreateGrant` allows grants with the same or fewer operations, and the same or tighter constraints.)
    fileprivate func covers(_ child: GrantOrder) -> Bool {
        guard Set(child.operations).isSubset(of: operations) else { return false }
        guard let constraints else { return true }
        if let equals = constraints.equals {
            guard let own = child.constraints?.equals else { return false }
            return GrantConstraints.folded(own) == GrantConstraints.folded(equals)
        }
        guard let subset = constraints.subset else { return true }
        guard let own = child.constraints?.equals ?? child.constraints?.subset else { return false }
        let pairs = GrantConstraints.folded(own)
        return GrantConstraints.folded(subset).allSatisfy { pairs[$0.key] == $0.value }
    }
}
