internal import CofferCatalog
internal import CofferEBS
public import CofferShapes
internal import CofferSystem
internal import Glibc
internal import Logging

extension DatabaseService {
    /// Starts a stopped instance: one that was stopped, one whose supervisor died, or one whose KMS key is back. It is
    /// `starting`, and then `available`. (`StartDBInstance`)
    public func startDBInstance(_ identifier: String, caller: Caller) async throws -> Database {
        let record = try await permitted(identifier, to: "StartDBInstance", caller: caller)
        let now = try describe(record)
        guard [.stopped, .keyRecoverable].contains(now.status) else {
            throw refusal(now, "started")
        }
        do {
            try await tryKey(record.kmsKeyARN, of: record.id, caller: infrastructure(record))
        } catch let error as AWSError where error.code.kind != .internalFailure {
            throw Self.notAccessible(error, record.kmsKeyARN.description)
        }
        let started = try catalog.change(record.id) { $0.wanted = .running }
        try await launchSupervisor(of: record)
        return try describe(started ?? record)
    }

    /// Stops an instance: the engine ends, the volume is unmounted and its key forgotten. It stays stopped until somebody
    /// starts it. (`StopDBInstance`)
    public func stopDBInstance(
        _ identifier: String,
        snapshot: String? = nil,
        caller: Caller
    ) async throws -> Database {
        let record = try await permitted(identifier, to: "StopDBInstance", caller: caller)
        let now = try describe(record)
        // One whose supervisor died may have left an engine behind.
        let isOrphan = now.status == .stopped && record.wanted == .running
        guard now.status == .available || now.status == .backingUp || now.status == .storageFull || isOrphan
        else {
            throw refusal(now, "stopped")
        }
        if let snapshot { _ = try await createDBSnapshot(of: identifier, named: snapshot, caller: caller) }
        let stopped = try catalog.change(record.id) { $0.wanted = .stopped }
        if isOrphan { try await endLeftovers(record) }
        signalSupervisor(of: record, SIGTERM)
        return try describe(stopped ?? record)
    }

    /// Ends the engine and starts it again. (`RebootDBInstance`)
    public func rebootDBInstance(_ identifier: String, caller: Caller) async throws -> Database {
        let record = try await permitted(identifier, to: "RebootDBInstance", caller: caller)
        let now = try describe(record)
        guard now.status == .available || now.status == .backingUp else { throw refusal(now, "rebooted") }
        signalSupervisor(of: record, SIGUSR1)
        return try describe(record)
    }

    /// Starts the supervisors of all instances of the home that were running when their supervisors ended: at boot, and
    /// after a crash. Gives those that it started.
    public func resumeDBInstances() async throws -> [Database] {
        let ended = try catalog.databases().filter { record in
            record.stage == .ready && record.wanted == .running && record.keyLost == nil
                && !SupervisorLock.isHeld(paths.lock(record.identifier))
        }
        var started: [Database] = []
        for record in ended {
            try await launchSupervisor(of: record)
            started.append(try describe(record))
        }
        return started
    }

    /// Stops all instances of the home that run, as before the machine goes down: they stay wanted, and come back with
    /// `resumeDBInstances`. Returns when they have stopped.
    public func suspendDBInstances() async throws {
        let running = try catalog.databases().filter { SupervisorLock.isHeld(paths.lock($0.identifier)) }
        for record in running { signalSupervisor(of: record, SIGTERM) }
        for record in running { try await awaitNoSupervisor(of: record) }
    }

    func refusal(_ database: Database, _ done: String) -> AWSError {
        AWSError(
            .invalidDatabaseState,
            "Instance \(database.identifier) is not in a state in which it can be \(done): it is "
                + "\(database.status.rawValue).",
            hint: database.statusReason
        )
    }

    // MARK: - Deletion

    /// Begins to delete an instance, with its automated snapshots and its archive, after a last snapshot where one is
    /// wanted: its content is that of this moment. It is `deleting`, and then gone. (`DeleteDBInstance`)
    public func deleteDBInstance(_ request: DeleteDatabaseRequest, caller: Caller) async throws -> Database {
        let record = try await permitted(request.identifier, to: "DeleteDBInstance", caller: caller)
        guard !record.isProtected else {
            throw AWSError(
                .invalidParameterCombination,
                "Cannot delete protected DB Instance, please disable deletion protection and try again.",
                hint: "disable it with `coffer-rds modify \(record.identifier) --no-deletion-protection`"
            )
        }
        guard request.skipsFinalSnapshot != (request.finalSnapshot != nil) else {
            throw AWSError(
                .invalidParameterCombination,
                request.skipsFinalSnapshot
                    ? "FinalDBSnapshotIdentifier can not be specified when deleting an instance with SkipFinalSnapshot."
                    : "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."
            )
        }
        var last: DatabaseIdentifier?
        if let name = request.finalSnapshot, record.stage != .deleting {
            last = try await createDBSnapshot(of: request.identifier, named: name, caller: caller).record
                .identifier
        }
        let doomed = try catalog.change(record.id) { record in
            record.stage = .deleting
            record.wanted = .stopped
            record.finalSnapshot = last ?? record.finalSnapshot
            record.keepsBackups = !request.deletesAutomatedBackups
        }
        note(record, "deletion", "DB instance deletion has begun")
        return try describe(doomed ?? record)
    }

