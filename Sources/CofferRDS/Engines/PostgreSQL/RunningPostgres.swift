internal import CofferCatalog
internal import CofferShapes
internal import CofferSystem
internal import Glibc
internal import Logging

/// A server that runs for clients.
final class RunningPostgres: RunningEngine, @unchecked Sendable {
    // Sendable: its one supervisor asks one thing after the other.

    private var cluster: PostgresCluster
    private let process: PostgresProcess
    private var archiver: PostgresArchiver
    private var hasEnded = false
    private var lastFigures = EngineFigures()
    private var lastAsked: ContinuousClock.Instant?
    private var lastAnswer = ContinuousClock.now
    private var silence = ""
    /// What the databases' statistics said first: they count from before this start.
    private var firstCommits: UInt64?

    private static let figuresPeriod = Duration.seconds(5)
    private static let answerLimit = Duration.seconds(60)
    private static let lastArchivingLimit = Duration.seconds(60)

    init(_ cluster: PostgresCluster, _ process: PostgresProcess) throws {
        (self.cluster, self.process) = (cluster, process)
        archiver = try PostgresArchiver(cluster)
    }

    var processID: Int32? { process.id }

    func failure() -> String? {
        hasEnded = hasEnded || process.hasEnded
        if hasEnded { return "PostgreSQL has ended: \(cluster.lastWords(process))" }
        guard ContinuousClock.now > lastAnswer + Self.answerLimit else { return nil }
        return "PostgreSQL has not answered for \(Self.answerLimit): \(silence)"
    }

    // MARK: - Archive

    private var keepsArchive: Bool { cluster.site.record.backupRetentionDays > 0 }

    /// The server itself keeps what is not archived: there are no gaps.
    var historyBegan: Timestamp? { nil }

    func takeNews() -> [EngineNews] { [] }

    var latestRestorable: Timestamp? { keepsArchive ? archiver.latestRestorable : nil }

    func archiveNew(isLast: Bool) async throws {
        try await archiver.serve()
        guard isLast, keepsArchive else { return }
        try await look()
        _ = try await cluster.sql("SELECT pg_switch_wal()")
        let deadline = ContinuousClock.now + Self.lastArchivingLimit
        repeat {
            try await archiver.serve()
            // The server notes a closed segment a moment after it has closed it.
            try await Task.sleep(for: .milliseconds(50))
        } while try !archiver.isIdle && ContinuousClock.now < deadline
        guard try archiver.isIdle else {
            throw AWSError(
                .internalError,
                "not all of the log was archived in time; the rest stays on the volume"
            )
        }
    }

    // MARK: - Settings

    func reload(_ site: EngineSite) async throws -> [String] {
        cluster = try PostgresCluster(site)
        try await cluster.configure(.service)
        kill(process.id, SIGHUP)
        // The server reads its files in its own time.
        try await Task.sleep(for: .milliseconds(300))
        return try await cluster.sql("SELECT name FROM pg_settings WHERE pending_restart ORDER BY name")
    }

    // MARK: - Figures

    func figures() async -> EngineFigures {
        let now = ContinuousClock.now
        if let lastAsked, now < lastAsked + Self.figuresPeriod { return lastFigures }
        let isFirst = lastAsked == nil
        lastAsked = now
        do {
            try await look()
            // A server that nobody uses closes no segment by itself: the archive begins with what its start has written.
            if isFirst, keepsArchive { _ = try await cluster.sql("SELECT pg_switch_wal()") }
        } catch {
            silence = "\(error)"
        }
        if let latest = latestRestorable {
            let behind =
                cluster.site.clock.now.nanoseconds
                - min(latest.nanoseconds, cluster.site.clock.now.nanoseconds)
            lastFigures.archiveLagSeconds = Double(behind / 1_000_000) / 1000
        }
        return lastFigures
    }

    /// Asks the server for its figures, and where its log is.
    private func look() async throws {
        let result = try await cluster.trySQL(
            """
            SELECT floor(extract(epoch FROM statement_timestamp()) * 1000000)::bigint,
              pg_snapshot_xmin(pg_current_snapshot()), pg_snapshot_xmax(pg_current_snapshot()),
              (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint,
              coalesce(sum(numbackends) FILTER (WHERE datname <> '\(PostgresCluster.administration)'), 0),
              coalesce(sum(xact_commit) FILTER (WHERE datname <> '\(PostgresCluster.administration)'), 0),
              coalesce(sum(pg_database_size(datid)), 0)
            FROM pg_stat_database WHERE datid <> 0
            """,
            limitSeconds: 10
        )
        if case .failure(let failure) = result, failure.isServerThere { lastAnswer = .now }
        let rows = try result.get().rows
        lastAnswer = .now
        let values = rows.first.map { $0.split(separator: "|").compactMap { UInt64($0) } } ?? []
        guard values.count == 7 else { throw AWSError(.internalError, "PostgreSQL tells no figures") }
        archiver.add(
            PostgresArchiver.Moment(
                time: Timestamp(nanoseconds: values[0] * 1000),
                position: values[3],
                oldest: values[1],
                next: values[2]
            )
        )
        firstCommits = firstCommits ?? values[5]
        lastFigures.connections = Int(exactly: values[4])
        lastFigures.transactions = values[5] - min(values[5], firstCommits ?? 0)
        lastFigures.databaseBytes = values[6]
    }

    // MARK: - End

    func stop() async throws {
        try await cluster.stop(process) { [self] in
            // What cannot be archived now is told so, and stays on the volume.
            do { try await archiver.serve() } catch { cluster.exchange.refuseAll() }
        }
        hasEnded = true
    }
}
