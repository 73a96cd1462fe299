public import CofferCatalog
internal import CofferEBS
internal import CofferShapes
internal import CofferSystem
internal import Glibc
internal import Logging

/// Runs one instance: makes it where it is new, mounts its volume, starts its engine, keeps its archive, makes its
/// automated snapshots, watches over its KMS key, and ends it cleanly. The body of `coffer-rds supervise`.
///
/// SIGTERM stops the instance, SIGUSR1 restarts its engine, SIGHUP has changed settings taken over.
public actor Supervisor {
    let service: DatabaseService
    let id: DatabaseID
    private let password: MasterPassword?
    private let lock: SupervisorLock
    private let signals: SignalInbox
    private let logger: Logger
    var status: SupervisorStatus
    var identifier: DatabaseIdentifier
    private var engine: (any RunningEngine)?
    private var keyWatch: KeyWatcher
    private var restarts = RestartDelay()
    /// Whether there is a snapshot that the archive goes on from.
    private var hasBase = false

    /// nil where the instance has a supervisor.
    public init?(_ service: DatabaseService, _ record: DatabaseRecord, password: MasterPassword?) throws {
        try service.paths.prepareRuntime(record.identifier)
        guard let lock = try SupervisorLock(service.paths.lock(record.identifier)) else { return nil }
        (self.service, self.password, self.lock) = (service, password, lock)
        (id, identifier) = (record.id, record.identifier)
        logger = service.logger
        signals = SignalInbox([SIGTERM, SIGINT, SIGHUP, SIGUSR1])
        keyWatch = KeyWatcher(period: record.keyWatch.periodSeconds)
        status = SupervisorStatus(processID: getpid(), phase: .starting, since: service.clock.now)
    }

    /// Returns when the instance has stopped. Throws what it fails of; the status file has it too.
    public func run() async throws {
        defer { withExtendedLifetime(lock) {} }
        let watchdog = Task.detached { [service, id] in await service.freeCrashedVolume(of: id) }
        defer { watchdog.cancel() }
        do {
            try await begin()
            try await serve()
        } catch {
            await fail(error)
            throw error
        }
    }

    // MARK: - Begin

    private func begin() async throws {
        tell(.starting, "preparing")
        let record = try await service.existing(id)
        try await service.endLeftovers(record)
        if record.stage == .creating {
            try await make(record)
        } else {
            tell(.starting, "mounting the volume")
            try await service.mount(record)
        }
        tell(.starting, "starting the engine")
        if record.stage == .creating {
            try await startNewEngine()
        } else {
            try await startEngine()
        }
        try await service.markReady(id)
        tell(.available)
    }

    /// What only a new instance needs, up to where its engine can be started.
    private func make(_ record: DatabaseRecord) async throws {
        tell(.starting, "making the volume")
        let made = try await service.makeVolume(of: record)
        tell(.starting, "mounting the volume")
        try await service.mount(made)
        let site = try await service.site(of: made)
        let engine = record.engine.engine
        switch record.origin {
        case .empty:
            tell(.starting, "making the database")
            try await engine.create(site, password: password)
        case .snapshot:
            tell(.starting, "checking what the snapshot holds")
            try await engine.restore(site, from: nil, to: nil)
        case .time(_, let source, let target):
            tell(.starting, "going forward to \(target.iso8601)")
            try await engine.restore(
                site,
                from: await service.archive(ofFormer: source, for: made),
                to: target
            )
        }
    }

    /// As `startEngine`, and with another port where somebody took the one that was free when it was chosen.
    private func startNewEngine() async throws {
        for _ in 0..<10 {
            try await service.chooseFreePort(of: id)
            do {
                return try await startEngine()
            } catch {
                guard try await service.hasTakenPort(id) else { throw error }
            }
        }
        try await startEngine()
    }

    private func startEngine() async throws {
        let record = try await service.existing(id)
        let running = try await record.engine.engine.start(try await service.site(of: record))
        engine = running
        status.engineProcessID = running.processID
        status.startCount += 1
    }

    // MARK: - Serve

    /// How often the loop comes round, and how often it looks at what need not be looked at each time.
    private static let tick = Duration.milliseconds(100)
    private static let ticksPerLook = 10

    private func serve() async throws {
        var number = 0
        while true {
            for signal in signals.take() {
                switch signal {
                case SIGHUP: try await reload()
                case SIGUSR1: try await reboot()
                default: return try await stop()
                }
            }
            if let engine {
                if let reason = engine.failure() {
                    try await recover(reason)
                } else {
                    try await archive(engine)
                }
            }
            if number % Self.ticksPerLook == 0 {
                if let reason = await service.volumeFailure(of: id) {
                    try await recover(reason, hasVolume: false)
                }
                try await look()
            }
            if try await isKeyLost() { return }
            number += 1
            try await Task.sleep(for: Self.tick)
        }
    }

    private func archive(_ engine: any RunningEngine) async throws {
        do {
            try await engine.archiveNew(isLast: false)
            status.latestRestorable = hasBase ? engine.latestRestorable : nil
        } catch {
            // It is tried again; meanwhile the engine keeps what is not archived, and the lag shows.
            logger.error("archiving failed", metadata: ["error": "\(error)"])
        }
    }

    /// Figures, retention and automated snapshots.
    private func look() async throws {
        if let engine {
            status.figures = await engine.figures()
            for news in engine.takeNews() { try await note(news.category, news.text) }
        }
        await backUp()
        if status.phase == .available || status.phase == .storageFull {
            let isFull = service.isFull(identifier)
            if isFull != (status.phase == .storageFull) {
                tell(
                    isFull ? .storageFull : .available,
                    isFull ? "no room is left: `coffer-rds modify \(identifier) --size` gives it more" : nil
                )
            }
        }
        status.write(service.paths.status(identifier))
    }

    private func backUp() async {
        do {
            guard let record = try service.catalog.database(id: id) else { return }
            let began = engine?.historyBegan
            hasBase = try await service.hasBase(record, since: began)
            if try await service.isBackupDue(record, since: began) {
                tell(.backingUp, "making the automated snapshot")
                try await service.makeAutomatedSnapshot(of: record)
            }
            if status.phase == .backingUp, try await !service.isBeingSnapshotted(record) { tell(.available) }
            try await service.removeExpiredBackups(of: record)
        } catch {
            logger.error("the automated backup failed", metadata: ["error": "\(error)"])
            if status.phase == .backingUp { tell(.available) }
        }
    }

    private func reload() async throws {
        guard let record = try service.catalog.database(id: id), let engine else { return }
        let waiting = try await engine.reload(try await service.site(of: record))
        status.waiting = waiting
        status.message = waiting.isEmpty ? nil : "waiting for a restart: \(waiting.joined(separator: ", "))"
        status.write(service.paths.status(identifier))
    }

    private func reboot() async throws {
        tell(.rebooting)
        try await engine?.stop()
        engine = nil
        status.waiting = nil
        try await startEngine()
        tell(.available)
        try await note("availability", "DB instance restarted")
    }

    /// The engine has ended, or the volume below it. Both are begun anew, with a pause that grows.
    private func recover(_ reason: String, hasVolume: Bool = true) async throws {
        logger.error("the engine has failed", metadata: ["reason": "\(reason)"])
        try await note("failure", "The engine has failed and is started again: \(reason)")
        try await Task.sleep(for: restarts.next())
        tell(.starting, "recovering")
        let record = try await service.existing(id)
        if hasVolume {
            try? await engine?.stop()  // What is left of it is ended below.
        } else if let process = engine?.processID {
            // There is nothing left for it to write to.
            kill(process, SIGQUIT)
        }
        engine = nil
        try await service.endLeftovers(record)
        try await service.mount(record)
        try await startEngine()
        tell(.available)
        try await note("recovery", "Recovery of the DB instance is complete")
    }

    // MARK: - End

    private func stop() async throws {
        tell(.stopping)
        try await end()
        try await note("notification", "DB instance stopped")
    }

    /// Ends engine and mount, in the order in which nothing is lost.
    private func end() async throws {
        let record = try await service.existing(id)
        if let engine {
            try? await engine.archiveNew(isLast: true)  // What is not archived stays on the volume.
            if hasBase, let time = engine.latestRestorable {
                try service.catalog.change(id) { $0.latestRestorable = time }
            }
            try await engine.stop()
        }
        engine = nil
        try await service.endLeftovers(record)
    }

    /// Tries the KMS key where that is due. One that cannot be used ends the instance: its data is under that key.
    private func isKeyLost() async throws -> Bool {
        guard let record = try service.catalog.database(id: id) else { return false }
        guard keyWatch.isDue(), let error = await service.keyLoss(of: record) else { return false }
        logger.error("the KMS key cannot be used", metadata: ["error": "\(error)"])
        tell(.stopping, "its KMS key cannot be used: \(error)")
        let now = service.clock.now
        try service.catalog.change(id) { $0.keyLost = $0.keyLost ?? now }
        try await note(
            "failure",
            "The instance's KMS key cannot be used (\(error)): it was stopped in the state "
                + "inaccessible-encryption-credentials-recoverable"
        )
        try await end()
        return true
    }

    private func fail(_ error: any Error) async {
        let shown = error as? AWSError ?? AWSError(.internalError, "\(error)")
        logger.error("the instance has failed", metadata: ["error": "\(shown)"])
        engine = nil
        if let record = try? await service.existing(id) {
            try? await service.endLeftovers(record)  // The first error is the one to tell.
            if record.stage == .creating {
                _ = try? service.catalog.change(id) { ($0.stage, $0.failure) = (.failed, shown.description) }
            }
            await service.note(record, "failure", "The DB instance has failed: \(shown)")
        }
        status.failure = SupervisorStatus.Failure(shown)
        tell(.failed, shown.description)
    }

    // MARK: - Words

    private func tell(_ phase: SupervisorStatus.Phase, _ message: String? = nil) {
        if status.phase != phase { status.since = service.clock.now }
        (status.phase, status.message) = (phase, message)
        status.write(service.paths.status(identifier))
    }

    private func note(_ category: String, _ text: String) async throws {
        await service.note(try await service.existing(id), category, text)
    }
}
