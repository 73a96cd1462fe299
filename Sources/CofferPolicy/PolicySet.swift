/// A policy and what explanations call it, such as "key policy" or "policy Admin of user bob".
public struct NamedPolicy: Sendable {
    public let name: String
    public let document: PolicyDocument

    public init(_ name: String, _ document: PolicyDocument) {
        (self.name, self.document) = (name, document)
    }

    func statement(_ index: Int) -> PolicyStatementName {
        PolicyStatementName(
            kind: document.kind,
            policy: name,
            index: index,
            sid: document.statements[index].sid
        )
    }
}

/// What has to allow where the principal is of the resource's own account.
public enum PolicyMode: Sendable {
    /// As for KMS keys: nobody has rights that the resource's policy does not give or let the account give. Allowed is
    /// who is named there; or whose account is, and a policy of his own allows; or who holds a grant.
    case resourcePolicyRequired
    /// As for S3: a policy of either side is enough.
    case eitherSuffices
}

/// All policies that bear on a request, and the decision. (IAM user guide, "Policy evaluation logic"; KMS developer
/// guide, "Key policies" and "Troubleshooting key access".)
///
/// 1. A statement that fits and denies, of either side, decides.
/// 2. Of another account's resource, both sides have to allow. A grant stands for the resource's side.
/// 3. Of a resource of the own account, `PolicyMode` says what is enough.
/// 4. What nothing allows is not allowed.
///
/// The root user of an account needs no identity policy; services, identity providers and anonymous callers belong to
/// no account and can have none, so for them the resource's policy alone decides.
public struct PolicySet: Sendable {
    private let resource: NamedPolicy?
    private let identity: [NamedPolicy]

    /// `resource` is the policy of the resource, if it has one; `identity` are those of the principal.
    public init(resource: NamedPolicy?, identity: [NamedPolicy]) {
        precondition(
            resource.map { $0.document.kind == .resource } ?? true,
            "a resource has a resource policy"
        )
        precondition(
            identity.allSatisfy { $0.document.kind == .identity },
            "a principal has identity policies"
        )
        (self.resource, self.identity) = (resource, identity)
    }

    /// `grant` is asked when a grant would make the difference; it answers with words for the explanation, such as
    /// "grant 1a2b…", or nil where none allows.
    public func decide(
        _ request: PolicyRequest,
        mode: PolicyMode,
        grant: () -> String? = { nil }
    ) -> PolicyDecision {
        var resourceFit = StatementFit()
        if let resource {
            resourceFit = StatementFit(resource.document.statements, request)
            if let index = resourceFit.denial { return .denied(by: resource.statement(index)) }
        }
        var allowing: PolicyStatementName?
        for policy in identity {
            let fit = StatementFit(policy.document.statements, request)
            if let index = fit.denial { return .denied(by: policy.statement(index)) }
            if allowing == nil, let index = fit.direct { allowing = policy.statement(index) }
        }
        let ground =
            request.principal.account == nil || request.principal.account == request.resourceAccount
            ? ownAccount(request.principal, resourceFit, allowing, mode, grant)
            : otherAccount(request.principal, resourceFit, allowing, grant)
        if let ground { return .allowed(by: ground) }
        return .notAllowed(refusal(request, resourceFit, mode, grant))
    }

    /// Why a principal of the resource's account, or of none, is allowed.
    private func ownAccount(
        _ principal: PolicyPrincipal,
        _ fit: StatementFit,
        _ identity: PolicyStatementName?,
        _ mode: PolicyMode,
        _ grant: () -> String?
    ) -> PolicyGround? {
        if let resource, let index = fit.direct { return .resourcePolicy(resource.statement(index)) }
        switch mode {
        case .eitherSuffices:
            if principal.kind == .root { return .rootUser(resource: nil) }
            if principal.account != nil, let identity { return .identityPolicy(identity) }
        case .resourcePolicyRequired:
            if let resource, let index = fit.account {
                let statement = resource.statement(index)
                if principal.kind == .root { return .rootUser(resource: statement) }
                if let identity { return .both(resource: statement, identity: identity) }
            }
        }
        return grant().map { .grant($0, identity: nil) }
    }

    /// Why a principal of another account is allowed: its side has to allow, and the resource's.
    private func otherAccount(
        _ principal: PolicyPrincipal,
        _ fit: StatementFit,
        _ identity: PolicyStatementName?,
        _ grant: () -> String?
    ) -> PolicyGround? {
        guard identity != nil || principal.kind == .root else { return nil }
        guard let resource, let index = fit.direct ?? fit.account else {
            return grant().map { .grant($0, identity: identity) }
        }
        let statement = resource.statement(index)
        return identity.map { .both(resource: statement, identity: $0) } ?? .rootUser(resource: statement)
    }

    // MARK: - Explaining

    private func refusal(
        _ request: PolicyRequest,
        _ fit: StatementFit,
        _ mode: PolicyMode,
        _ grant: () -> String?
    ) -> PolicyRefusal {
        let isOwn = request.principal.account == request.resourceAccount
        let resourceSays =
            switch (isOwn, mode) {
            case (true, .eitherSuffices): true
            // Of the own account a grant would have been enough, so there is none.
            case (true, .resourcePolicyRequired): fit.account != nil
            case (false, _): fit.direct != nil || fit.account != nil || grant() != nil
            }
        var misses: [PolicyNearMiss] = []
        for policy in [resource].compactMap({ $0 }) + identity {
            for (index, statement) in policy.document.statements.enumerated() where statement.effect == .allow
            {
                let failures = statement.failures(request)
                if failures.isEmpty { continue }
                misses.append(PolicyNearMiss(statement: policy.statement(index), failures: failures))
            }
        }
        // Those that are as near keep the order of the policies.
        let sorted = misses.enumerated().sorted {
            ($0.element.failures.count, $0.offset) < ($1.element.failures.count, $1.offset)
        }
        return PolicyRefusal(
            missing: resourceSays ? .identityPolicy : .resourcePolicy,
            nearMisses: sorted.prefix(10).map(\.element)
        )
    }
}

/// The statements of one policy that fit a request, by index: the first that denies, and the first that allow the
/// caller itself and its account.
private struct StatementFit {
    var denial: Int?
    var direct: Int?
    var account: Int?

    init() {}

    init(_ statements: [Statement], _ request: PolicyRequest) {
        for index in statements.indices {
            switch statements[index].effect {
            case .deny:
                guard statements[index].fit(request) != .none else { continue }
                denial = index
                return
            case .allow:
                // What allows the caller itself is enough.
                guard direct == nil else { continue }
                switch statements[index].fit(request) {
                case .none: continue
                case .account: account = account ?? index
                case .direct: direct = index
                }
            }
        }
    }
}
