internal import CofferKMS
internal import CofferSecrets
internal import CofferShapes
internal import CofferTrail
internal import Synchronization
internal import Testing

@Suite struct KeyRotationTests {
    let home: KMSHome
    let clock = SetClock(seconds: 1_800_000_000)
    let kms: KeyManagementService

    init() throws {
        home = try KMSHome()
        kms = try home.service(clock: clock)
    }

    private func rotations(_ key: KeyMetadata, all: Bool = false) async throws -> [KeyRotation] {
        try await kms.listKeyRotations(key.reference, includesAllMaterial: all, caller: root).items
    }

    private func materialID(_ key: KeyMetadata) async throws -> String? {
        try await kms.describeKey(key.reference, caller: root).currentKeyMaterialID
    }

    @Test func `a key rotates by itself when its period has passed, and forgets nothing`() async throws {
        let key = try await kms.createKey(caller: root)
        let old = try await kms.encrypt("old", key.reference)
        try await kms.enableKeyRotation(key.reference, periodInDays: 90, caller: root)
        let status = try await kms.getKeyRotationStatus(key.reference, caller: root)
        #expect(status.isEnabled)
        #expect(status.periodInDays == 90)
        #expect(status.nextRotation == clock.now.adding(days: 90))
        clock.advance(days: 89)
        #expect(try await materialID(key) == key.currentKeyMaterialID)
        clock.advance(days: 2)
        let made = try await kms.encrypt(secret("new"), key: key.reference, context: [:], caller: root)
        #expect(made.keyMaterialID != key.currentKeyMaterialID)
        #expect(try await materialID(key) == made.keyMaterialID)
        #expect(try await kms.decrypt(old) == "old")
        #expect(try await kms.decrypt(made.blob) == "new")
        let found = try await rotations(key)
        #expect(found.map(\.kind) == [.automatic])
        #expect(found.map(\.rotationDate) == [clock.now])
        #expect(found.map(\.materialState) == [.current])
        #expect(try await rotations(key, all: true).map(\.materialState) == [.nonCurrent, .current])
        // The next is counted from the date that was meant.
        let next = try await kms.getKeyRotationStatus(key.reference, caller: root).nextRotation
        #expect(next == status.nextRotation?.adding(days: 90))
        let line = try #require(try home.entries().first { $0.record.eventName == "RotateKey" })
        #expect(line.record.userIdentity?.invokedBy == "kms.amazonaws.com")
        #expect(line.record.resources == [TrailResource(key: key.arn)])
    }

    @Test func `a disabled key rotates at once when it is enabled again, and not before`() async throws {
        let key = try await kms.createKey(caller: root)
        try await kms.enableKeyRotation(key.reference, periodInDays: 90, caller: root)
        try await kms.disableKey(key.reference, caller: root)
        clock.advance(days: 200)
        #expect(try await materialID(key) == key.currentKeyMaterialID)
        try await kms.enableKey(key.reference, caller: root)
        #expect(try await materialID(key) != key.currentKeyMaterialID)
        #expect(try await rotations(key).count == 1)
        let next = try await kms.getKeyRotationStatus(key.reference, caller: root).nextRotation
        #expect(next.map { $0 > clock.now } == true)
    }

    @Test func `a key that waits for its deletion does not rotate`() async throws {
        let key = try await kms.createKey(caller: root)
        try await kms.enableKeyRotation(key.reference, periodInDays: 90, caller: root)
        clock.advance(days: 89)
        _ = try await kms.scheduleKeyDeletion(key.reference, pendingWindowInDays: 30, caller: root)
        clock.advance(days: 5)
        #expect(try await materialID(key) == key.currentKeyMaterialID)
        #expect(try await kms.getKeyRotationStatus(key.reference, caller: root).isEnabled == false)
    }

