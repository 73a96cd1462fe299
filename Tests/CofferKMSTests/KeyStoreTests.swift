internal import CofferKMS
internal import CofferShapes
internal import CofferTrail
internal import Testing

/// Custom key stores as records and permissions; `CustomKeyStoreTypeTests` has a real token.
@Suite struct KeyStoreConnectionTests {
    let tokens = MemoryTokens()
    let home: KMSHome
    let kms: KeyManagementService

    init() throws {
        home = try KMSHome(tokens: tokens)
        kms = try home.service()
    }

    private func makeStore(
        _ name: String,
        _ label: String = MemoryTokens.label,
        pin: String = "wrong"
    )
        async throws -> String
    {
        let order = CustomKeyStoreOrder(
            name: name,
            tokenLabel: label,
            module: nil,
            trustAnchorCertificate: nil,
            pin: secret(pin)
        )
        return try await kms.createCustomKeyStore(order, caller: root)
    }

    @Test func `who may not connect does not make the token count a wrong PIN`() async throws {
        let store = try await makeStore("store")
        let bob = try home.user("bob")
        let refused = await refusal { try await kms.connectCustomKeyStore(store, caller: bob) }
        #expect(refused?.code == .accessDenied)
        #expect(tokens.logins == 0)
        try await kms.connectCustomKeyStore(store, caller: root)
        #expect(tokens.logins == 1)
    }

    @Test func `a connection that fails is told by the store's state and on the trail`() async throws {
        let store = try await makeStore("store")
        try await kms.connectCustomKeyStore(store, caller: root)
        let line = try #require(try home.newestEntry())
        #expect(line.record.eventName == "ConnectCustomKeyStore")
        #expect(line.record.errorCode == nil)
        #expect(line.record.additionalEventData == ["connectionErrorCode": .text("INVALID_CREDENTIALS")])
        let found = try await kms.describeCustomKeyStores(id: store, caller: root).items
        #expect(found.map(\.state) == [.failed])
        #expect(found.map(\.connectionErrorCode) == ["INVALID_CREDENTIALS"])
    }

    @Test func `for who may make no store no module is loaded`() async throws {
        let bob = try home.user("bob")
        let refused = await refusal {
            let order = CustomKeyStoreOrder(
                name: "store",
                tokenLabel: MemoryTokens.label,
                module: "/elsewhere",
                trustAnchorCertificate: nil,
                pin: secret("1234")
            )
            _ = try await kms.createCustomKeyStore(order, caller: bob)
        }
        #expect(refused?.code == .accessDenied)
        #expect(tokens.searches == 0)
    }

    @Test func `a store is not made over a token that is not there`() async throws {
        #expect(
            await refusal { _ = try await makeStore("store", "nowhere") }?.code == .cloudHSMClusterNotFound
        )
        #expect(tokens.logins == 0)
    }

    @Test func `a PIN whose record is damaged connects nothing`() async throws {
        let store = try await makeStore("store", pin: MemoryTokens.pin)
        try home.changeStore("UPDATE custom_key_store SET wrapped_pin = zeroblob(40)")
        let refused = await refusal { try await kms.connectCustomKeyStore(store, caller: root) }
        #expect(refused != nil)
        let found = try await kms.describeCustomKeyStores(id: store, caller: root).items
        #expect(found.map(\.state) == [.disconnected])
        #expect(tokens.logins == 0)
    }

    @Test func `names and tokens are each of one store`() async throws {
        let store = try await makeStore("store")
        #expect(await refusal { _ = try await makeStore("store", "other") }?.code == .customKeyStoreNameInUse)
        #expect(await refusal { _ = try await makeStore("another") }?.code == .cloudHSMClusterInUse)
        _ = try await makeStore("another", "other")
        let renamed = await refusal {
            let change = CustomKeyStoreChange(newName: "another", tokenLabel: nil, pin: nil)
            try await kms.updateCustomKeyStore(store, change, caller: root)
        }
        #expect(renamed?.code == .customKeyStoreNameInUse)
        let moved = await refusal {
            let change = CustomKeyStoreChange(newName: nil, tokenLabel: "other", pin: nil)
            try await kms.updateCustomKeyStore(store, change, caller: root)
        }
        #expect(moved?.code == .cloudHSMClusterInUse)
        #expect(try await kms.describeCustomKeyStores(name: "another", caller: root).items.count == 1)
        let missing = await refusal { _ = try await kms.describeCustomKeyStores(id: "cks-x", caller: root) }
        #expect(missing?.code == .customKeyStoreNotFound)
    }

    @Test func `a token that goes while connected is used again once it is back`() async throws {
        let store = try await kms.connectedStore()
        var order = KeyOrder()
        (order.origin, order.customKeyStoreID) = (.awsCloudHSM, store)
        let key = try await kms.createKey(order, caller: root)
        let blob = try await kms.encrypt("x", key.reference)
        tokens.setGone(true)
        let refused = await refusal { _ = try await kms.decrypt(blob) }
        #expect(refused?.code == .kmsInvalidState)
        tokens.setGone(false)
        #expect(try await kms.decrypt(blob) == "x")
    }
}
