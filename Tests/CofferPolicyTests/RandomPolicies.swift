import CofferPolicy

/// Random statements from a seed: the same seed gives the same ones.
struct RandomPolicies {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// splitmix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number from 0 and below `limit`.
    mutating func number(below limit: Int) -> Int { Int(next() % UInt64(limit)) }

    mutating func pick<Value>(_ values: [Value]) -> Value { values[number(below: values.count)] }

    static let names = ["a", "bob", "*", "b?b", "${aws:username}", "${x:none, 'bob'}", "${x:none}", ""]

    mutating func statement(principal: Bool, effect: String? = nil) -> String {
        let effect = effect ?? pick(["Allow", "Allow", "Deny"])
        var elements = [#""Effect":"\#(effect)""#]
        if principal {
            let who = pick([
                #""*""#, #"{"AWS":"111122223333"}"#, #"{"AWS":"arn:aws:iam::111122223333:user/bob"}"#,
                #"{"AWS":["444455556666","arn:aws:iam::111122223333:role/App"]}"#,
                #"{"Service":"ec2.amazonaws.com"}"#,
            ])
            elements.append(#""\#(pick(["Principal", "NotPrincipal"]))":\#(who)"#)
        }
        let action = pick(["*", "kms:*", "kms:Decrypt", "KMS:de*t", "s3:GetObject", "kms:?ecrypt"])
        elements.append(#""\#(pick(["Action", "Action", "NotAction"]))":"\#(action)""#)
        let resource = pick(["*", keyARN, "arn:aws:kms:*", "arn:aws:s3:::\(pick(Self.names))/*"])
        elements.append(#""\#(pick(["Resource", "Resource", "NotResource"]))":"\#(resource)""#)
        if number(below: 2) == 0 { elements.append(#""Condition":{\#(condition())}"#) }
        return "{\(elements.joined(separator: ","))}"
    }

    private mutating func condition() -> String {
        let set = pick(["", "", "ForAnyValue:", "ForAllValues:"])
        let suffix = pick(["", "IfExists"])
        let (name, value) = pick([
            ("StringEquals", pick(Self.names)), ("StringNotLike", pick(Self.names)),
            ("StringEqualsIgnoreCase", "BOB"), ("NumericLessThan", "5"), ("DateGreaterThan", "2026-01-01"),
            ("IpAddress", "10.0.0.0/8"), ("ArnLike", "arn:aws:iam::*:user/\(pick(Self.names))"),
            ("Bool", "true"),
            ("BinaryEquals", "AA=="),
        ])
        return #""\#(set)\#(name)\#(suffix)":{"\#(pick(["x:a", "x:b", "aws:username"]))":"\#(value)"}"#
    }

    mutating func context() -> [String: [String]] {
        var context: [String: [String]] = [:]
        for key in ["x:a", "x:b", "aws:username"] where number(below: 3) > 0 {
            context[key] = (0..<number(below: 3)).map { _ in
                pick(["bob", "a", "3", "10.1.1.1", "true", "2027", ""])
            }
        }
        return context
    }

    mutating func question() -> Question {
        let resource = (0..<number(below: 4)).map { _ in statement(principal: true) }
        let identity = (0..<number(below: 4)).map { _ in statement(principal: false) }
        return ask(
            .allowed,
            as: pick([bob, root, session, stranger, .service("ec2.amazonaws.com"), .anonymous]),
            pick(["kms:Decrypt", "kms:Encrypt", "s3:GetObject"]),
            on: pick([keyARN, "arn:aws:s3:::bob/x"]),
            context: context(),
            key: resource.isEmpty ? nil : Self.policy(resource),
            identity: identity.map { Self.policy([$0]) },
            grant: number(below: 3) == 0 ? "grant 1" : nil,
            mode: pick([.resourcePolicyRequired, .eitherSuffices])
        ).question
    }

    static func policy(_ statements: [String]) -> String {
        #"{"Version":"2012-10-17","Statement":[\#(statements.joined(separator: ","))]}"#
    }
}
