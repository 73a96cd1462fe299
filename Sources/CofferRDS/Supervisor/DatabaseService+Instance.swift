internal import CofferCatalog
internal import CofferEBS
internal import CofferShapes
internal import CofferSystem
internal import Glibc
internal import Logging

// What a supervisor has the service do for its instance.
extension DatabaseService {
    /// Makes a new instance's volume in the name of who asked for the instance, and takes the grants with which it goes on
    /// by itself.
    func makeVolume(of record: DatabaseRecord) async throws -> DatabaseRecord {
        var maker = Caller(principal: record.maker, via: .rds, region: record.region)
        maker.via = .rds
        var request = CreateVolumeRequest(
            sizeBytes: UInt64(record.allocatedGiB) << 30,
            isEncrypted: record.isEncrypted,
            key: record.isEncrypted ? KeyReference(record.kmsKeyARN.description) : nil
        )
        request.tags = [Tag(key: "coffer:database", value: record.identifier.text)]
        switch record.origin {
        case .empty: break
        case .snapshot(let snapshot), .time(let snapshot, _, _): request.snapshot = snapshot.text
        }
        let volume = try await volumes.createVolume(request, caller: maker)
        guard let made = try catalog.change(record.id, { $0.volume = volume.id }) else {
            throw AWSError(.databaseNotFound, "DBInstance \(record.identifier) was deleted meanwhile.")
        }
        let source = request.snapshot == nil ? nil : record.kmsKeyARN
        try await takeGrants(made, volume: volume.id, reading: source, caller: maker)
        return made
    }

    /// Mounts the instance's volume, in the instance's own name.
    func mount(_ record: DatabaseRecord) async throws {
        guard let volume = record.volume else {
            throw AWSError(.invalidDatabaseState, "DB instance \(record.identifier) has no volume")
        }
        let mount = paths.mount(record.identifier)
        _ = try await volumes.mountVolume(
            volume.text,
            on: mount,
            options: MountOptions(mountOptions: geteuid() == 0 ? "nosuid,nodev,noatime" : nil),
            caller: infrastructure(record)
        )
        for folder in ["data", "log", "tmp"] { try Folder.make("\(mount)/\(folder)", mode: 0o700) }
    }

    /// The instance is whole and its key is there.
    func markReady(_ id: DatabaseID) throws {
        let isNew = try existing(id).stage == .creating
        let ready = try catalog.change(id) { record in
            record.stage = .ready
            record.keyLost = nil
        }
        if isNew, let ready { note(ready, "creation", "DB instance created") }
    }

    /// Whether an instance that may have any port has one that is somebody's.
    func hasTakenPort(_ id: DatabaseID) throws -> Bool {
        let record = try existing(id)
        return record.hasAnyPort && record.port > 0 && !LocalPort.isFree(record.port)
    }

    func chooseFreePort(of id: DatabaseID) throws {
        guard try hasTakenPort(id) else { return }
        let port = try freePort(from: existing(id).port + 1)
        try catalog.change(id) { $0.port = port }
    }

    /// What is wrong with the instance's volume, whose daemon may have been killed, or has seen a sync fail; nil where
    /// nothing is.
    func volumeFailure(of id: DatabaseID) async -> String? {
        guard let record = try? catalog.database(id: id), let id = record.volume,
            let volume = try? await volumes.describeVolumes([id.text], caller: infrastructure(record)).first
        else { return nil }
        switch volume.attachment {
        case .crashed, .faulted, .detached: return volume.stateReason ?? "its volume is \(volume.attachment)"
        case .attached, .working, .hung, .elsewhere: return nil
        }
    }

