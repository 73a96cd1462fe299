internal import CofferEBS
internal import CofferShapes
internal import CofferTesting

// Copies of volumes, and what else is about a volume's key.
extension ModelRun {
    func cloneVolume(of id: VolumeID? = nil) async throws {
        guard model.volumes.count < Self.most else { return try await removeVolume() }
        guard let source = volume(where: { id == nil || $0.id == id }) else {
            return try await createVolume()
        }
        var request = CopyVolumeRequest(source: chance(3) ? Self.unknownVolume : source.id.text)
        let size = source.shape.size
        request.sizeBytes = [nil, nil, size, size + 1 << 20, size - 1 << 19][below(5)]
        (request.type, request.iops, request.throughput) = chance(60) ? (.gp3, nil, nil) : shape()
        request.tags = someTags()
        if chance(15), !request.tags.contains(where: { $0.key == "Name" }) {
            request.name = one(of: ["one", "four"])
        }
        if chance(30) { request.clientToken = "c\(below(3))" }
        say("clone \(source.name) \(request.sizeBytes.map { "\($0) bytes" } ?? "") \(request.type)")
        try await sync(source)
        try await submit(request, of: source)
    }

    private func submit(_ request: CopyVolumeRequest, of source: ModelVolume) async throws {
        let (creation, refusal) = foretold { () throws(Refused) in try foresee(request, of: source) }
        let body = { try await self.service.copyVolume(request, caller: self.root) }
        switch creation {
        case nil: _ = try await attempt(refusal, body)
        case .made(let id):
            let code = model.volume(id.text) == nil ? AWSError.Code.volumeNotFound : nil
            let found = try await attempt(code, body)
            guard found == nil || found?.id == id else { throw Difference("the token made another volume") }
        case .new(var volume, let failure):
            guard let made = try await attempt(nil, body) else { return }
            guard made.state == .creating else { throw Difference("the copy begins as \(made.state)") }
            await service.finishBegunWork()
            (volume.id, volume.isFailed) = (made.id, failure != nil)
            if failure != nil { (volume.content, volume.fillKey) = (ModelContent(), nil) }
            add(volume)
            if let token = request.clientToken {
                model.tokens["copy \(token)"] = (Self.words(of: asked(request, source)), made.id)
            }
            try await compare(made.id)
        }
        try await settleIfUnfilled(source.id)
    }

    /// The copy as a new volume that is asked for; which one of is asked for, too.
    private func asked(_ request: CopyVolumeRequest, _ source: ModelVolume) -> CreateVolumeRequest {
        var asked = CreateVolumeRequest(
            name: request.name,
            sizeBytes: request.sizeBytes ?? source.shape.size,
            isEncrypted: source.isEncrypted,
            key: KeyReference(source.key.description),
            dataUnitBytes: source.dataUnitBytes
        )
        (asked.type, asked.iops, asked.throughput) = (request.type, request.iops, request.throughput)
        (asked.tags, asked.snapshot) = (request.tags, source.id.text)
        return asked
    }

    private func foresee(
        _ request: CopyVolumeRequest,
        of source: ModelVolume
    ) throws(Refused) -> Creation {
        guard request.source == source.id.text else { throw Refused(.volumeNotFound) }
        guard !source.isFailed else { throw Refused(.incorrectState) }
        let asked = asked(request, source)
        guard asked.sizeBytes >= source.shape.size else { throw Refused(.invalidParameterValue) }
        var volume = try foresee(asked, isEncrypted: source.isEncrypted)
        if let token = request.clientToken, let earlier = model.tokens["copy \(token)"] {
            guard earlier.words == Self.words(of: asked) else { throw Refused(.idempotentParameterMismatch) }
            return .made(earlier.volume)
        }
        try requireUnused(request.name)
        try requireSnapshot(of: source)
        (volume.key, volume.source) = (source.key, source.id)
        (volume.content, volume.fillKey) = (source.content, source.key)
        return .new(volume, failure: model.isUsable(source.key) ? nil : .disabled)
    }

    /// Refuses what keeps a volume from being snapshotted: a volume that nobody attaches takes its key, and that of the
    /// snapshot that it has a part of still.
    func requireSnapshot(of volume: ModelVolume) throws(Refused) {
        if volume.isFailed || volume.attachment?.isReadOnly == true { throw Refused(.incorrectState) }
        guard volume.attachment == nil else { return }
        guard model.isUsable(volume.key), model.isUsable(volume.fillKey) else { throw Refused(.disabled) }
    }

    // MARK: - Another KMS key, another volume key

    func rekeyVolume() async throws {
        guard let volume = volume() else { return try await createVolume() }
        let reference = keyReference()
        let isKnown = !chance(3)
        let (target, refusal) = foretold { () throws(Refused) -> ARN in
            guard isKnown else { throw Refused(.volumeNotFound) }
            guard let target = model.key(reference) else { throw Refused(.notFound) }
            guard !volume.isFailed else { throw Refused(.incorrectState) }
            guard model.isUsable(volume.key) else { throw Refused(.disabled) }
            guard target != volume.key else { return target }
            guard model.isUsable(target) else { throw Refused(.disabled) }
            if volume.attachment?.isReadOnly == true { throw Refused(.incorrectState) }
            return target
        }
        say("rekey \(volume.name) to \(reference)")
        let found = try await attempt(refusal) {
            let id = isKnown ? volume.id.text : Self.unknownVolume
            return try await self.service.rekeyVolume(id, to: reference, caller: self.root)
        }
        if found != nil, let target {
            model.change(volume.id) { changed in
                if changed.key != target { changed.attachment?.grants = [target] }
                (changed.key, changed.isEncrypted) = (target, true)
            }
        }
        try await compare(volume.id)
    }

    func reencryptVolume() async throws {
        guard let chosen = volume() else { return try await createVolume() }
        let reference = chance(50) ? keyReference() : nil
        say("reencrypt \(chosen.name) under \(reference.map { "\($0)" } ?? "its key")")
        // Whatever its daemon brings under its own key meanwhile is not to decide what is refused.
        if chosen.attachment?.isReadOnly == false { try await awaitFilled(chosen.id) }
        guard let volume = model.volume(chosen.id.text) else { return }
        let (target, refusal) = foretold { () throws(Refused) -> ARN in
            guard let target = reference.map(model.key) ?? volume.key else { throw Refused(.notFound) }
            guard !volume.isFailed, volume.fillKey == nil else { throw Refused(.incorrectState) }
            guard model.isUsable(target) else { throw Refused(.disabled) }
            guard volume.attachment != nil || model.isUsable(volume.key) else { throw Refused(.disabled) }
            if volume.attachment?.isReadOnly == true { throw Refused(.incorrectState) }
            return target
        }
        let found = try await attempt(refusal) {
            try await self.service.reencryptVolume(volume.id.text, under: reference, caller: self.root)
        }
        if found != nil, let target {
            try await self.until("\(volume.name) is re-encrypted") {
                try await !self.service.isReencrypting(volume.id.text, caller: self.root)
            }
            let isOwned = target == model.ownedKey
            model.change(volume.id) { changed in
                if !isOwned { changed.attachment?.grants.append(target) }
                (changed.key, changed.isEncrypted) = (target, !isOwned)
            }
        }
        try await compare(volume.id)
    }
}
