internal import CofferBlock
internal import CofferCatalog
internal import CofferShapes
internal import CofferSnapshot
internal import CofferSystem
internal import Glibc
internal import Logging

// What mends findings. Each takes the lock of what it changes, and looks again: the finding may be no more.
extension VolumeService {
    // MARK: - Volumes

    /// Removes a volume that never was, or is no more.
    func removeUnfinished(_ id: VolumeID) async throws {
        let lock = try runtime.lock(id)
        defer { withExtendedLifetime(lock) {} }
        guard let volume = try catalog.volume(id: id), volume.stage != .ready else { return }
        try await remove(volume)
    }

    /// Removes the snapshot that a copy of a volume was made of, once the copy is there.
    func discard(_ id: SnapshotID, of copy: VolumeID) throws {
        let lock = try runtime.lock(copy)
        defer { withExtendedLifetime(lock) {} }
        guard let volume = try catalog.volume(id: copy), volume.stage == .ready, volume.sourceVolume != nil,
            volume.snapshot == id, try catalog.snapshot(id: id) != nil
        else { return }
        try discard(id)
    }

    func rewriteHeader(_ id: VolumeID, _ caller: Caller) async throws {
        let (volume, lock) = try await locked(id, for: .rewriteHeader)
        defer { withExtendedLifetime(lock) {} }
        _ = try await repair(volume, caller: caller)
    }

    func settleHeader(_ id: VolumeID, _ caller: Caller) async throws {
        let (volume, lock) = try await locked(id, for: nil)
        defer { withExtendedLifetime(lock) {} }
        let isDetached = await settledView(volume).state == .detached
        let store = try openStore(volume, isDetached ? .readWrite : .readOnly)
        if isDetached { try lockExclusively(store, volume) }
        let image = VolumeImage(store, volumeID: id, clock: clock)
        let found = try newestHeader(image)
        let volumeKey = try await volumeKey(of: found, caller: caller)
        var header = try translating("reading the header") {
            try image.open(volumeKey, mark: try catalog.mark(of: id))
        }
        if isDetached {
            do {
                header = try await settleRewrap(volume, image, header, volumeKey, caller: caller)
            } catch {
                // Back under the old key, which is an end as well.
                header = try translating("reading the header") {
                    try image.open(volumeKey, mark: try catalog.mark(of: id))
                }
                guard header.state == .ready else { throw error }
            }
        }
        guard let key = header.activeSlot?.wrapped.keyARN else { return }
        let bytes = header.geometry.volumeBytes
        try catalog.change(id) { volume in
            volume.take(sizeBytes: bytes)
            volume.take(key: key)
        }
    }

    /// Has a re-encryption that was cut short go on; it ends by itself.
    func resumeReencryption(_ id: VolumeID, _ caller: Caller) async throws {
        let owner = asOwner(of: try existing(id).kmsKeyARN, caller)
        _ = try await reencryptVolume(id.text, caller: owner)
    }

    /// A modification that nobody is at any more has ended one way or the other.
    func settleModification(_ id: VolumeID) async throws {
        let (volume, lock) = try await locked(id, for: nil)
        defer { withExtendedLifetime(lock) {} }
        guard let newest = try catalog.newestModification(of: id), newest.state.isRunning else { return }
        var ended = settled(newest)
        if volume.shape == newest.target {
            (ended.state, ended.statusMessage, ended.progress) = (.completed, nil, 100)
        }
        try catalog.update(ended)
        note(volume, "modifyVolume", ended.state.rawValue, cause: ended.statusMessage ?? "")
    }

    /// Takes away what stands above a daemon that died.
    func undoDeadAttachment(_ id: VolumeID) async throws {
        let (volume, lock) = try await locked(id, for: nil)
        defer { withExtendedLifetime(lock) {} }
        guard inspect(volume).state == .crashed else { return }
        try await undoing(volume, force: false) { view in try await self.undo(volume, view, force: false) }
    }

