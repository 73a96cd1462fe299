internal import CofferCatalog
internal import CofferSecrets
public import CofferShapes
internal import CofferSystem
internal import Glibc

// An instance's supervisor: started, told, and waited for.
extension DatabaseService {
    /// Starts the instance's supervisor in a session of its own; does nothing where one is there. The password reaches it
    /// through a pipe. Returns when the supervisor has its lock, so that whoever looks next finds it.
    func launchSupervisor(of record: DatabaseRecord, password: MasterPassword? = nil) async throws {
        guard let processID = try spawnSupervisor(of: record, password: password) else { return }
        let deadline = ContinuousClock.now + .seconds(20)
        while !SupervisorLock.isHeld(paths.lock(record.identifier)) {
            guard kill(processID, 0) == 0, ContinuousClock.now < deadline else {
                throw AWSError(
                    .internalError,
                    "the supervisor of DB instance \(record.identifier) does not start",
                    hint: "its words are in \(paths.log(record.identifier))"
                )
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// The process; nil where there was one.
    private func spawnSupervisor(of record: DatabaseRecord, password: MasterPassword?) throws -> Int32? {
        guard !SupervisorLock.isHeld(paths.lock(record.identifier)) else { return nil }
        try paths.prepareRuntime(record.identifier)
        unsafe unlink(paths.status(record.identifier))
        let null = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
        let log = unsafe open(
            paths.log(record.identifier),
            O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
            0o600
        )
        defer {
            close(null)
            if log >= 0 { close(log) }
        }
        guard log >= 0 else {
            throw AWSError(
                .internalError,
                "cannot write \(paths.log(record.identifier)): \(SystemError.text(errno))"
            )
        }
        var arguments = ["supervise", record.identifier.text, "--region", record.region.name]
        arguments += ["--home", paths.home] + supervisorArguments
        var descriptors = [(child: Int32(0), parent: null), (child: 1, parent: log), (child: 2, parent: log)]
        var pipe: SecretPipe?
        if let password {
            let made = try SecretPipe(password.bytes)
            descriptors.append((child: 3, parent: made.reader))
            arguments.append("--password-on-descriptor-3")
            pipe = made
        }
        let processID = try ChildProcess.spawn(
            try paths.supervisor(),
            arguments,
            descriptors: descriptors,
            environment: Self.supervisorEnvironment(temporaryFolder: try site(of: record).temporaryFolder),
            newSession: true
        )
        withExtendedLifetime(pipe) {}
        // Whoever lives on takes the remains of what it started.
        Task {
            while !ChildProcess.hasEnded(processID) { try? await Task.sleep(for: .milliseconds(200)) }
        }
        return processID
    }

    /// What a supervisor inherits: where things are, and how it reaches a KMS elsewhere.
    private static func supervisorEnvironment(temporaryFolder: String) -> [String] {
        var result: [String] = []
        var next = unsafe environ
        while let entry = unsafe next.pointee {
            result.append(unsafe String(cString: entry))
            unsafe next += 1
        }
        // What a crash would print of its memory may be a key.
        return ["SWIFT_BACKTRACE=enable=no", "SQLITE_TMPDIR=\(temporaryFolder)"]
            + result.filter { entry in
                ["PATH=", "HOME=", "LANG=", "TMPDIR=", "XDG_", "COFFER_", "AWS_", "SSL_"].contains {
                    entry.hasPrefix($0)
                }
            }
    }

    /// Tells a running supervisor something; nothing where none runs.
    func signalSupervisor(of record: DatabaseRecord, _ signal: Int32) {
        guard SupervisorLock.isHeld(paths.lock(record.identifier)),
            let status = SupervisorStatus.read(paths.status(record.identifier))
        else { return }
        kill(status.processID, signal)
    }

    /// Waits until the instance is as `isReached` wants it, and gives it as it is then. Throws what its supervisor fails
    /// of. `progress` hears what is being done.
    public func wait(
        for id: DatabaseID,
        limitSeconds: Int = 600,
        progress: @Sendable (String) -> Void = { _ in },
        until isReached: @Sendable (Database) -> Bool
    ) async throws -> Database {
        let record = try existing(id)
        let deadline = ContinuousClock.now + .seconds(limitSeconds)
        var silent = 0
        while true {
            let database = try describe(try existing(id))
            if isReached(database) { return database }
            if let failure = SupervisorStatus.read(paths.status(record.identifier))?.failure {
                throw failure.error
            }
            // One that is about to take its lock holds none yet.
            silent = SupervisorLock.isHeld(paths.lock(record.identifier)) ? 0 : silent + 1
            guard silent < 200, ContinuousClock.now < deadline else {
                throw AWSError(
                    .internalError,
                    "DB instance \(record.identifier) is \(database.status.rawValue) and gets no further",
                    hint: "its supervisor's words are in \(paths.log(record.identifier))"
                )
            }
            if let message = database.statusReason { progress(message) }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Waits until no supervisor is left. A signal is sent again and again: one that has only begun hears it later.
    func awaitNoSupervisor(
        of record: DatabaseRecord,
        telling signal: Int32? = nil,
        limitSeconds: Int = 120
    ) async throws {
        let deadline = ContinuousClock.now + .seconds(limitSeconds)
        var rounds = 0
        while SupervisorLock.isHeld(paths.lock(record.identifier)) {
            if let signal, rounds % 50 == 0 { signalSupervisor(of: record, signal) }
            rounds += 1
            guard ContinuousClock.now < deadline else {
                throw AWSError(
                    .invalidDatabaseState,
                    "the supervisor of DB instance \(record.identifier) does not end",
                    hint: "its words are in \(paths.log(record.identifier))"
                )
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}

/// A pipe that holds a secret for the process that inherits its reading end.
private final class SecretPipe {
    let reader: Int32

    init(_ secret: borrowing SecretBytes) throws {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else {
            throw AWSError(.internalError, "cannot make a pipe: \(SystemError.text(errno))")
        }
        reader = ends[0]
        _ = fcntl(reader, F_SETFD, FD_CLOEXEC)
        defer { close(ends[1]) }
        // It is far shorter than what a pipe holds.
        let put = secret.withBytes { span in
            unsafe span.withUnsafeBytes { unsafe write(ends[1], $0.baseAddress, $0.count) }
        }
        guard put == secret.count else { throw AWSError(.internalError, "a pipe takes no secret") }
    }

    deinit { close(reader) }
}
