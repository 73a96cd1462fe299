import CofferPolicy

/// What the operators make of their values, and how keys and values combine.
enum ValueTables {
    static let all = [strings, numbers, dates, booleans, binary, addresses, arns, null, several]

    private static func row(
        _ expected: Verdict,
        _ condition: String,
        _ values: String...,
        line: Int = #line
    ) -> Row {
        ask(
            expected,
            context: ["x:k": values],
            identity: [when(condition)],
            mode: .eitherSuffices,
            line: line
        )
    }

    static let strings = Table(
        "strings",
        [
            row(.allowed, #"{"StringEquals":{"x:k":""}}"#, ""),
            row(.notAllowed, #"{"StringEquals":{"x:k":"a*"}}"#, "ab"),
            row(.allowed, #"{"StringEquals":{"x:k":"a*"}}"#, "a*"),
            row(.allowed, #"{"StringEquals":{"x:k":10}}"#, "10"),
            row(.allowed, #"{"StringEquals":{"x:k":true}}"#, "true"),
            row(.notAllowed, #"{"StringEquals":{"x:k":true}}"#, "True"),
            row(.allowed, #"{"StringEquals":{"x:k":["a","b"]}}"#, "b"),
            row(.notAllowed, #"{"StringEquals":{"x:k":["a","b"]}}"#, "c"),
            row(.notAllowed, #"{"StringNotEquals":{"x:k":["a","b"]}}"#, "b"),
            row(.allowed, #"{"StringNotEquals":{"x:k":["a","b"]}}"#, "c"),
            row(.notAllowed, #"{"StringEquals":{"x:k":"é"}}"#, "\u{65}\u{301}"),
            row(.allowed, #"{"StringEqualsIgnoreCase":{"x:k":"É"}}"#, "é"),
            row(.notAllowed, #"{"StringEqualsIgnoreCase":{"x:k":"a*"}}"#, "ab"),
            row(.allowed, #"{"StringLike":{"x:k":"*"}}"#, ""),
            row(.notAllowed, #"{"StringLike":{"x:k":"?"}}"#, ""),
            row(.allowed, #"{"StringLike":{"x:k":"*/a/*"}}"#, "x/y/a/"),
            row(.notAllowed, #"{"StringLike":{"x:k":"*/a/*"}}"#, "a/"),
        ]
    )

    static let numbers = Table(
        "numbers",
        [
            row(.allowed, #"{"NumericEquals":{"x:k":10}}"#, "10"),
            row(.allowed, #"{"NumericEquals":{"x:k":1e1}}"#, "10"),
            row(.allowed, #"{"NumericEquals":{"x:k":"-0.5"}}"#, "-.5e0"),
            row(.notAllowed, #"{"NumericEquals":{"x:k":10}}"#, "ten"),
            row(.allowed, #"{"NumericNotEquals":{"x:k":10}}"#, "ten"),
            row(.notAllowed, #"{"NumericGreaterThan":{"x:k":10}}"#, "0x20"),
            row(.notAllowed, #"{"NumericGreaterThan":{"x:k":10}}"#, "inf"),
            row(.notAllowed, #"{"NumericLessThan":{"x:k":10}}"#, ""),
            row(.allowed, #"{"NumericLessThan":{"x:k":10}}"#, "9"),
            // Beyond 2^53 doubles would be equal.
            row(.notAllowed, #"{"NumericEquals":{"x:k":9007199254740993}}"#, "9007199254740992"),
            row(.allowed, #"{"NumericGreaterThan":{"x:k":9007199254740992}}"#, "9007199254740993"),
            row(.allowed, #"{"NumericLessThan":{"x:k":[5,20]}}"#, "10"),
            row(.notAllowed, #"{"NumericNotEquals":{"x:k":[5,10]}}"#, "10"),
        ]
    )

    static let dates = Table(
        "dates",
        [
            row(.allowed, #"{"DateEquals":{"x:k":"2026"}}"#, "2026-01-01T00:00:00Z"),
            row(.allowed, #"{"DateEquals":{"x:k":"2026-03"}}"#, "2026-03-01"),
            row(.allowed, #"{"DateEquals":{"x:k":"2026-01-01T12:30Z"}}"#, "2026-01-01T14:30:00+02:00"),
            row(.allowed, #"{"DateEquals":{"x:k":"2026-01-01T00:30:00-01:00"}}"#, "2026-01-01T01:30:00Z"),
            row(.allowed, #"{"DateEquals":{"x:k":"1970-01-01T00:00:10Z"}}"#, "10"),
            row(.allowed, #"{"DateEquals":{"x:k":1769860800}}"#, "2026-01-31T12:00:00Z"),
            row(.allowed, #"{"DateEquals":{"x:k":"1769860800.250"}}"#, "2026-01-31T12:00:00.25Z"),
            row(.allowed, #"{"DateEquals":{"x:k":951782400}}"#, "2000-02-29"),
            row(.allowed, #"{"DateLessThan":{"x:k":"1970"}}"#, "1969-12-31T23:59:59.999Z"),
            row(.allowed, #"{"DateGreaterThan":{"x:k":"2026-01-31T12:00:00Z"}}"#, "2026-01-31T12:00:00.001Z"),
            row(
                .notAllowed,
                #"{"DateGreaterThan":{"x:k":"2026-01-31T12:00:00Z"}}"#,
                "2026-01-31T12:00:00.000Z"
            ),
            row(.notAllowed, #"{"DateGreaterThan":{"x:k":"2026-01-01"}}"#, "2026-02-29"),
            row(.notAllowed, #"{"DateGreaterThan":{"x:k":"2026-01-01"}}"#, "2026-13-01"),
            row(.notAllowed, #"{"DateGreaterThan":{"x:k":"2026-01-01"}}"#, "2026-12-01T24:00:00Z"),
            row(.notAllowed, #"{"DateGreaterThan":{"x:k":"2026-01-01"}}"#, "2026-12-01T10:00:00"),
            row(.notAllowed, #"{"DateGreaterThan":{"x:k":"2026-01-01"}}"#, "tomorrow"),
            row(.notAllowed, #"{"DateLessThan":{"x:k":"2026-01-01"}}"#, ""),
            row(.notAllowed, #"{"DateGreaterThan":{"x:k":"2026-01-01"}}"#, "99999999999999999999999"),
            row(.allowed, #"{"DateGreaterThan":{"x:k":"2026-01-01"}}"#, "9999-12-31T23:59:59Z"),
        ]
    )

    static let booleans = Table(
        "booleans",
        [
            row(.allowed, #"{"Bool":{"x:k":true}}"#, "true"),
            row(.allowed, #"{"Bool":{"x:k":"TRUE"}}"#, "true"),
            row(.notAllowed, #"{"Bool":{"x:k":true}}"#, "false"),
            row(.allowed, #"{"Bool":{"x:k":false}}"#, "false"),
            row(.notAllowed, #"{"Bool":{"x:k":false}}"#, "no"),
            row(.notAllowed, #"{"Bool":{"x:k":false}}"#, ""),
            row(.allowed, #"{"Bool":{"x:k":[true,false]}}"#, "false"),
        ]
    )

    static let binary = Table(
        "binary",
        [
            row(.allowed, #"{"BinaryEquals":{"x:k":"QmluYXJ5VmFsdWU="}}"#, "QmluYXJ5VmFsdWU="),
            row(.notAllowed, #"{"BinaryEquals":{"x:k":"QmluYXJ5VmFsdWU="}}"#, "qmluYXJ5VmFsdWU="),
            row(.notAllowed, #"{"BinaryEquals":{"x:k":"QmluYXJ5VmFsdWU="}}"#, "QmluYXJ5VmFsdWU"),
            row(.allowed, #"{"BinaryEquals":{"x:k":["AA==","AAE="]}}"#, "AAE="),
            row(.notAllowed, #"{"BinaryEquals":{"x:k":["AA==","AAE="]}}"#, "AAI="),
        ]
    )

    static let addresses = Table(
        "addresses",
        [
            row(.allowed, #"{"IpAddress":{"x:k":"192.0.2.1"}}"#, "192.0.2.1"),
            row(.notAllowed, #"{"IpAddress":{"x:k":"192.0.2.1"}}"#, "192.0.2.2"),
            row(.allowed, #"{"IpAddress":{"x:k":"0.0.0.0/0"}}"#, "255.255.255.255"),
            row(.notAllowed, #"{"IpAddress":{"x:k":"0.0.0.0/0"}}"#, "2001:db8::1"),
            row(.notAllowed, #"{"IpAddress":{"x:k":"::/0"}}"#, "192.0.2.1"),
            row(.allowed, #"{"IpAddress":{"x:k":["::/0","0.0.0.0/0"]}}"#, "192.0.2.1"),
            row(.allowed, #"{"IpAddress":{"x:k":"10.1.2.3/8"}}"#, "10.200.0.1"),
            row(.allowed, #"{"IpAddress":{"x:k":"203.0.113.128/25"}}"#, "203.0.113.128"),
            row(.notAllowed, #"{"IpAddress":{"x:k":"203.0.113.128/25"}}"#, "203.0.113.127"),
            row(.allowed, #"{"IpAddress":{"x:k":"2001:db8:1234:5678::/64"}}"#, "2001:DB8:1234:5678:ffff::1"),
            row(.notAllowed, #"{"IpAddress":{"x:k":"2001:db8:1234:5678::/64"}}"#, "2001:db8:1234:5679::1"),
            row(.allowed, #"{"IpAddress":{"x:k":"2001:db8::1"}}"#, "2001:0db8:0:0:0:0:0:1"),
            row(.allowed, #"{"IpAddress":{"x:k":"::1"}}"#, "0:0:0:0:0:0:0:1"),
            row(.allowed, #"{"IpAddress":{"x:k":"2001:db8:1::"}}"#, "2001:db8:1:0:0:0:0:0"),
            // A socket for both families gives IPv4 callers like this.
            row(.allowed, #"{"IpAddress":{"x:k":"192.0.2.0/24"}}"#, "::ffff:192.0.2.7"),
            row(.notAllowed, #"{"NotIpAddress":{"x:k":"192.0.2.0/24"}}"#, "::ffff:c000:207"),
            row(.allowed, #"{"IpAddress":{"x:k":"::ffff:192.0.2.0/120"}}"#, "192.0.2.9"),
            row(.notAllowed, #"{"IpAddress":{"x:k":"0.0.0.0/0"}}"#, "1.2.3"),
            row(.notAllowed, #"{"IpAddress":{"x:k":"0.0.0.0/0"}}"#, "1.2.3.256"),
            row(.notAllowed, #"{"IpAddress":{"x:k":"0.0.0.0/0"}}"#, "01.2.3.4"),
            row(.notAllowed, #"{"IpAddress":{"x:k":"::/0"}}"#, "1:2:3:4:5:6:7"),
            row(.notAllowed, #"{"IpAddress":{"x:k":"::/0"}}"#, "1::2::3"),
            row(.notAllowed, #"{"IpAddress":{"x:k":"::/0"}}"#, "1:2:3:4:5:6:7:8:9"),
            row(.notAllowed, #"{"IpAddress":{"x:k":"::/0"}}"#, "1:2:3:4:5:6:7::8"),
            row(.notAllowed, #"{"IpAddress":{"x:k":"::/0"}}"#, "::-0"),
            row(.notAllowed, #"{"IpAddress":{"x:k":"::/0"}}"#, "fe80::1%eth0"),
            row(.notAllowed, #"{"IpAddress":{"x:k":"::/0"}}"#, ":1:2:3:4:5:6:7"),
            row(.notAllowed, #"{"IpAddress":{"x:k":"::/0"}}"#, "1:2:3:4:5:6:7:"),
            row(.allowed, #"{"NotIpAddress":{"x:k":"0.0.0.0/0"}}"#, "nowhere"),
        ]
    )

    static let arns = Table(
        "ARNs, section by section",
        [
            row(.allowed, #"{"ArnEquals":{"x:k":"\#(keyARN)"}}"#, keyARN),
            row(.allowed, #"{"ArnLike":{"x:k":"arn:aws:kms:*:*:key/*"}}"#, keyARN),
            row(.allowed, #"{"ArnLike":{"x:k":"arn:*:*:*:*:*"}}"#, keyARN),
            row(.notAllowed, #"{"ArnLike":{"x:k":"arn:aws:kms:*:key/*:*"}}"#, keyARN),
            // A * stays in its section, where a resource's would not.
            row(
                .notAllowed,
                #"{"ArnLike":{"x:k":"arn:aws:*:111122223333:key/*:*"}}"#,
                "arn:aws:kms:eu:111122223333:key/1"
            ),
            row(.notAllowed, #"{"ArnLike":{"x:k":"arn:aws:sns:*:1:t"}}"#, "arn:aws:sns:eu:x:1:t"),
            row(.allowed, #"{"ArnLike":{"x:k":"arn:aws:sns:eu:1:t*"}}"#, "arn:aws:sns:eu:1:t:x:y"),
            row(
                .allowed,
                #"{"ArnLike":{"x:k":"arn:aws:logs:eu:1:log-group:*:a"}}"#,
                "arn:aws:logs:eu:1:log-group:g:a"
            ),
            row(
                .notAllowed,
                #"{"ArnLike":{"x:k":"arn:aws:logs:eu:1:log-group:*:a"}}"#,
                "arn:aws:logs:eu:1:log-group"
            ),
            row(.notAllowed, #"{"ArnLike":{"x:k":"arn:aws:iam::1:user/B"}}"#, "arn:aws:iam::1:user/b"),
            row(.notAllowed, #"{"ArnLike":{"x:k":"arn:aws:iam::1:*"}}"#, "bob"),
            row(.allowed, #"{"ArnNotLike":{"x:k":"arn:aws:iam::1:*"}}"#, "bob"),
            row(.allowed, #"{"ArnLike":{"x:k":"arn:aws:iam::1:role/*/App"}}"#, "arn:aws:iam::1:role/a/b/App"),
            row(.allowed, #"{"ArnLike":{"x:k":"arn:aws:s3:::*"}}"#, "arn:aws:s3:::b"),
            row(.notAllowed, #"{"ArnLike":{"x:k":"arn:aws:s3:::*"}}"#, "arn:aws:s3:eu::b"),
        ]
    )

    static let null = Table(
        "Null",
        [
            ask(.allowed, identity: [when(#"{"Null":{"x:k":true}}"#)], mode: .eitherSuffices),
            ask(
                .allowed,
                context: ["x:k": []],
                identity: [when(#"{"Null":{"x:k":"true"}}"#)],
                mode: .eitherSuffices
            ),
            row(.notAllowed, #"{"Null":{"x:k":true}}"#, ""),
            row(.allowed, #"{"Null":{"x:k":false}}"#, "a"),
            ask(.notAllowed, identity: [when(#"{"Null":{"x:k":"False"}}"#)], mode: .eitherSuffices),
            ask(.allowed, identity: [when(#"{"Null":{"x:k":[true,false]}}"#)], mode: .eitherSuffices),
            row(.allowed, #"{"Null":{"x:k":[true,false]}}"#, "a"),
            // The way to make ForAllValues want the key.
            ask(
                .notAllowed,
                identity: [when(#"{"ForAllValues:StringEquals":{"x:k":"a"},"Null":{"x:k":false}}"#)],
                mode: .eitherSuffices
            ),
        ]
    )

    private static func pair(
        _ expected: Verdict,
        _ condition: String,
        _ first: String?,
        _ second: String?,
        why: String? = nil,
        line: Int = #line
    ) -> Row {
        var context: [String: [String]] = [:]
        if let first { context["x:a"] = [first] }
        if let second { context["x:B"] = [second] }
        return ask(
            expected,
            context: context,
            identity: [when(condition)],
            mode: .eitherSuffices,
            why: why,
            line: line
        )
    }

    private static let twoKeys = #"{"StringEquals":{"X:A":"1","x:b":"2"}}"#
    private static let twoOperators = #"{"StringEquals":{"x:a":"1"},"NumericLessThan":{"x:b":5}}"#

    static let several = Table(
        "several keys, operators and statements",
        [
            pair(.allowed, twoKeys, "1", "2"),
            pair(.notAllowed, twoKeys, "1", "1", why: #"StringEquals on x:b wants "2", the request has "1""#),
            pair(.notAllowed, twoKeys, "2", "2"),
            pair(
                .notAllowed,
                twoKeys,
                "1",
                nil,
                why: #"StringEquals on x:b wants "2", the request has no such key"#
            ),
            pair(.allowed, twoOperators, "1", "4"),
            pair(.notAllowed, twoOperators, "1", "5"),
            pair(.notAllowed, twoOperators, "2", "4"),
            pair(.notAllowed, twoOperators, nil, nil),
            pair(.allowed, "{}", nil, nil),
            pair(.notAllowed, #"{"StringEquals":{"x:a":["1","3"]}}"#, "2", nil, why: #"wants "1" or "3""#),
            ask(
                .allowed,
                context: ["x:a": ["2"]],
                identity: [when(#"{"StringEquals":{"x:a":"1"}}"#), when(#"{"StringEquals":{"x:a":"2"}}"#)],
                mode: .eitherSuffices,
                why: "statement 0 of policy 2 of bob"
            ),
            ask(
                .denied,
                context: ["x:a": ["1"]],
                identity: [
                    when("{}"),
                    policy(
                        #"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"x:a":"1"}}}"#
                    ),
                ],
                mode: .eitherSuffices
            ),
            ask(
                .denied,
                identity: [
                    when("{}"),
                    policy(
                        #"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"x:a":"1"}}}"#
                    ),
                ],
                mode: .eitherSuffices
            ),
            ask(
                .allowed,
                identity: [
                    when("{}"),
                    policy(
                        #"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"x:a":"1"}}}"#
                    ),
                ],
                mode: .eitherSuffices
            ),
        ]
    )
}
