internal import CofferKMS
internal import CofferShapes
internal import CofferTrail
internal import Testing

/// Two services over one home, as two processes have them.
@Suite struct CurrencyTests {
    @Test func `what one service changes, the very next call of another sees, three hundred times`()
        async throws
    {
        let home = try KMSHome()
        let (first, second) = (try home.service(), try home.service())
        let key = try await first.createKey(caller: root)
        let blob = try await first.encrypt("x", key.reference)
        #expect(try await second.decrypt(blob) == "x")
        var stale = 0
        for turn in 0..<300 {
            let (one, other) = turn.isMultiple(of: 2) ? (first, second) : (second, first)
            try await one.disableKey(key.reference, caller: root)
            let refused = await refusal { _ = try await other.decrypt(blob) }
            if refused?.code != .disabled { stale += 1 }
            try await one.enableKey(key.reference, caller: root)
            if await refusal({ _ = try await other.decrypt(blob) }) != nil { stale += 1 }
        }
        #expect(stale == 0)
        #expect(try first.trail.verify().finding == .intact)
    }

    @Test func `aliases, grants, material and deletions count at once elsewhere too`() async throws {
        let home = try KMSHome()
        let bob = try home.user("bob")
        let (first, second) = (try home.service(), try home.service())
        let (old, new) = (try await first.createKey(caller: root), try await first.createKey(caller: root))
        let alias = KeyReference.alias(try AliasName("alias/app"))
        for turn in 0..<20 {
            try await first.createAlias("alias/app", target: old.reference, caller: root)
            #expect(try await second.describeKey(alias, caller: root).keyID == old.keyID)
            try await first.updateAlias("alias/app", target: new.reference, caller: root)
            #expect(try await second.describeKey(alias, caller: root).keyID == new.keyID)
            try await first.deleteAlias("alias/app", caller: root)
            #expect(
                await refusal { _ = try await second.describeKey(alias, caller: root) }?.code == .notFound
            )
            let order = GrantOrder(grantee: bob.principal.description, operations: [.encrypt])
            let grant = try await first.createGrant(order, on: old.reference, caller: root)
            _ = try await second.encrypt("x", old.reference, caller: bob)
            try await first.revokeGrant(grant.id, on: old.reference, caller: root)
            let refused = await refusal { _ = try await second.encrypt("x", old.reference, caller: bob) }
            #expect(refused?.code == .accessDenied)
            _ = try await second.rotateKeyOnDemand(old.reference, caller: root)
            let current = try await first.encrypt(secret("x"), key: old.reference, context: [:], caller: root)
            let rotations = try await second.listKeyRotations(old.reference, caller: root).items
            #expect(rotations.count == turn + 1)
            #expect(rotations.last?.materialID == current.keyMaterialID)
        }
    }
}
