import CofferPolicy

/// Policy variables in resources and conditions.
enum VariableTables {
    static let all = [resources, conditions, unresolved, versions]

    private static func home(
        _ expected: Verdict,
        _ resource: String,
        _ asked: String,
        _ context: [String: [String]],
        line: Int = #line
    ) -> Row {
        ask(
            expected,
            "s3:GetObject",
            on: asked,
            context: context,
            identity: [policy(#"{"Effect":"Allow","Action":"s3:*","Resource":"\#(resource)"}"#)],
            mode: .eitherSuffices,
            line: line
        )
    }

    private static let name = ["aws:username": ["bob"]]

    static let resources = Table(
        "variables in resources",
        [
            home(.allowed, "arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/bob/x", name),
            home(.notAllowed, "arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/carol/x", name),
            home(.allowed, "arn:aws:s3:::b/${AWS:UserName}", "arn:aws:s3:::b/bob", name),
            home(.allowed, "arn:aws:s3:::b/${ aws:username }", "arn:aws:s3:::b/bob", name),
            home(.allowed, "arn:aws:s3:::${aws:username}-${aws:username}", "arn:aws:s3:::bob-bob", name),
            home(
                .allowed,
                "arn:aws:s3:::b/${aws:PrincipalTag/cost center}",
                "arn:aws:s3:::b/12",
                ["aws:PrincipalTag/Cost Center": ["12"]]
            ),
            // A wildcard in a value is none.
            home(
                .notAllowed,
                "arn:aws:s3:::b/${aws:username}/*",
                "arn:aws:s3:::b/carol/x",
                ["aws:username": ["*"]]
            ),
            home(.allowed, "arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/*", ["aws:username": ["*"]]),
            home(.notAllowed, "arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/a", ["aws:username": ["?"]]),
            // Nor is a variable in a value one.
            home(
                .notAllowed,
                "arn:aws:s3:::b/${aws:username}",
                "arn:aws:s3:::b/x",
                ["aws:username": ["${aws:userid}"], "aws:userid": ["x"]]
            ),
            home(.allowed, "arn:aws:s3:::b/${*}", "arn:aws:s3:::b/*", [:]),
            home(.notAllowed, "arn:aws:s3:::b/${*}", "arn:aws:s3:::b/a", [:]),
            home(.allowed, "arn:aws:s3:::b/${?}", "arn:aws:s3:::b/?", [:]),
            home(.notAllowed, "arn:aws:s3:::b/${?}", "arn:aws:s3:::b/a", [:]),
            home(.allowed, "arn:aws:s3:::b/${$}{x}", "arn:aws:s3:::b/${x}", [:]),
            home(.allowed, "arn:aws:s3:::b/$x", "arn:aws:s3:::b/$x", [:]),
            home(.allowed, "arn:aws:s3:::b/${aws:username, 'nobody'}", "arn:aws:s3:::b/nobody", [:]),
            home(.allowed, "arn:aws:s3:::b/${aws:username,'nobody'}", "arn:aws:s3:::b/bob", name),
            home(.notAllowed, "arn:aws:s3:::b/${aws:username, 'nobody'}", "arn:aws:s3:::b/nobody", name),
            home(.allowed, "arn:aws:s3:::b/${aws:username, ''}x", "arn:aws:s3:::b/x", [:]),
            home(.allowed, "arn:aws:s3:::b/${aws:username, 'a}b'}x", "arn:aws:s3:::b/a}bx", [:]),
            home(.notAllowed, "arn:aws:s3:::b/${aws:username, '*'}", "arn:aws:s3:::b/x", [:]),
        ]
    )

    private static func row(
        _ expected: Verdict,
        _ condition: String,
        _ context: [String: [String]],
        line: Int = #line
    ) -> Row {
        ask(expected, context: context, identity: [when(condition)], mode: .eitherSuffices, line: line)
    }

    static let conditions = Table(
        "variables in conditions",
        [
            row(
                .allowed,
                #"{"StringEquals":{"kms:EncryptionContext:user":"${aws:username}"}}"#,
                ["kms:encryptioncontext:USER": ["bob"], "aws:username": ["bob"]]
            ),
            row(
                .notAllowed,
                #"{"StringEquals":{"kms:EncryptionContext:user":"${aws:username}"}}"#,
                ["kms:EncryptionContext:user": ["carol"], "aws:username": ["bob"]]
            ),
            row(
                .allowed,
                #"{"StringEquals":{"aws:ResourceTag/team":["x","${aws:PrincipalTag/team}"]}}"#,
                ["aws:ResourceTag/team": ["red"], "aws:PrincipalTag/team": ["red"]]
            ),
            row(
                .notAllowed,
                #"{"StringNotEquals":{"aws:ResourceTag/team":"${aws:PrincipalTag/team}"}}"#,
                ["aws:ResourceTag/team": ["red"], "aws:PrincipalTag/team": ["red"]]
            ),
            row(
                .allowed,
                #"{"StringNotEquals":{"aws:ResourceTag/team":"${aws:PrincipalTag/team}"}}"#,
                ["aws:ResourceTag/team": ["blue"], "aws:PrincipalTag/team": ["red"]]
            ),
            row(
                .allowed,
                #"{"StringLike":{"s3:prefix":"home/${aws:username}/*"}}"#,
                ["s3:prefix": ["home/bob/x"], "aws:username": ["bob"]]
            ),
            row(
                .notAllowed,
                #"{"StringLike":{"s3:prefix":"home/${aws:username}/*"}}"#,
                ["s3:prefix": ["home/carol/x"], "aws:username": ["*"]]
            ),
            row(
                .allowed,
                #"{"StringEqualsIgnoreCase":{"x:k":"${aws:username}"}}"#,
                ["x:k": ["BOB"], "aws:username": ["bob"]]
            ),
            row(
                .allowed,
                #"{"StringEqualsIgnoreCase":{"x:k":"${aws:username, 'None'}"}}"#,
                ["x:k": ["NONE"]]
            ),
            row(
                .allowed,
                #"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/${aws:username}"}}"#,
                ["aws:PrincipalArn": ["arn:aws:iam::1:user/bob"], "aws:username": ["bob"]]
            ),
            row(
                .allowed,
                #"{"ArnEquals":{"x:k":"${aws:SourceArn}"}}"#,
                ["x:k": [keyARN], "aws:SourceArn": [keyARN]]
            ),
            row(
                .notAllowed,
                #"{"ArnEquals":{"x:k":"${aws:SourceArn}"}}"#,
                ["x:k": [keyARN], "aws:SourceArn": ["x"]]
            ),
            row(.allowed, #"{"StringLike":{"x:k":"a${*}b*"}}"#, ["x:k": ["a*bcd"]]),
            row(.notAllowed, #"{"StringLike":{"x:k":"a${*}b*"}}"#, ["x:k": ["axbcd"]]),
            row(.allowed, #"{"StringEquals":{"x:k":"${$}${*}${?}"}}"#, ["x:k": ["$*?"]]),
        ]
    )

    private static func denyElsewhere(_ resource: String) -> [String] {
        [when("{}"), policy(#"{"Effect":"Deny","Action":"*","NotResource":"\#(resource)"}"#)]
    }

    private static func denyUnless(_ condition: String) -> [String] {
        [when("{}"), policy(#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":\#(condition)}"#)]
    }

    static let unresolved = Table(
        "variables without a value",
        [
            home(.notAllowed, "arn:aws:s3:::b/${aws:username}*", "arn:aws:s3:::b/", [:]),
            home(.notAllowed, "arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/${aws:username}", [:]),
            home(
                .notAllowed,
                "arn:aws:s3:::b/${aws:username}",
                "arn:aws:s3:::b/a",
                ["aws:username": ["a", "b"]]
            ),
            home(.notAllowed, "arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/", ["aws:username": []]),
            home(.allowed, "arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/", ["aws:username": [""]]),
            row(.notAllowed, #"{"StringEquals":{"x:k":"${aws:username}"}}"#, ["x:k": [""]]),
            row(.allowed, #"{"StringEquals":{"x:k":["${aws:username}","a"]}}"#, ["x:k": ["a"]]),
            row(
                .notAllowed,
                #"{"ArnLike":{"x:k":"arn:aws:s3:::${aws:username}*"}}"#,
                ["x:k": ["arn:aws:s3:::b"]]
            ),
            row(.notAllowed, #"{"StringEqualsIgnoreCase":{"x:k":"${aws:username}"}}"#, ["x:k": ["a"]]),
            // What matches nothing must not widen an allowance, nor narrow a denial.
            row(.notAllowed, #"{"StringNotEquals":{"x:k":"${aws:username}"}}"#, ["x:k": ["a"]]),
            row(.notAllowed, #"{"StringNotLike":{"x:k":["b","${aws:username}*"]}}"#, ["x:k": ["a"]]),
            ask(
                .denied,
                context: ["x:k": ["a"]],
                identity: denyUnless(#"{"StringNotEquals":{"x:k":"${aws:username}"}}"#),
                mode: .eitherSuffices
            ),
            ask(.denied, identity: denyElsewhere("arn:aws:s3:::${aws:username}"), mode: .eitherSuffices),
            ask(
                .allowed,
                on: "arn:aws:s3:::bob",
                context: name,
                identity: denyElsewhere("arn:aws:s3:::${aws:username}"),
                mode: .eitherSuffices
            ),
            ask(
                .notAllowed,
                identity: [
                    policy(#"{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::${aws:username}"}"#)
                ],
                mode: .eitherSuffices
            ),
        ]
    )

    private static func old(_ version: String, _ resource: String) -> [String] {
        [#"{\#(version)"Statement":{"Effect":"Allow","Action":"*","Resource":"\#(resource)"}}"#]
    }

    static let versions = Table(
        "variables by version",
        [
            ask(
                .allowed,
                on: "arn:aws:s3:::bob",
                context: name,
                identity: old(#""Version":"2012-10-17","#, "arn:aws:s3:::${aws:username}"),
                mode: .eitherSuffices
            ),
            ask(
                .notAllowed,
                on: "arn:aws:s3:::bob",
                context: name,
                identity: old(#""Version":"2008-10-17","#, "arn:aws:s3:::${aws:username}"),
                mode: .eitherSuffices
            ),
            ask(
                .notAllowed,
                on: "arn:aws:s3:::bob",
                context: name,
                identity: old("", "arn:aws:s3:::${aws:username}"),
                mode: .eitherSuffices
            ),
            ask(
                .allowed,
                on: "arn:aws:s3:::${aws:username}",
                context: name,
                identity: old("", "arn:aws:s3:::${aws:username}"),
                mode: .eitherSuffices
            ),
            // An old policy has wildcards there all the same.
            ask(
                .allowed,
                on: "arn:aws:s3:::${bob}",
                identity: old("", "arn:aws:s3:::${*}"),
                mode: .eitherSuffices
            ),
        ]
    )
}
