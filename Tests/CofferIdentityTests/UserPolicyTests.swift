internal import CofferIdentity
internal import CofferShapes
internal import CofferTesting
internal import Testing

@Suite struct UserPolicyTests {
    private static let allow = #"{"Effect":"Allow","Action":"kms:Encrypt","Resource":"*"}"#
    private let home: IdentityHome
    private var service: IdentityService { home.service }

    init() throws {
        home = try IdentityHome()
        _ = try service.createUser("bob", caller: home.root)
    }

    @Test func `a policy comes back as it was put, is replaced by name, and goes`() throws {
        let first = "\n" + home.policy(Self.allow) + "  "
        try service.putUserPolicy("one", document: first, user: "bob", caller: home.root)
        #expect(try service.getUserPolicy("one", user: "bob", caller: home.root) == first)
        let second = home.policy(#"{"Effect":"Deny","Action":"s3:*","Resource":"*"}"#)
        try service.putUserPolicy("one", document: second, user: "bob", caller: home.root)
        try service.putUserPolicy("another", document: first, user: "bob", caller: home.root)
        #expect(try service.getUserPolicy("one", user: "bob", caller: home.root) == second)
        #expect(try service.listUserPolicies(user: "bob", caller: home.root).items == ["another", "one"])
        let page = try service.listUserPolicies(user: "bob", page: Page(limit: 1), caller: home.root)
        #expect(page.items == ["another"])
        #expect(
            try service.listUserPolicies(user: "bob", page: Page(marker: page.nextMarker), caller: home.root)
                .items == ["one"]
        )
        try service.deleteUserPolicy("one", user: "bob", caller: home.root)
        for error in [
            refusal { try service.getUserPolicy("one", user: "bob", caller: home.root) },
            refusal { try service.deleteUserPolicy("one", user: "bob", caller: home.root) },
        ] {
            #expect(error == AWSError(.noSuchEntity, "The user policy with name one cannot be found."))
        }
    }

    @Test(arguments: [
        "{", "[]", "{}", #"{"Version":"2012-10-17","Statement":[]}"#,
        #"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}}"#,
        #"{"Version":"2012-10-17","Statement":{"Effect":"allow","Action":"*","Resource":"*"}}"#,
    ])
    func `what is no identity policy is refused and changes nothing`(_ document: String) throws {
        let good = home.policy(Self.allow)
        try service.putUserPolicy("p", document: good, user: "bob", caller: home.root)
        let error = refusal {
            try service.putUserPolicy("p", document: document, user: "bob", caller: home.root)
        }
        #expect(error?.code == .malformedPolicy && error?.message.isEmpty == false)
        #expect(try service.getUserPolicy("p", user: "bob", caller: home.root) == good)
    }

    @Test func `text outside of IAM's characters and lengths is refused`() throws {
        for document in ["", "\u{0}", "\u{100}", String(repeating: " ", count: 131_073)] {
            let error = refusal {
                try service.putUserPolicy("p", document: document, user: "bob", caller: home.root)
            }
            #expect(error?.code == .iamValidation)
        }
        let good = home.policy(Self.allow)
        for name in ["", "a/b", String(repeating: "n", count: 129)] {
            #expect(
                refusal { try service.putUserPolicy(name, document: good, user: "bob", caller: home.root) }?
                    .code == .iamValidation
            )
        }
        try service.putUserPolicy(
            String(repeating: "n", count: 128),
            document: good,
            user: "bob",
            caller: home.root
        )
    }

    @Test func `a user's policies together have 2048 characters, white space not counted`() throws {
        func document(_ characters: Int) -> String {
            let rest = home.policy(#"{"Effect":"Allow","Action":"kms:*","Resource":"arn:aws:kms:::"}"#).count
            return home.policy(
                #"{"Effect":"Allow","Action":"kms:*","Resource":"arn:aws:kms:::\#(String(repeating: "*", count: characters - rest))"}"#
            )
        }
        try service.putUserPolicy("a", document: document(1000), user: "bob", caller: home.root)
        let error = refusal {
            try service.putUserPolicy("b", document: document(1049), user: "bob", caller: home.root)
        }
        #expect(
            error == AWSError(.iamLimitExceeded, "Maximum policy size of 2048 bytes exceeded for user bob")
        )
        let spaced = document(1048).replacing(",", with: ",\n\t      ")
        try service.putUserPolicy("b", document: spaced, user: "bob", caller: home.root)
        try service.putUserPolicy("a", document: document(1000), user: "bob", caller: home.root)
        #expect(
            refusal {
                try service.putUserPolicy("a", document: document(1001), user: "bob", caller: home.root)
            }?.code == .iamLimitExceeded
        )
    }
}
