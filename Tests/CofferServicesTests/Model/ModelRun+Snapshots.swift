internal import CofferEBS
internal import CofferShapes
internal import CofferTesting

// Snapshots: made, copied, shared, removed.
extension ModelRun {
    func createSnapshot() async throws {
        guard model.snapshots.count < Self.most else { return try await removeSnapshot() }
        guard let volume = volume() else { return try await createVolume() }
        var request = CreateSnapshotRequest(volume: chance(3) ? Self.unknownVolume : volume.id.text)
        (request.name, request.description, request.tags) = someWords()
        say("snapshot \(volume.name) as \(request.name ?? "nothing")")
        try await sync(volume)
        let (made, refusal) = foretold { () throws(Refused) -> ModelSnapshot in
            guard request.volume == volume.id.text else { throw Refused(.volumeNotFound) }
            try require(request.name, request.description, request.tags)
            guard !volume.isFailed else { throw Refused(.incorrectState) }
            try requireUnusedSnapshotName(request.name)
            try requireSnapshot(of: volume)
            return try ModelSnapshot(
                volume: volume.id,
                of: volume,
                request.name,
                request.tags,
                request.description
            )
        }
        let begun = try await attempt(refusal) {
            try await self.service.createSnapshot(request, caller: self.root)
        }
        if let begun, var made {
            made.id = begun.id
            add(made)
            try await compare(begun.id)
        }
        // A copy at once is not in the way of a daemon that has just completed a snapshot.
        if begun != nil, chance(25) { try await cloneVolume(of: volume.id) }
        try await settleIfUnfilled(volume.id)
    }

    func copySnapshot() async throws {
        guard model.snapshots.count < Self.most else { return try await removeSnapshot() }
        guard let source = snapshot() else { return try await createSnapshot() }
        var request = CopySnapshotRequest(
            source: chance(3) ? Self.unknownSnapshot : source.id.text,
            key: chance(60) ? keyReference() : nil
        )
        (request.name, request.description, request.tags) = someWords()
        if chance(20) { request.isEncrypted = [nil, false, true][below(3)] }
        let waits = chance(50)
        say("copy \(source.name) under \(request.key.map { "\($0)" } ?? "no other key")")
        let (made, refusal) = foretold { () throws(Refused) in
            // The command line looks at the key first.
            if waits, let key = request.key, model.key(key) == nil { throw Refused(.notFound) }
            return try foresee(request, source)
        }
        let begun = try await attempt(refusal) {
            if waits { return try await self.service.copySnapshot(request, caller: self.root) }
            return try await self.service.beginCopySnapshot(request, caller: self.root)
        }
        await service.finishBegunWork()
        guard let begun, var made else { return }
        made.id = begun.id
        add(made)
        try await compare(begun.id)
    }

    private func foresee(
        _ request: CopySnapshotRequest,
        _ source: ModelSnapshot
    ) throws(Refused) -> ModelSnapshot {
        guard request.source == source.id.text else { throw Refused(.snapshotNotFound) }
        try require(request.name, request.description, request.tags)
        guard !source.isFailed else { throw Refused(.incorrectState) }
        guard request.isEncrypted != false || !source.isEncrypted else {
            throw Refused(.invalidParameterValue)
        }
        let isEncrypted = source.isEncrypted || request.isEncrypted == true || model.encryptsByDefault
        guard isEncrypted || request.key == nil else { throw Refused(.invalidParameterDependency) }
        try requireUnusedSnapshotName(request.name)
        var copy = source
        (copy.volume, copy.description, copy.tags) = (nil, request.description, request.tags.byKey)
        if let name = request.name { copy.tags["Name"] = name }
        (copy.isEncrypted, copy.sharedWith) = (isEncrypted, [])
        let other = isEncrypted && !source.isEncrypted ? model.defaultKey ?? model.managedKey : nil
        if let reference = request.key ?? other.map({ KeyReference($0.description) }) {
            let key = model.key(reference)
            copy.key = key ?? Self.foreseenARN(reference) ?? source.key
            copy.isFailed = key == nil || !model.isUsable(key)
        }
        if !model.isUsable(source.key) { copy.isFailed = true }
        return copy
    }

