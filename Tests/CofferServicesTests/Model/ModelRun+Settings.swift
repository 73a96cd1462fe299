internal import Coffer
internal import CofferEBS
internal import CofferKMS
internal import CofferShapes

// Tags, KMS keys, and what a region does by default.
extension ModelRun {
    func tag() async throws {
        let resources = someResources()
        guard !resources.isEmpty else { return try await createVolume() }
        let tags = someTags()
        let isUnknown = chance(4)
        say("tag \(resources) with \(tags.map { "\($0.key)=\($0.value)" })")
        var refusal: AWSError.Code? = tags.isEmpty ? .missingParameter : isUnknown ? .volumeNotFound : nil
        if refusal == nil { refusal = Self.refusal(of: tags) }
        let done: Void? = try await attempt(refusal) {
            try await self.service.createTags(
                tags,
                on: resources + (isUnknown ? [Self.unknownVolume] : []),
                caller: self.root
            )
        }
        if done != nil {
            changeTags(of: resources) { $0.merge(tags.byKey) { $1 } }
        }
        try await compare(resources)
    }

    func untag() async throws {
        let resources = someResources()
        guard !resources.isEmpty else { return try await createVolume() }
        let selectors = ["Name", "env", "team", "again"].filter { _ in chance(35) }.map { key in
            VolumeService.TagSelector(key: key, value: chance(40) ? one(of: Self.tagValues) : nil)
        }
        let isUnknown = chance(4)
        say("untag \(resources) of \(selectors.map { "\($0.key)=\($0.value ?? "*")" })")
        let done: Void? = try await attempt(isUnknown ? .snapshotNotFound : nil) {
            try await self.service.deleteTags(
                selectors,
                from: resources + (isUnknown ? [Self.unknownSnapshot] : []),
                caller: self.root
            )
        }
        if done != nil {
            changeTags(of: resources) { tags in
                if selectors.isEmpty { tags = [:] }
                for selector in selectors where selector.value ?? tags[selector.key] == tags[selector.key] {
                    tags[selector.key] = nil
                }
            }
        }
        try await compare(resources)
    }

    private func someResources() -> [String] {
        var resources: [String] = []
        if chance(70), let volume = volume() { resources.append(volume.id.text) }
        if chance(50), let snapshot = snapshot() { resources.append(snapshot.id.text) }
        return resources
    }

    private func changeTags(of resources: [String], _ change: (inout [String: String]) -> Void) {
        for index in model.volumes.indices where resources.contains(model.volumes[index].id.text) {
            change(&model.volumes[index].tags)
        }
        for index in model.snapshots.indices where resources.contains(model.snapshots[index].id.text) {
            change(&model.snapshots[index].tags)
        }
    }

    private func compare(_ resources: [String]) async throws {
        for volume in model.volumes where resources.contains(volume.id.text) { try await compare(volume.id) }
        for snapshot in model.snapshots where resources.contains(snapshot.id.text) {
            try await compare(snapshot.id)
        }
    }

    // MARK: - Keys

    func changeKey() async throws {
        let kms = try await home.home.keyManagement()
        let key = one(of: model.keys)
        let reference = KeyReference(key.description)
        switch below(10) {
        case 0:
            let alias = "alias/m\(below(2))"
            say("\(alias) is of \(key)")
            _ = try await attempt(nil) {
                try await kms.updateAlias(alias, target: reference, caller: self.root)
            }
            model.aliases[alias] = key
        case 1..<5 where !model.disabledKeys.contains(key):
            say("disable \(key)")
            _ = try await attempt(nil) { try await kms.disableKey(reference, caller: self.root) }
            model.disabledKeys.insert(key)
        case 5 where rotations < 20:
            say("rotate \(key)")
            let code: AWSError.Code? = model.isUsable(key) ? nil : .disabled
            rotations += 1
            _ = try await attempt(code) { try await kms.rotateKeyOnDemand(reference, caller: self.root) }
        default:
            // Most of the time they can be used.
            say("enable all keys")
            for key in model.disabledKeys {
                let reference = KeyReference(key.description)
                _ = try await attempt(nil) { try await kms.enableKey(reference, caller: self.root) }
            }
            model.disabledKeys = []
        }
    }

    // MARK: - Encryption by default

    func changeDefaults() async throws {
        switch below(6) {
        case 0:
            say("encrypt by default")
            _ = try await attempt(nil) {
                try await self.service.enableEbsEncryptionByDefault(caller: self.root)
            }
            model.encryptsByDefault = true
        case 1, 2:
            say("do not encrypt by default")
            _ = try await attempt(nil) {
                try await self.service.disableEbsEncryptionByDefault(caller: self.root)
            }
            model.encryptsByDefault = false
        case 3, 4:
            let reference = keyReference()
            say("the default key is \(reference)")
            let key = model.key(reference)
            let found = try await attempt(key == nil ? .notFound : nil) {
                try await self.service.modifyEbsDefaultKmsKeyId(reference, caller: self.root)
            }
            guard found == key?.description else { throw Difference("it is \(found ?? "none")") }
            if let key { model.defaultKey = key }
        default:
            say("reset the default key")
            _ = try await attempt(nil) { try await self.service.resetEbsDefaultKmsKeyId(caller: self.root) }
            model.defaultKey = nil
        }
        let isByDefault = try await service.getEbsEncryptionByDefault(caller: root).isEnabled
        let key = try await service.getEbsDefaultKmsKeyId(caller: root)
        guard isByDefault == model.encryptsByDefault,
            key == model.defaultKey?.description ?? "alias/aws/ebs"
        else { throw Difference("by default it is \(isByDefault), \(key)") }
    }
}
