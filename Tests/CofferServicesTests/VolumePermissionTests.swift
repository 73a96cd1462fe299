internal import Coffer
internal import CofferCatalog
internal import CofferEBS
internal import CofferShapes
internal import CofferTesting
internal import Testing

/// Who may: every verb asks, before it does or tells anything.
@Suite struct VolumePermissionTests {
    typealias Verb = @Sendable (VolumeService, String, Caller) async throws -> Void

    /// Each verb, and the action that its caller needs leave for.
    static let verbs: [(name: String, action: String, verb: Verb)] = [
        ("createVolume", "CreateVolume", { _ = try await $0.createVolume(VolumeHome.request(), caller: $2) }),
        (
            "beginCreateVolume", "CreateVolume",
            { service, _, caller in
                _ = try await service.beginCreateVolume(VolumeHome.request(), caller: caller)
                await service.finishBegunWork()
            }
        ),
        ("describeVolumes", "DescribeVolumes", { _ = try await $0.describeVolumes(caller: $2) }),
        (
            "describeVolumes by query", "DescribeVolumes",
            {
                _ = try await $0.describeVolumes(ResourceQuery(ids: [$1]), caller: $2)
            }
        ),
        ("deleteVolume", "DeleteVolume", { try await $0.deleteVolume($1, caller: $2) }),
        (
            "attachVolume", "AttachVolume",
            {
                _ = try await $0.attachVolume($1, options: AttachOptions(), caller: $2)
            }
        ),
        (
            "beginAttachVolume", "AttachVolume",
            { service, id, caller in
                _ = try await service.beginAttachVolume(id, options: AttachOptions(), caller: caller)
                await service.finishBegunWork()
            }
        ),
        (
            "mountVolume", "AttachVolume",
            {
                _ = try await $0.mountVolume($1, on: "/dev/null/x", options: MountOptions(), caller: $2)
            }
        ),
        ("detachVolume", "DetachVolume", { try await $0.detachVolume($1, caller: $2) }),
        ("beginDetachVolume", "DetachVolume", { _ = try await $0.beginDetachVolume($1, caller: $2) }),
        ("unmountVolume", "DetachVolume", { try await $0.unmountVolume($1, caller: $2) }),
        (
            "modifyVolume", "ModifyVolume",
            {
                _ = try await $0.modifyVolume($1, ModifyVolumeRequest(type: .gp2), caller: $2)
            }
        ),
        (
            "beginModifyVolume", "ModifyVolume",
            { service, id, caller in
                _ = try await service.beginModifyVolume(id, ModifyVolumeRequest(type: .gp2), caller: caller)
                await service.finishBegunWork()
            }
        ),
        (
            "describeVolumesModifications", "DescribeVolumesModifications",
            {
                _ = try await $0.describeVolumesModifications(ResourceQuery(), caller: $2)
            }
        ),
        (
            "modifyVolumeAttribute", "ModifyVolumeAttribute",
            {
                try await $0.modifyVolumeAttribute($1, enablesIOByItself: true, caller: $2)
            }
        ),
        (
            "rekeyVolume", "ModifyVolume",
            {
                _ = try await $0.rekeyVolume($1, to: KeyReference("alias/aws/ebs"), caller: $2)
            }
        ),
        (
            "createTags", "CreateTags",
            {
                try await $0.createTags([Tag(key: "a", value: "b")], on: [$1], caller: $2)
            }
        ),
        ("deleteTags", "DeleteTags", { try await $0.deleteTags([.init(key: "a")], from: [$1], caller: $2) }),
        ("describeTags", "DescribeTags", { _ = try await $0.describeTags(ResourceQuery(), caller: $2) }),
        (
            "enableEbsEncryptionByDefault", "EnableEbsEncryptionByDefault",
            {
                service,
                _,
                caller in _ = try await service.enableEbsEncryptionByDefault(caller: caller)
            }
        ),
        (
            "disableEbsEncryptionByDefault", "DisableEbsEncryptionByDefault",
            {
                service,
                _,
                caller in _ = try await service.disableEbsEncryptionByDefault(caller: caller)
            }
        ),
        (
            "getEbsEncryptionByDefault", "GetEbsEncryptionByDefault",
            {
                service,
                _,
                caller in _ = try await service.getEbsEncryptionByDefault(caller: caller)
            }
        ),
        (
            "getEbsDefaultKmsKeyId", "GetEbsDefaultKmsKeyId",
            {
                service,
                _,
                caller in _ = try await service.getEbsDefaultKmsKeyId(caller: caller)
            }
        ),
        (
            "modifyEbsDefaultKmsKeyId", "ModifyEbsDefaultKmsKeyId",
            { service, _, caller in
                _ = try await service.modifyEbsDefaultKmsKeyId(KeyReference("alias/aws/ebs"), caller: caller)
            }
        ),
        (
            "resetEbsDefaultKmsKeyId", "ResetEbsDefaultKmsKeyId",
            {
                service,
                _,
                caller in _ = try await service.resetEbsDefaultKmsKeyId(caller: caller)
            }
        ),
        (
            "describeVolumeEvents", "DescribeVolumeStatus",
            {
                service,
                _,
                caller in _ = try await service.describeVolumeEvents(caller: caller)
            }
        ),
        ("checkVolume", "DescribeVolumeStatus", { _ = try await $0.checkVolume($1, caller: $2) }),
        ("repairVolume", "ModifyVolume", { _ = try await $0.repairVolume($1, caller: $2) }),
        ("saveHeader", "DescribeVolumeAttribute", { _ = try await $0.saveHeader($1, caller: $2) }),
        (
            "restoreHeader", "ModifyVolume",
            {
                try await $0.restoreHeader($1, from: [], acceptsRollback: false, caller: $2)
            }
        ),
        (
            "adoptVolume", "ImportVolume",
            {
                _ = try await $0.adoptVolume(file: "/nonexistent", name: $1, caller: $2)
            }
        ),
    ]

