/// A condition operator with what stands before and behind it, such as `ForAnyValue:StringLikeIfExists`.
struct ConditionOperator: Sendable {
    enum Comparison: Sendable {
        case equal, less, lessOrEqual, greater, greaterOrEqual

        func holds<Value: Comparable>(_ left: Value, _ right: Value) -> Bool {
            switch self {
            case .equal: left == right
            case .less: left < right
            case .lessOrEqual: left <= right
            case .greater: left > right
            case .greaterOrEqual: left >= right
            }
        }
    }

    /// How a value in the request is compared with one in the policy; what is negated is kept apart.
    enum Base: Sendable {
        case string(wild: Bool, ignoresCase: Bool)
        case arn
        case numeric(Comparison)
        case date(Comparison)
        case bool
        case binary
        case address
        case null
    }

    /// How several values in the request count.
    enum Quantifier: Sendable {
        /// One that matches is enough; a negated operator wants none that matches.
        case single
        case forAny
        case forAll
    }

    let base: Base
    let isNegated: Bool
    let quantifier: Quantifier
    let ifExists: Bool

    /// nil for an unknown name; `Null` takes neither a set operator nor `IfExists`.
    init?(_ text: String) {
        var name = text[...]
        switch name {
        case _ where name.hasPrefix("ForAnyValue:"):
            quantifier = .forAny
            name = name.dropFirst(12)
        case _ where name.hasPrefix("ForAllValues:"):
            quantifier = .forAll
            name = name.dropFirst(13)
        default: quantifier = .single
        }
        ifExists = name.hasSuffix("IfExists")
        if ifExists { name = name.dropLast(8) }
        guard let (base, isNegated) = Self.operators[String(name)] else { return nil }
        if case .null = base, ifExists || quantifier != .single { return nil }
        (self.base, self.isNegated) = (base, isNegated)
    }

    /// IAM user guide, "IAM JSON policy elements: Condition operators".
    private static let operators: [String: (Base, isNegated: Bool)] = [
        "StringEquals": (.string(wild: false, ignoresCase: false), false),
        "StringNotEquals": (.string(wild: false, ignoresCase: false), true),
        "StringEqualsIgnoreCase": (.string(wild: false, ignoresCase: true), false),
        "StringNotEqualsIgnoreCase": (.string(wild: false, ignoresCase: true), true),
        "StringLike": (.string(wild: true, ignoresCase: false), false),
        "StringNotLike": (.string(wild: true, ignoresCase: false), true),
        "NumericEquals": (.numeric(.equal), false),
        "NumericNotEquals": (.numeric(.equal), true),
        "NumericLessThan": (.numeric(.less), false),
        "NumericLessThanEquals": (.numeric(.lessOrEqual), false),
        "NumericGreaterThan": (.numeric(.greater), false),
        "NumericGreaterThanEquals": (.numeric(.greaterOrEqual), false),
        "DateEquals": (.date(.equal), false),
        "DateNotEquals": (.date(.equal), true),
        "DateLessThan": (.date(.less), false),
        "DateLessThanEquals": (.date(.lessOrEqual), false),
        "DateGreaterThan": (.date(.greater), false),
        "DateGreaterThanEquals": (.date(.greaterOrEqual), false),
        "Bool": (.bool, false),
        "BinaryEquals": (.binary, false),
        "IpAddress": (.address, false),
        "NotIpAddress": (.address, true),
        // On AWS the two do the same: both know wildcards.
        "ArnEquals": (.arn, false),
        "ArnLike": (.arn, false),
        "ArnNotEquals": (.arn, true),
        "ArnNotLike": (.arn, true),
        "Null": (.null, false),
    ]
}
