internal import CofferIdentity
internal import CofferPolicy
internal import CofferShapes
internal import Testing

@Suite struct PermissionTests {
    private let home: IdentityHome
    private var service: IdentityService { home.service }

    init() throws { home = try IdentityHome() }

    @Test func `a user without policies may do nothing, in IAM's words`() throws {
        _ = try service.createUser("eve", caller: home.root)
        let eve = home.caller("eve")
        let error = refusal { try service.createUser("mallory", caller: eve) }
        #expect(
            error
                == AWSError(
                    .iamAccessDenied,
                    "User: arn:aws:iam::111122223333:user/eve is not authorized to perform: iam:CreateUser on resource: "
                        + "arn:aws:iam::111122223333:user/mallory because no identity-based policy allows the "
                        + "iam:CreateUser action"
                )
        )
        #expect(refusal { try service.getUser("mallory", caller: home.root) }?.code == .noSuchEntity)
    }

    /// Every verb, as somebody without permission: each must be refused, and before anything is said or done.
    @Test func `every verb asks for its own permission`() throws {
        try home.make("bob", allowing: #"{"Effect":"Allow","Action":"*","Resource":"*"}"#)
        _ = try service.createUser("eve", caller: home.root)
        let eve = home.caller("eve")
        let key = try service.createAccessKey(user: "bob", caller: home.root).metadata.accessKeyID
        let verbs: [(String, (Caller) throws -> Void)] = [
            ("CreateUser", { _ = try service.createUser("n", caller: $0) }),
            ("GetUser", { _ = try service.getUser("bob", caller: $0) }),
            ("ListUsers", { _ = try service.listUsers(caller: $0) }),
            ("DeleteUser", { try service.deleteUser("n", caller: $0) }),
            (
                "PutUserPolicy",
                {
                    try service.putUserPolicy(
                        "q",
                        document: home.policy(
                            #"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:ViaAWSService":"true"}}}"#
                        ),
                        user: "bob",
                        caller: $0
                    )
                }
            ),
            ("GetUserPolicy", { _ = try service.getUserPolicy("p", user: "bob", caller: $0) }),
            ("ListUserPolicies", { _ = try service.listUserPolicies(user: "bob", caller: $0) }),
            ("DeleteUserPolicy", { try service.deleteUserPolicy("q", user: "bob", caller: $0) }),
            ("CreateAccessKey", { _ = try service.createAccessKey(user: "bob", caller: $0).metadata }),
            ("ListAccessKeys", { _ = try service.listAccessKeys(user: "bob", caller: $0) }),
            (
                "UpdateAccessKey",
                { try service.updateAccessKey(key, status: .inactive, user: "bob", caller: $0) }
            ),
            ("DeleteAccessKey", { try service.deleteAccessKey(key, user: "bob", caller: $0) }),
        ]
        for (name, verb) in verbs {
            let error = refusal { try verb(eve) }
            #expect(error?.code == .iamAccessDenied, "\(name)")
            #expect(error?.message.contains("perform: iam:\(name) on") == true, "\(name)")
            // With a policy for this action alone it works.
            let policy = home.policy(#"{"Effect":"Allow","Action":"iam:\#(name)","Resource":"*"}"#)
            try service.putUserPolicy("only", document: policy, user: "eve", caller: home.root)
            #expect(refusal { try verb(eve) } == nil, "\(name)")
            try service.deleteUserPolicy("only", user: "eve", caller: home.root)
        }
    }

    @Test func `who may not look is not told whether a user exists`() throws {
        _ = try service.createUser("eve", caller: home.root)
        _ = try service.createUser("bob", caller: home.root)
        let there = refusal { try service.getUser("bob", caller: home.caller("eve")) }
        let missing = refusal { try service.getUser("nob", caller: home.caller("eve")) }
        #expect(there?.code == .iamAccessDenied && missing?.code == .iamAccessDenied)
        #expect(there?.message.replacing("bob", with: "nob") == missing?.message)
    }

    @Test func `a policy's resource, path and conditions bind`() throws {
        try home.make(
            "lead",
            allowing:
                #"{"Effect":"Allow","Action":"iam:*","Resource":"arn:aws:iam::111122223333:user/team/*"}"#
        )
        let lead = home.caller("lead")
        _ = try service.createUser("in", path: "/team/", caller: lead)
        #expect(refusal { try service.createUser("out", caller: lead) }?.code == .iamAccessDenied)
        _ = try service.createUser("out", caller: home.root)
        _ = try service.getUser("in", caller: lead)
        #expect(
            refusal { try service.getUser("out", caller: lead) }?.message.contains(
                "on resource: user out because"
            ) == true
        )

        try home.make(
            "self",
            allowing:
                #"{"Effect":"Allow","Action":"iam:*AccessKey*","Resource":"arn:aws:iam::*:user/${aws:username}"}"#
        )
        let own = home.caller("self")
        let key = try service.createAccessKey(caller: own).metadata
        #expect(key.userName == "self")
        #expect(try service.listAccessKeys(caller: own).items == [key])
        #expect(
            refusal { try service.createAccessKey(user: "out", caller: own).metadata }?.code
                == .iamAccessDenied
        )
    }

    /// Each condition with a value that fits the request, and one that does not.
    @Test func `conditions see who asks, from where, how and when`() throws {
        let bob = try service.createUser("bob", path: "/team/", caller: home.root)
        let origin = RequestOrigin(
            sourceAddress: "10.1.2.3",
            userAgent: "agent/1",
            isSecureTransport: true,
            requestID: "r",
            accessKeyID: "AKIAAAAAAAAAAAAAAAAA"
        )
        let caller = Caller(principal: bob.arn, origin: origin)
        let rows: [(condition: String, fits: String, fitsNot: String)] = [
            ("StringEquals.aws:username", "bob", "eve"),
            ("StringEquals.aws:userid", bob.userID, "AIDAAAAAAAAAAAAAAAAAA"),
            ("ArnEquals.aws:PrincipalArn", "\(bob.arn)", "arn:aws:iam::111122223333:user/bob"),
            ("StringEquals.aws:PrincipalAccount", "111122223333", "999999999999"),
            ("StringEquals.aws:PrincipalType", "User", "Account"),
            ("StringEquals.aws:ResourceAccount", "111122223333", "999999999999"),
            ("IpAddress.aws:SourceIp", "10.1.0.0/16", "10.2.0.0/16"),
            ("Bool.aws:SecureTransport", "true", "false"),
            ("Bool.aws:ViaAWSService", "false", "true"),
            ("Bool.aws:PrincipalIsAWSService", "false", "true"),
            ("StringEquals.aws:UserAgent", "agent/1", "agent/2"),
            ("DateLessThan.aws:CurrentTime", "2025-11-25T00:00:00Z", "2025-11-24T00:00:00Z"),
            ("NumericEquals.aws:EpochTime", "1764000000", "1764000001"),
            ("Null.aws:RequestedRegion", "true", "false"),
            ("Null.aws:CalledVia", "true", "false"),
        ]
        for (condition, fits, fitsNot) in rows {
            let parts = condition.split(separator: ".")
            for (value, isAllowed) in [(fits, true), (fitsNot, false)] {
                let policy = home.policy(
                    #"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"\#(parts[0])":{"\#(parts[1])":"\#(value)"}}}"#
                )
                try service.putUserPolicy("p", document: policy, user: "bob", caller: home.root)
                #expect(
                    (refusal { try service.listUsers(caller: caller) } == nil) == isAllowed,
                    "\(condition) \(value)"
                )
            }
        }
    }

    @Test func `an explicit deny wins, and says so`() throws {
        try home.make(
            "bob",
            allowing:
                #"{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"iam:ListUsers","Resource":"*"}"#
        )
        let error = refusal { try service.listUsers(caller: home.caller("bob")) }
        #expect(
            error?.message.hasSuffix(
                "iam:ListUsers on resource: arn:aws:iam::111122223333:user/ with an explicit deny in an identity-based policy"
            ) == true
        )
    }

    @Test func `another account's root, a removed user and a wrong path are nobody here`() throws {
        let other = try #require(AccountID("999999999999"))
        try home.make("bob", allowing: #"{"Effect":"Allow","Action":"*","Resource":"*"}"#)
        for principal in [
            ARN.root(other), .user("bob", account: other), .user("bob", path: "/x/", account: home.account),
            .user("BOB", account: home.account),
        ] {
            #expect(
                refusal { try service.listUsers(caller: Caller(principal: principal)) }?.code
                    == .iamAccessDenied,
                "\(principal)"
            )
            #expect(
                try !service.directory.exists(principal) && service.directory.policies(of: principal).isEmpty
            )
        }
        _ = try service.listUsers(caller: home.caller("bob"))
        try service.deleteUserPolicy("p", user: "bob", caller: home.root)
        try service.deleteUser("bob", caller: home.root)
        #expect(refusal { try service.listUsers(caller: home.caller("bob")) }?.code == .iamAccessDenied)
    }
}
