internal import CofferCatalog
internal import CofferEBS
public import CofferShapes

extension DatabaseService {
    /// The instances of the region, or the one that is named. (`DescribeDBInstances`)
    public func describeDBInstances(_ identifier: String? = nil, caller: Caller) async throws -> [Database] {
        if let identifier {
            let record = try await permitted(identifier, to: "DescribeDBInstances", caller: caller)
            return [try describe(record)]
        }
        try await require("DescribeDBInstances", "db", "*", caller: caller)
        return try catalog.databases(in: region(of: caller)).map(describe)
    }

    /// An instance as it is now.
    func describe(_ record: DatabaseRecord) throws -> Database {
        let isSupervised = SupervisorLock.isHeld(paths.lock(record.identifier))
        let supervisor = isSupervised ? SupervisorStatus.read(paths.status(record.identifier)) : nil
        let (status, reason) = status(record, isSupervised: isSupervised, supervisor)
        let site = try site(of: record)
        let engine = record.engine.engine
        let hasBackups = record.backupRetentionDays > 0 && record.stage == .ready
        return Database(
            record: record,
            arn: arn("db", record.identifier.text, record.region),
            status: status,
            statusReason: reason,
            url: status.isUsable ? engine.url(site) : nil,
            address: record.stage == .ready ? engine.address(site) : nil,
            latestRestorableTime: hasBackups ? try latestRestorable(record, supervisor) : nil,
            earliestRestorableTime: hasBackups ? try earliestRestorable(record) : nil,
            figures: supervisor?.figures ?? EngineFigures(),
            waitingParameters: supervisor?.waiting ?? [],
            supervisorProcessID: supervisor?.processID,
            engineProcessID: supervisor?.engineProcessID,
            startCount: supervisor?.startCount ?? 0
        )
    }

    /// What an instance is: as its record says, as far as the processes bear it out.
    private func status(
        _ record: DatabaseRecord,
        isSupervised: Bool,
        _ supervisor: SupervisorStatus?
    ) -> (DatabaseStatus, String?) {
        switch record.stage {
        case .deleting: return (.deleting, record.failure)
        case .failed: return (record.origin == .empty ? .failed : .restoreError, record.failure)
        case .creating:
            if isSupervised { return (.creating, supervisor?.message) }
            return (
                .failed,
                "its creation was cut short: delete it with `coffer-rds delete \(record.identifier) "
                    + "--skip-final-snapshot`"
            )
        case .ready: break
        }
        if let lost = record.keyLost, !isSupervised { return keyStatus(record, lost) }
        switch (record.wanted, isSupervised) {
        case (.stopped, true): return (.stopping, supervisor?.message)
        case (.stopped, false): return (.stopped, nil)
        case (.running, false):
            return (
                .stopped,
                "it was running when its supervisor ended: start it with `coffer-rds start \(record.identifier)`"
            )
        case (.running, true): return (supervisor?.phase.status ?? .starting, supervisor?.message)
        }
    }

    private func keyStatus(_ record: DatabaseRecord, _ lost: Timestamp) -> (DatabaseStatus, String?) {
        guard isPastRecovery(record, lost) else {
            return (
                .keyRecoverable,
                "its KMS key \(record.kmsKeyARN) cannot be used: bring the key back, then "
                    + "`coffer-rds start \(record.identifier)`"
            )
        }
        return (
            .keyLost,
            "its KMS key \(record.kmsKeyARN) could not be used for too long: restore it from a backup"
        )
    }

    /// Whether an instance whose key was lost at `lost` can no longer be started. One without backups never could.
    func isPastRecovery(_ record: DatabaseRecord, _ lost: Timestamp) -> Bool {
        let limit = UInt64(record.keyWatch.recoverySeconds) * 1_000_000_000
        return clock.now.nanoseconds > lost.nanoseconds + limit
    }

    // MARK: - Times that it can be restored to

    private func latestRestorable(
        _ record: DatabaseRecord,
        _ supervisor: SupervisorStatus?
    ) throws -> Timestamp? {
        let noted = record.latestRestorable
        guard let told = supervisor?.latestRestorable else { return noted }
        return max(told, noted ?? told)
    }

    private func earliestRestorable(_ record: DatabaseRecord) throws -> Timestamp? {
        try catalog.databaseSnapshots(in: record.region)
            .filter { $0.source.id == record.id && $0.kind == .automated && $0.failure == nil }
            .map(\.originalTime).min()
    }
}

extension SupervisorStatus.Phase {
    var status: DatabaseStatus {
        switch self {
        case .starting: .starting
        case .available: .available
        case .backingUp: .backingUp
        case .modifying: .modifying
        case .rebooting: .rebooting
        case .stopping: .stopping
        case .storageFull: .storageFull
        case .failed: .failed
        }
    }
}
