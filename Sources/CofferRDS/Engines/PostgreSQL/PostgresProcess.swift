internal import CofferCatalog
internal import CofferShapes
internal import CofferSystem
internal import Glibc
internal import Logging

/// The server's first process, a child of this one.
final class PostgresProcess: Sendable {
    let id: Int32
    /// Where its words begin in the log.
    let logStart: Int64

    init(id: Int32, logStart: Int64) { (self.id, self.logStart) = (id, logStart) }

    /// Whether it has ended; its remains are taken.
    var hasEnded: Bool { ChildProcess.hasEnded(id) }

    deinit { _ = ChildProcess.hasEnded(id) }
}

extension PostgresCluster {
    var logPath: String { "\(site.logFolder)/postgresql.log" }
    /// A log that is larger is set aside at a start, in the place of the one before.
    private static let logBytes = 16 << 20
    /// How long a server may take until it answers: it may have to go through all of its log.
    private static let startLimit = Duration.seconds(6 * 3600)

    /// Starts the server.
    func launch() throws -> PostgresProcess {
        var status = stat()
        if unsafe lstat(logPath, &status) == 0, status.st_size > Self.logBytes {
            unsafe rename(logPath, logPath + ".1")
        }
        let log = unsafe open(logPath, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard log >= 0 else {
            throw AWSError(.internalError, "cannot open \(logPath): \(SystemError.text(errno))")
        }
        defer { close(log) }
        let null = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { close(null) }
        let start = lseek(log, 0, SEEK_END)
        let command = try user.command(installation.path("postgres"), ["-D", site.data])
        // setpriv becomes the server: its process is the server's.
        let id = try ChildProcess.spawn(
            command.program,
            command.arguments,
            descriptors: [(child: 0, parent: null), (child: 1, parent: log), (child: 2, parent: log)],
            environment: ChildProcess.toolEnvironment,
            newSession: true
        )
        return PostgresProcess(id: id, logStart: Int64(start))
    }

    /// Returns once the superuser can connect. `meanwhile` is called again and again. Throws with the log's last words where
    /// the server ends before.
    func awaitReady(
        _ process: PostgresProcess,
        in database: String = administration,
        meanwhile: () async throws -> Void = {}
    ) async throws {
        let begin = ContinuousClock.now
        var nextAsking = begin
        var pause = Duration.milliseconds(20)
        while true {
            try await meanwhile()
            guard !process.hasEnded else { throw startFailure(process) }
            if ContinuousClock.now >= nextAsking {
                if case .rows = try await trySQL("SELECT 1", in: database) { return }
                pause = min(pause * 2, .milliseconds(500))
                nextAsking = .now + pause
            }
            guard ContinuousClock.now < begin + Self.startLimit else {
                throw AWSError(.internalError, "PostgreSQL did not get ready: \(lastWords(process))")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    private func startFailure(_ process: PostgresProcess) -> AWSError {
        let words = lastWords(process)
        if words.contains("could not create any TCP/IP sockets") || words.contains("could not bind") {
            return AWSError(
                .invalidParameterValue,
                "PostgreSQL cannot listen at port \(site.record.port): \(words)",
                hint: "another program listens there: end it, or choose another port with `coffer-rds modify "
                    + "\(site.record.identifier) --port`"
            )
        }
        return AWSError(
            .internalError,
            "PostgreSQL did not start: \(words)",
            hint: "all that it said is in \(logPath)"
        )
    }

    /// What the log has since the process was started, at most its last 64 KiB.
    func log(of process: PostgresProcess) -> String {
        let descriptor = unsafe open(logPath, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        let end = lseek(descriptor, 0, SEEK_END)
        var room = [UInt8](repeating: 0, count: 65536)
        let start = max(Int(process.logStart), end - room.count)
        let got = unsafe pread(descriptor, &room, room.count, start)
        return String(decoding: room.prefix(max(0, got)), as: UTF8.self)
    }

    /// The last line that tells of a failure, else the last one; without the statement that it may be about.
    func lastWords(_ process: PostgresProcess) -> String {
        let lines = log(of: process).split(separator: "\n").filter { !$0.contains("STATEMENT:") }
        let fatal = lines.last { $0.contains("FATAL:") || $0.contains("PANIC:") }
        return String((fatal ?? lines.last ?? "it said nothing").prefix(300))
    }

    /// Ends the server so that nothing is lost: clients are told to leave, then left behind. `meanwhile` is called again
    /// and again, as the server archives what is left.
    func stop(_ process: PostgresProcess, meanwhile: () async -> Void = {}) async throws {
        for (signal, seconds) in [(SIGINT, 60), (SIGQUIT, 10), (SIGKILL, 5)] {
            if process.hasEnded { break }
            kill(process.id, signal)
            let deadline = ContinuousClock.now + .seconds(seconds)
            while !process.hasEnded, ContinuousClock.now < deadline {
                await meanwhile()
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        try await endLeftovers()
    }
}
