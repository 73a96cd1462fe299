internal import Coffer
internal import CofferEBS
internal import CofferKMS
internal import CofferShapes
internal import CofferTesting
internal import Foundation

// The home against the model.
extension ModelRun {
    func compare(_ id: VolumeID) async throws {
        guard let volume = model.volume(id.text) else { return }
        let found = try await service.describeVolumes(ResourceQuery(ids: [id.text]), caller: root).items
        guard let first = found.first, found.count == 1 else { throw Difference("\(volume.name) is gone") }
        try Self.compare(volume.name, Self.facts(first), volume.facts)
    }

    /// Once it is no longer being made.
    func compare(_ id: SnapshotID) async throws {
        guard let snapshot = model.snapshot(id.text) else { return }
        try await until("\(snapshot.name) is complete") {
            try await self.service.describeSnapshots([id.text], caller: self.root)[0].state != .pending
        }
        let found = try await service.describeSnapshots([id.text], caller: root)[0]
        let shared = try await service.describeSnapshotAttribute(id.text, caller: root)
        try Self.compare(snapshot.name, Self.facts(found, shared), snapshot.facts)
    }

    func compareVolumeCount() async throws {
        let found = try await service.describeVolumes(caller: root).map(\.id)
        guard found == model.volumes.map(\.id) else {
            throw Difference("there are \(found), and are to be \(model.volumes.map(\.id))")
        }
    }

    func compareModification(_ id: VolumeID) async throws {
        guard let volume = model.volume(id.text) else { return }
        let code = volume.modification == nil ? AWSError.Code.modificationNotFound : nil
        let found: VolumeModification?
        do {
            let query = ResourceQuery(ids: [id.text])
            found = try await service.describeVolumesModifications(query, caller: root).items.first
        } catch let error as AWSError where error.code == code {
            return
        }
        let modification = found.map { found in
            ModelVolume.Modification(
                original: ModelVolume.Shape(found.original),
                target: ModelVolume.Shape(found.target),
                state: found.state
            )
        }
        guard modification == volume.modification else {
            throw Difference("its modification is \(modification as Any), not \(volume.modification as Any)")
        }
    }

    // MARK: - All

    func compareAll() async throws {
        try await compareVolumeCount()
        for volume in model.volumes {
            try await compare(volume.id)
            try await compareModification(volume.id)
        }
        let snapshots = try await service.describeSnapshots(caller: root).map(\.id)
        guard snapshots == model.snapshots.map(\.id) else {
            throw Difference("there are \(snapshots), and are to be \(model.snapshots.map(\.id))")
        }
        for snapshot in model.snapshots { try await compare(snapshot.id) }
        try await compareGrants()
        let files = try home.folder.names(in: "home/volumes").filter { $0.hasSuffix(".coffer") }
        let expected = model.volumes.filter { !$0.isFailed }.map { "\($0.id).coffer" }.sorted()
        guard files == expected else { throw Difference("the files are \(files), not \(expected)") }
    }

    /// A key has a grant for each attachment of a volume under it, and no other.
    private func compareGrants() async throws {
        let kms = try await home.home.keyManagement()
        let held = model.volumes.compactMap(\.attachment).flatMap(\.grants)
        for key in model.keys + [model.managedKey] {
            let reference = KeyReference(key.description)
            let found = try await kms.listGrants(reference, caller: root).items.count
            let expected = held.count { $0 == key }
            guard found == expected else {
                throw Difference("\(key) has \(found) grants, and is to have \(expected)")
            }
        }
    }

    /// What one volume holds, and one snapshot, by a volume that is made of it.
    func compareSomeContents() async throws {
        if let volume = volume(where: { $0.isAvailable && isOpen($0) }) {
            try await compareContentOfUnattached(volume, isReadOnly: chance(50))
        }
        if let snapshot = snapshot(where: { !$0.isFailed && model.isUsable($0.key) }) {
            try await compareContent(snapshot)
        }
    }

    private func isOpen(_ volume: ModelVolume) -> Bool {
        model.isUsable(volume.key) && model.isUsable(volume.fillKey)
    }

    func compareContentOfUnattached(_ volume: ModelVolume, isReadOnly: Bool) async throws {
        try await attach(volume, AttachOptions(isReadOnly: isReadOnly), waits: true)
        guard let attached = model.volume(volume.id.text) else { return }
        try compareContent(attached)
        try await detach(attached, waits: true)
    }