    /// Takes a volume away whose daemon has died, where its supervisor does not for some seconds: a daemon that is killed
    /// while it holds the filesystem still leaves all who write to it waiting in the kernel, the supervisor among them.
    /// Until the task is cancelled.
    func freeCrashedVolume(of id: DatabaseID) async {
        var looks = 0
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(2))  // Cancelled, it looks once more at most.
            guard let record = try? catalog.database(id: id), let volume = record.volume,
                let now = try? await volumes.describeVolumes([volume.text], caller: infrastructure(record))
                    .first,
                now.attachment == .crashed
            else {
                looks = 0
                continue
            }
            looks += 1
            guard looks > 1 else { continue }
            logger.error("taking away what the volume's daemon has left")
            // What is in the way of it is told by the supervisor's own try.
            try? await volumes.unmountVolume(volume.text, force: true, caller: infrastructure(record))
        }
    }

    /// Whether hardly any room is left on the instance's filesystem: less than one part in two hundred.
    nonisolated func isFull(_ identifier: DatabaseIdentifier) -> Bool {
        var status = statvfs()
        guard unsafe statvfs(paths.mount(identifier), &status) == 0 else { return false }
        return status.f_bavail < status.f_blocks / 200
    }

    /// The archive of an instance, which may be gone, as `record` may read it that is made of it.
    func archive(ofFormer source: DatabaseID, for record: DatabaseRecord) -> DatabaseArchive {
        DatabaseArchive(
            folder: paths.archive(source),
            database: source,
            keyARN: record.kmsKeyARN,
            keys: keys,
            caller: Caller(principal: record.maker, via: .rds, region: record.region)
        )
    }

    // MARK: - Automated backups

    /// Whether there is no automated snapshot yet that the archive goes on from, which has no gap since `began`, or it is
    /// time for another.
    func isBackupDue(_ record: DatabaseRecord, since began: Timestamp?) async throws -> Bool {
        guard record.backupRetentionDays > 0, record.stage == .ready else { return false }
        guard let last = try bases(of: record, since: began).last else { return true }
        if try await describe(last).status == .failed {
            return clock.now.nanoseconds > last.created.nanoseconds + 60_000_000_000
        }
        let window = try BackupWindow(record.backupWindow)
        return window.contains(clock.now)
            && clock.now.nanoseconds > last.created.nanoseconds + 3_600_000_000_000
    }

    /// Whether there is a complete automated snapshot that the archive goes on from.
    func hasBase(_ record: DatabaseRecord, since began: Timestamp?) async throws -> Bool {
        for snapshot in try bases(of: record, since: began)
        where try await describe(snapshot).status == .available { return true }
        return false
    }

    private func bases(
        of record: DatabaseRecord,
        since began: Timestamp?
    ) throws -> [DatabaseSnapshotRecord] {
        try automatedSnapshots(of: record).filter { snapshot in
            began.map { snapshot.originalTime >= $0 } ?? true
        }
    }

    func makeAutomatedSnapshot(of record: DatabaseRecord) async throws {
        let minute = clock.now.iso8601.prefix(16).map { $0 == "T" || $0 == ":" ? "-" : $0 }
        let base = "\(DatabaseIdentifier.automatedPrefix)\(record.identifier)-\(String(minute))"
        let taken = Set(try catalog.databaseSnapshots(in: record.region).map(\.identifier.text))
        let names = [base] + (2...99).map { "\(base)-\($0)" }
        guard let name = names.first(where: { !taken.contains($0.lowercased()) }),
            let identifier = DatabaseIdentifier(snapshot: name)
        else { return }
        _ = try await snapshot(record, as: identifier, .automated)
    }

    func isBeingSnapshotted(_ record: DatabaseRecord) async throws -> Bool {
        guard let last = try automatedSnapshots(of: record).last else { return false }
        return try await describe(last).status == .creating
    }

    /// Takes automated snapshots away that are older than the retention, all but the newest of those: what is archived
    /// since then needs it.
    func removeExpiredBackups(of record: DatabaseRecord) async throws {
        let kept = UInt64(max(record.backupRetentionDays, 0)) * 86_400_000_000_000
        let limit = clock.now.nanoseconds - min(clock.now.nanoseconds, kept)
        let expired = try automatedSnapshots(of: record).filter { $0.originalTime.nanoseconds < limit }
        for snapshot in expired.dropLast() { try await discard(snapshot) }
        // The archive goes on from the oldest that is left.
        guard expired.count > 1, let oldest = try automatedSnapshots(of: record).first else { return }
        try await record.engine.engine.prune(
            archive(of: record, caller: infrastructure(record)),
            keeping: oldest.originalTime
        )
    }

    private func automatedSnapshots(of record: DatabaseRecord) throws -> [DatabaseSnapshotRecord] {
        try catalog.databaseSnapshots(in: record.region)
            .filter { $0.source.id == record.id && $0.kind == .automated }
    }
}
