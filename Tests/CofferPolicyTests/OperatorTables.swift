import CofferPolicy

/// Each operator with each set operator, with and without IfExists, against each kind of value.
enum OperatorTables {
    /// A wanted value, a value that is equal (or fits), and one that is not.
    private struct Sample {
        let name: String
        let isNegated: Bool
        let wanted: String
        let fitting: String
        let other: String

        /// `!` before the name: the operator is negated.
        init(_ name: String, wanted: String, fitting: String, other: String) {
            isNegated = name.hasPrefix("!")
            self.name = isNegated ? String(name.dropFirst()) : name
            (self.wanted, self.fitting, self.other) = (wanted, fitting, other)
        }
    }

    private static let samples = [
        Sample("StringEquals", wanted: "Ab", fitting: "Ab", other: "ab"),
        Sample("!StringNotEquals", wanted: "Ab", fitting: "Ab", other: "ab"),
        Sample("StringEqualsIgnoreCase", wanted: "Ab", fitting: "aB", other: "b"),
        Sample("!StringNotEqualsIgnoreCase", wanted: "Ab", fitting: "aB", other: "b"),
        Sample("StringLike", wanted: "A*b?", fitting: "Axxbc", other: "axxbc"),
        Sample("!StringNotLike", wanted: "A*b?", fitting: "Axxbc", other: "axxbc"),
        Sample("NumericEquals", wanted: "10", fitting: "10.0", other: "11"),
        Sample("!NumericNotEquals", wanted: "10", fitting: "10.0", other: "11"),
        Sample("NumericLessThan", wanted: "10", fitting: "9.5", other: "10"),
        Sample("NumericLessThanEquals", wanted: "10", fitting: "10", other: "10.5"),
        Sample("NumericGreaterThan", wanted: "10", fitting: "100", other: "10"),
        Sample("NumericGreaterThanEquals", wanted: "10", fitting: "10", other: "9"),
        Sample("DateEquals", wanted: "2026-01-31T00:00:00Z", fitting: "2026-01-31", other: "2026-02-01"),
        Sample("!DateNotEquals", wanted: "2026-01-31T00:00:00Z", fitting: "2026-01-31", other: "2026-02-01"),
        Sample("DateLessThan", wanted: "2026-01-31", fitting: "2026-01-30T23:59:59Z", other: "2026-01-31"),
        Sample("DateLessThanEquals", wanted: "2026-01-31", fitting: "2026-01-31", other: "2026-02-01"),
        Sample("DateGreaterThan", wanted: "2026-01-31", fitting: "2026-02", other: "2026-01-31"),
        Sample("DateGreaterThanEquals", wanted: "2026-01-31", fitting: "2026-01-31", other: "2026"),
        Sample("Bool", wanted: "true", fitting: "True", other: "false"),
        Sample("BinaryEquals", wanted: "AAE=", fitting: "AAE=", other: "AAI="),
        Sample("IpAddress", wanted: "192.0.2.0/24", fitting: "192.0.2.255", other: "192.0.3.0"),
        Sample("!NotIpAddress", wanted: "192.0.2.0/24", fitting: "192.0.2.255", other: "192.0.3.0"),
        Sample(
            "ArnEquals",
            wanted: "arn:aws:iam::1:user/*",
            fitting: "arn:aws:iam::1:user/b",
            other: "arn:aws:iam::2:user/b"
        ),
        Sample(
            "ArnLike",
            wanted: "arn:aws:iam::?:user/b",
            fitting: "arn:aws:iam::1:user/b",
            other: "arn:aws:iam::1:user/c"
        ),
        Sample(
            "!ArnNotEquals",
            wanted: "arn:aws:iam::1:user/*",
            fitting: "arn:aws:iam::1:user/b",
            other: "arn:aws:iam::2:user/b"
        ),
        Sample(
            "!ArnNotLike",
            wanted: "arn:aws:iam::?:user/b",
            fitting: "arn:aws:iam::1:user/b",
            other: "arn:aws:iam::1:user/c"
        ),
    ]

    /// Whether the condition holds where the key is absent, fits, does not, and has a value of each kind.
    private typealias Answers = (absent: Bool, fitting: Bool, other: Bool, both: Bool)

    private static let positive: [(set: String, suffix: String, answers: Answers)] = [
        ("", "", (false, true, false, true)),
        ("", "IfExists", (true, true, false, true)),
        ("ForAnyValue:", "", (false, true, false, true)),
        ("ForAnyValue:", "IfExists", (true, true, false, true)),
        ("ForAllValues:", "", (true, true, false, false)),
        ("ForAllValues:", "IfExists", (true, true, false, false)),
    ]

    private static let negated: [(set: String, suffix: String, answers: Answers)] = [
        ("", "", (true, false, true, false)),
        ("", "IfExists", (true, false, true, false)),
        ("ForAnyValue:", "", (false, false, true, true)),
        ("ForAnyValue:", "IfExists", (true, false, true, true)),
        ("ForAllValues:", "", (true, false, true, false)),
        ("ForAllValues:", "IfExists", (true, false, true, false)),
    ]

    static let all = samples.map(table)

    private static func table(_ sample: Sample) -> Table {
        let forms = sample.isNegated ? negated : positive
        return Table(
            sample.name,
            forms.flatMap { form in
                let name = form.set + sample.name + form.suffix
                let policies = [when(#"{"\#(name)":{"x:Key":"\#(sample.wanted)"}}"#)]
                func row(_ holds: Bool, _ values: [String]?) -> Row {
                    ask(
                        holds ? .allowed : .notAllowed,
                        context: values.map { ["X:KEY": $0] } ?? [:],
                        identity: policies,
                        mode: .eitherSuffices,
                        why: holds ? nil : "\(name) on x:Key wants \"\(sample.wanted)\", the request has "
                    )
                }
                return [
                    row(form.answers.absent, nil),
                    row(form.answers.absent, []),
                    row(form.answers.fitting, [sample.fitting]),
                    row(form.answers.other, [sample.other]),
                    row(form.answers.both, [sample.other, sample.fitting]),
                ]
            }
        )
    }
}

/// An identity policy that allows everything under a condition.
func when(_ condition: String) -> String {
    policy(#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":\#(condition)}"#)
}
