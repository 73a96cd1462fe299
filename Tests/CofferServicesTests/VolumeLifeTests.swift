internal import Coffer
internal import CofferCatalog
internal import CofferEBS
internal import CofferKMS
internal import CofferShapes
internal import CofferTesting
internal import Foundation
internal import Testing

/// Volumes from their creation to their end, over a real KMS.
@Suite struct VolumeLifeTests {
    @Test func `creation answers at once, and the volume becomes available under the key's ARN`() async throws
    {
        let home = try await VolumeHome()
        let key = try await home.key()
        try await home.home.keyManagement().createAlias(
            "alias/app",
            target: .id(key.keyID),
            caller: home.root
        )
        let request = VolumeHome.request { ($0.isEncrypted, $0.key) = (true, KeyReference("alias/app")) }
        let begun = try await home.volumes.beginCreateVolume(request, caller: home.root)
        #expect(begun.state == .creating && begun.kmsKeyARN == key.arn && begun.sseType == "sse-kms")
        await home.volumes.finishBegunWork()
        let volume = try await home.now(begun.id.text)
        #expect(volume.state == .available && volume.kmsKeyARN == key.arn && volume.isEncrypted)
        #expect(volume.arn.description == "arn:aws:ec2:us-east-1:111122223333:volume/\(volume.id)")
        let events = try await home.volumes.describeVolumeEvents(of: begun.id.text, caller: home.root)
        #expect(events.map(\.name) == ["createVolume"] && events[0].result == "available")
    }

    enum BadKey: String, CaseIterable {
        case disabled, pendingDeletion, asymmetric, macOnly, foreign, missing, noKey, otherRegion, awsOwned
    }

    private func reference(_ bad: BadKey, _ home: VolumeHome) async throws -> KeyReference {
        let kms = try await home.home.keyManagement()
        switch bad {
        case .disabled:
            let key = try await home.key()
            try await kms.disableKey(.id(key.keyID), caller: home.root)
            return .id(key.keyID)
        case .pendingDeletion:
            let key = try await home.key()
            _ = try await kms.scheduleKeyDeletion(.id(key.keyID), pendingWindowInDays: 7, caller: home.root)
            return .id(key.keyID)
        case .asymmetric: return .id(try await home.key(.rsa2048, usage: .encryptDecrypt).keyID)
        case .macOnly: return .id(try await home.key(.hmac256, usage: .generateVerifyMAC).keyID)
        case .foreign:
            return KeyReference("arn:aws:kms:us-east-1:999999999999:key/12345678-1234-4234-8234-123456789012")
        case .missing: return KeyReference("12345678-1234-4234-8234-123456789012")
        case .noKey: return KeyReference("no key at all")
        case .otherRegion:
            return KeyReference("arn:aws:kms:eu-west-1:111122223333:key/12345678-1234-4234-8234-123456789012")
        case .awsOwned:
            let plain = try await home.volumes.createVolume(VolumeHome.request(), caller: home.root)
            return KeyReference(plain.kmsKeyARN.description)
        }
    }

    @Test(arguments: BadKey.allCases)
    func `a KMS key that cannot be used fails the volume after the answer, with an event that names the key`(
        _ bad: BadKey
    ) async throws {
        let home = try await VolumeHome()
        let key = try await reference(bad, home)
        let request = VolumeHome.request { ($0.isEncrypted, $0.key) = (true, key) }
        let begun = try await home.volumes.beginCreateVolume(request, caller: home.root)
        #expect(begun.state == .creating)
        await home.volumes.finishBegunWork()
        let volume = try await home.now(begun.id.text)
        #expect(volume.state == .error)
        let events = try await home.volumes.describeVolumeEvents(of: begun.id.text, caller: home.root)
        #expect(events.map(\.result) == ["failed"])
        let name =
            switch key {
            case .id(let id): id.description
            case .keyARN(let arn, _): arn.description
            default: "no key at all"
            }
        #expect(events[0].cause.contains(name), "\(events[0].cause)")
        #expect(volume.stateReason == events[0].cause)
        if bad == .disabled || bad == .pendingDeletion {
            #expect(events[0].cause.hasPrefix("Client.InvalidKmsKey.InvalidKeyState: "))
        }
        #expect(!(try home.folder.names(in: "home/volumes").contains("\(begun.id).coffer")))
        // Nothing can be done with it but to delete it.
        for code in [
            await refusal {
                try await home.volumes.attachVolume(
                    begun.id.text,
                    options: AttachOptions(),
                    caller: home.root
                )
            },
            await refusal {
                try await home.volumes.modifyVolume(
                    begun.id.text,
                    ModifyVolumeRequest(sizeBytes: 2 << 30),
                    caller: home.root
                )
            },
            await refusal { try await home.volumes.repairVolume(begun.id.text, caller: home.root) },
        ].map({ $0?.code }) {
            #expect(code == .incorrectState)
        }
        try await home.volumes.deleteVolume(begun.id.text, caller: home.root)
    }