    func compareContent(_ snapshot: ModelSnapshot) async throws {
        var request = CreateVolumeRequest(sizeBytes: 0, isEncrypted: snapshot.isEncrypted ? true : nil)
        request.snapshot = snapshot.id.text
        let byDefault = model.encryptsByDefault ? model.defaultKey ?? model.managedKey : model.ownedKey
        let key = snapshot.isEncrypted ? snapshot.key : byDefault
        guard model.isUsable(key) else { return }
        let made = try await service.createVolume(request, caller: root)
        var volume = ModelVolume(
            id: made.id,
            shape: ModelVolume.Shape(size: snapshot.size, type: .gp3, iops: 3000, throughput: 125),
            dataUnitBytes: snapshot.dataUnitBytes,
            key: key,
            isEncrypted: key != model.ownedKey,
            tags: [:]
        )
        (volume.snapshot, volume.content, volume.fillKey) = (snapshot.id, snapshot.content, snapshot.key)
        add(volume)
        try await compare(made.id)
        if let volume = model.volumes.last {
            try await compareContentOfUnattached(volume, isReadOnly: chance(50))
            if let now = model.volume(volume.id.text) { try await delete(now) }
        }
    }

    /// A check of the home finds what failed to be made, and nothing else.
    func compareHome() async throws {
        say("checking the home")
        let report = try await service.checkHome(caller: root)
        let found = report.findings.map { "\($0.code) \($0.resource)" }.sorted()
        let volumes = model.volumes.filter(\.isFailed).map { "creationFailed \($0.id)" }
        let snapshots = model.snapshots.filter(\.isFailed).map { "snapshotFailed \($0.id)" }
        guard found == (volumes + snapshots).sorted() else {
            throw Difference("a check finds \(report.findings.map { "\($0.code): \($0.sentence)" })")
        }
    }

    // MARK: - Facts

    private static func compare(
        _ name: String,
        _ found: [String: String],
        _ expected: [String: String]
    ) throws {
        let differing = expected.keys.sorted().filter { found[$0] != expected[$0] }
        guard differing.isEmpty else {
            let words = differing.map { "\($0) \(found[$0] ?? "") and not \(expected[$0] ?? "")" }
            throw Difference("\(name) has \(words.joined(separator: ", "))")
        }
    }

    private static func facts(_ volume: Volume) -> [String: String] {
        [
            "tags": volume.tags.map { "\($0.key)=\($0.value)" }.joined(separator: " "),
            "shape":
                "\(volume.sizeBytes) \(volume.type) \(volume.iops ?? 0) \(volume.throughput ?? 0)",
            "unit": "\(volume.dataUnitBytes)", "key": "\(volume.kmsKeyARN)",
            "encrypted": "\(volume.isEncrypted)", "snapshot": volume.shownSnapshotID?.text ?? "",
            "source": volume.sourceVolumeID?.text ?? "", "state": volume.state.rawValue,
            "attachment":
                volume.ec2Attachment.map { "\($0.state) \($0.device) \(volume.exposedFile ?? "")" } ?? "",
            "read-only": "\(volume.isReadOnly)", "reason": "\(volume.stateReason != nil)",
        ]
    }

    private static func facts(_ snapshot: Snapshot, _ shared: [SnapshotGrantee]) -> [String: String] {
        [
            "tags": snapshot.tags.map { "\($0.key)=\($0.value)" }.joined(separator: " "),
            "size": "\(snapshot.sizeBytes)", "key": "\(snapshot.kmsKeyARN)",
            "encrypted": "\(snapshot.isEncrypted)", "volume": snapshot.volumeID?.text ?? "",
            "description": snapshot.description, "state": snapshot.state.rawValue,
            "progress": "\(snapshot.progress)", "reason": "\(snapshot.stateReason != nil)",
            "shared": shared.map(\.text).joined(separator: " "),
        ]
    }
}

extension ModelVolume {
    fileprivate var facts: [String: String] {
        [
            "tags": tags.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " "),
            "shape": "\(shape.size) \(shape.type) \(shape.iops ?? 0) \(shape.throughput ?? 0)",
            "unit": "\(dataUnitBytes)", "key": "\(key)", "encrypted": "\(isEncrypted)",
            "snapshot": snapshot?.text ?? "", "source": source?.text ?? "", "state": state,
            "attachment":
                attachment.map { "\($0.isBusy ? "busy" : "attached") \($0.device) \($0.file)" } ?? "",
            "read-only": "\(attachment?.isReadOnly ?? false)", "reason": "\(isFailed)",
        ]
    }
}

extension ModelVolume.Shape {
    fileprivate init(_ shape: VolumeModification.Shape) {
        self.init(
            size: shape.sizeBytes,
            type: shape.type,
            iops: shape.iops,
            throughput: shape.throughput
        )
    }
}

extension ModelSnapshot {
    fileprivate var facts: [String: String] {
        [
            "tags": tags.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " "),
            "size": "\(size)", "key": "\(key)", "encrypted": "\(isEncrypted)", "volume": volume?.text ?? "",
            "description": description, "state": isFailed ? "error" : "completed",
            "progress": isFailed ? "0" : "100", "reason": "\(isFailed)",
            "shared": sharedWith.sorted().map(\.text).joined(separator: " "),
        ]
    }
}
