import CofferPolicy

/// What stands in a `Condition`.
extension GrammarTables {
    private static func condition(_ condition: String) -> String {
        one(#""Effect":"Allow","Action":"*","Resource":"*","Condition":\#(condition)"#)
    }

    static let conditions = GrammarTable(
        "conditions",
        [
            .accepted(condition("{}")),
            .accepted(condition(#"{"StringEquals":{}}"#)),
            .accepted(condition(#"{"ForAllValues:StringNotLikeIfExists":{"aws:TagKeys":["a","b"]}}"#)),
            .refused(condition("▸[]"), at: "Statement[0].Condition", "an object"),
            .refused(
                condition(#"{▸"StringEqual":{}}"#),
                at: "Statement[0].Condition.StringEqual",
                "operator"
            ),
            .refused(
                condition(#"{▸"stringEquals":{}}"#),
                at: "Statement[0].Condition.stringEquals",
                "operator"
            ),
            .refused(condition(#"{▸"BoolNot":{}}"#), at: "Statement[0].Condition.BoolNot", "operator"),
            .refused(
                condition(#"{▸"BinaryNotEquals":{}}"#),
                at: "Statement[0].Condition.BinaryNotEquals",
                "operator"
            ),
            .refused(
                condition(#"{▸"StringLikeIgnoreCase":{}}"#),
                at: "Statement[0].Condition.StringLikeIgnoreCase",
                "operator"
            ),
            .refused(
                condition(#"{▸"NullIfExists":{}}"#),
                at: "Statement[0].Condition.NullIfExists",
                "operator"
            ),
            .refused(
                condition(#"{▸"ForAnyValue:Null":{}}"#),
                at: "Statement[0].Condition.ForAnyValue:Null",
                "operator"
            ),
            .refused(
                condition(#"{▸"ForSomeValues:Bool":{}}"#),
                at: "Statement[0].Condition.ForSomeValues:Bool",
                "operator"
            ),
            .refused(
                condition(#"{▸"BoolIfExistsIfExists":{}}"#),
                at: "Statement[0].Condition.BoolIfExistsIfExists",
                "operator"
            ),
            .refused(condition(#"{"Bool":▸"x"}"#), at: "Statement[0].Condition.Bool", "condition keys"),
            .refused(
                condition(#"{"Bool":{▸"SecureTransport":true}}"#),
                at: "Statement[0].Condition.Bool.SecureTransport",
                "prefix"
            ),
            .refused(condition(#"{"Bool":{▸"":true}}"#), at: "Statement[0].Condition.Bool.", "prefix"),
            .refused(
                condition(#"{"Bool":{▸"aws:":true}}"#),
                at: "Statement[0].Condition.Bool.aws:",
                "prefix"
            ),
            .refused(
                condition(#"{"StringEquals":{"x:k":▸[]}}"#),
                at: "Statement[0].Condition.StringEquals.x:k",
                "empty"
            ),
            .refused(
                condition(#"{"StringEquals":{"x:k":▸{}}}"#),
                at: "Statement[0].Condition.StringEquals.x:k",
                "a string"
            ),
            .refused(
                condition(#"{"StringEquals":{"x:k":["a",▸null]}}"#),
                at: "Statement[0].Condition.StringEquals.x:k[1]",
                "a string"
            ),
            .refused(
                condition(#"{"StringEquals":{"x:k":[▸["a"]]}}"#),
                at: "Statement[0].Condition.StringEquals.x:k[0]",
                "a string"
            ),
        ]
    )

    private static func value(_ name: String, _ value: String, _ words: String) -> GrammarRow {
        .refused(
            condition(#"{"\#(name)":{"x:k":▸\#(value)}}"#),
            at: "Statement[0].Condition.\(name).x:k",
            words
        )
    }

    static let values = GrammarTable(
        "values of conditions",
        [
            .accepted(
                condition(
                    #"{"NumericEquals":{"x:k":[1,"-2.5",1e3]},"DateLessThan":{"x:k":["2026",1,"2026-01-01T00:00Z"]}}"#
                )
            ),
            .accepted(condition(#"{"IpAddress":{"x:k":["192.0.2.0/24","2001:db8::/32","::","1.2.3.4/0"]}}"#)),
            .accepted(
                condition(#"{"BinaryEquals":{"x:k":["","AA==","AAAA"]},"Bool":{"x:k":[true,"False"]}}"#)
            ),
            value("NumericEquals", #""ten""#, "a number"),
            value("NumericEquals", #""0x10""#, "a number"),
            value("NumericEquals", #""nan""#, "a number"),
            value("NumericEquals", #"1e999"#, "a number"),
            value("NumericLessThan", "true", "a number"),
            value("DateEquals", #""2026-1-1""#, "ISO 8601"),
            value("DateEquals", #""2026-02-30""#, "ISO 8601"),
            value("DateEquals", #""2026-01-01T00:00:00""#, "ISO 8601"),
            value("DateEquals", #""2026-01-01 00:00:00Z""#, "ISO 8601"),
            value("DateEquals", #""-5""#, "ISO 8601"),
            value("DateEquals", "true", "ISO 8601"),
            value("Bool", #""yes""#, "true or false"),
            value("Bool", "1", "true or false"),
            value("Null", #""""#, "true or false"),
            value("BinaryEquals", #""AA=""#, "base64"),
            value("BinaryEquals", #""AB==""#, "base64"),
            value("BinaryEquals", #""A-AA""#, "base64"),
            value("BinaryEquals", #""====""#, "base64"),
            value("IpAddress", #""192.0.2.0/33""#, "an IP address"),
            value("IpAddress", #""192.0.2""#, "an IP address"),
            value("IpAddress", #""192.0.2.0/""#, "an IP address"),
            value("IpAddress", #""192.0.2.0/-1""#, "an IP address"),
            value("IpAddress", #""2001:db8::/129""#, "an IP address"),
            value("IpAddress", #""*""#, "an IP address"),
            value("IpAddress", #""12345::""#, "an IP address"),
            value("ArnLike", #""*""#, "six sections"),
            value("ArnEquals", #""arn:aws:iam::root""#, "six sections"),
        ]
    )

    static let variables = GrammarTable(
        "variables",
        [
            .accepted(
                condition(
                    #"{"StringLike":{"x:k":["${aws:username}*","${a:b, 'c, d'}","$x","${*}${?}${$}"]}}"#
                )
            ),
            .accepted(
                #"{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${"}}"#
            ),
            value("StringLike", #""${aws:username""#, "end with }"),
            value("StringLike", #""${}""#, "no condition key"),
            value("StringLike", #""${username}""#, "no condition key"),
            value("StringLike", #""${aws:user*}""#, "no condition key"),
            value("StringLike", #""${aws:${x}}""#, "no condition key"),
            value("StringLike", #""${aws:username, bob}""#, "single quotes"),
            value("StringLike", #""${aws:username, 'bob}""#, "end with }"),
            value("ArnLike", #""arn:aws:s3:::${x""#, "end with }"),
            value("NumericEquals", #""${aws:x}""#, "a number"),
            value("IpAddress", #""${aws:SourceIp}""#, "an IP address"),
            .refused(
                one(#""Effect":"Allow","Action":"*","Resource":["*",▸"arn:aws:s3:::${x}"]"#),
                at: "Statement[0].Resource[1]",
                "no condition key"
            ),
        ]
    )
}