    @Test(arguments: BadKey.allCases)
    func `the same key fails a creation that is waited for, and leaves nothing`(_ bad: BadKey) async throws {
        let home = try await VolumeHome()
        let key = try await reference(bad, home)
        let before = try home.home.catalog.volumes().count
        let request = VolumeHome.request { ($0.isEncrypted, $0.key) = (true, key) }
        let error = await refusal { try await home.volumes.createVolume(request, caller: home.root) }
        let code: AWSError.Code =
            switch bad {
            case .disabled: .disabled
            case .pendingDeletion: .kmsInvalidState
            case .asymmetric, .macOnly: .invalidParameterValue
            case .foreign, .awsOwned: .accessDenied
            case .missing, .noKey, .otherRegion: .notFound
            }
        #expect(error?.code == code)
        #expect(try home.home.catalog.volumes().count == before)
    }

    @Test
    func `what nobody asked to have encrypted is so all the same, asks KMS for nothing, and answers no`()
        async throws
    {
        let home = try await VolumeHome()
        let bob = try await home.user(
            "bob",
            #"{"Effect":"Allow","Action":"ec2:*","Resource":"*"},{"Effect":"Deny","Action":"kms:*","Resource":"*"}"#
        )
        let volume = try await home.volumes.createVolume(VolumeHome.request(), caller: bob)
        #expect(!volume.isEncrypted && volume.sseType == "none" && volume.kmsKeyARN.isAWSOwnedKey)
        #expect(try await home.volumes.checkVolume(volume.id.text, caller: bob).isClean, "it opens")
        #expect(try await home.home.keyManagement().listKeys(caller: home.root).items.isEmpty)
        let refused = await refusal {
            try await home.volumes.createVolume(VolumeHome.request { $0.isEncrypted = true }, caller: bob)
        }
        #expect(refused?.code == .accessDenied)
        // Its header has a wrapped key like any other, and no plain one.
        let other = try await VolumeHome()
        try home.folder.write(
            try home.folder.bytes("home/volumes/\(volume.id).coffer"),
            to: "carried"
        )
        let carried = try await other.volumes.adoptVolume(
            file: home.folder.path("carried"),
            name: nil,
            caller: other.root
        )
        #expect(!carried.isEncrypted)
        #expect(!(try await other.volumes.checkVolume(carried.id.text, caller: other.root).wasAuthenticated))
    }

    @Test func `encryption by default, and its key, count for every new volume of their region`() async throws
    {
        let home = try await VolumeHome()
        let service = home.volumes
        let key = try await home.key()
        #expect(!(try await service.getEbsEncryptionByDefault(caller: home.root).isEnabled))
        #expect(try await service.getEbsDefaultKmsKeyId(caller: home.root) == "alias/aws/ebs")
        #expect(try await service.enableEbsEncryptionByDefault(caller: home.root).isEnabled)
        let managed = try await service.createVolume(VolumeHome.request(), caller: home.root)
        #expect(managed.isEncrypted)
        let set = try await service.modifyEbsDefaultKmsKeyId(.id(key.keyID), caller: home.root)
        #expect(set == key.arn.description)
        #expect(try await service.getEbsDefaultKmsKeyId(caller: home.root) == key.arn.description)
        let request = VolumeHome.request { $0.isEncrypted = false }
        #expect(try await service.createVolume(request, caller: home.root).kmsKeyARN == key.arn)
        let named = VolumeHome.request { $0.key = KeyReference(managed.kmsKeyARN.description) }
        #expect(try await service.createVolume(named, caller: home.root).kmsKeyARN == managed.kmsKeyARN)

        var elsewhere = home.root
        elsewhere.region = Region("eu-west-1")
        #expect(!(try await service.getEbsEncryptionByDefault(caller: elsewhere).isEnabled))
        #expect(!(try await service.createVolume(VolumeHome.request(), caller: elsewhere).isEncrypted))

        #expect(try await service.resetEbsDefaultKmsKeyId(caller: home.root) == "alias/aws/ebs")
        #expect(
            try await service.createVolume(VolumeHome.request(), caller: home.root).kmsKeyARN
                == managed.kmsKeyARN
        )
        #expect(!(try await service.disableEbsEncryptionByDefault(caller: home.root).isEnabled))
        #expect(!(try await service.createVolume(VolumeHome.request(), caller: home.root).isEncrypted))

