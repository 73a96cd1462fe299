import CofferPolicy

/// What `Action`, `NotAction`, `Resource` and `NotResource` cover.
enum ActionTables {
    static let all = [actions, notActions, resources, notResources]

    private static func allow(_ action: String, resource: String = #""*""#) -> [String] {
        [policy(#"{"Effect":"Allow","Action":\#(action),"Resource":\#(resource)}"#)]
    }

    private static func action(
        _ expected: Verdict,
        _ asked: String,
        _ element: String,
        line: Int = #line
    ) -> Row {
        ask(expected, asked, identity: allow(element), mode: .eitherSuffices, line: line)
    }

    static let actions = Table(
        "Action",
        [
            action(.allowed, "kms:Decrypt", #""kms:Decrypt""#),
            action(.notAllowed, "kms:Decrypt", #""kms:Encrypt""#),
            action(.allowed, "kms:Decrypt", #"["kms:Encrypt","kms:Decrypt"]"#),
            action(.allowed, "kms:Decrypt", #""KMS:dECRYPT""#),
            action(.allowed, "KMS:decrypt", #""kms:Decrypt""#),
            action(.allowed, "kms:Decrypt", #""*""#),
            action(.allowed, "kms:Decrypt", #""*:*""#),
            action(.allowed, "kms:Decrypt", #""kms:*""#),
            action(.notAllowed, "s3:GetObject", #""kms:*""#),
            action(.notAllowed, "kmsx:Decrypt", #""kms:*""#),
            action(.allowed, "kms:GenerateDataKey", #""kms:GenerateDataKey*""#),
            action(.allowed, "kms:GenerateDataKeyWithoutPlaintext", #""kms:GenerateDataKey*""#),
            action(.allowed, "kms:generatedatakeypair", #""KMS:GENERATEDATAKEY*""#),
            action(.notAllowed, "kms:GenerateRandom", #""kms:GenerateDataKey*""#),
            action(.allowed, "kms:DescribeKey", #""kms:Describe?ey""#),
            action(.notAllowed, "kms:DescribeXXey", #""kms:Describe?ey""#),
            action(.notAllowed, "kms:Describeey", #""kms:Describe?ey""#),
            action(.allowed, "kms:ReEncryptFrom", #""kms:*Encrypt*""#),
            action(.allowed, "kms:Encrypt", #""kms:*Encrypt*""#),
            action(.notAllowed, "kms:Decrypt", #""kms:*Encrypt*""#),
            action(.allowed, "kms:ListKeys", #""kms:*s""#),
            action(.notAllowed, "kms:ListKey", #""kms:*s""#),
            action(.allowed, "kms:ListKeysss", #""kms:*s*s""#),
            action(.allowed, "kms:Decrypt", #""kms:**Decrypt**""#),
            action(.notAllowed, "kms:Decrypt2", #""kms:Decrypt""#),
            action(.notAllowed, "kms:Decryp", #""kms:Decrypt""#),
            action(.allowed, "kms:abcabcabd", #""kms:*abcabd""#),
            action(.notAllowed, "kms:abcabcab", #""kms:*abcabd""#),
            action(.notAllowed, "", #""kms:*""#),
        ]
    )

    private static func allowNot(_ element: String) -> [String] {
        [policy(#"{"Effect":"Allow","NotAction":\#(element),"Resource":"*"}"#)]
    }

    static let notActions = Table(
        "NotAction",
        [
            ask(.notAllowed, "kms:Decrypt", identity: allowNot(#""kms:Decrypt""#), mode: .eitherSuffices),
            ask(.allowed, "kms:Encrypt", identity: allowNot(#""kms:Decrypt""#), mode: .eitherSuffices),
            ask(
                .notAllowed,
                "kms:encrypt",
                identity: allowNot(#"["kms:Decrypt","kms:E*"]"#),
                mode: .eitherSuffices
            ),
            ask(.allowed, "s3:GetObject", identity: allowNot(#""kms:*""#), mode: .eitherSuffices),
            ask(.notAllowed, "s3:GetObject", identity: allowNot(#""*""#), mode: .eitherSuffices),
            ask(
                .denied,
                "kms:Encrypt",
                identity: allow(#""*""#) + [
                    policy(#"{"Effect":"Deny","NotAction":"kms:Decrypt","Resource":"*"}"#)
                ],
                mode: .eitherSuffices,
                why: "statement 0 of policy 2 of bob"
            ),
            ask(
                .allowed,
                "kms:Decrypt",
                identity: allow(#""*""#) + [
                    policy(#"{"Effect":"Deny","NotAction":"kms:Decrypt","Resource":"*"}"#)
                ],
                mode: .eitherSuffices
            ),
        ]
    )

    private static func resource(
        _ expected: Verdict,
        _ asked: String,
        _ element: String,
        line: Int = #line
    ) -> Row {
        ask(
            expected,
            "s3:GetObject",
            on: asked,
            identity: allow(#""*""#, resource: element),
            mode: .eitherSuffices,
            line: line
        )
    }

    static let resources = Table(
        "Resource",
        [
            resource(.allowed, keyARN, #""\#(keyARN)""#),
            resource(.notAllowed, keyARN, #""\#(keyARN)x""#),
            resource(.allowed, keyARN, #""*""#),
            resource(.allowed, "*", #""*""#),
            resource(.notAllowed, "*", #""arn:aws:kms:*:111122223333:key/*""#),
            resource(.allowed, keyARN, #""arn:aws:kms:*:111122223333:key/*""#),
            resource(.allowed, keyARN, #""arn:aws:kms:eu-west-?:111122223333:key/*""#),
            resource(.notAllowed, keyARN, #""arn:aws:kms:us-*:111122223333:key/*""#),
            resource(.notAllowed, keyARN, #""arn:aws:kms:*:444455556666:key/*""#),
            resource(.notAllowed, keyARN, #""arn:aws:kms:*:111122223333:alias/*""#),
            resource(.allowed, keyARN, #"["arn:aws:s3:::b","arn:aws:kms:*:111122223333:key/*"]"#),
            resource(.notAllowed, keyARN, #""arn:aws:KMS:*:111122223333:key/*""#),
            resource(.notAllowed, keyARN, #""arn:aws:kms:*:111122223333:KEY/*""#),
            // A wildcard of a resource goes over colons and slashes.
            resource(.allowed, keyARN, #""arn:aws:kms:*""#),
            resource(.allowed, keyARN, #""arn:*""#),
            resource(.allowed, keyARN, #""arn:aws:*:key/1234abcd*""#),
            resource(.allowed, "arn:aws:s3:::b/a/b/c", #""arn:aws:s3:::b/*""#),
            resource(.allowed, "arn:aws:s3:::b/", #""arn:aws:s3:::b/*""#),
            resource(.notAllowed, "arn:aws:s3:::b", #""arn:aws:s3:::b/*""#),
            resource(.notAllowed, "arn:aws:s3:::bb/a", #""arn:aws:s3:::b/*""#),
            resource(.allowed, "arn:aws:s3:::b/x.jpg", #""arn:aws:s3:::b/*.jpg""#),
            resource(.allowed, "arn:aws:s3:::b/x/y.jpg.jpg", #""arn:aws:s3:::b/*.jpg""#),
            resource(.notAllowed, "arn:aws:s3:::b/x.jpg.png", #""arn:aws:s3:::b/*.jpg""#),
            resource(.allowed, "arn:aws:s3:::b/é", #""arn:aws:s3:::b/?""#),
            resource(.allowed, "arn:aws:s3:::b/😀x", #""arn:aws:s3:::b/?x""#),
            resource(.notAllowed, "arn:aws:s3:::b/éé", #""arn:aws:s3:::b/?""#),
            resource(.allowed, "arn:aws:s3:::b/aé", #""arn:aws:s3:::b/*?""#),
            resource(.notAllowed, "arn:aws:s3:::b/", #""arn:aws:s3:::b/*?""#),
            resource(.notAllowed, "arn:aws:s3:::b/\u{65}\u{301}", #""arn:aws:s3:::b/\u00e9""#),
            resource(.notAllowed, "", #""arn:aws:s3:::b""#),
        ]
    )

    private static func allowElsewhere(_ element: String) -> [String] {
        [policy(#"{"Effect":"Allow","Action":"*","NotResource":\#(element)}"#)]
    }

    static let notResources = Table(
        "NotResource",
        [
            ask(.notAllowed, identity: allowElsewhere(#""\#(keyARN)""#), mode: .eitherSuffices),
            ask(.allowed, identity: allowElsewhere(#""arn:aws:s3:::*""#), mode: .eitherSuffices),
            ask(
                .notAllowed,
                identity: allowElsewhere(#"["arn:aws:s3:::*","arn:aws:kms:*"]"#),
                mode: .eitherSuffices
            ),
            ask(.notAllowed, identity: allowElsewhere(#""*""#), mode: .eitherSuffices),
            ask(.allowed, on: "*", identity: allowElsewhere(#""arn:aws:kms:*""#), mode: .eitherSuffices),
            ask(
                .denied,
                identity: allow(#""*""#) + [
                    policy(#"{"Sid":"Only","Effect":"Deny","Action":"*","NotResource":"arn:aws:s3:::*"}"#)
                ],
                mode: .eitherSuffices,
                why: #"statement "Only" of policy 2 of bob"#
            ),
            ask(
                .allowed,
                identity: allow(#""*""#) + [
                    policy(#"{"Effect":"Deny","Action":"*","NotResource":"arn:aws:kms:*"}"#)
                ],
                mode: .eitherSuffices
            ),
        ]
    )
}
