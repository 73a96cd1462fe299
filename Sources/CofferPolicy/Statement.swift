/// What a statement does with the requests that it fits.
public enum PolicyEffect: String, Sendable {
    case allow = "Allow"
    case deny = "Deny"
}

/// One statement, compiled.
struct Statement: Sendable {
    let sid: String?
    let effect: PolicyEffect
    /// nil in an identity policy, whose principal is whoever has it.
    let principals: PrincipalList?
    let actions: [Glob]
    let hasNotAction: Bool
    let resources: [TextPattern]
    let hasNotResource: Bool
    let conditions: [Condition]

    /// How the statement fits a request; cheap tests first, the context's values last.
    func fit(_ request: PolicyRequest) -> PrincipalFit {
        let fit = principals?.fit(request.principal, effect) ?? .direct
        guard fit != .none, fitsAction(request), fitsResource(request) else { return .none }
        for condition in conditions where !condition.holds(request.context, effect) { return .none }
        return fit
    }

    func fitsAction(_ request: PolicyRequest) -> Bool {
        for action in actions where action.matches(request.action) { return !hasNotAction }
        return hasNotAction
    }

    /// A resource whose variable has no value matches nothing. Under `NotResource` that would let an allowance grow,
    /// so it then fits only where the effect is to deny.
    func fitsResource(_ request: PolicyRequest) -> Bool {
        var isUnresolved = false
        for resource in resources {
            switch resource.matches(request.resource, request.context) {
            case .yes: return !hasNotResource
            case .unresolved: isUnresolved = true
            case .no: continue
            }
        }
        return hasNotResource && (!isUnresolved || effect == .deny)
    }

    /// All that keeps the statement from a request.
    func failures(_ request: PolicyRequest) -> [PolicyFailure] {
        var failures: [PolicyFailure] = []
        if let principals, principals.fit(request.principal, effect) == .none { failures.append(.principal) }
        if !fitsAction(request) { failures.append(.action) }
        if !fitsResource(request) { failures.append(.resource) }
        for condition in conditions where !condition.holds(request.context, effect) {
            failures.append(
                .condition(
                    operator: condition.operatorText,
                    key: condition.key,
                    wanted: condition.wantedTexts,
                    actual: request.context.values(of: condition.lowercaseKey)
                )
            )
        }
        return failures
    }
}