    /// Does what `deleteDBInstance` has begun, once the last snapshot is complete. Safe to repeat.
    public func finishDeletion(of id: DatabaseID, keepsBackups: Bool = false) async throws {
        guard let record = try catalog.database(id: id), record.stage == .deleting else { return }
        if let last = record.finalSnapshot { try await awaitLastSnapshot(last, of: record) }
        try await awaitNoSupervisor(of: record, telling: SIGTERM)
        try await endLeftovers(record)
        try await awaitSnapshots(of: record)
        if let volume = record.volume { try await deleteVolume(volume, of: record) }
        if !keepsBackups, record.keepsBackups != true {
            for snapshot in try catalog.databaseSnapshots(in: record.region)
            where snapshot.source.id == record.id && snapshot.kind == .automated {
                try await discard(snapshot)
            }
            try removeArchive(record)
        }
        await retireGrants(of: record)
        try catalog.remove(record.id)
        removeRuntime(record)
        note(record, "deletion", "DB instance deleted")
        logger.info("deleted database", metadata: ["database": "\(record.identifier)"])
    }

    /// Snapshots that are being made read the volume until they are complete.
    private func awaitSnapshots(of record: DatabaseRecord) async throws {
        for snapshot in try catalog.databaseSnapshots(in: record.region) where snapshot.source.id == record.id
        {
            while try await describe(snapshot).status == .creating {
                try await Task.sleep(for: .milliseconds(50))
            }
        }
    }

    /// An instance whose last snapshot fails is not deleted.
    private func awaitLastSnapshot(_ name: DatabaseIdentifier, of record: DatabaseRecord) async throws {
        // One that somebody has deleted meanwhile was complete.
        guard let snapshot = try catalog.databaseSnapshot(name, in: record.region) else { return }
        do {
            try await awaitCompletion(of: snapshot)
        } catch {
            let runs = SupervisorLock.isHeld(paths.lock(record.identifier))
            try catalog.change(record.id) { record in
                record.stage = .ready
                record.wanted = runs ? .running : .stopped
                record.finalSnapshot = nil
            }
            note(record, "deletion", "DB instance was not deleted: its final snapshot failed: \(error)")
            throw error
        }
    }

    private func deleteVolume(_ volume: VolumeID, of record: DatabaseRecord) async throws {
        do {
            try await volumes.deleteVolume(volume.text, caller: infrastructure(record))
        } catch let error as AWSError where error.code == .volumeNotFound {
            // An earlier try has deleted it.
        }
    }

    func removeArchive(_ record: DatabaseRecord) throws {
        let archive = archive(of: record, caller: infrastructure(record))
        for name in try FolderNames.sorted(in: archive.folder) { try archive.remove(name) }
        unsafe rmdir(archive.folder)
        unsafe rmdir(paths.folder(record.id))
    }

    /// Ends what a supervisor that died has left: an engine, a mount, a daemon.
    func endLeftovers(_ record: DatabaseRecord) async throws {
        guard let volume = record.volume else { return }
        try await record.engine.engine.endLeftovers(try site(of: record))
        do {
            try await volumes.unmountVolume(volume.text, force: true, caller: infrastructure(record))
        } catch let error as AWSError where error.code == .volumeNotFound {
            // An earlier try has deleted it.
        }
    }

    private func removeRuntime(_ record: DatabaseRecord) {
        let folder = paths.runtimeFolder(record.identifier)
        for path in [
            paths.status(record.identifier), paths.log(record.identifier), paths.lock(record.identifier),
        ] {
            unsafe unlink(path)
        }
        for name in (try? FolderNames.sorted(in: paths.socketFolder(record.identifier))) ?? [] {
            unsafe unlink("\(paths.socketFolder(record.identifier))/\(name)")
        }
        for path in [paths.socketFolder(record.identifier), paths.mount(record.identifier), folder] {
            unsafe rmdir(path)
        }
    }
}
