internal import CofferKMS
internal import CofferPKCS11
internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import Foundation
internal import Testing

// What each of AWS's three types of keys allows and refuses. (AWS KMS developer guide, "AWS KMS keys")

/// Keys that a service makes for the account.
@Suite struct AWSManagedKeyTypeTests {
    let home: KMSHome
    let kms: KeyManagementService

    init() throws {
        home = try KMSHome()
        kms = try home.service(clock: SetClock(seconds: 1_800_000_000))
    }

    @Test(arguments: AWSService.allCases)
    func `its service encrypts with it for anybody in the account, and shows it as AWS's`(
        _ service: AWSService
    ) async throws {
        let alias = KeyReference.alias(.awsManaged(service))
        // No policy of Bob's allows anything: the key's own policy does.
        let bob = try home.user("bob").through(service)
        let made = try await kms.generateDataKey(count: 64, key: alias, context: context, caller: bob)
        let opened = try await kms.decrypt(made.wrapped.blob, key: nil, context: context, caller: bob)
        #expect(opened.plaintext.copied == made.plaintext.copied)
        let key = try await kms.describeKey(alias, caller: root)
        #expect(key.manager == .aws)
        #expect(key.spec == .symmetricDefault)
        #expect(key.origin == .awsKMS)
        let status = try await kms.getKeyRotationStatus(key.reference, caller: root)
        #expect(status.isEnabled)
        #expect(status.periodInDays == 365)
    }

    @Test func `nobody uses it directly or changes it, and everybody in charge may look at it`() async throws
    {
        let alias = KeyReference.alias(.awsManaged(.ebs))
        let key = try await kms.describeKey(alias, caller: root)
        let policy = try await kms.getKeyPolicy(key.reference, name: nil, caller: root)
        #expect(policy.contains("kms:ViaService"))
        _ = try await kms.listGrants(key.reference, caller: root)
        _ = try await kms.listKeyRotations(key.reference, caller: root)
        _ = try await kms.listResourceTags(key.reference, caller: root)
        _ = try await kms.getKeyLastUsage(key.reference, caller: root)
        let subject = try await Subject(.symmetric, .enabled, in: kms)
        let refusals: [(String, @Sendable () async throws -> Void)] = [
            ("Encrypt", { _ = try await kms.encrypt("x", key.reference) }),
            ("DisableKey", { try await kms.disableKey(key.reference, caller: root) }),
            (
                "ScheduleKeyDeletion",
                { _ = try await kms.scheduleKeyDeletion(key.reference, pendingWindowInDays: 7, caller: root) }
            ),
            (
                "PutKeyPolicy",
                {
                    try await kms.putKeyPolicy(
                        key.reference,
                        name: nil,
                        policy: policy,
                        bypassesLockoutSafetyCheck: true,
                        caller: root
                    )
                }
            ),
            (
                "TagResource",
                { try await kms.tagResource(key.reference, [Tag(key: "k", value: "v")], caller: root) }
            ),
            (
                "UpdateKeyDescription",
                { try await kms.updateKeyDescription(key.reference, to: "mine", caller: root) }
            ),
            (
                "EnableKeyRotation",
                { try await kms.enableKeyRotation(key.reference, periodInDays: 90, caller: root) }
            ),
            ("DisableKeyRotation", { try await kms.disableKeyRotation(key.reference, caller: root) }),
            ("RotateKeyOnDemand", { _ = try await kms.rotateKeyOnDemand(key.reference, caller: root) }),
            (
                "CreateGrant",
                {
                    let order = GrantOrder(grantee: root.principal.description, operations: [.decrypt])
                    _ = try await kms.createGrant(order, on: key.reference, caller: root)
                }
            ),
            ("CreateAlias", { try await kms.createAlias("alias/x", target: key.reference, caller: root) }),
            (
                "UpdateAlias",
                { try await kms.updateAlias(subject.alias.text, target: key.reference, caller: root) }
            ),
        ]
        for (name, verb) in refusals {
            let refused = await refusal(verb)
            #expect(refused?.code == .accessDenied, "\(name)")
            #expect(refused?.message.contains("perform: kms:\(name) on resource") == true, "\(name)")
        }
        #expect(try await kms.describeKey(alias, caller: root) == key)
    }
}

/// Keys that the account's users make and rule.
@Suite struct CustomerManagedKeyTypeTests {
    let home: KMSHome
    let kms: KeyManagementService

    init() throws {
        home = try KMSHome()
        kms = try home.service()
    }

    @Test func `its owner does everything with it that AWS allows`() async throws {
        for operation in Operation.all where operation.name != "CancelKeyDeletion" {
            let subject = try await Subject(operation.kind, .enabled, in: kms)
            let refused = await refusal { try await operation.run(subject, KeyUse()) }
            #expect(refused == nil, "\(operation.name)")
        }
    }

