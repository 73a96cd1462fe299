internal import CofferKMS
internal import CofferPolicy
internal import CofferShapes
internal import Testing

/// Key policies and identity policies together. (AWS KMS developer guide, "Policy evaluation logic")
@Suite struct KeyPolicyTests {
    let home: KMSHome
    let kms: KeyManagementService
    private static let everything =
        #"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}"#

    init() throws {
        home = try KMSHome()
        kms = try home.service()
    }

    /// A key whose policy is these statements and one that lets root keep charge of it.
    private func key(_ statements: String...) async throws -> KeyMetadata {
        let key = try await kms.createKey(caller: root)
        try await put(statements + [KMSHome.rootStatement], on: key)
        return key
    }

    private func put(_ statements: [String], on key: KeyMetadata, bypassing: Bool = false) async throws {
        try await kms.putKeyPolicy(
            key.reference,
            name: "default",
            policy: KMSHome.policy(statements),
            bypassesLockoutSafetyCheck: bypassing,
            caller: root
        )
    }

    private func allow(_ caller: Caller, _ action: String) -> String {
        #"{"Effect":"Allow","Principal":{"AWS":"\#(caller.principal)"},"Action":"\#(action)","Resource":"*"}"#
    }

    private func deny(_ caller: Caller, _ action: String) -> String {
        #"{"Effect":"Deny","Principal":{"AWS":"\#(caller.principal)"},"Action":"\#(action)","Resource":"*"}"#
    }

    // MARK: - Who decides

