/// One line of a `Condition`: an operator, a key, and the values that are wanted.
struct Condition: Sendable {
    let `operator`: ConditionOperator
    /// The operator and the key as the policy spells them.
    let operatorText: String
    let key: String
    let lowercaseKey: String
    let wanted: [WantedValue]
    /// The values as the policy spells them, for explanations.
    let wantedTexts: [String]

    /// Whether the condition holds. (IAM user guide, "Conditions with multiple context keys or values", "Set operators
    /// for multivalued context keys".)
    ///
    /// A wanted value whose variable has no value matches nothing. Under a negated operator that would let an
    /// allowance grow, so the condition then fails where the effect is to allow.
    func holds(_ context: PolicyContext, _ effect: PolicyEffect) -> Bool {
        let actual = context.values(of: lowercaseKey)
        if case .null = `operator`.base {
            return wanted.contains { $0.matches(actual == nil ? "true" : "false", context) == .yes }
        }
        guard let actual else {
            switch `operator`.quantifier {
            case .forAll: return true
            case .forAny: return `operator`.ifExists
            case .single: return `operator`.ifExists || `operator`.isNegated
            }
        }
        switch `operator`.quantifier {
        case .single:
            return `operator`.isNegated
                ? actual.allSatisfy { holds($0, context, effect) }
                : actual.contains { holds($0, context, effect) }
        case .forAny: return actual.contains { holds($0, context, effect) }
        case .forAll: return actual.allSatisfy { holds($0, context, effect) }
        }
    }

    /// Whether the operator holds for one value of the request: it matches any wanted value, or none if negated.
    private func holds(_ actual: String, _ context: PolicyContext, _ effect: PolicyEffect) -> Bool {
        var isUnresolved = false
        for value in wanted {
            switch value.matches(actual, context) {
            case .yes: return !`operator`.isNegated
            case .unresolved: isUnresolved = true
            case .no: continue
            }
        }
        return `operator`.isNegated && (!isUnresolved || effect == .deny)
    }

    /// All condition keys that this reads, variables' too, as the policy spells them.
    var keys: [String] { [key] + wanted.flatMap(\.keys) }
}