    @Test func `it is the customer's, not rotated until asked, and of any spec that fits its usage`()
        async throws
    {
        let key = try await kms.createKey(caller: root)
        #expect(key.manager == .customer)
        #expect(try await kms.getKeyRotationStatus(key.reference, caller: root).isEnabled == false)
        for spec in KeySpec.allCases {
            for usage in [KeyUsage.encryptDecrypt, .signVerify, .generateVerifyMAC, .keyAgreement]
            where ![.rsa3072, .rsa4096].contains(spec) {
                let refused = await refusal {
                    _ = try await kms.createKey(KeyOrder(spec, usage), caller: root)
                }
                if spec.usages.isEmpty {
                    #expect(refused?.code == .unsupportedOperation, "\(spec)")
                } else if spec.usages.contains(usage) {
                    #expect(refused == nil, "\(spec) \(usage)")
                } else {
                    let words = "KeyUsage \(usage.rawValue) is not compatible with KeySpec \(spec.rawValue)"
                    #expect(refused == AWSError(.validation, words))
                }
            }
        }
        var silent = KeyOrder()
        silent.spec = .rsa2048
        let refused = await refusal { _ = try await kms.createKey(silent, caller: root) }
        let words =
            "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."
        #expect(refused == AWSError(.validation, words))
    }
}

/// Keys that never leave a token: SoftHSM's, through PKCS #11.
@Suite(.serialized, .modules, .softHSM) struct CustomKeyStoreTypeTests {
    let home: KMSHome
    let label = "coffer \(UUID().uuidString.prefix(12))"
    let pin = "pin-\(UUID().uuidString.prefix(8))"

    init() throws {
        var home = try KMSHome()
        home.hardware = HardwareAccess(connector: PKCS11Connector(), module: SoftHSM.module)
        self.home = home
        try SoftHSM.makeToken(label: label, pin: pin)
    }

    private func makeStore(_ kms: KeyManagementService, pin: String? = nil) async throws -> String {
        let order = CustomKeyStoreOrder(
            name: "hsm",
            tokenLabel: label,
            module: nil,
            trustAnchorCertificate: nil,
            pin: secret(pin ?? self.pin)
        )
        return try await kms.createCustomKeyStore(order, caller: root)
    }

    private func makeKey(_ kms: KeyManagementService, in store: String) async throws -> KeyMetadata {
        var order = KeyOrder()
        (order.origin, order.customKeyStoreID) = (.awsCloudHSM, store)
        return try await kms.createKey(order, caller: root)
    }

    private func state(_ kms: KeyManagementService, _ store: String) async throws -> CustomKeyStore {
        try #require(try await kms.describeCustomKeyStores(id: store, caller: root).items.first)
    }

    @Test func `its key encrypts and decrypts, after a restart and a reconnection too`() async throws {
        let kms = try home.service()
        let store = try await makeStore(kms)
        #expect(try await state(kms, store).state == .disconnected)
        let early = await refusal { _ = try await makeKey(kms, in: store) }
        #expect(early?.code == .customKeyStoreInvalidState)
        try await kms.connectCustomKeyStore(store, caller: root)
        let key = try await makeKey(kms, in: store)
        #expect(key.customKeyStoreID == store)
        #expect(key.cloudHSMClusterID == label)
        #expect(key.origin == .awsCloudHSM)
        #expect(key.currentKeyMaterialID == nil)
        let blob = try await kms.encrypt("held by the token", key.reference)
        #expect(try await kms.decrypt(blob) == "held by the token")
        let wrongContext = await refusal {
            _ = try await kms.decrypt(blob, key: nil, context: ["a": "b"], caller: root)
        }
        #expect(wrongContext == AWSError(.invalidCiphertext, ""))
        let response = try await kms.generateDataKey(
            count: 64,
            key: key.reference,
            context: [:],
            caller: root
        )
        let opened = try await kms.decrypt(response.wrapped.blob, key: nil, context: [:], caller: root)
        #expect(opened.plaintext.copied == response.plaintext.copied)
        try await kms.close()

        let restarted = try home.service()
        #expect(try await restarted.decrypt(blob) == "held by the token")
        try await restarted.disconnectCustomKeyStore(store, caller: root)
        let away = await refusal { _ = try await restarted.decrypt(blob) }
        #expect(away == AWSError(.kmsInvalidState, "\(key.arn) is unavailable.", hint: away?.hint))
        #expect(try await restarted.describeKey(key.reference, caller: root).state == .unavailable)
        try await restarted.connectCustomKeyStore(store, caller: root)
        #expect(try await restarted.decrypt(blob) == "held by the token")
        try await restarted.close()
    }

