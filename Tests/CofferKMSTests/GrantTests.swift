internal import CofferKMS
internal import CofferShapes
internal import Testing

@Suite struct KeyGrantTests {
    let home: KMSHome
    let kms: KeyManagementService
    let bob: Caller
    let carol: Caller

    init() throws {
        home = try KMSHome()
        kms = try home.service()
        bob = try home.user("bob")
        carol = try home.user("carol")
    }

    private func grant(
        _ operations: [GrantOperation],
        to caller: Caller,
        on key: KeyMetadata,
        _ constraints: GrantConstraints? = nil,
        by grantor: Caller = root
    ) async throws -> GrantResponse {
        let order = GrantOrder(
            grantee: caller.principal.description,
            operations: operations,
            constraints: constraints
        )
        return try await kms.createGrant(order, on: key.reference, caller: grantor)
    }

    private func decrypts(
        _ caller: Caller,
        _ key: KeyMetadata,
        _ context: EncryptionContext
    ) async throws
        -> AWSError.Code?
    {
        let blob = try await kms.encrypt(secret("x"), key: key.reference, context: context, caller: root).blob
        return await refusal {
            _ = try await kms.decrypt(blob, key: nil, context: context, caller: caller)
        }?.code
    }

    @Test func `a grantee does what the grant says, under contexts that it allows, until it is revoked`()
        async throws
    {
        let key = try await kms.createKey(caller: root)
        #expect(try await decrypts(bob, key, ["dept": "it"]) == .accessDenied)
        let subset = GrantConstraints(subset: ["dept": "it"])
        let made = try await grant([.decrypt], to: bob, on: key, subset)
        #expect(Hex.bytes(made.id)?.count == 32)
        #expect(try await decrypts(bob, key, ["dept": "it", "x": "y"]) == nil)
        // Of a constraint the keys are found whatever their case, its values are not.
        #expect(try await decrypts(bob, key, ["DEPT": "it"]) == nil)
        for other in [["dept": "hr"], ["dept": "IT"], [:], ["x": "it"]] as [EncryptionContext] {
            #expect(try await decrypts(bob, key, other) == .accessDenied, "\(other.pairs)")
        }
        #expect(
            await refusal { _ = try await kms.encrypt("x", key.reference, caller: bob) }?.code
                == .accessDenied
        )
        #expect(try await decrypts(carol, key, ["dept": "it"]) == .accessDenied)
        try await kms.revokeGrant(made.id, on: key.reference, caller: root)
        #expect(try await decrypts(bob, key, ["dept": "it"]) == .accessDenied)
        let again = await refusal { try await kms.revokeGrant(made.id, on: key.reference, caller: root) }
        #expect(again == AWSError(.notFound, "Grant ID \(made.id) not found"))
    }

    @Test func `EncryptionContextEquals refuses less and more`() async throws {
        let key = try await kms.createKey(caller: root)
        _ = try await grant([.decrypt], to: bob, on: key, GrantConstraints(equals: ["a": "b", "c": "d"]))
        #expect(try await decrypts(bob, key, ["a": "b", "c": "d"]) == nil)
        for other in [["a": "b"], ["a": "b", "c": "d", "e": "f"], [:]] as [EncryptionContext] {
            #expect(try await decrypts(bob, key, other) == .accessDenied)
        }
    }

    @Test func `a grant outlives a disabled time and dies with its key`() async throws {
        let clock = SetClock(seconds: 1_800_000_000)
        let kms = try home.service(clock: clock)
        let key = try await kms.createKey(caller: root)
        let order = GrantOrder(
            grantee: bob.principal.description,
            retiring: bob.principal.description,
            operations: [.encrypt]
        )
        _ = try await kms.createGrant(order, on: key.reference, caller: root)
        try await kms.disableKey(key.reference, caller: root)
        try await kms.enableKey(key.reference, caller: root)
        _ = try await kms.encrypt("x", key.reference, caller: bob)
        _ = try await kms.scheduleKeyDeletion(key.reference, pendingWindowInDays: 7, caller: root)
        clock.advance(days: 7)
        let left = try await kms.listRetirableGrants(retiring: bob.principal.description, caller: bob)
        #expect(left.items.isEmpty)
    }

    // MARK: - Chains

    @Test func `a grantee passes on no more than it has`() async throws {
        let key = try await kms.createKey(caller: root)
        let subset = GrantConstraints(subset: ["dept": "it"])
        _ = try await grant([.createGrant, .decrypt, .encrypt], to: bob, on: key, subset)
        let wider: [([GrantOperation], GrantConstraints?)] = [
            ([.decrypt], nil), ([.generateDataKey], subset), ([.decrypt, .describeKey], subset),
            ([.decrypt], GrantConstraints(subset: ["dept": "hr"])),
            ([.decrypt], GrantConstraints(equals: ["other": "it"])),
        ]
        for (operations, constraints) in wider {
            let refused = await refusal {
                _ = try await grant(operations, to: carol, on: key, constraints, by: bob)
            }
            #expect(refused?.code == .accessDenied, "\(operations)")
        }
        let tighter = GrantConstraints(equals: ["dept": "it", "floor": "3"])
        _ = try await grant([.decrypt], to: carol, on: key, tighter, by: bob)
        #expect(try await decrypts(carol, key, ["dept": "it", "floor": "3"]) == nil)
        #expect(try await decrypts(carol, key, ["dept": "it"]) == .accessDenied)
        // Carol has no CreateGrant to pass anything on with.
        let third = await refusal { _ = try await grant([.decrypt], to: bob, on: key, tighter, by: carol) }
        #expect(third?.code == .accessDenied)
        // With all that Bob has, somebody else can pass on the same.
        _ = try await grant([.createGrant, .decrypt], to: carol, on: key, subset, by: bob)
        _ = try await grant([.decrypt], to: bob, on: key, subset, by: carol)
    }

    // MARK: - Orders

    @Test func `the same order under the same name gives the same grant, with another token`() async throws {
        let key = try await kms.createKey(caller: root)
        var order = GrantOrder(
            grantee: bob.principal.description,
            operations: [.encrypt, .decrypt],
            name: "once"
        )
        let first = try await kms.createGrant(order, on: key.reference, caller: root)
        order.operations.reverse()
        let second = try await kms.createGrant(order, on: key.reference, caller: root)
        #expect(second.id == first.id)
        #expect(second.token != first.token)
        order.operations = [.encrypt]
        #expect(try await kms.createGrant(order, on: key.reference, caller: root).id != first.id)
        order.name = nil
        let unnamed = try await kms.createGrant(order, on: key.reference, caller: root)
        #expect(try await kms.createGrant(order, on: key.reference, caller: root).id != unnamed.id)
        let listed = try await kms.listGrants(key.reference, caller: root).items
        #expect(listed.count == 4)
        #expect(listed.first?.name == "once")
        #expect(listed.first?.issuingAccount == root.principal)
        let one = try await kms.listGrants(key.reference, id: unnamed.id, caller: root).items
        #expect(one.map(\.id) == [unnamed.id])
        let none = try await kms.listGrants(key.reference, grantee: carol.principal.description, caller: root)
        #expect(none.items.isEmpty)
    }

    @Test func `a grant is for a principal that can be, and for what its key can do`() async throws {
        let key = try await kms.createKey(caller: root)
        let account = KMSHome.account
        for wrong in [
            "*", "", "bob", "arn:aws:iam::\(account):group/admins", "arn:aws:iam::\(account):user/missing",
            "arn:aws:s3:::bucket", "arn:aws:iam::\(account):*", "arn:aws:iam::12:user/bob",
        ] {
            let order = GrantOrder(grantee: wrong, operations: [.decrypt])
            let refused = await refusal {
                _ = try await kms.createGrant(order, on: key.reference, caller: root)
            }
            #expect(refused?.code == .invalidArn, "\(wrong)")
            let retiring = GrantOrder(
                grantee: bob.principal.description,
                retiring: wrong,
                operations: [.decrypt]
            )
            let second = await refusal {
                _ = try await kms.createGrant(retiring, on: key.reference, caller: root)
            }
            #expect(second?.code == .invalidArn, "\(wrong)")
        }
        for right in [
            "arn:aws:iam::\(account):root", "arn:aws:iam::\(account):role/r",
            "arn:aws:sts::\(account):assumed-role/r/session", "arn:aws:sts::\(account):federated-user/f",
            "arn:aws:iam::999999999999:user/anybody", "ec2.amazonaws.com",
        ] {
            let order = GrantOrder(grantee: right, operations: [.decrypt])
            _ = try await kms.createGrant(order, on: key.reference, caller: root)
        }
        let operations: [Subject.Kind: [GrantOperation]] = [
            .symmetric: [.sign, .verify, .getPublicKey, .generateMac, .verifyMac, .deriveSharedSecret],
            .signing: [.encrypt, .generateDataKey, .generateMac, .deriveSharedSecret],
            .hmac: [.encrypt, .sign, .getPublicKey], .agreement: [.encrypt, .sign, .verifyMac],
        ]
        for (kind, wrong) in operations {
            let subject = try await Subject(kind, .enabled, in: kms)
            for operation in wrong {
                let order = GrantOrder(grantee: bob.principal.description, operations: [operation])
                let refused = await refusal {
                    _ = try await kms.createGrant(order, on: subject.key, caller: root)
                }
                #expect(refused?.code == .validation, "\(kind) \(operation)")
            }
        }
        let empty = GrantOrder(grantee: bob.principal.description, operations: [])
        let refused = await refusal { _ = try await kms.createGrant(empty, on: key.reference, caller: root) }
        #expect(refused?.code == .validation)
    }

    // MARK: - Tokens and retirement

    @Test func `a grant is retired by token or id, by whom it names and by nobody else`() async throws {
        let key = try await kms.createKey(caller: root)
        let order = GrantOrder(
            grantee: carol.principal.description,
            retiring: bob.principal.description,
            operations: [.encrypt]
        )
        let first = try await kms.createGrant(order, on: key.reference, caller: root)
        let second = try await kms.createGrant(order, on: key.reference, caller: root)
        // The grantee may only where the grant says RetireGrant.
        for reference in [GrantReference.token(first.token), .id(first.id, key: key.reference)] {
            #expect(
                await refusal { try await kms.retireGrant(reference, caller: carol) }?.code == .accessDenied
            )
        }
        let retirable = try await kms.listRetirableGrants(retiring: bob.principal.description, caller: bob)
        #expect(Set(retirable.items.map(\.id)) == [first.id, second.id])
        #expect(retirable.items.map(\.keyARN) == [key.arn, key.arn])
        let curious = await refusal {
            _ = try await kms.listRetirableGrants(retiring: bob.principal.description, caller: carol)
        }
        #expect(curious?.code == .accessDenied)
        try await kms.retireGrant(.token(first.token), caller: bob)
        try await kms.retireGrant(.id(second.id, key: key.reference), caller: bob)
        #expect(try await kms.listGrants(key.reference, caller: root).items.isEmpty)
        let gone = await refusal { try await kms.retireGrant(.token(first.token), caller: bob) }
        #expect(gone?.code == .notFound)
        let own = try await grant([.encrypt, .retireGrant], to: carol, on: key)
        try await kms.retireGrant(.id(own.id, key: key.reference), caller: carol)
        let third = try await kms.createGrant(order, on: key.reference, caller: root)
        try await kms.retireGrant(.token(third.token), caller: root)
        let other = try await kms.createKey(caller: root)
        let fourth = try await kms.createGrant(order, on: key.reference, caller: root)
        let elsewhere = await refusal {
            try await kms.retireGrant(.id(fourth.id, key: other.reference), caller: bob)
        }
        #expect(elsewhere?.code == .notFound)
    }

    @Test func `a grant is looked for on a key that is there, and by an id that can be`() async throws {
        let key = try await kms.createKey(caller: root)
        let unknown = String(repeating: "ab", count: 32)
        let alias = try AliasName("alias/a")
        try await kms.createAlias(alias, target: .id(key.keyID), caller: root)
        let aliasARN = ARN.alias(alias, region: .home, account: KMSHome.account)
        let cases: [(KeyReference, AWSError)] = [
            (KeyReference("fake"), AWSError(.notFound, "Invalid keyId 'fake'")),
            (.alias(alias), AWSError(.notFound, "Invalid keyId 'alias/a'")),
            (
                .aliasARN(aliasARN, alias),
                AWSError(.invalidArn, "Key Aliases are not supported for this operation")
            ),
            (key.reference, AWSError(.notFound, "Grant ID \(unknown) not found")),
        ]
        for (reference, expected) in cases {
            #expect(
                await refusal { try await kms.retireGrant(.id(unknown, key: reference), caller: root) }
                    == expected
            )
        }
        let denied = await refusal {
            try await kms.retireGrant(.id(unknown, key: key.reference), caller: carol)
        }
        #expect(denied?.code == .accessDenied)
        let listed = await refusal {
            _ = try await kms.listGrants(key.reference, id: "no grant", caller: root)
        }
        #expect(listed?.code == .invalidGrantID)
        #expect(try await kms.listGrants(key.reference, id: unknown, caller: root).items.isEmpty)
    }

    @Test func `constraints are for keys that bind a context to what they encrypt`() async throws {
        for kind in [Subject.Kind.hmac, .signing] {
            let subject = try await Subject(kind, .enabled, in: kms)
            let order = GrantOrder(
                grantee: bob.principal.description,
                operations: [.describeKey],
                constraints: GrantConstraints(subset: ["a": "b"])
            )
            let refused = await refusal {
                _ = try await kms.createGrant(order, on: subject.key, caller: root)
            }
            #expect(refused?.code == .validation, "\(kind)")
        }
    }

    @Test func `a token of ours is taken, and another is not`() async throws {
        let key = try await kms.createKey(caller: root)
        let made = try await grant([.encrypt], to: bob, on: key)
        let use: @Sendable ([String]) async -> AWSError? = { [kms, bob] tokens in
            await refusal {
                _ = try await kms.encrypt(
                    secret("x"),
                    key: key.reference,
                    algorithm: .symmetricDefault,
                    context: [:],
                    use: KeyUse(grantTokens: tokens),
                    caller: bob
                )
            }
        }
        #expect(await use([made.token]) == nil)
        #expect(await use(Array(repeating: made.token, count: 10)) == nil)
        #expect(await use(Array(repeating: made.token, count: 11))?.code == .validation)
        var changed = Array(made.token)
        changed[20] = changed[20] == "A" ? "B" : "A"
        for token in ["", "x", String(changed), String(made.token.dropLast(4))] {
            #expect(await use([made.token, token])?.code == .invalidGrantToken, "\(token)")
            let retired = await refusal { try await kms.retireGrant(.token(token), caller: root) }
            #expect(retired?.code == .invalidGrantToken)
        }
    }
}
