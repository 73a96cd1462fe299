internal import Coffer
internal import CofferCatalog
internal import CofferEBS
internal import CofferIdentity
internal import CofferKMS
internal import CofferShapes
internal import CofferTesting
internal import Foundation
internal import Testing

/// Attachments as the API has them, with the built daemon and real mounts.
@Suite(.serialized, .mounts, .mountable)
struct VolumeAttachTests {
    private func attach(
        _ home: VolumeHome,
        _ id: String,
        device: String? = nil,
        instance: String? = nil
    ) async throws -> VolumeAttachment {
        var options = AttachOptions()
        (options.device, options.instance) = (device, instance)
        return try await home.volumes.beginAttachVolume(id, options: options, caller: home.root)
    }

    private func grants(_ home: VolumeHome, _ key: KeyMetadata) async throws -> [Grant] {
        try await home.home.keyManagement().listGrants(.id(key.keyID), caller: home.root).items
    }

    @Test func `attaching, attached, detaching, gone: with a grant while it lasts, and paths to its file`()
        async throws
    {
        let home = try await VolumeHome()
        let key = try await home.key()
        let id = try await home.volume(key: key).id.text
        let begun = try await attach(home, id, device: "/dev/sdh", instance: home.volumes.instanceID.text)
        #expect(
            begun.state == .attaching && begun.device == "/dev/sdh"
                && begun.instanceID == home.volumes.instanceID
        )
        #expect(try await home.now(id).state == .inUse)
        await home.volumes.finishBegunWork()
        let attached = try await home.now(id)
        #expect(attached.state == .inUse && attached.ec2Attachment?.state == .attached)
        #expect(attached.attachment == .attached && attached.ec2Attachment?.device == "/dev/sdh")
        let runtime = try #require(attached.exposedFile).components(separatedBy: "/\(id)/")[0]
        for link in ["\(id)/volume", "by-device/sdh", "by-device/dev/sdh"] {
            let size = try FileManager.default.attributesOfItem(
                atPath: URL(fileURLWithPath: "\(runtime)/\(link)").resolvingSymlinksInPath().path
            )[.size]
            #expect(size as? Int == 1 << 20, "\(link)")
        }
        let held = try await grants(home, key)
        #expect(held.count == 1 && held[0].operations == [.decrypt])
        #expect(held[0].constraints?.subset == ["aws:ebs:id": id])
        #expect(held[0].grantee.hasSuffix(":assumed-role/aws:ec2-infrastructure/\(home.volumes.instanceID)"))
        for (name, value) in [
            ("attachment.status", "attached"), ("attachment.device", "/dev/sdh"), ("status", "in-use"),
            ("attachment.instance-id", home.volumes.instanceID.text),
            ("attachment.delete-on-termination", "false"),
        ] {
            let query = ResourceQuery(filters: [Filter(name, [value])])
            #expect(
                try await home.volumes.describeVolumes(query, caller: home.root).items.count == 1,
                "\(name)"
            )
        }

        let leaving = try await home.volumes.beginDetachVolume(id, caller: home.root)
        #expect(leaving.state == .detaching)
        await home.volumes.finishBegunWork()
        let left = try await home.now(id)
        #expect(left.state == .available && left.ec2Attachment == nil)
        #expect(try await grants(home, key).isEmpty)
        #expect(!FileManager.default.fileExists(atPath: "\(runtime)/by-device/sdh"))
        let events = try await home.volumes.describeVolumeEvents(of: id, caller: home.root)
        #expect(
            events.map { "\($0.name) \($0.result)" } == [
                "createVolume available", "attachVolume attached", "detachVolume detached",
            ]
        )
    }

    @Test func `what an attached volume's state does not allow is refused by its code`() async throws {
        let home = try await VolumeHome()
        let id = try await home.volume().id.text
        let other = try await home.volume().id.text
        #expect(
            await refusal { try await home.volumes.beginDetachVolume(id, caller: home.root) }?.code
                == .incorrectState
        )
        _ = try await attach(home, id, device: "/dev/sdf")
        // Also while it is attaching.
        #expect(await refusal { try await attach(home, id) }?.code == .volumeInUse)
        await home.volumes.finishBegunWork()
        let host = home.volumes.instanceID.text
        let cases: [(AWSError.Code, () async throws -> Void)] = [
            (.volumeInUse, { _ = try await attach(home, id) }),
            (.volumeInUse, { try await home.volumes.deleteVolume(id, caller: home.root) }),
            (.volumeInUse, { _ = try await home.volumes.repairVolume(id, caller: home.root) }),
            (.deviceInUse, { _ = try await attach(home, other, device: "/dev/sdf") }),
            (.deviceInUse, { _ = try await attach(home, other, device: "sdf") }),
            (.invalidParameterValue, { _ = try await attach(home, other, device: "/dev/../sdf") }),
            (.invalidParameterValue, { _ = try await attach(home, other, device: "") }),
            (.invalidParameterValue, { _ = try await attach(home, other, device: "/dev/sdf/x") }),
            (.instanceNotFound, { _ = try await attach(home, other, instance: "i-0123456789abcdef0") }),
            (.instanceIDMalformed, { _ = try await attach(home, other, instance: "i-x") }),
            (
                .attachmentNotFound,
                {
                    _ = try await home.volumes.beginDetachVolume(
                        id,
                        claim: AttachmentClaim(instance: host, device: "/dev/sdg"),
                        caller: home.root
                    )
                }
            ),
            (
                .instanceNotFound,
                {
                    _ = try await home.volumes.beginDetachVolume(
                        id,
                        claim: AttachmentClaim(instance: "i-0123456789abcdef0"),
                        caller: home.root
                    )
                }
            ),
            (.volumeNotFound, { _ = try await attach(home, "vol-0123456789abcdef0") }),
        ]
        for (index, (code, body)) in cases.enumerated() {
            #expect(await refusal(body)?.code == code, "case \(index)")
        }
        let claim = AttachmentClaim(instance: host, device: "sdf")
        _ = try await home.volumes.beginDetachVolume(id, claim: claim, caller: home.root)
        await home.volumes.finishBegunWork()
        #expect(try await home.now(id).state == .available)
        // The device is free again, and so is the one that is chosen.
        #expect(try await attach(home, other).device == "/dev/sdf")
        await home.volumes.finishBegunWork()
        try await home.volumes.detachVolume(other, caller: home.root)
    }

    @Test func `a volume can be copied as soon as a snapshot of it is complete`() async throws {
        let home = try await VolumeHome()
        let volume = try await home.volume().id.text
        for round in 0..<8 {
            let begun = try await home.volumes.createSnapshot(
                CreateSnapshotRequest(volume: volume),
                caller: home.root
            )
            let snapshot = begun.id.text
            while try await home.volumes.describeSnapshots([snapshot], caller: home.root)[0].state == .pending
            {
                try await Task.sleep(for: .milliseconds(1))
            }
            let copy = CopyVolumeRequest(source: volume)
            let error = await refusal { try await home.volumes.copyVolume(copy, caller: home.root) }
            #expect(error == nil, "round \(round)")
            await home.volumes.finishBegunWork()
        }
    }

    @Test func `a device that is chosen is nobody's, however its holder spelled it`() async throws {
        let home = try await VolumeHome()
        let (one, other) = (try await home.volume().id.text, try await home.volume().id.text)
        #expect(try await attach(home, one, device: "sdf").device == "sdf")
        #expect(try await attach(home, other).device == "/dev/sdg")
        await home.volumes.finishBegunWork()
        for id in [one, other] { try await home.volumes.detachVolume(id, caller: home.root) }
    }

    @Test func `an attach that the key's state refuses ends available, with the reason in an event`()
        async throws
    {
        let home = try await VolumeHome()
        let key = try await home.key()
        let id = try await home.volume(key: key).id.text
        let kms = try await home.home.keyManagement()
        try await kms.disableKey(.id(key.keyID), caller: home.root)
        #expect(try await attach(home, id).state == .attaching)
        await home.volumes.finishBegunWork()
        #expect(try await home.now(id).state == .available)
        let event = try #require(try await home.volumes.describeVolumeEvents(of: id, caller: home.root).last)
        #expect(event.name == "attachVolume" && event.result == "failed")
        #expect(
            event.cause
                == "Client.InvalidKmsKey.InvalidKeyState: cannot attach \"\(id)\": \(key.arn) is disabled."
        )
        try await kms.enableKey(.id(key.keyID), caller: home.root)
        _ = try await attach(home, id)
        await home.volumes.finishBegunWork()
        #expect(try await home.now(id).state == .inUse)
        // Disabled while attached, it goes on; and grows, which takes no key.
        try await kms.disableKey(.id(key.keyID), caller: home.root)
        let grown = try await home.volumes.modifyVolume(
            id,
            ModifyVolumeRequest(sizeBytes: 2 << 20),
            caller: home.root
        )
        #expect(grown.state == .completed)
        let file = try #require(try await home.now(id).exposedFile)
        #expect(try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int == 2 << 20)
        try await home.volumes.detachVolume(id, caller: home.root)
        #expect(try await grants(home, key).isEmpty, "what is disabled can be retired")
    }

    @Test func `an attach takes leave for a grant and for decryption with the key`() async throws {
        let home = try await VolumeHome()
        let key = try await home.key()
        let id = try await home.volume(key: key).id.text
        let ec2 = #"{"Effect":"Allow","Action":"ec2:*","Resource":"*"}"#
        func allow(_ action: String) -> String {
            #"{"Effect":"Allow","Action":"\#(action)","Resource":"\#(key.arn)"}"#
        }
        let service = home.volumes
        for (name, statements, missing) in [
            ("a", [ec2], "kms:CreateGrant"), ("b", [ec2, allow("kms:Decrypt")], "kms:CreateGrant"),
            ("c", [ec2, allow("kms:CreateGrant")], "kms:Decrypt"),
        ] {
            let user = try await home.user(name, statements.joined(separator: ","))
            let error = await refusal {
                try await service.attachVolume(id, options: AttachOptions(), caller: user)
            }
            #expect(error?.code == .accessDenied && error?.message.contains(missing) == true, "\(name)")
            #expect(try await grants(home, key).isEmpty)
        }
        let both = try await home.user(
            "d",
            [ec2, allow("kms:CreateGrant"), allow("kms:Decrypt")].joined(separator: ",")
        )
        _ = try await service.attachVolume(id, options: AttachOptions(), caller: both)
        try await service.detachVolume(id, caller: both)
    }

    @Test func `the volume key is wrapped anew once its KMS key has rotated, unless that is not wanted`()
        async throws
    {
        let home = try await VolumeHome()
        let key = try await home.key()
        let id = try await home.volume(key: key).id.text
        let kms = try await home.home.keyManagement()
        let first = try await home.volumes.saveHeader(id, caller: home.root)
        _ = try await kms.rotateKeyOnDemand(.id(key.keyID), caller: home.root)
        func cycle(_ change: (inout AttachOptions) -> Void = { _ in }) async throws -> Int {
            var options = AttachOptions()
            change(&options)
            let before = try await home.volumes.describeVolumeEvents(of: id, caller: home.root).count
            _ = try await home.volumes.attachVolume(id, options: options, caller: home.root)
            try await home.volumes.detachVolume(id, caller: home.root)
            let events = try await home.volumes.describeVolumeEvents(of: id, caller: home.root).dropFirst(
                before
            )
            return events.filter { $0.name == "rewrapVolume" && $0.result == "completed" }.count
        }
        #expect(try await cycle { $0.keepsWrapping = true } == 0)
        #expect(try await cycle { $0.isReadOnly = true } == 0)
        #expect(try await cycle() == 1)
        #expect(try await cycle() == 0, "once is enough")
        #expect(try await home.volumes.checkVolume(id, caller: home.root).isClean)
        // The blob in slot 0 or 1 is another one.
        let last = try await home.volumes.saveHeader(id, caller: home.root)
        #expect(
            first[0x1860..<0x1960] != last[0x1860..<0x1960] || first[0x4860..<0x4960] != last[0x4860..<0x4960]
        )
    }

    @Test func `a daemon that was killed leaves a grant, and the next command of any volume retires it`()
        async throws
    {
        let home = try await VolumeHome()
        let key = try await home.key()
        let id = try await home.volume(key: key).id.text
        let other = try await home.volume().id.text
        _ = try await home.volumes.attachVolume(id, options: AttachOptions(), caller: home.root)
        let daemon = try #require(try await home.now(id).daemon)
        kill(daemon.processID, SIGTERM)
        for _ in 0..<500 where try await home.now(id).attachment != .detached {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(try await home.now(id).state == .available)
        #expect(try await grants(home, key).count == 1)
        _ = try await home.volumes.attachVolume(other, options: AttachOptions(), caller: home.root)
        #expect(try await grants(home, key).isEmpty)
        try await home.volumes.detachVolume(other, caller: home.root)
    }

    @Test func `a detach that a user of the file refuses leaves it busy, and force ends it`() async throws {
        let home = try await VolumeHome()
        let id = try await home.volume().id.text
        _ = try await home.volumes.attachVolume(id, options: AttachOptions(), caller: home.root)
        let file = try FileHandle(
            forReadingFrom: URL(fileURLWithPath: try #require(try await home.now(id).exposedFile))
        )
        _ = try await home.volumes.beginDetachVolume(id, caller: home.root)
        await home.volumes.finishBegunWork()
        let busy = try await home.now(id)
        #expect(busy.state == .inUse && busy.ec2Attachment?.state == .busy)
        let event = try #require(try await home.volumes.describeVolumeEvents(of: id, caller: home.root).last)
        #expect(
            event.name == "detachVolume" && event.result == "failed" && event.cause.contains("VolumeInUse")
        )
        _ = try await home.volumes.beginDetachVolume(id, force: true, caller: home.root)
        await home.volumes.finishBegunWork()
        // Its connection is gone.
        try? file.close()
        #expect(try await home.now(id).state == .available)
    }

    @Test func `what begins behind another's end waits for it, and the service answers meanwhile`()
        async throws
    {
        let home = try await VolumeHome()
        let id = try await home.volume().id.text
        for _ in 0..<5 {
            _ = try await attach(home, id)
            // Attaching still: the detach waits its turn.
            _ = try await home.volumes.beginDetachVolume(id, caller: home.root)
            while try await home.now(id).state != .available { try await Task.sleep(for: .milliseconds(1)) }
            // The detach may still be retiring its grant.
            _ = try await home.volumes.beginModifyVolume(
                id,
                ModifyVolumeRequest(iops: 3000),
                caller: home.root
            )
        }
        try await home.volumes.deleteVolume(id, caller: home.root)
        #expect(try await home.volumes.describeVolumes(caller: home.root).isEmpty)
    }
}