    @Test(arguments: verbs.indices)
    func `no verb does or tells anything without leave, and its action alone is enough`(
        _ index: Int
    ) async throws {
        let (name, action, verb) = Self.verbs[index]
        let home = try await VolumeHome()
        let volume = try await home.volumes.createVolume(VolumeHome.request(), caller: home.root)
        let nobody = try await home.user("nobody")
        let error = await refusal { try await verb(home.volumes, volume.id.text, nobody) }
        #expect(error?.code == .unauthorizedOperation, "\(name)")
        let words =
            "You are not authorized to perform this operation. User: \(nobody.principal) is not authorized to "
            + "perform: ec2:\(action) on resource: "
        #expect(error?.message.hasPrefix(words) == true, "\(error?.message ?? "")")
        #expect(try await home.now(volume.id.text).state == .available)

        let all = try await home.user("all", #"{"Effect":"Allow","Action":"ec2:\#(action)","Resource":"*"}"#)
        let second = await refusal { try await verb(home.volumes, volume.id.text, all) }
        #expect(second?.code != .unauthorizedOperation, "\(name): \(second?.message ?? "")")
        // What was allowed was done: an attachment would outlive the test.
        try? await home.volumes.unmountVolume(volume.id.text, force: true, caller: home.root)

        let denied = try await home.user(
            "denied",
            #"{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"ec2:\#(action)","Resource":"*"}"#
        )
        let other = try await home.volumes.createVolume(VolumeHome.request(), caller: home.root)
        let third = await refusal { try await verb(home.volumes, other.id.text, denied) }
        #expect(
            third?.code == .unauthorizedOperation
                && third?.message.hasSuffix("explicit deny in an identity-based policy") == true
        )
    }