    func retireLeftGrants(_ id: VolumeID) async throws {
        let lock = try runtime.lock(id)
        defer { withExtendedLifetime(lock) {} }
        guard runtime.inspect(id, file: paths.file(id)).state == .detached else { return }
        await retireAllGrants(of: id)
        guard try catalog.grants(of: id).isEmpty else {
            throw AWSError(.incorrectState, "its KMS key cannot be asked now: the next attach asks again")
        }
    }

    /// The maps of a volume that is gone; of one that is filled its fill map.
    func removeMaps(_ id: VolumeID) async throws {
        let lock = try runtime.lock(id)
        defer { withExtendedLifetime(lock) {} }
        if let volume = try catalog.volume(id: id) {
            let store = try openStore(volume, .readOnly)
            let image = VolumeImage(store, volumeID: id, clock: clock)
            let header = try newestHeader(image)
            guard !header.isUnfilled, inspect(volume).state == .detached else { return }
            unsafe unlink(paths.fillMap(id))
        } else {
            guard !FolderNames.exists(paths.file(id)) else { return }
            unsafe unlink(paths.fillMap(id))
            unsafe unlink(paths.changedMap(id))
            runtime.remove(id)
        }
        try paths.syncVolumesFolder()
        releaseRetiredSnapshots()
    }

    // MARK: - Notes

    func clearNotes(_ id: VolumeID) throws {
        let lock = try runtime.lock(id)
        defer { withExtendedLifetime(lock) {} }
        guard runtime.inspect(id, file: paths.file(id)).state == .detached else { return }
        if try catalog.volume(id: id) == nil { runtime.remove(id) } else { runtime.clear(id) }
    }

    func removeNotes(_ id: VolumeID) throws {
        let lock = try runtime.lock(id)
        defer { withExtendedLifetime(lock) {} }
        guard try catalog.volume(id: id) == nil,
            runtime.inspect(id, file: paths.file(id)).state == .detached
        else { return }
        runtime.remove(id)
    }

    // MARK: - Snapshots

    /// Removes a snapshot that came to nothing, or that was being removed.
    func removeUnfinished(_ id: SnapshotID) throws {
        // Notes how a pending one has ended; before the lock, which would have it look busy.
        guard let found = try catalog.snapshot(id: id), try describe([found])[0].state == .error else {
            return
        }
        let lock = try runtime.lock(id)
        defer { runtime.giveUp(lock, of: id) }
        guard let record = try catalog.snapshot(id: id), record.stage == .failed else { return }
        try remove(record)
    }

    func removeFolder(_ id: SnapshotID) throws {
        let store = SnapshotStore(try openSnapshots())
        guard try catalog.snapshot(id: id) == nil, try !store.isComplete(id),
            try !store.retiredIDs().contains(id),
            let state = try store.state(id), try !store.isBusy(state.lineage)
        else { return }
        try store.remove(id)
        try collect(state.lineage, store)
    }

    /// Takes a snapshot into the index that is complete and not there: what its manifest says. It is authenticated where
    /// it is used.
    func listSnapshot(_ id: SnapshotID) throws {
        let header = try SnapshotStore(try openSnapshots()).manifest(id).header
        guard try catalog.snapshot(id: id) == nil else { return }
        let key = header.keySlot.wrapped.keyARN
        let volume = try header.volumeID.flatMap { try catalog.volume(id: $0) }
        var record = SnapshotRecord(
            id: id,
            volume: header.volumeID,
            sizeBytes: header.geometry.volumeBytes,
            region: volume?.region ?? Region(key.region) ?? identity.region,
            kmsKeyARN: key,
            isEncrypted: !key.isAWSOwnedKey,
            description: "",
            started: header.created
        )
        (record.stage, record.completed) = (.completed, header.created)
        try catalog.insert(record, namesApart: false)
        note(resource: id.text, record.region, "createSnapshot", "succeeded", cause: "")
    }

    func cleanSnapshots() async throws {
        let store = SnapshotStore(try openSnapshots())
        _ = try await Task.detached { try SnapshotCheck(store).repair() }.value
    }
}
