internal import CofferKMS
internal import CofferShapes
internal import CofferTrail
internal import Testing

@Suite struct KeyDeletionTests {
    let home: KMSHome
    let clock = SetClock(seconds: 1_800_000_000)
    let kms: KeyManagementService

    init() throws {
        home = try KMSHome()
        kms = try home.service(clock: clock)
    }

    private func schedule(
        _ key: KeyMetadata,
        days: Int?,
        caller: Caller = root
    ) async throws
        -> ScheduledDeletion
    {
        try await kms.scheduleKeyDeletion(key.reference, pendingWindowInDays: days, caller: caller)
    }

    private func state(_ key: KeyMetadata, caller: Caller = root) async throws -> KeyState {
        try await kms.describeKey(key.reference, caller: caller).state
    }

    @Test func `the waiting period is 7 to 30 days, and 30 where none is given`() async throws {
        let key = try await kms.createKey(caller: root)
        for days in [6, 31, 3, 0, -1, 366] {
            #expect(await refusal { _ = try await schedule(key, days: days) }?.code == .validation, "\(days)")
        }
        for (days, expected) in [(7, 7), (30, 30), (nil, 30)] {
            let answer = try await schedule(key, days: days)
            #expect(answer.keyARN == key.arn)
            #expect(answer.state == .pendingDeletion)
            #expect(answer.pendingWindowInDays == expected)
            #expect(answer.deletionDate == clock.now.adding(days: expected))
            #expect(
                try await kms.describeKey(key.reference, caller: root).deletionDate == answer.deletionDate
            )
            #expect(try await kms.cancelKeyDeletion(key.reference, caller: root) == key.arn)
        }
    }

    @Test func `when its date has come, nothing of a key is left`() async throws {
        let key = try await kms.createKey(caller: root)
        let other = try await kms.createKey(caller: root)
        try await kms.createAlias("alias/app", target: key.reference, caller: root)
        let blob = try await kms.encrypt("gone soon", key.reference)
        let othersBlob = try await kms.encrypt("stays", other.reference)
        let records = try home.wrappedRecords(of: key)
        #expect(records.count == 2)
        for record in records {
            #expect(try home.kmsFiles(contain: record), "the search finds what is there")
        }

        _ = try await schedule(key, days: 7)
        #expect(try await kms.allAliases(key: key.reference, caller: root).count == 1)
        #expect(try await kms.allKeys(caller: root).count == 2)
        clock.advance(days: 7)
        let gone = await refusal { _ = try await kms.describeKey(key.reference, caller: root) }
        #expect(gone == AWSError(.notFound, "Key '\(key.arn)' does not exist"))
        #expect(await refusal { _ = try await kms.decrypt(blob) }?.code == .accessDenied)
        let alias = await refusal {
            _ = try await kms.encrypt("x", .alias(AliasName("alias/app")))
        }
        #expect(alias?.code == .notFound)
        #expect(try await kms.allKeys(caller: root).map(\.keyID) == [other.keyID])
        for record in records { #expect(try !home.kmsFiles(contain: record)) }
        #expect(try await kms.decrypt(othersBlob) == "stays")
        let line = try #require(try home.entries().first { $0.record.eventName == "DeleteKey" })
        #expect(line.record.resources == [TrailResource(key: key.arn)])
        #expect(line.record.errorCode == nil)
    }

    @Test func `a deletion that was called off leaves the key disabled`() async throws {
        let key = try await kms.createKey(caller: root)
        let blob = try await kms.encrypt("kept", key.reference)
        _ = try await schedule(key, days: 7)
        clock.advance(days: 6)
        _ = try await kms.cancelKeyDeletion(key.reference, caller: root)
        #expect(try await state(key) == .disabled)
        #expect(await refusal { _ = try await kms.decrypt(blob) }?.code == .disabled)
        clock.advance(days: 30)
        try await kms.enableKey(key.reference, caller: root)
        #expect(try await kms.decrypt(blob) == "kept")
        #expect(try await kms.describeKey(key.reference, caller: root).deletionDate == nil)
    }

    @Test func `whichever service calls next carries it out, once`() async throws {
        let key = try await kms.createKey(caller: root)
        let blob = try await kms.encrypt("gone", key.reference)
        _ = try await schedule(key, days: 7)
        clock.advance(days: 8)
        let others = try (0..<4).map { _ in try home.service(clock: clock) }
        await withTaskGroup { group in
            for service in others {
                group.addTask {
                    let refused = await refusal { _ = try await service.decrypt(blob) }
                    #expect(refused?.code == .accessDenied)
                }
            }
        }
        #expect(try home.entries().count { $0.record.eventName == "DeleteKey" } == 1)
        #expect(
            await refusal { _ = try await kms.describeKey(key.reference, caller: root) }?.code == .notFound
        )
    }

    @Test func `a primary key waits for its replicas, and then its own time`() async throws {
        let there = root.inside(Subject.replicaRegion)
        let order = KeyOrder(.symmetricDefault, .encryptDecrypt, isMultiRegion: true)
        let key = try await kms.createKey(order, caller: root)
        _ = try await kms.replicateKey(
            key.reference,
            to: Subject.replicaRegion,
            order: KeyOrder(),
            caller: root
        )
        let waiting = try await schedule(key, days: 10)
        #expect(waiting.state == .pendingReplicaDeletion)
        #expect(waiting.deletionDate == nil)
        #expect(try await kms.describeKey(key.reference, caller: root).pendingDeletionWindowInDays == 10)
        clock.advance(days: 40)
        #expect(try await state(key) == .pendingReplicaDeletion)
        #expect(try await schedule(key, days: 7, caller: there).state == .pendingDeletion)
        clock.advance(days: 7)
        #expect(await refusal { _ = try await state(key, caller: there) }?.code == .notFound)
        #expect(try await state(key) == .pendingDeletion)
        let date = try await kms.describeKey(key.reference, caller: root).deletionDate
        #expect(date == clock.now.adding(days: 10))
        clock.advance(days: 10)
        #expect(await refusal { _ = try await state(key) }?.code == .notFound)
    }

    @Test func `a key in a token goes from the token too`() async throws {
        let tokens = MemoryTokens()
        let home = try KMSHome(tokens: tokens)
        let kms = try home.service(clock: clock)
        var order = KeyOrder()
        (order.origin, order.customKeyStoreID) = (.awsCloudHSM, try await kms.connectedStore())
        let key = try await kms.createKey(order, caller: root)
        #expect(tokens.keyCount == 1)
        _ = try await kms.scheduleKeyDeletion(key.reference, pendingWindowInDays: 7, caller: root)
        clock.advance(days: 7)
        #expect(try await kms.allKeys(caller: root).isEmpty)
        #expect(tokens.keyCount == 0)
    }

    @Test func `a key whose due work fails keeps no other from use, and leaves one line an hour`()
        async throws
    {
        let broken = try await kms.createKey(caller: root)
        let whole = try await kms.createKey(caller: root)
        for key in [broken, whole] {
            try await kms.enableKeyRotation(key.reference, periodInDays: 90, caller: root)
        }
        try home.changeStore(
            "UPDATE wrapping_key SET wrapped = zeroblob(60) WHERE key_id = '\(broken.keyID)'"
        )
        clock.advance(days: 91)
        for _ in 0..<3 {
            #expect(try await kms.decrypt(kms.encrypt("x", whole.reference)) == "x")
            try await kms.updateKeyDescription(whole.reference, to: "d", caller: root)
        }
        let lines = try home.entries().filter { $0.record.eventName == "RotateKey" }
        let (done, failed) = (
            lines.filter { $0.record.errorCode == nil }, lines.filter { $0.record.errorCode != nil }
        )
        #expect(done.map(\.record.resources) == [[TrailResource(key: whole.arn)]])
        #expect(failed.map(\.record.resources) == [[TrailResource(key: broken.arn)]])
        clock.advance(seconds: 3601)
        _ = try await kms.encrypt("x", whole.reference)
        #expect(try home.entries().count { $0.record.errorCode == "Coffer.Damaged" } == 2)
    }
}
