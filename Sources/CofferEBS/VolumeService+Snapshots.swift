internal import CofferBlock
internal import CofferCatalog
internal import CofferControl
internal import CofferSecrets
public import CofferShapes
internal import CofferSnapshot
internal import CofferSystem
internal import Glibc
internal import Logging

extension VolumeService {
    // MARK: - Create

    /// Fixes a volume's content of this moment, attached or not, and gives the snapshot, which is `pending` while its
    /// blocks are copied. Filesystems that Coffer mounted are held still for the moment, so that they are clean.
    /// (`CreateSnapshot`)
    public func createSnapshot(
        _ request: CreateSnapshotRequest,
        isDryRun: Bool = false,
        caller: Caller
    ) async throws -> Snapshot {
        let tags = request.tags.named(request.name)
        let found = try await permittedToSnapshot(request, tags, caller)
        try SnapshotRules.check(name: request.name, description: request.description, tags)
        if isDryRun { throw AWSError.dryRunSucceeds }
        return try await beginSnapshot(
            of: found.id,
            description: request.description,
            tags,
            namesApart: request.name != nil,
            for: caller
        )
    }

    /// Makes a snapshot of a volume for a caller who may.
    func beginSnapshot(
        of id: VolumeID,
        description: String,
        _ tags: [Tag] = [],
        namesApart: Bool = false,
        for caller: Caller
    ) async throws -> Snapshot {
        let (volume, lock) = try await locked(id, for: .snapshot)
        defer { withExtendedLifetime(lock) {} }
        let view = inspect(volume)
        let folder = try openSnapshots()
        var record = SnapshotRecord(
            id: SnapshotID(random: SystemByteSource()),
            volume: volume.id,
            sizeBytes: volume.sizeBytes,
            region: volume.region,
            kmsKeyARN: volume.kmsKeyARN,
            isEncrypted: volume.isEncrypted,
            description: description,
            started: clock.now
        )
        record.tags = tags
        try catalog.insert(record, namesApart: namesApart)
        do {
            let order = SnapshotOrder(
                snapshotID: record.id.text,
                snapshotsFolder: paths.snapshotsFolder,
                earlier: try earlierSnapshots(of: volume, but: record.id),
                filesystem: view.filesystemMounts.last.map { mount in
                    FilesystemPlace(
                        directory: mount.mountPoint,
                        deviceMajor: mount.deviceMajor,
                        deviceMinor: mount.deviceMinor
                    )
                }
            )
            try await begin(order, volume, view, caller)
        } catch {
            // Nobody was told of it.
            _ = try? SnapshotStore(folder).remove(record.id)
            try? catalog.removeSnapshot(record.id)
            throw (error as? AWSError)?.context("cannot make a snapshot of \"\(volume.label)\"") ?? error
        }
        logger.info("began snapshot", metadata: ["volume": "\(volume.id)", "snapshot": "\(record.id)"])
        return try describe([record])[0]
    }

    private func permittedToSnapshot(
        _ request: CreateSnapshotRequest,
        _ tags: [Tag],
        _ caller: Caller
    ) async throws -> VolumeRecord {
        let found = try await permitted(
            request.volume,
            to: "ec2:CreateSnapshot",
            on: [wildcard("snapshot", caller)],
            caller: caller
        )
        try await requireTagging(tags, of: "snapshot", by: "CreateSnapshot", caller)
        return found
    }

    /// Has the volume's daemon begin, or one that is started for the purpose: whoever serves a volume is the only one who
    /// may touch its file.
    private func begin(
        _ order: SnapshotOrder,
        _ volume: VolumeRecord,
        _ view: AttachmentView,
        _ caller: Caller
    ) async throws {
        if view.state == .detached {
            // A daemon would take the re-encryption up.
            guard try !isBetweenKeys(volume) else { throw VolumeLifecycle.reencryptionRefusal(volume.label) }
            try await startWorker(volume, caller)
        }
        switch try ask(.beginSnapshot(order), of: volume) {
        case .done(let mark): try catalog.setMark(mark, of: volume.id)
        case .failed(let failure): throw failure.error
        }
    }

    /// Complete snapshots of a volume, the newest first.
    private func earlierSnapshots(of volume: VolumeRecord, but id: SnapshotID) throws -> [String] {
        try catalog.snapshots()
            .filter { $0.volume == volume.id && $0.stage != .failed && $0.id != id }
            .reversed().prefix(8).map(\.id.text)
    }