    @Test func `identity policies count where the key policy gives the account charge, and nowhere else`()
        async throws
    {
        let bob = try home.user("bob", Self.everything)
        let nobody = try home.user("nobody")
        let key = try await kms.createKey(caller: root)
        #expect(try await kms.decrypt(kms.encrypt("x", key.reference, caller: bob), caller: bob) == "x")
        let refused = await refusal { _ = try await kms.encrypt("x", key.reference, caller: nobody) }
        let words =
            "User: \(nobody.principal) is not authorized to perform: kms:Encrypt on resource: \(key.arn) because "
            + "no identity-based policy allows the kms:Encrypt action"
        #expect(refused == AWSError(.accessDenied, words))

        // Without the account's statement identity policies are powerless, root's own too.
        try await put([allow(nobody, "kms:*")], on: key, bypassing: true)
        for caller in [bob, root] {
            let refused = await refusal { _ = try await kms.encrypt("x", key.reference, caller: caller) }
            #expect(refused?.code == .accessDenied)
            #expect(
                refused?.message.hasSuffix("no resource-based policy allows the kms:Encrypt action") == true
            )
        }
        // And whom the key policy names needs nothing else.
        _ = try await kms.encrypt("x", key.reference, caller: nobody)
    }

    @Test func `an explicit denial beats everything, a grant too`() async throws {
        let bob = try home.user("bob", Self.everything)
        let key = try await key(allow(bob, "kms:*"))
        let order = GrantOrder(grantee: bob.principal.description, operations: [.encrypt])
        _ = try await kms.createGrant(order, on: key.reference, caller: root)
        _ = try await kms.encrypt("x", key.reference, caller: bob)
        try await put([allow(bob, "kms:*"), deny(bob, "kms:Encrypt"), KMSHome.rootStatement], on: key)
        let refused = await refusal { _ = try await kms.encrypt("x", key.reference, caller: bob) }
        #expect(refused?.code == .accessDenied)
        #expect(refused?.message.hasSuffix("with an explicit deny in a resource-based policy") == true)
        let careful = try home.user(
            "careful",
            Self.everything,
            #"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"kms:Enc*","Resource":"*"}}"#
        )
        let denied = await refusal { _ = try await kms.encrypt("x", key.reference, caller: careful) }
        #expect(denied?.message.hasSuffix("with an explicit deny in an identity-based policy") == true)
    }

    @Test func `a change of policy counts in the next call of another service`() async throws {
        let bob = try home.user("bob")
        let key = try await key(allow(bob, "kms:Encrypt"))
        let other = try home.service()
        for _ in 0..<5 {
            _ = try await other.encrypt("x", key.reference, caller: bob)
            try await put([KMSHome.rootStatement], on: key)
            let refused = await refusal { _ = try await other.encrypt("x", key.reference, caller: bob) }
            #expect(refused?.code == .accessDenied)
            try await put([allow(bob, "kms:Encrypt"), KMSHome.rootStatement], on: key)
        }
    }

    @Test func `ReEncrypt needs leave at both ends, and CreateKey's tags need their own`() async throws {
        let bob = try home.user("bob")
        let (source, destination) = (try await key(allow(bob, "kms:ReEncryptFrom")), try await key())
        let blob = try await kms.encrypt("x", source.reference)
        let move: @Sendable () async throws -> Void = { [kms] in
            _ = try await kms.reEncrypt(
                blob,
                sourceKey: nil,
                sourceContext: [:],
                destinationKey: destination.reference,
                destinationContext: [:],
                caller: bob
            )
        }
        #expect(await refusal(move)?.message.contains("perform: kms:ReEncryptTo on") == true)
        try await put([allow(bob, "kms:ReEncryptTo"), KMSHome.rootStatement], on: destination)
        #expect(await refusal(move) == nil)

        let maker = try home.user("maker", Self.identity(allowing: "kms:CreateKey"))
        _ = try await kms.createKey(caller: maker)
        var tagged = KeyOrder()
        tagged.tags = [Tag(key: "k", value: "v")]
        let refused = await refusal { _ = try await kms.createKey(tagged, caller: maker) }
        #expect(refused?.message.contains("perform: kms:TagResource on") == true)
    }

    @Test func `a replica needs leave to make a key in its region`() async throws {
        let bob = try home.user("bob", Self.identity(allowing: "kms:ReplicateKey"))
        let order = KeyOrder(.symmetricDefault, .encryptDecrypt, isMultiRegion: true)
        let key = try await kms.createKey(order, caller: root)
        let refused = await refusal {
            _ = try await kms.replicateKey(
                key.reference,
                to: Subject.replicaRegion,
                order: KeyOrder(),
                caller: bob
            )
        }
        #expect(refused?.message.contains("perform: kms:CreateKey on") == true)
    }

    // MARK: - PutKeyPolicy

    @Test func `a policy that would lock its writer out is refused, unless the check is bypassed`()
        async throws
    {
        let bob = try home.user("bob")
        let key = try await key()
        let locked = await refusal { try await put([allow(bob, "kms:*")], on: key) }
        let words = "The new key policy will not allow you to update the key policy in the future."
        #expect(locked == AWSError(.malformedPolicyDocument, words))
        var order = KeyOrder()
        order.policy = KMSHome.policy([allow(bob, "kms:*")])
        #expect(
            await refusal { _ = try await kms.createKey(order, caller: root) }?.code
                == .malformedPolicyDocument
        )
        order.bypassesPolicyLockoutSafetyCheck = true
        _ = try await kms.createKey(order, caller: root)
        try await put([allow(bob, "kms:*")], on: key, bypassing: true)
        #expect(await refusal { try await put([KMSHome.rootStatement], on: key) }?.code == .accessDenied)
    }

    @Test func `a malformed policy is refused with the place of its fault`() async throws {
        let key = try await key()
        let before = try await kms.getKeyPolicy(key.reference, name: nil, caller: root)
        let faults = [
            ("not JSON", "line 1"),
            ("{}", "Statement"),
            (
                #"{"Version":"2012-10-17","Statement":[{"Effect":"Perhaps","Principal":"*","Action":"kms:*","Resource":"*"}]}"#,
                "Effect"
            ),
            (
                """
                {"Version":"2012-10-17","Statement":[
                  {"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*",
                   "Condition":{"StringEqualz":{"kms:ViaService":"x"}}}]}
                """,
                "line 3"
            ),
        ]
        for (text, place) in faults {
            let refused = await refusal {
                try await kms.putKeyPolicy(
                    key.reference,
                    name: nil,
                    policy: text,
                    bypassesLockoutSafetyCheck: true,
                    caller: root
                )
            }
            #expect(refused?.code == .malformedPolicyDocument, "\(text)")
            #expect(refused?.message.contains(place) == true, "\(refused?.message ?? "")")
        }
        let large = KMSHome.policy([KMSHome.rootStatement]) + String(repeating: " ", count: 32 << 10)
        let refused = await refusal {
            try await kms.putKeyPolicy(
                key.reference,
                name: nil,
                policy: large,
                bypassesLockoutSafetyCheck: false,
                caller: root
            )
        }
        #expect(refused?.code == .limitExceeded)
        let named = await refusal {
            _ = try await kms.getKeyPolicy(key.reference, name: "other", caller: root)
        }
        #expect(named == AWSError(.notFound, "No such policy exists"))
        #expect(try await kms.getKeyPolicy(key.reference, name: nil, caller: root) == before)
    }

    @Test func `a policy names principals that are there`() async throws {
        let bob = try home.user("bob")
        let key = try await key()
        try await put([allow(bob, "kms:*"), KMSHome.rootStatement], on: key)
        let missing = Caller(principal: .user("missing", account: KMSHome.account))
        let refused = await refusal {
            try await put([allow(missing, "kms:*"), KMSHome.rootStatement], on: key)
        }
        let words = "Policy contains a statement with one or more invalid principals."
        #expect(refused == AWSError(.malformedPolicyDocument, words))
        let nonsense = #"{"Effect":"Allow","Principal":{"AWS":"nonsense"},"Action":"kms:*","Resource":"*"}"#
        #expect(
            await refusal { try await put([nonsense], on: key) } == AWSError(.malformedPolicyDocument, words)
        )
        let stranger = Caller(principal: .user("anybody", account: try #require(AccountID("999999999999"))))
        try await put([allow(stranger, "kms:*"), KMSHome.rootStatement], on: key)
    }

    @Test func `an explanation names the statement, the grant or what is missing`() async throws {
        let bob = try home.user("bob")
        let key = try await key(deny(bob, "kms:Decrypt"))
        func verdict(_ operation: String) async throws -> Explanation {
            try await kms.explain(operation, on: key.reference, as: bob, context: [:], caller: root)
        }
        #expect(try await verdict("Decrypt").verdict.hasPrefix("denied by"))
        #expect(try await verdict("Encrypt").isAllowed == false)
        let order = GrantOrder(grantee: bob.principal.description, operations: [.encrypt])
        let grant = try await kms.createGrant(order, on: key.reference, caller: root)
        #expect(try await verdict("Encrypt").verdict.contains(grant.id))
        #expect(try await verdict("Encrypt").isAllowed)
    }

    static func identity(allowing action: String) -> String {
        #"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"\#(action)","Resource":"*"}}"#
    }
}

extension KMSHome {
    /// Lets the account's root user, and whom it gives leave, do everything.
    static let rootStatement =
        #"{"Effect":"Allow","Principal":{"AWS":"\#(ARN.root(account))"},"Action":"kms:*","Resource":"*"}"#

    static func policy(_ statements: [String]) -> String {
        #"{"Version":"2012-10-17","Statement":[\#(statements.joined(separator: ",\n"))]}"#
    }
}
