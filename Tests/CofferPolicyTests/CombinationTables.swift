import CofferPolicy

/// What resource policies, identity policies, grants and denials come to together.
enum CombinationTables {
    static let all = [
        keys, grants, denials, buckets, explanations, crossAccount, crossAccountBuckets, lockOut,
    ]

    private static let delegating = policy(
        #"{"Sid":"Root","Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"}"#
    )
    private static let naming = policy(
        #"{"Sid":"Bob","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/bob"},"#
            + #""Action":"kms:Decrypt","Resource":"*"}"#
    )
    private static let admin = policy(#"{"Sid":"All","Effect":"Allow","Action":"*","Resource":"*"}"#)
    private static let reader = policy(
        #"{"Sid":"Read","Effect":"Allow","Action":"kms:Describe*","Resource":"arn:aws:kms:*:111122223333:key/*"}"#
    )
    private static let nobody = policy(#"{"Sid":"No","Effect":"Deny","Action":"kms:Decrypt","Resource":"*"}"#)

    private static func denyingKey(_ principal: String) -> String {
        policy(
            #"{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"}"#,
            #"{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}"#,
            #"{"Sid":"Never","Effect":"Deny","Principal":\#(principal),"Action":"kms:Decrypt","Resource":"*"}"#
        )
    }

    static let keys = Table(
        "a key, its policy, and the policies of the caller",
        [
            ask(.allowed, key: naming, why: #"statement "Bob" of key policy"#),
            ask(.allowed, key: naming, identity: [reader], why: #"statement "Bob" of key policy"#),
            ask(.notAllowed, "kms:Encrypt", key: naming, why: "resourcePolicy is missing"),
            ask(.notAllowed, "kms:Encrypt", key: naming, identity: [admin], why: "resourcePolicy is missing"),
            ask(.notAllowed, as: root, key: naming, why: "resourcePolicy is missing"),
            ask(.notAllowed, as: root, key: naming, identity: [admin]),
            ask(.notAllowed, key: delegating, why: "identityPolicy is missing"),
            ask(
                .allowed,
                key: delegating,
                identity: [admin],
                why: #"statement "Root" of key policy and statement "All" of policy 1 of bob"#
            ),
            ask(.notAllowed, key: delegating, identity: [reader], why: "identityPolicy is missing"),
            ask(.allowed, "kms:DescribeKey", key: delegating, identity: [reader]),
            ask(.allowed, key: delegating, identity: [reader, admin], why: "policy 2 of bob"),
            ask(.allowed, as: root, key: delegating, why: "the rights of the root user"),
            ask(.notAllowed, as: root, "s3:GetObject", key: delegating),
            ask(.allowed, as: session, key: delegating, identity: [admin]),
            ask(.notAllowed, as: session, key: naming, identity: [admin]),
            ask(.notAllowed, identity: [admin], why: "resourcePolicy is missing"),
            ask(.notAllowed, as: root, why: "resourcePolicy is missing"),
            ask(.notAllowed),
        ]
    )

    static let grants = Table(
        "grants",
        [
            ask(.allowed, key: naming, grant: "grant 1", why: "key policy"),
            ask(.allowed, "kms:Encrypt", key: naming, grant: "grant 1", why: "grant 1"),
            ask(.allowed, key: delegating, grant: "grant 1", why: "grant 1"),
            ask(.allowed, key: delegating, identity: [reader], grant: "grant 1", why: "grant 1"),
            ask(.allowed, grant: "grant 1", why: "grant 1"),
            ask(.notAllowed, key: delegating, identity: [reader]),
            ask(.allowed, as: session, grant: "grant 1"),
            ask(.allowed, as: .service("ec2.amazonaws.com"), grant: "grant 1"),
            ask(
                .denied,
                key: denyingKey(#""*""#),
                grant: "grant 1",
                why: #"statement "Never" of key policy"#
            ),
            ask(
                .denied,
                key: delegating,
                identity: [nobody],
                grant: "grant 1",
                why: #""No" of policy 1 of bob"#
            ),
            ask(
                .notAllowed,
                as: stranger,
                key: delegating,
                grant: "grant 1",
                why: "identityPolicy is missing"
            ),
            ask(
                .allowed,
                as: stranger,
                key: delegating,
                identity: [admin],
                grant: "grant 1",
                why: "grant 1 and"
            ),
            ask(.allowed, as: strangerRoot, key: delegating, grant: "grant 1", why: "grant 1"),
        ]
    )

    static let denials = Table(
        "an explicit denial",
        [
            ask(
                .denied,
                key: denyingKey(#"{"AWS":"arn:aws:iam::111122223333:user/bob"}"#),
                identity: [admin]
            ),
            ask(.denied, key: denyingKey(#"{"AWS":"111122223333"}"#)),
            ask(.denied, as: root, key: denyingKey(#"{"AWS":"111122223333"}"#)),
            ask(.denied, as: root, key: denyingKey(#""*""#)),
            ask(.allowed, "kms:Encrypt", key: denyingKey(#""*""#)),
            ask(.allowed, key: denyingKey(#"{"AWS":"arn:aws:iam::111122223333:user/carol"}"#)),
            ask(.denied, key: naming, identity: [nobody], why: #"statement "No" of policy 1 of bob"#),
            ask(.denied, key: naming, identity: [admin, nobody]),
            ask(.denied, key: naming, identity: [nobody, admin]),
            ask(.denied, key: delegating, identity: [nobody]),
            ask(.denied, identity: [nobody], why: #"statement "No" of policy 1 of bob"#),
            ask(.denied, identity: [admin, nobody], mode: .eitherSuffices),
            ask(.allowed, "kms:Encrypt", identity: [admin, nobody], mode: .eitherSuffices),
            ask(.denied, as: stranger, key: denyingKey(#""*""#), identity: [admin]),
            ask(.denied, as: stranger, key: denyingKey(#"{"AWS":"444455556666"}"#), identity: [admin]),
            ask(
                .denied,
                as: stranger,
                key: denyingKey(#"{"AWS":"111122223333"}"#),
                identity: [admin, nobody]
            ),
        ]
    )

    private static func bucket(_ effect: String, _ principal: String) -> String {
        policy(
            #"{"Effect":"\#(effect)","Principal":\#(principal),"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}"#
        )
    }

    private static func get(
        _ expected: Verdict,
        as principal: PolicyPrincipal = bob,
        bucket: String? = nil,
        identity: [String] = [],
        why: String? = nil,
        line: Int = #line
    ) -> Row {
        ask(
            expected,
            as: principal,
            "s3:GetObject",
            on: "arn:aws:s3:::b/x",
            key: bucket,
            identity: identity,
            mode: .eitherSuffices,
            why: why,
            line: line
        )
    }

    private static let bobARN = #"{"AWS":"arn:aws:iam::111122223333:user/bob"}"#

    static let buckets = Table(
        "a bucket, where either side suffices",
        [
            get(.allowed, identity: [admin], why: #"statement "All" of policy 1 of bob"#),
            get(.allowed, bucket: bucket("Allow", bobARN), why: "statement 0 of key policy"),
            get(.allowed, bucket: bucket("Allow", bobARN), identity: [reader]),
            get(.notAllowed, identity: [reader], why: "identityPolicy is missing"),
            get(.notAllowed, bucket: bucket("Allow", #"{"AWS":"111122223333"}"#)),
            get(.allowed, bucket: bucket("Allow", #"{"AWS":"111122223333"}"#), identity: [admin]),
            get(.denied, bucket: bucket("Deny", bobARN), identity: [admin]),
            get(.notAllowed),
            get(.allowed, as: root, why: "the rights of the root user"),
            get(.denied, as: root, bucket: bucket("Deny", #""*""#)),
            get(.notAllowed, as: .anonymous),
            get(.allowed, as: .anonymous, bucket: bucket("Allow", #""*""#)),
        ]
    )

    static let explanations = Table(
        "near misses",
        [
            ask(.allowed, key: naming),
            ask(
                .notAllowed,
                "kms:Encrypt",
                key: naming,
                why: #"resourcePolicy is missing. statement "Bob" of key policy: the action is another"#
            ),
            ask(
                .notAllowed,
                as: session,
                "kms:Encrypt",
                key: naming,
                why: #"statement "Bob" of key policy: the principal is another; the action is another"#
            ),
            ask(
                .notAllowed,
                on: "arn:aws:kms:eu-west-1:444455556666:key/x",
                key: delegating,
                identity: [reader],
                why: #"statement "Read" of policy 1 of bob: the action is another; the resource is another"#
            ),
            ask(
                .notAllowed,
                context: ["kms:EncryptionContext:tenant": ["t2"]],
                key: delegating,
                identity: [reader, when(#"{"StringEquals":{"kms:EncryptionContext:tenant":["t1","t3"]}}"#)],
                why: "statement 0 of policy 2 of bob: StringEquals on "
                    + #"kms:EncryptionContext:tenant wants "t1" or "t3", the request has "t2""#
            ),
            ask(
                .notAllowed,
                key: delegating,
                identity: [
                    when(#"{"Bool":{"aws:SecureTransport":true},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#)
                ],
                why: #"Bool on aws:SecureTransport wants "true", the request has no such key; IpAddress on "#
                    + #"aws:SourceIp wants "10.0.0.0/8", the request has no such key"#
            ),
        ]
    )

    private static let strangers = policy(
        #"{"Sid":"Them","Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"kms:Decrypt","Resource":"*"}"#
    )
    private static let eve = policy(
        #"{"Sid":"Eve","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:user/eve"},"#
            + #""Action":"kms:*","Resource":"*"}"#
    )

    static let crossAccount = Table(
        "a key of another account",
        [
            ask(
                .allowed,
                as: stranger,
                key: strangers,
                identity: [admin],
                why: #""Them" of key policy and statement "All""#
            ),
            ask(.notAllowed, as: stranger, key: strangers, why: "identityPolicy is missing"),
            ask(
                .notAllowed,
                as: stranger,
                key: strangers,
                identity: [reader],
                why: "identityPolicy is missing"
            ),
            ask(
                .notAllowed,
                as: stranger,
                key: delegating,
                identity: [admin],
                why: "resourcePolicy is missing"
            ),
            ask(.notAllowed, as: stranger, identity: [admin], why: "resourcePolicy is missing"),
            ask(.allowed, as: stranger, key: eve, identity: [admin], why: #""Eve" of key policy"#),
            ask(.notAllowed, as: stranger, key: eve, why: "identityPolicy is missing"),
            ask(.notAllowed, as: strangerRoot, key: eve, why: "resourcePolicy is missing"),
            ask(.allowed, as: strangerRoot, key: strangers, why: "the rights of the root user"),
            ask(.notAllowed, as: stranger, "kms:Encrypt", key: strangers, identity: [admin]),
            ask(.denied, as: stranger, key: strangers, identity: [admin, nobody]),
            ask(
                .allowed,
                as: principal("arn:aws:sts::444455556666:assumed-role/App/s"),
                key: policy(
                    #"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:role/App"},"#
                        + #""Action":"kms:*","Resource":"*"}"#
                ),
                identity: [admin]
            ),
            // The same request within the account needs no policy of the caller.
            ask(.allowed, as: stranger, of: otherAccount, key: eve),
            ask(
                .allowed,
                as: .service("ec2.amazonaws.com"),
                key: policy(
                    #"{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"*","Resource":"*"}"#
                )
            ),
        ]
    )

    static let crossAccountBuckets = Table(
        "a bucket of another account",
        [
            get(.notAllowed, as: stranger, identity: [admin], why: "resourcePolicy is missing"),
            get(
                .notAllowed,
                as: stranger,
                bucket: bucket("Allow", #""*""#),
                why: "identityPolicy is missing"
            ),
            get(.allowed, as: stranger, bucket: bucket("Allow", #""*""#), identity: [admin]),
            get(
                .allowed,
                as: stranger,
                bucket: bucket("Allow", #"{"AWS":"444455556666"}"#),
                identity: [admin]
            ),
            get(.notAllowed, as: strangerRoot),
            get(.allowed, as: strangerRoot, bucket: bucket("Allow", #"{"AWS":"444455556666"}"#)),
            get(.denied, as: strangerRoot, bucket: bucket("Deny", #""*""#)),
        ]
    )

    static let lockOut = Table(
        "may the caller change the policy later",
        [
            ask(.allowed, as: root, "kms:PutKeyPolicy", key: delegating),
            ask(.notAllowed, "kms:PutKeyPolicy", key: delegating),
            ask(.allowed, "kms:PutKeyPolicy", key: delegating, identity: [admin]),
            ask(.notAllowed, "kms:PutKeyPolicy", key: naming),
            ask(.notAllowed, as: root, "kms:PutKeyPolicy", key: naming),
            ask(
                .denied,
                as: root,
                "kms:PutKeyPolicy",
                key: policy(#"{"Effect":"Deny","Principal":"*","NotAction":"kms:Decrypt","Resource":"*"}"#)
            ),
        ]
    )
}