    // MARK: - Describe

    /// The snapshot of this id, for a service above that has made it and says itself who may see it; nil where there is
    /// none.
    package func snapshot(_ id: SnapshotID) throws -> Snapshot? {
        try catalog.snapshot(id: id).map { try describe([$0])[0] }
    }

    /// The snapshots of the region, or those that the references name: ids, beginnings of ids, or names.
    public func describeSnapshots(_ references: [String] = [], caller: Caller) async throws -> [Snapshot] {
        try await requirePermission("ec2:DescribeSnapshots", caller: caller)
        let region = region(of: caller)
        let records =
            references.isEmpty
            ? try catalog.snapshots(in: region).filter { [hidden = try snapshotsOfCopies()] in
                !hidden.contains($0.id)
            }
            : try references.map { try catalog.snapshot($0, in: region) }
        return try describe(records)
    }

    /// The snapshots of the region that a query means; only those that one of `restorers` may make volumes of, where some
    /// are given: the owner may of all. (`DescribeSnapshots`)
    public func describeSnapshots(
        _ query: ResourceQuery,
        restorers: [SnapshotGrantee] = [],
        isDryRun: Bool = false,
        caller: Caller
    ) async throws -> Listing<Snapshot> {
        try await requirePermission("ec2:DescribeSnapshots", isDryRun: isDryRun, caller: caller)
        let filters = try FilterSet(query.filters, knowing: SnapshotFilters.names)
        let wanted = Set(try query.ids.map { try Self.snapshotID($0) })
        let hidden = wanted.isEmpty ? try snapshotsOfCopies() : []
        let records = try catalog.snapshots(in: region(of: caller)).filter {
            wanted.isEmpty ? !hidden.contains($0.id) : wanted.contains($0.id)
        }
        if let missing = wanted.subtracting(records.map(\.id)).map(\.text).min() {
            throw AWSError(.snapshotNotFound, "The snapshot '\(missing)' does not exist.")
        }
        let isOwner = restorers.isEmpty || restorers.contains(.account(identity.account))
        let shared = isOwner ? [] : try restorers.flatMap { try catalog.snapshots(sharedWith: $0) }
        let visible = isOwner ? records : records.filter { shared.contains($0.id) }
        let snapshots = try describe(visible).filter { snapshot in
            filters.match { SnapshotFilters.values(of: $0, snapshot) }
        }
        return try ResourcePages(5...1000).part(snapshots, query, filters) { snapshot in
            (snapshot.started.nanoseconds, snapshot.id.text)
        }
    }

    /// Snapshots that copies of volumes begin with: they are on no list.
    private func snapshotsOfCopies() throws -> Set<SnapshotID> {
        Set(try catalog.volumes().compactMap { $0.sourceVolume == nil ? nil : $0.snapshot })
    }

    /// The snapshots as they are now: what the index has as pending is looked up, and noted where it has ended.
    func describe(_ records: [SnapshotRecord]) throws -> [Snapshot] {
        guard records.contains(where: { $0.stage == .pending }) else { return records.map { answer($0, 0) } }
        expireUploads()
        let store = SnapshotStore(try openSnapshots())
        return try records.map { record in
            guard record.stage == .pending else { return answer(record, 0) }
            let (now, percent) = try resolved(record, store)
            return answer(now, percent)
        }
    }

    private func resolved(
        _ record: SnapshotRecord,
        _ store: SnapshotStore
    ) throws -> (SnapshotRecord, percent: Int) {
        let failure: String?
        do throws(SnapshotError) {
            switch try store.status(record.id) {
            case .pending(let percent): return (record, uploads.percent(record.id) ?? percent)
            case .completed: failure = nil
            case .error(let reason):
                // Its folder may be a moment old, with nothing in it yet.
                if isBeingBegun(record) { return (record, 0) }
                failure = reason
            }
        } catch {
            guard case .notFound = error else { throw error.awsError }
            // Its folder comes soon where a command is about to begin it.
            if isBeingBegun(record) { return (record, 0) }
            failure = "its making was interrupted"
        }
        let now = try catalog.change(record.id) { record in
            guard record.stage == .pending else { return }
            record.stage = failure == nil ? .completed : .failed
            (record.failure, record.completed) = (failure, failure == nil ? clock.now : nil)
        }
        note(record, "createSnapshot", failure == nil ? "succeeded" : "failed", cause: failure ?? "")
        return (now ?? record, failure == nil ? 100 : 0)
    }

