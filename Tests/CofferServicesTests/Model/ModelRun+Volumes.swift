internal import CofferEBS
internal import CofferShapes
internal import CofferTesting

// Volumes that change, and that go.
extension ModelRun {
    func deleteVolume() async throws {
        guard let volume = volume() else { return try await createVolume() }
        if chance(5) {
            say("delete an unknown volume")
            let id = one(of: [Self.unknownVolume, "vol-zz", "no such name"])
            _ = try await attempt(.volumeNotFound) {
                try await self.service.deleteVolume(id, caller: self.root)
            }
            return
        }
        say("delete \(volume.name)")
        try await delete(volume)
    }

    /// Makes room for another.
    func removeVolume() async throws {
        guard let volume = volume(where: { $0.attachment == nil }) else { return }
        say("delete \(volume.name), to make room")
        try await delete(volume)
    }

    func delete(_ volume: ModelVolume) async throws {
        let code = volume.attachment == nil ? nil : AWSError.Code.volumeInUse
        let done: Void? = try await attempt(code) {
            try await self.service.deleteVolume(volume.id.text, caller: self.root)
        }
        guard done != nil else { return try await compare(volume.id) }
        model.volumes.removeAll { $0.id == volume.id }
        try await compareVolumeCount()
        let left = try home.folder.names(in: "home/volumes").filter { $0.hasPrefix(volume.id.text) }
        guard left.isEmpty else { throw Difference("\(left) are left") }
    }

    // MARK: - Modifications

    func modifyVolume() async throws {
        guard let volume = volume() else { return try await createVolume() }
        let request = modification(of: volume)
        let (target, refusal) = foretold { () throws(Refused) in try foresee(request, volume) }
        let failure = target.flatMap { self.failure(of: $0, volume) }
        let waits = chance(50)
        say("modify \(volume.name) to \(Self.words(of: request))\(waits ? "" : ", answered at once")")
        if waits {
            let ended = try await attempt(refusal ?? failure) {
                try await self.service.modifyVolume(volume.id.text, request, caller: self.root)
            }
            guard ended == nil || ended?.state == .completed else { throw Difference("it is not completed") }
        } else {
            let begun = try await attempt(refusal) {
                try await self.service.beginModifyVolume(volume.id.text, request, caller: self.root)
            }
            guard begun == nil || begun?.state == .modifying else { throw Difference("it does not begin") }
            await service.finishBegunWork()
        }
        if let target { note(target, of: volume.id, failed: failure != nil) }
        try await compareModification(volume.id)
        try await compare(volume.id)
    }

    /// Two at once: the second is refused while the first runs, and else counts too.
    func modifyTwice() async throws {
        guard let volume = volume(where: { !$0.isFailed }) else { return try await createVolume() }
        let first = modification(of: volume)
        var larger = volume.shape.size + 1 << 20
        if larger > 12 << 20 { larger = volume.shape.size }
        let second = ModifyVolumeRequest(sizeBytes: larger)
        say("modify \(volume.name) to \(Self.words(of: first)), and at once to \(larger) bytes")
        let (target, refusal) = foretold { () throws(Refused) in try foresee(first, volume) }
        let begun = try await attempt(refusal) {
            try await self.service.beginModifyVolume(volume.id.text, first, caller: self.root)
        }
        if begun != nil, let target {
            note(target, of: volume.id, failed: failure(of: target, volume) != nil)
        }
        guard let now = model.volume(volume.id.text) else { return }
        let (next, refused) = foretold { () throws(Refused) in try foresee(second, now) }
        var isRunning = false
        do {
            _ = try await service.beginModifyVolume(volume.id.text, second, caller: root)
            guard refused == nil else { throw Difference("done, where \(refused?.name ?? "") was due") }
        } catch let error as AWSError {
            isRunning = begun != nil && error.code == .incorrectModificationState
            guard isRunning || error.code == refused else { throw Difference("refused by \(error)") }
        }
        await service.finishBegunWork()
        if let next, !isRunning { note(next, of: volume.id, failed: failure(of: next, now) != nil) }
        try await compareModification(volume.id)
        try await compare(volume.id)
    }

    private func modification(of volume: ModelVolume) -> ModifyVolumeRequest {
        var request = ModifyVolumeRequest()
        let size = volume.shape.size
        switch below(10) {
        case 0..<4: request.sizeBytes = size < 10 << 20 ? size + UInt64(1 + below(512)) * 4096 : size
        case 4: request.sizeBytes = size - 4096
        case 5: request.sizeBytes = size
        default: break
        }
        if chance(50) {
            let (type, iops, throughput) = shape()
            if chance(70) { request.type = type }
            (request.iops, request.throughput) = (iops, throughput)
        }
        return request
    }

    private static func words(of request: ModifyVolumeRequest) -> String {
        let parts: [String?] = [
            request.sizeBytes.map { "\($0) bytes" }, request.type?.rawValue,
            request.iops.map { "iops \($0)" }, request.throughput.map { "throughput \($0)" },
        ]
        return parts.compactMap(\.self).joined(separator: ", ")
    }

    private func foresee(
        _ request: ModifyVolumeRequest,
        _ volume: ModelVolume
    ) throws(Refused) -> ModelVolume.Shape {
        guard !volume.isFailed else { throw Refused(.incorrectState) }
        guard
            request.sizeBytes != nil || request.type != nil || request.iops != nil
                || request.throughput != nil
        else { throw Refused(.missingParameter) }
        let size = request.sizeBytes ?? volume.shape.size
        guard size >= volume.shape.size else { throw Refused(.invalidParameterValue) }
        let type = request.type ?? volume.shape.type
        let keeps = type == .gp3 && volume.shape.type == .gp3
        return try Self.shape(
            type,
            size: size,
            iops: request.iops,
            throughput: request.throughput ?? (keeps ? volume.shape.throughput : nil)
        )
    }

    /// Why a modification that was begun fails: growing one that nobody attaches takes its key.
    private func failure(of target: ModelVolume.Shape, _ volume: ModelVolume) -> AWSError.Code? {
        guard target.size > volume.shape.size else { return nil }
        if let attachment = volume.attachment { return attachment.isReadOnly ? .incorrectState : nil }
        return model.isUsable(volume.key) ? nil : .disabled
    }

    private func note(_ target: ModelVolume.Shape, of id: VolumeID, failed: Bool) {
        model.change(id) { volume in
            volume.modification = ModelVolume.Modification(
                original: volume.shape,
                target: target,
                state: failed ? .failed : .completed
            )
            if !failed { volume.shape = target }
        }
    }
}