    @Test func `who may not is not told whether a volume exists, and a policy may name volumes`() async throws
    {
        let home = try await VolumeHome()
        let one = try await home.volume("one")
        let two = try await home.volume("two")
        let bob = try await home.user("bob", #"{"Effect":"Allow","Action":"ec2:*","Resource":"\#(one.arn)"}"#)
        for reference in [two.id.text, "vol-0123456789abcdef0", "two", "three"] {
            let error = await refusal { try await home.volumes.deleteVolume(reference, caller: bob) }
            #expect(error?.code == .unauthorizedOperation, "\(reference)")
        }
        try await home.volumes.deleteVolume("one", caller: bob)
    }

    @Test func `conditions see the request, its tags, and those of the volume`() async throws {
        let home = try await VolumeHome()
        let bob = try await home.user(
            "bob",
            #"""
            {"Effect":"Allow","Action":"ec2:CreateVolume","Resource":"arn:aws:ec2:*:*:volume/*","Condition":{
                "NumericLessThanEquals":{"ec2:VolumeSize":"10"},"StringEquals":{"ec2:VolumeType":"gp3","aws:RequestTag/team":"red"},
                "Bool":{"ec2:Encrypted":"true"}}},
            {"Effect":"Allow","Action":"ec2:CreateTags","Resource":"*","Condition":{"StringEquals":{"ec2:CreateAction":"CreateVolume"}}},
            {"Effect":"Allow","Action":"ec2:DeleteVolume","Resource":"*","Condition":{"StringEquals":{"ec2:ResourceTag/team":"red"}}}
            """#
        )
        let good = VolumeHome.request {
            ($0.isEncrypted, $0.tags) = (true, [Tag(key: "team", value: "red")])
        }
        let volume = try await home.volumes.createVolume(good, caller: bob)
        let changes: [(inout CreateVolumeRequest) -> Void] = [
            { $0.sizeBytes = 11 << 30 }, { $0.type = .gp2 }, { $0.isEncrypted = false }, { $0.tags = [] },
            { $0.tags = [Tag(key: "team", value: "blue")] },
        ]
        for change in changes {
            var request = good
            change(&request)
            let error = await refusal { [request] in try await home.volumes.createVolume(request, caller: bob)
            }
            #expect(error?.code == .unauthorizedOperation)
        }
        // The leave to tag is for creation alone.
        let tag = await refusal {
            try await home.volumes.createTags([Tag(key: "a", value: "b")], on: [volume.id.text], caller: bob)
        }
        #expect(tag?.code == .unauthorizedOperation)
        let other = try await home.volume()
        #expect(
            await refusal { try await home.volumes.deleteVolume(other.id.text, caller: bob) }?.code
                == .unauthorizedOperation
        )
        try await home.volumes.deleteVolume(volume.id.text, caller: bob)
    }

    @Test func `tags at creation take leave to tag`() async throws {
        let home = try await VolumeHome()
        let bob = try await home.user(
            "bob",
            #"{"Effect":"Allow","Action":"ec2:CreateVolume","Resource":"*"}"#
        )
        _ = try await home.volumes.createVolume(VolumeHome.request(), caller: bob)
        let tagged = VolumeHome.request { $0.tags = [Tag(key: "a", value: "b")] }
        let error = await refusal { try await home.volumes.createVolume(tagged, caller: bob) }
        #expect(error?.code == .unauthorizedOperation && error?.message.contains("ec2:CreateTags") == true)
    }

    @Test func `attaching takes leave for the instance too`() async throws {
        let home = try await VolumeHome()
        let volume = try await home.volume()
        let bob = try await home.user(
            "bob",
            #"{"Effect":"Allow","Action":"ec2:AttachVolume","Resource":"arn:aws:ec2:*:*:volume/*"}"#
        )
        let error = await refusal {
            try await home.volumes.attachVolume(volume.id.text, options: AttachOptions(), caller: bob)
        }
        #expect(error?.code == .unauthorizedOperation)
        #expect(error?.message.contains("instance/\(home.volumes.instanceID)") == true)
    }

    @Test func `a dry run says whether it would be allowed, and does nothing`() async throws {
        let home = try await VolumeHome()
        let service = home.volumes
        let volume = try await home.volume("data")
        let id = volume.id.text
        let nobody = try await home.user("nobody")
        let runs: [(Caller) async throws -> Void] = [
            { _ = try await service.beginCreateVolume(VolumeHome.request(), isDryRun: true, caller: $0) },
            { try await service.deleteVolume(id, isDryRun: true, caller: $0) },
            {
                _ = try await service.beginAttachVolume(
                    id,
                    options: AttachOptions(),
                    isDryRun: true,
                    caller: $0
                )
            },
            { _ = try await service.beginDetachVolume(id, isDryRun: true, caller: $0) },
            {
                _ = try await service.beginModifyVolume(
                    id,
                    ModifyVolumeRequest(type: .gp2),
                    isDryRun: true,
                    caller: $0
                )
            },
            {
                try await service.createTags(
                    [Tag(key: "a", value: "b")],
                    on: [id],
                    isDryRun: true,
                    caller: $0
                )
            },
            { try await service.deleteTags([], from: [id], isDryRun: true, caller: $0) },
            { _ = try await service.describeVolumes(ResourceQuery(), isDryRun: true, caller: $0) },
            { _ = try await service.describeTags(ResourceQuery(), isDryRun: true, caller: $0) },
            {
                _ = try await service.describeVolumesModifications(
                    ResourceQuery(),
                    isDryRun: true,
                    caller: $0
                )
            },
            { _ = try await service.enableEbsEncryptionByDefault(isDryRun: true, caller: $0) },
            { _ = try await service.disableEbsEncryptionByDefault(isDryRun: true, caller: $0) },
            { _ = try await service.getEbsEncryptionByDefault(isDryRun: true, caller: $0) },
            { _ = try await service.getEbsDefaultKmsKeyId(isDryRun: true, caller: $0) },
            {
                _ = try await service.modifyEbsDefaultKmsKeyId(
                    KeyReference("alias/x"),
                    isDryRun: true,
                    caller: $0
                )
            },
            { _ = try await service.resetEbsDefaultKmsKeyId(isDryRun: true, caller: $0) },
            {
                try await service.modifyVolumeAttribute(
                    id,
                    enablesIOByItself: true,
                    isDryRun: true,
                    caller: $0
                )
            },
            { try await service.requirePermission("ec2:DescribeRegions", isDryRun: true, caller: $0) },
        ]
        for (index, run) in runs.enumerated() {
            #expect(await refusal { try await run(home.root) } == .dryRunSucceeds, "run \(index)")
            #expect(await refusal { try await run(nobody) }?.code == .unauthorizedOperation, "run \(index)")
        }
        let all = try await service.describeVolumes(caller: home.root)
        #expect(all.map(\.id) == [volume.id] && all[0].type == .gp3 && all[0].tags == volume.tags)
        #expect(!(try await service.getEbsEncryptionByDefault(caller: home.root).isEnabled))
    }
}