    /// Whether a command is about to begin the snapshot, or makes it itself.
    private func isBeingBegun(_ record: SnapshotRecord) -> Bool {
        copying.contains(record.id) || runtime.isLocked(record.id)
            || record.volume.map { runtime.isLocked($0) } ?? false
    }

    private func answer(_ record: SnapshotRecord, _ percent: Int) -> Snapshot {
        Snapshot(
            id: record.id,
            arn: .snapshot(record.id, region: record.region),
            tags: record.tags,
            volumeID: record.volume,
            sizeBytes: record.sizeBytes,
            region: record.region,
            isEncrypted: record.isEncrypted,
            kmsKeyARN: record.kmsKeyARN,
            description: record.description,
            started: record.started,
            completed: record.completed,
            state: record.stage == .pending ? .pending : record.stage == .completed ? .completed : .error,
            stateReason: record.failure,
            progress: record.stage == .completed ? 100 : percent,
            ownerID: identity.account
        )
    }

    private func note(_ record: SnapshotRecord, _ event: String, _ result: String, cause: String) {
        note(resource: record.id.text, record.region, event, result, cause: cause)
    }

    // MARK: - Delete

    /// Deletes a snapshot that is not being made. What other snapshots share with it stays. (`DeleteSnapshot`)
    public func deleteSnapshot(_ reference: String, isDryRun: Bool = false, caller: Caller) async throws {
        let record = try await permittedSnapshot(
            reference,
            to: "ec2:DeleteSnapshot",
            isDryRun: isDryRun,
            caller: caller
        )
        try requireNoDatabaseSnapshot(record.id, caller)
        giveUpUpload(record.id)
        guard try describe([record])[0].state != .pending else {
            throw AWSError(
                .incorrectState,
                "snapshot \(record.label) is being made",
                hint: "wait until it is complete"
            )
        }
        let lock = try runtime.lock(record.id)
        defer { runtime.giveUp(lock, of: record.id) }
        try remove(record)
    }

    private func requireNoDatabaseSnapshot(_ id: SnapshotID, _ caller: Caller) throws {
        guard caller.via != .rds,
            let owner = try catalog.databaseSnapshots().first(where: { $0.snapshot == id })
        else { return }
        throw AWSError(
            .snapshotInUse,
            "The snapshot \(id) is currently in use by the database snapshot \(owner.identifier)",
            hint: "delete that with `coffer-rds snapshot rm \(owner.identifier)`"
        )
    }

    /// Removes a snapshot under its lock, which the caller holds.
    func remove(_ record: SnapshotRecord) throws {
        do {
            try discard(record.id)
        } catch { throw (error as? AWSError)?.context("deleting snapshot \(record.label)") ?? error }
        note(record, "deleteSnapshot", "deleted", cause: "")
        logger.info("deleted snapshot", metadata: ["snapshot": "\(record.id)"])
    }

    /// Removes a snapshot that is complete or has failed, and what nobody needs of it. One whose removal is cut short is
    /// in `error` from its beginning on, and never restored from; removing it again ends that.
    func discard(_ id: SnapshotID) throws {
        let store = SnapshotStore(try openSnapshots())
        // From here on there is no way back: what a crash leaves of it is no snapshot that got lost. And nobody begins to
        // need it any more.
        try catalog.change(id) { record in
            guard record.stage != .failed else { return }
            record.stage = .failed
            record.failure = "its deletion was interrupted: finish it with `coffer snapshot rm \(id)`"
        }
        let isBeingRead = try isBeingRead(id)
        do throws(SnapshotError) {
            let lineage = lineage(of: id, store)
            do throws(SnapshotError) {
                if isBeingRead, try store.hasManifest(id) {
                    try store.retire(id)
                } else {
                    try store.remove(id)
                }
            } catch .notFound {}  // it failed before it had a folder, or its removal was interrupted
            onStep(.snapshotRemoved)
            if let lineage {
                try collect(lineage, store)
            } else {
                // A lineage with a manifest that cannot be read keeps what it has.
                for lineage in try store.lineages() { try? collect(lineage, store) }
            }
        } catch { throw error.awsError }
        readers.remove(id)
        try catalog.removeSnapshot(id)
        releaseRetiredSnapshots()
    }