        let rsa = try await home.key(.rsa2048, usage: .encryptDecrypt)
        let refused = await refusal {
            try await service.modifyEbsDefaultKmsKeyId(.id(rsa.keyID), caller: home.root)
        }
        #expect(refused?.code == .invalidParameterValue)
        let missing = KeyReference("alias/none")
        #expect(
            await refusal { try await service.modifyEbsDefaultKmsKeyId(missing, caller: home.root) }?.code
                == .notFound
        )
    }

    @Test func `one token makes one volume, and means nothing to another request, region or after a day`()
        async throws
    {
        let home = try await VolumeHome()
        let request = VolumeHome.request {
            ($0.clientToken, $0.tags, $0.sizeBytes) = ("t-1", [Tag(key: "a", value: "b")], 100 << 30)
        }
        let first = try await home.volumes.beginCreateVolume(request, caller: home.root)
        let second = try await home.volumes.beginCreateVolume(request, caller: home.root)
        #expect(first.id == second.id)
        await home.volumes.finishBegunWork()
        #expect(try await home.volumes.createVolume(request, caller: home.root).id == first.id)
        #expect(try await home.volumes.describeVolumes(caller: home.root).count == 1)
        let changes: [(inout CreateVolumeRequest) -> Void] = [
            { $0.sizeBytes = 2 << 30 }, { $0.isEncrypted = true }, { $0.isEncrypted = false },
            { $0.type = .gp2 },
            { $0.iops = 3001 }, { $0.throughput = 126 }, { $0.zone = "us-east-1a" }, { $0.tags = [] },
            { $0.tags = [Tag(key: "a", value: "c")] }, { $0.tags = [Tag(key: "ab", value: "")] },
        ]
        for (index, change) in changes.enumerated() {
            var other = request
            change(&other)
            let error = await refusal { [other] in
                try await home.volumes.beginCreateVolume(other, caller: home.root)
            }
            #expect(error?.code == .idempotentParameterMismatch, "change \(index)")
        }
        var elsewhere = home.root
        elsewhere.region = Region("eu-west-1")
        #expect(try await home.volumes.createVolume(request, caller: elsewhere).id != first.id)
        await home.volumes.finishBegunWork()
    }

    @Test func `a creation or copy that is refused has not used up its token`() async throws {
        let home = try await VolumeHome()
        let key = try await home.key()
        let kms = try await home.home.keyManagement()
        let source = try await home.volume("source", key: key)
        let request = VolumeHome.request {
            ($0.isEncrypted, $0.key, $0.clientToken) = (true, .id(key.keyID), "again")
        }
        var copy = CopyVolumeRequest(source: source.id.text)
        copy.clientToken = "again"
        try await kms.disableKey(.id(key.keyID), caller: home.root)
        for _ in 0..<2 {
            let created = await refusal { try await home.volumes.createVolume(request, caller: home.root) }
            #expect(created?.code == .disabled)
            let copied = await refusal { [copy] in
                try await home.volumes.copyVolume(copy, caller: home.root)
            }
            #expect(copied?.code == .disabled)
        }
        try await kms.enableKey(.id(key.keyID), caller: home.root)
        let made = try await home.volumes.createVolume(request, caller: home.root)
        let copied = try await home.volumes.copyVolume(copy, caller: home.root)
        await home.volumes.finishBegunWork()
        #expect(
            try await home.volumes.describeVolumes(caller: home.root).map(\.id) == [
                source.id, made.id, copied.id,
            ]
        )
        // That of a volume which was made, and is gone, makes no other.
        try await home.volumes.deleteVolume(made.id.text, caller: home.root)
        let gone = await refusal { try await home.volumes.createVolume(request, caller: home.root) }
        #expect(gone?.code == .volumeNotFound)
    }

    @Test func `many creations at once under one token make one volume`() async throws {
        let home = try await VolumeHome()
        let request = VolumeHome.request { $0.clientToken = "once" }
        let ids = try await withThrowingTaskGroup(of: VolumeID.self) { group in
            for _ in 0..<8 {
                group.addTask { try await home.volumes.beginCreateVolume(request, caller: home.root).id }
            }
            return try await group.reduce(into: Set<VolumeID>()) { $0.insert($1) }
        }
        await home.volumes.finishBegunWork()
        #expect(ids.count == 1)
        #expect(try await home.volumes.describeVolumes(caller: home.root).count == 1)
    }

    @Test func `a volume grows, changes its type, keeps what it can, and never shrinks`() async throws {
        let home = try await VolumeHome()
        let id = try await home.volumes.createVolume(
            VolumeHome.request { ($0.isEncrypted, $0.iops) = (true, 3000) },
            caller: home.root
        ).id.text
        func modify(_ request: ModifyVolumeRequest) async throws -> VolumeModification {
            try await home.volumes.modifyVolume(id, request, caller: home.root)
        }
        let grown = try await modify(ModifyVolumeRequest(sizeBytes: 20 << 30))
        #expect(grown.state == .completed && grown.progress == 100)
        #expect(grown.original.sizeGiB == 1 && grown.target.sizeGiB == 20)
        let path = home.folder.path("home/volumes/\(id).coffer")
        let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? UInt64
        #expect(size == (20 << 30) + (1 << 20))
        #expect(try await home.volumes.checkVolume(id, caller: home.root).isClean)
        #expect(try await modify(ModifyVolumeRequest(iops: 4000)).target.throughput == 125)
        let io2 = try await modify(ModifyVolumeRequest(type: .io2)).target
        #expect(io2.iops == 4000 && io2.throughput == nil, "what was provisioned stays where the type has it")
        let gp2 = try await modify(ModifyVolumeRequest(type: .gp2)).target
        #expect(gp2.iops == 100)
        #expect(try await modify(ModifyVolumeRequest(type: .gp3, throughput: 200)).target.iops == 3000)
        let refusals: [(ModifyVolumeRequest, AWSError.Code)] = [
            (ModifyVolumeRequest(sizeBytes: 19 << 30), .invalidParameterValue),
            (ModifyVolumeRequest(), .missingParameter),
            (ModifyVolumeRequest(sizeBytes: .max), .invalidParameterValue),
            (ModifyVolumeRequest(type: .io1), .invalidParameterValue),
            (ModifyVolumeRequest(iops: 1), .invalidParameterValue),
            (ModifyVolumeRequest(type: .st1), .invalidParameterValue),
            (ModifyVolumeRequest(type: .gp2, iops: 300), .invalidParameterCombination),
            (ModifyVolumeRequest(throughput: 2001), .invalidParameterValue),
        ]
        for (request, code) in refusals {
            #expect(await refusal { try await modify(request) }?.code == code, "\(request)")
        }
        let volume = try await home.now(id)
        #expect(volume.sizeGiB == 20 && volume.type == .gp3 && volume.throughput == 200)
        let described = try await home.volumes.describeVolumesModifications(
            ResourceQuery(ids: [id]),
            caller: home.root
        )
        #expect(described.items.map(\.target.throughput) == [200])
    }

    @Test func `a modification is modifying, then completed, and tells by filter and id`() async throws {
        let home = try await VolumeHome()
        let service = home.volumes
        let one = try await service.createVolume(VolumeHome.request(), caller: home.root).id.text
        let two = try await service.createVolume(VolumeHome.request(), caller: home.root).id.text
        let begun = try await service.beginModifyVolume(
            one,
            ModifyVolumeRequest(sizeBytes: 2 << 30),
            caller: home.root
        )
        #expect(begun.state == .modifying && begun.progress == 0 && begun.ended == nil)
        await service.finishBegunWork()
        let all = try await service.describeVolumesModifications(ResourceQuery(), caller: home.root).items
        #expect(all.map(\.volumeID.text) == [one] && all[0].state == .completed && all[0].ended != nil)
        let names = [
            "modification-state": "completed", "original-size": "1", "target-size": "2", "volume-id": one,
        ]
        for (name, value) in names {
            let query = ResourceQuery(filters: [Filter(name, [value])])
            #expect(
                try await service.describeVolumesModifications(query, caller: home.root).items.count == 1,
                "\(name)"
            )
        }
        let never = ResourceQuery(ids: [two])
        let error = await refusal { try await service.describeVolumesModifications(never, caller: home.root) }
        #expect(error?.code == .modificationNotFound)
        let gone = ResourceQuery(ids: ["vol-0123456789abcdef0"])
        #expect(
            await refusal { try await service.describeVolumesModifications(gone, caller: home.root) }?.code
                == .volumeNotFound
        )
    }

    @Test func `a second modification is refused while one runs, and one that was cut short is failed`()
        async throws
    {
        let home = try await VolumeHome()
        let id = try await home.volumes.createVolume(VolumeHome.request(), caller: home.root).id
        let record = try #require(try home.home.catalog.volume(id: id))
        // As a process leaves it that dies on the way.
        var shape = record.shape
        shape.sizeBytes = 2 << 30
        _ = try home.home.catalog.begin(
            ModificationRecord(volume: id, original: record.shape, target: shape, started: record.created)
        )
        #expect(
            await refusal {
                try home.home.catalog.begin(
                    ModificationRecord(
                        volume: id,
                        original: record.shape,
                        target: shape,
                        started: record.created
                    )
                )
            }?.code == .incorrectModificationState
        )
        let left = try await home.volumes.describeVolumesModifications(ResourceQuery(), caller: home.root)
            .items
        #expect(left.map(\.state) == [.failed])
        let again = try await home.volumes.modifyVolume(
            id.text,
            ModifyVolumeRequest(sizeBytes: 3 << 30),
            caller: home.root
        )
        #expect(again.state == .completed)
    }

    @Test func `a growth that KMS refuses changes nothing, and its modification says why`() async throws {
        let home = try await VolumeHome()
        let key = try await home.key()
        let volume = try await home.volume(key: key)
        try await home.home.keyManagement().disableKey(.id(key.keyID), caller: home.root)
        let request = ModifyVolumeRequest(sizeBytes: 2 << 30)
        let error = await refusal {
            try await home.volumes.modifyVolume(volume.id.text, request, caller: home.root)
        }
        #expect(error?.code == .disabled)
        #expect(try await home.now(volume.id.text).sizeBytes == 1 << 20)
        let left = try await home.volumes.describeVolumesModifications(ResourceQuery(), caller: home.root)
            .items
        #expect(left[0].state == .failed && left[0].statusMessage?.contains(key.arn.description) == true)
        // What needs no key goes on.
        _ = try await home.volumes.modifyVolume(
            volume.id.text,
            ModifyVolumeRequest(type: .gp2),
            caller: home.root
        )
    }

    @Test func `events are kept newest, up to the home's bound`() async throws {
        let home = try await VolumeHome()
        let volume = try await home.volume()
        // Fast: all but the last in one transaction, past the verb.
        let sql =
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 10017) "
            + "INSERT INTO event (time, region, resource, name, result, cause) "
            + "SELECT i, 'us-east-1', '\(volume.id)', 'test', i, '' FROM n"
        _ = try SQLite.run(home.folder.path("home/catalog.sqlite"), sql)
        for number in 10_018..<10_020 {
            try home.home.catalog.add(
                EventRecord(
                    time: Timestamp(nanoseconds: UInt64(number)),
                    resource: volume.id.text,
                    name: "test",
                    result: "\(number)",
                    cause: "",
                    region: .home
                )
            )
        }
        let events = try await home.volumes.describeVolumeEvents(limit: 20_000, caller: home.root)
        #expect(events.count == 10_000 && events.last?.result == "10019" && events.first?.result == "20")
        let newest = try await home.volumes.describeVolumeEvents(
            of: volume.id.text,
            limit: 3,
            caller: home.root
        )
        #expect(newest.map(\.result) == ["10017", "10018", "10019"])
    }

    @Test func `what a volume has goes with it, but for its events`() async throws {
        let home = try await VolumeHome()
        let volume = try await home.volume("data")
        _ = try await home.volumes.modifyVolume(
            volume.id.text,
            ModifyVolumeRequest(type: .gp2),
            caller: home.root
        )
        try await home.volumes.deleteVolume("data", caller: home.root)
        #expect(try home.home.catalog.allTags().isEmpty)
        #expect(try home.home.catalog.newestModifications().isEmpty)
        let events = try await home.volumes.describeVolumeEvents(of: volume.id.text, caller: home.root)
        #expect(events.map(\.name) == ["createVolume", "modifyVolume", "deleteVolume"])
        #expect(
            await refusal { try await home.volumes.deleteVolume("data", caller: home.root) }?.code
                == .volumeNotFound
        )
    }
}