    @Test func `it rotates on demand 25 times, every blob decrypts, and the 26th time is refused`()
        async throws
    {
        let key = try await kms.createKey(caller: root)
        try await kms.enableKeyRotation(key.reference, periodInDays: 365, caller: root)
        let planned = try await kms.getKeyRotationStatus(key.reference, caller: root).nextRotation
        var blobs = [try await kms.encrypt("0", key.reference)]
        for turn in 1...25 {
            #expect(try await kms.rotateKeyOnDemand(key.reference, caller: root) == key.arn)
            blobs.append(try await kms.encrypt("\(turn)", key.reference))
        }
        let refused = await refusal { _ = try await kms.rotateKeyOnDemand(key.reference, caller: root) }
        let words =
            "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can "
            + "be performed for this key: \(key.arn)"
        #expect(refused == AWSError(.limitExceeded, words))
        for (turn, blob) in blobs.enumerated() { #expect(try await kms.decrypt(blob) == "\(turn)") }
        let found = try await rotations(key)
        #expect(found.map(\.kind) == Array(repeating: .onDemand, count: 25))
        #expect(Set(found.map(\.materialID)).count == 25)
        // Neither the schedule nor the automatic rotations count or suffer.
        #expect(try await kms.getKeyRotationStatus(key.reference, caller: root).nextRotation == planned)
        clock.advance(days: 366)
        #expect(try await rotations(key).last?.kind == .automatic)
    }

    @Test func `the rotations are listed in parts`() async throws {
        let key = try await kms.createKey(caller: root)
        for _ in 0..<12 { _ = try await kms.rotateKeyOnDemand(key.reference, caller: root) }
        let whole = try await rotations(key)
        var parts: [KeyRotation] = []
        var marker: String?
        repeat {
            let page = Page(limit: 5, marker: marker)
            let part = try await kms.listKeyRotations(key.reference, page: page, caller: root)
            parts += part.items
            marker = part.nextMarker
        } while marker != nil
        #expect(parts == whole)
    }

    @Test func `the period is 90 to 2560 days`() async throws {
        let key = try await kms.createKey(caller: root)
        for days in [89, 2561, 0, -1] {
            let refused = await refusal {
                try await kms.enableKeyRotation(key.reference, periodInDays: days, caller: root)
            }
            #expect(refused?.code == .validation, "\(days)")
        }
        for days in [90, 2560] {
            try await kms.enableKeyRotation(key.reference, periodInDays: days, caller: root)
            #expect(try await kms.getKeyRotationStatus(key.reference, caller: root).periodInDays == days)
        }
        try await kms.disableKeyRotation(key.reference, caller: root)
        #expect(try await kms.getKeyRotationStatus(key.reference, caller: root).isEnabled == false)
        try await kms.enableKeyRotation(key.reference, periodInDays: nil, caller: root)
        #expect(try await kms.getKeyRotationStatus(key.reference, caller: root).periodInDays == 365)
    }

    @Test func `an AWS managed key rotates each year`() async throws {
        let key = try await kms.awsManagedKey(of: .ebs, caller: root)
        clock.advance(days: 366)
        let after = try await materialID(key)
        #expect(after != key.currentKeyMaterialID)
        clock.advance(days: 365)
        #expect(try await materialID(key) != after)
        #expect(try await rotations(key).map(\.kind) == [.automatic, .automatic])
    }

    @Test func `a multi-Region key rotates at its primary, for all of its regions`() async throws {
        let order = KeyOrder(.symmetricDefault, .encryptDecrypt, isMultiRegion: true)
        let key = try await kms.createKey(order, caller: root)
        let there = root.inside(Subject.replicaRegion)
        _ = try await kms.replicateKey(
            key.reference,
            to: Subject.replicaRegion,
            order: KeyOrder(),
            caller: root
        )
        let old = try await kms.encrypt("old", key.reference)
        let refused = await refusal { _ = try await kms.rotateKeyOnDemand(key.reference, caller: there) }
        #expect(refused?.code == .unsupportedOperation)
        try await kms.enableKeyRotation(key.reference, periodInDays: 90, caller: root)
        let (mine, theirs) = (
            try await kms.getKeyRotationStatus(key.reference, caller: root),
            try await kms.getKeyRotationStatus(key.reference, caller: there)
        )
        #expect(theirs.isEnabled)
        #expect(theirs.periodInDays == mine.periodInDays)
        #expect(theirs.nextRotation == mine.nextRotation)
        clock.advance(days: 91)
        _ = try await kms.rotateKeyOnDemand(key.reference, caller: root)
        let replica = try await kms.describeKey(key.reference, caller: there)
        #expect(replica.currentKeyMaterialID == (try await materialID(key)))
        #expect(try await rotations(key).map(\.kind) == [.automatic, .onDemand])
        let new = try await kms.encrypt("new", key.reference)
        #expect(try await kms.decrypt(old, caller: there) == "old")
        #expect(try await kms.decrypt(new, caller: there) == "new")
    }

    @Test func `imported material is followed by new material that was imported for it`() async throws {
        let key = try await kms.importedKey(SecretBytes(copying: Subject.material))
        let old = try await kms.encrypt("old", key.reference)
        let none = await refusal { _ = try await kms.rotateKeyOnDemand(key.reference, caller: root) }
        let words = "No available key material pending rotation for the key: \(key.arn)."
        #expect(none == AWSError(.kmsInvalidState, words))
        let new = try await kms.importMaterial(SecretBytes(random: 32), into: key.reference) {
            $0.importType = .new
        }
        let (newID, oldID) = (try #require(new.materialID), try #require(key.currentKeyMaterialID))
        #expect(try await materialID(key) == oldID)
        #expect(try await rotations(key, all: true).map(\.materialState) == [.current, .pendingRotation])
        let third = await refusal {
            try await kms.importMaterial(SecretBytes(random: 32), into: key.reference) {
                $0.importType = .new
            }
        }
        #expect(third?.code == .kmsInvalidState)
        #expect(third?.message.contains("another key material (id: \(newID)) is pending rotation") == true)
        _ = try await kms.rotateKeyOnDemand(key.reference, caller: root)
        #expect(try await materialID(key) == newID)
        #expect(try await kms.decrypt(old) == "old")
        // One material gone makes the whole key unusable, and the same bytes alone bring it back.
        _ = try await kms.deleteImportedKeyMaterial(key.reference, materialID: oldID, caller: root)
        #expect(try await kms.describeKey(key.reference, caller: root).state == .pendingImport)
        try await kms.importMaterial(SecretBytes(copying: Subject.material), into: key.reference)
        #expect(try await kms.decrypt(old) == "old")
    }

    @Test func `rotating a key under load loses no request`() async throws {
        let key = try await kms.createKey(caller: root)
        let rotations = Progress()
        let uses = try await withThrowingTaskGroup(of: Int.self) { group in
            for task in 0..<4 {
                let service = task < 2 ? kms : try home.service(clock: clock)
                group.addTask {
                    var blobs: [CiphertextBlob] = []
                    while blobs.count < 25 || !rotations.areDone.load(ordering: .relaxed) {
                        // A use waits for nobody: without this the rotations would never have their turn.
                        await Task.yield()
                        blobs.append(try await service.encrypt("\(task)", key.reference))
                        for blob in [blobs[0], blobs[blobs.count - 1]] {
                            try #require(try await service.decrypt(blob) == "\(task)")
                        }
                    }
                    return blobs.count
                }
            }
            for _ in 0..<25 { _ = try await kms.rotateKeyOnDemand(key.reference, caller: root) }
            rotations.areDone.store(true, ordering: .relaxed)
            return try await group.reduce(0, +)
        }
        #expect(uses >= 100)
        let found = try await kms.listKeyRotations(key.reference, caller: root).items
        #expect(found.count == 25)
        #expect(try kms.trail.verify().finding == .intact)
    }
}

/// Tells tasks that rotate nothing that another has rotated enough.
private final class Progress: Sendable {
    let areDone = Atomic(false)
}
