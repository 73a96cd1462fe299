internal import CofferCatalog
internal import CofferShapes
internal import Glibc
internal import Logging

/// An SQLite database under replication, or without backups left to its clients.
final class RunningSQLite: RunningEngine, @unchecked Sendable {  // Asked one thing after the other.
    private let site: EngineSite
    private let identity: FileIdentity
    private var replicator: Replicator?
    private var news: [EngineNews] = []

    /// Transactions that replicators before the present one have counted.
    private var counted: UInt64 = 0

    init(_ site: EngineSite) async throws {
        self.site = site
        guard let identity = FileIdentity(path: site.databasePath) else {
            throw AWSError(.internalError, "there is no database \(site.databasePath)")
        }
        self.identity = identity
        try await setReplicating(site.record.backupRetentionDays > 0)
    }

    var processID: Int32? { nil }

    func failure() -> String? {
        if let reason = replicator?.failure { return reason }
        guard let now = FileIdentity(path: site.databasePath) else {
            return "\(site.databasePath) is gone, or cannot be reached"
        }
        guard now == identity else { return "\(site.databasePath) was replaced by another file" }
        guard let replicator, FileIdentity(path: replicator.parts.wal.path) != replicator.parts.wal.identity
        else { return nil }
        return "\(replicator.parts.wal.path) is gone, or was replaced by another file"
    }

    func archiveNew(isLast: Bool) async throws {
        guard let replicator else { return }
        do {
            try await replicator.ship()
            if !isLast { try replicator.checkpointIfDue() }
        } catch let error as SQLiteFailure where error.isOfTheFile {
            replicator.fail("\(error)")
            throw error
        }
    }

    var latestRestorable: Timestamp? { replicator?.whole }
    var historyBegan: Timestamp? { replicator?.began }

    func takeNews() -> [EngineNews] {
        defer { news = [] }
        return news
    }

    /// Its parameters are its clients' to set; backups go on or off at once.
    func reload(_ site: EngineSite) async throws -> [String] {
        try await setReplicating(site.record.backupRetentionDays > 0)
        return []
    }

    private func setReplicating(_ isWanted: Bool) async throws {
        if isWanted, replicator == nil {
            let (begun, gap) = try await Replicator.start(site)
            replicator = begun
            if let gap { news.append(EngineNews(category: "backup", text: gap)) }
        } else if !isWanted {
            try await endReplicating()
            // What clients do from now on is in no archive: a later start begins anew.
            ReplicationState.remove(site.mount)
        }
    }

    func figures() async -> EngineFigures {
        var figures = EngineFigures()
        figures.databaseBytes = FileStamp(site.databasePath).map { UInt64($0.bytes) }
        if let replicator {
            figures.transactions = counted + replicator.transactions
            figures.archiveLagSeconds = max(0, site.clock.now.seconds - replicator.whole.seconds)
        }
        return figures
    }

    func stop() async throws { try await endReplicating() }

    /// Leaves the database as a process does that is killed, but for what SQLite does when nobody else has it open.
    func abandon() { replicator = nil }

    private func endReplicating() async throws {
        guard let ending = replicator else { return }
        replicator = nil
        counted += ending.transactions
        do {
            try await ending.stop()
        } catch {
            // The next start finds what is missing, or that it cannot be found.
            site.logger.error("the last of the log was not archived", metadata: ["error": "\(error)"])
        }
    }
}