    @Test func `it takes no import, no rotation, no second region and no other spec`() async throws {
        let kms = try home.service()
        let store = try await makeStore(kms)
        try await kms.connectCustomKeyStore(store, caller: root)
        let key = try await makeKey(kms, in: store)
        let origin = AWSError(
            .unsupportedOperation,
            "\(key.arn) origin is AWS_CLOUDHSM which is not valid for this operation."
        )
        let refusals: [@Sendable () async throws -> Void] = [
            { try await kms.enableKeyRotation(key.reference, periodInDays: nil, caller: root) },
            { _ = try await kms.rotateKeyOnDemand(key.reference, caller: root) },
            { try await kms.importMaterial(SecretBytes(random: 32), into: key.reference) },
        ]
        for verb in refusals { #expect(await refusal(verb) == origin) }
        for (spec, usage) in [(KeySpec.hmac256, KeyUsage.generateVerifyMAC), (.eccNISTP256, .signVerify)] {
            var order = KeyOrder(spec, usage, origin: .awsCloudHSM)
            order.customKeyStoreID = store
            let refused = await refusal { _ = try await kms.createKey(order, caller: root) }
            #expect(refused?.code == .unsupportedOperation)
        }
        var order = KeyOrder(.symmetricDefault, .encryptDecrypt, origin: .awsCloudHSM, isMultiRegion: true)
        order.customKeyStoreID = store
        #expect(
            await refusal { _ = try await kms.createKey(order, caller: root) }?.code == .unsupportedOperation
        )
        let homeless = KeyOrder(.symmetricDefault, .encryptDecrypt, origin: .awsCloudHSM)
        #expect(await refusal { _ = try await kms.createKey(homeless, caller: root) }?.code == .validation)
        let busy = await refusal { try await kms.deleteCustomKeyStore(store, caller: root) }
        #expect(busy?.code == .customKeyStoreHasCMKs)
        try await kms.close()
    }

    @Test func `a wrong PIN leaves the store failed, until it is corrected`() async throws {
        let kms = try home.service()
        let store = try await makeStore(kms, pin: "wrong-pin")
        try await kms.connectCustomKeyStore(store, caller: root)
        #expect(try await state(kms, store).state == .failed)
        #expect(try await state(kms, store).connectionErrorCode == "INVALID_CREDENTIALS")
        for verb in [kms.connectCustomKeyStore, kms.deleteCustomKeyStore] {
            #expect(await refusal { try await verb(store, root) }?.code == .customKeyStoreInvalidState)
        }
        try await kms.disconnectCustomKeyStore(store, caller: root)
        let change = CustomKeyStoreChange(newName: nil, tokenLabel: nil, pin: secret(pin))
        try await kms.updateCustomKeyStore(store, change, caller: root)
        try await kms.connectCustomKeyStore(store, caller: root)
        #expect(try await state(kms, store).state == .connected)
        #expect(try await state(kms, store).connectionErrorCode == nil)
        try await kms.connectCustomKeyStore(store, caller: root)
        #expect(try await state(kms, store).state == .connected)
        try await kms.disconnectCustomKeyStore(store, caller: root)
        try await kms.deleteCustomKeyStore(store, caller: root)
        let gone = await refusal { try await kms.connectCustomKeyStore(store, caller: root) }
        #expect(gone?.code == .customKeyStoreNotFound)
        try await kms.close()
    }

    @Test func `a token that is taken away stops its keys alone, until it is back`() async throws {
        let kms = try home.service()
        let store = try await makeStore(kms)
        try await kms.connectCustomKeyStore(store, caller: root)
        let (key, other) = (try await makeKey(kms, in: store), try await kms.createKey(caller: root))
        let blob = try await kms.encrypt("held by the token", key.reference)
        let othersBlob = try await kms.encrypt("held here", other.reference)
        try await kms.close()
        let (tokens, away) = (try SoftHSM.tokens(), try SoftHSM.tokens() + ".away")
        try FileManager.default.moveItem(atPath: tokens, toPath: away)
        try FileManager.default.createDirectory(atPath: tokens, withIntermediateDirectories: false)

        let restarted = try home.service()
        for _ in 0..<2 {
            let refused = await refusal { _ = try await restarted.decrypt(blob) }
            #expect(refused?.code == .kmsInvalidState)
            #expect(refused?.message.contains("is unavailable: no token is labelled \(label)") == true)
            #expect(try await restarted.decrypt(othersBlob) == "held here")
        }
        try await restarted.close()
        try FileManager.default.removeItem(atPath: tokens)
        try FileManager.default.moveItem(atPath: away, toPath: tokens)
        let back = try home.service()
        #expect(try await back.decrypt(blob) == "held by the token")
        try await back.close()
    }

    @Test func `several uses at once share the token`() async throws {
        let kms = try home.service()
        let store = try await makeStore(kms)
        try await kms.connectCustomKeyStore(store, caller: root)
        let key = try await makeKey(kms, in: store)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for task in 0..<6 {
                group.addTask {
                    for turn in 0..<5 {
                        let text = "\(task) \(turn)"
                        let blob = try await kms.encrypt(text, key.reference)
                        guard try await kms.decrypt(blob) == text else { return false }
                    }
                    return true
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
        try await kms.close()
    }
}