    func deleteSnapshot() async throws {
        guard let snapshot = snapshot() else { return try await createSnapshot() }
        if chance(5) {
            say("remove an unknown snapshot")
            _ = try await attempt(.snapshotNotFound) {
                try await self.service.deleteSnapshot(Self.unknownSnapshot, caller: self.root)
            }
            return
        }
        say("remove \(snapshot.name)")
        try await delete(snapshot)
    }

    /// Makes room for another.
    private func removeSnapshot() async throws {
        guard let snapshot = snapshot() else { return }
        say("remove \(snapshot.name), to make room")
        try await delete(snapshot)
    }

    func delete(_ snapshot: ModelSnapshot) async throws {
        _ = try await attempt(nil) {
            try await self.service.deleteSnapshot(snapshot.id.text, caller: self.root)
        }
        model.snapshots.removeAll { $0.id == snapshot.id }
        let found = try await service.describeSnapshots(caller: root).map(\.id)
        guard found == model.snapshots.map(\.id) else {
            throw Difference("there are \(found), and are to be \(model.snapshots.map(\.id))")
        }
    }

    // MARK: - Sharing

    func shareSnapshot() async throws {
        guard let snapshot = snapshot() else { return try await createSnapshot() }
        if chance(15) {
            say("reset who may use \(snapshot.name)")
            _ = try await attempt(nil) {
                try await self.service.resetSnapshotAttribute(snapshot.id.text, caller: self.root)
            }
            model.change(snapshot.id) { $0.sharedWith = [] }
            return try await compare(snapshot.id)
        }
        let grantees = ["all", "444455556666", "777788889999"].compactMap(SnapshotGrantee.init)
        let adding = chance(60) ? grantees.filter { _ in chance(40) } : []
        let removing = chance(40) ? grantees.filter { _ in chance(40) } : []
        say("share \(snapshot.name) with \(adding.map(\.text)), not \(removing.map(\.text))")
        let (_, refusal) = foretold { () throws(Refused) in
            guard adding.isEmpty || removing.isEmpty else { throw Refused(.invalidParameterCombination) }
            guard !adding.isEmpty || !removing.isEmpty else { throw Refused(.missingParameter) }
            guard snapshot.isEncrypted, !adding.isEmpty else { return }
            guard !adding.contains(.everyone), snapshot.key != model.managedKey else {
                throw Refused(.operationNotPermitted)
            }
        }
        let done: Void? = try await attempt(refusal) {
            try await self.service.modifySnapshotAttribute(
                snapshot.id.text,
                SnapshotSharingChange(adding: adding, removing: removing),
                caller: self.root
            )
        }
        if done != nil {
            model.change(snapshot.id) { $0.sharedWith = $0.sharedWith.union(adding).subtracting(removing) }
        }
        try await compare(snapshot.id)
    }

    // MARK: - What is asked for

    private func someWords() -> (name: String?, description: String, tags: [Tag]) {
        let tags = someTags()
        let isNamed = chance(20) && !tags.contains { $0.key == "Name" }
        let name = isNamed ? one(of: ["one", "two", "four", "snap-mine"]) : nil
        return (name, chance(3) ? "\u{7}" : one(of: ["", "daily", "before the change"]), tags)
    }

    private func require(_ name: String?, _ description: String, _ tags: [Tag]) throws(Refused) {
        if name?.hasPrefix("snap-") == true || description == "\u{7}" {
            throw Refused(.invalidParameterValue)
        }
        if let code = Self.refusal(of: tags) { throw Refused(code) }
    }

    private func requireUnusedSnapshotName(_ name: String?) throws(Refused) {
        guard let name, model.snapshots.contains(where: { $0.tags["Name"] == name }) else { return }
        throw Refused(.invalidParameterValue)
    }
}

extension ModelSnapshot {
    fileprivate init(
        volume: VolumeID,
        of source: ModelVolume,
        _ name: String?,
        _ tags: [Tag],
        _ description: String
    ) throws(Refused) {
        guard let id = SnapshotID(ModelRun.unknownSnapshot) else { throw Refused(.internalError) }
        self.init(
            id: id,
            volume: volume,
            size: source.shape.size,
            dataUnitBytes: source.dataUnitBytes,
            key: source.key,
            isEncrypted: source.isEncrypted,
            tags: tags.byKey,
            description: description,
            content: source.content
        )
        if let name { self.tags["Name"] = name }
    }
}