    /// Where a snapshot's blocks are; nil where a removal that was cut short has left nothing that tells.
    private func lineage(of id: SnapshotID, _ store: SnapshotStore) -> LineageID? {
        if let manifest = try? SnapshotManifest.kept(id, in: store.storage) { return manifest.header.lineage }
        // Of one that failed its note tells where blocks may be left.
        return (try? store.state(id))?.lineage
    }

    /// Frees the blocks that no snapshot names any more. Where one is being made, its successor's end does it.
    func collect(_ lineage: LineageID, _ store: SnapshotStore) throws(SnapshotError) {
        do throws(SnapshotError) {
            _ = try SnapshotCollector(store).collect(lineage)
        } catch .lineageBusy {}
    }

    // MARK: - Parts that the other verbs share

    /// The snapshot that `reference` names, of the caller's region or another, for a caller who may do `action` with it.
    func permittedSnapshot(
        _ reference: String,
        in region: Region? = nil,
        to action: String,
        on others: [ActionResource] = [],
        facts: [String: [String]] = [:],
        isDryRun: Bool = false,
        caller: Caller
    ) async throws -> SnapshotRecord {
        try await permitted(
            reference,
            to: action,
            on: others,
            facts: facts,
            isDryRun: isDryRun,
            caller: caller,
            kind: "snapshot",
            missing: .snapshotNotFound,
            find: { try catalog.snapshot(reference, in: region ?? $0) },
            resource: { self.resource($0) }
        )
    }

    /// Refuses a snapshot that is being made, or has failed.
    func requireCompleted(_ record: SnapshotRecord) throws {
        guard try describe([record])[0].state == .completed else {
            throw AWSError(
                .incorrectState,
                "Snapshot '\(record.id)' is not completed.",
                hint: "see how far it is with `coffer snapshot show \(record.label)`"
            )
        }
    }

    /// A snapshot as policies see it.
    nonisolated func resource(_ snapshot: SnapshotRecord) -> ActionResource {
        ActionResource(
            arn: ARN.snapshot(snapshot.id, region: snapshot.region).description,
            tags: snapshot.tags,
            facts: [
                "ec2:Owner": [identity.account.digits],
                "ec2:SnapshotTime": [snapshot.started.iso8601],
                "ec2:VolumeSize": ["\(VolumeLimits.gibibytes(snapshot.sizeBytes))"],
                "ec2:Encrypted": ["\(snapshot.isEncrypted)"],
            ]
        )
    }

    /// The home's folder of snapshots, made at its first use.
    nonisolated func openSnapshots() throws -> SnapshotFolder {
        try Folder.make(paths.snapshotsFolder, mode: 0o700)
        do {
            return try SnapshotFolder(path: paths.snapshotsFolder)
        } catch { throw error.awsError }
    }

    /// The id of a snapshot as a request has it.
    public nonisolated static func snapshotID(_ text: String) throws -> SnapshotID {
        if let id = SnapshotID(text) { return id }
        guard text.hasPrefix("snap-"), text.utf8.count == 13,
            text.utf8.dropFirst(5).allSatisfy(Hex.isLowerDigit)
        else {
            throw AWSError(
                .snapshotIDMalformed,
                "Invalid id: \"\(text.prefix(64))\" (expecting \"snap-...\")"
            )
        }
        throw AWSError(.snapshotNotFound, "The snapshot '\(text)' does not exist.")
    }
}

/// What a request for a snapshot may hold.
enum SnapshotRules {
    static let descriptionCharacters = 255

    static func check(name: String?, description: String, _ tags: [Tag]) throws {
        if let name { try checkName(name) }
        guard description.utf16.count <= descriptionCharacters,
            description.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else {
            throw AWSError(
                .invalidParameterValue,
                "A description has at most \(descriptionCharacters) printable characters."
            )
        }
        try TagRules.check(tags)
    }

    /// As a volume's, but for the form of ids.
    private static func checkName(_ name: String) throws {
        guard !name.hasPrefix("snap-") else {
            throw AWSError(.invalidParameterValue, "a snapshot's name does not begin with \"snap-\"")
        }
        try VolumeService.checkName(name)
    }
}

extension SnapshotRecord {
    /// What a person calls the snapshot: its name, else its id.
    var label: String { name ?? id.text }
}
