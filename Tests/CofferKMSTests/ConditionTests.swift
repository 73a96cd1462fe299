internal import CofferKMS
internal import CofferSecrets
internal import CofferShapes
internal import Testing

/// Every condition key of a key policy, with a value that lets a call through and one that does not. (AWS KMS developer
/// guide, "AWS KMS condition keys"; IAM user guide, "AWS global condition context keys")
@Suite struct ConditionTests {
    let home: KMSHome
    let kms: KeyManagementService
    let bob: Caller

    init() throws {
        home = try KMSHome()
        kms = try home.service(clock: SetClock(seconds: 1_800_000_000))
        bob = try home.user("bob")
    }

    /// What is called, as `caller`.
    typealias Use = @Sendable (Subject, Caller) async throws -> Void

    struct Row: Sendable, CustomTestStringConvertible {
        let action: String
        let key: String
        let test: String
        let allowing: String
        let refusing: String
        var kind = Subject.Kind.symmetric
        let use: Use

        var testDescription: String { key }
    }

    @Test(arguments: cryptography + keys + grants + changes + global)
    func `a condition lets through what fits it, and nothing else`(_ row: Row) async throws {
        let subject = try await Subject(row.kind, .enabled, in: kms)
        for (value, isAllowed) in [(row.refusing, false), (row.allowing, true)] {
            let statement = """
                {"Effect":"Allow","Principal":{"AWS":"\(bob.principal)"},"Action":"kms:\(row.action)",
                 "Resource":"*","Condition":{"\(row.test)":{"\(row.key)":\(value)}}}
                """
            try await kms.putKeyPolicy(
                subject.key,
                name: nil,
                policy: KMSHome.policy([statement, KMSHome.rootStatement]),
                bypassesLockoutSafetyCheck: false,
                caller: root
            )
            let refused = await refusal { try await row.use(subject, bob) }
            #expect(refused?.code == (isAllowed ? nil : .accessDenied), "\(value): \(refused?.message ?? "")")
        }
    }

    @Test func `a missing key fits no condition that wants a value, and every one that wants another`()
        async throws
    {
        let subject = try await Subject(.symmetric, .enabled, in: kms)
        for (test, isAllowed) in [("StringEquals", false), ("StringNotEquals", true)] {
            let statement = """
                {"Effect":"Allow","Principal":{"AWS":"\(bob.principal)"},"Action":"kms:Encrypt",
                 "Resource":"*","Condition":{"\(test)":{"kms:ViaService":"ec2.us-east-1.amazonaws.com"}}}
                """
            try await kms.putKeyPolicy(
                subject.key,
                name: nil,
                policy: KMSHome.policy([statement, KMSHome.rootStatement]),
                bypassesLockoutSafetyCheck: false,
                caller: root
            )
            let refused = await refusal { try await Self.encrypt(subject, bob) }
            #expect((refused == nil) == isAllowed, "\(test)")
        }
    }

    @Test func `CreateKey and ReplicateKey can be bound to a kind of key and a region`() async throws {
        let policy = """
            {"Version":"2012-10-17","Statement":[
              {"Effect":"Allow","Action":"kms:CreateKey","Resource":"*","Condition":
                {"StringEquals":{"kms:KeySpec":"SYMMETRIC_DEFAULT","kms:KeyOrigin":"AWS_KMS"}}},
              {"Effect":"Allow","Action":"kms:ReplicateKey","Resource":"*","Condition":
                {"StringEquals":{"kms:ReplicaRegion":"eu-west-1"}}}]}
            """
        let maker = try home.user("maker", policy)
        let order = KeyOrder(.symmetricDefault, .encryptDecrypt, isMultiRegion: true)
        let key = try await kms.createKey(order, caller: maker)
        for order in [
            KeyOrder(.hmac256, .generateVerifyMAC),
            KeyOrder(.symmetricDefault, .encryptDecrypt, origin: .external),
        ] {
            #expect(
                await refusal { _ = try await kms.createKey(order, caller: maker) }?.code == .accessDenied
            )
        }
        for (region, code) in [
            (Subject.freeRegion, AWSError.Code.accessDenied), (Subject.replicaRegion, nil),
        ] {
            let refused = await refusal {
                _ = try await kms.replicateKey(key.reference, to: region, order: KeyOrder(), caller: maker)
            }
            #expect(refused?.code == code)
        }
    }
}
