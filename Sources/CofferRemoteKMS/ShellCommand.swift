internal import CofferSecrets
internal import CofferShapes
internal import Glibc

/// A command of /bin/sh with its output in a pipe, in a process group that is killed as a whole: when the time is over,
/// and when this goes before the command has ended.
final class ShellCommand {
    private var processID: pid_t = 0
    private var reader: Int32 = -1

    init(_ command: String, environment: [String: String]) throws(AWSError) {
        // A pair of sockets in place of a pipe, as glibc shows pipe2(2) only under _GNU_SOURCE.
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw Self.failed(errno) }
        let writer = ends[1]
        reader = ends[0]
        defer { close(writer) }

        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, writer, 1)
        unsafe posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)

        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        unsafe posix_spawnattr_setpgroup(&attributes, 0)

        let status = unsafe Self.withCStrings(["/bin/sh", "-c", command]) { arguments in
            unsafe Self.withCStrings(environment.map { "\($0.key)=\($0.value)" }) { variables in
                unsafe posix_spawn(&processID, "/bin/sh", &actions, &attributes, arguments, variables)
            }
        }
        guard status == 0 else { throw Self.failed(status) }
    }

    deinit {
        if processID > 0 {
            kill(-processID, SIGKILL)
            waitpid(processID, nil, 0)
        }
        if reader >= 0 { close(reader) }
    }

    /// Appends output at `offset`; nil at its end. Throws when the time is over or the span is full.
    func read(
        into span: inout MutableRawSpan,
        from offset: Int,
        until end: ContinuousClock.Instant
    ) throws(AWSError) -> Int? {
        guard offset < span.byteCount else {
            throw AWSError(.noCredentials, "credential_process printed too much")
        }
        var descriptor = pollfd(fd: reader, events: Int16(POLLIN), revents: 0)
        let ready = unsafe poll(&descriptor, 1, try Self.milliseconds(until: end))
        if ready < 0 && errno == EINTR { return 0 }
        guard ready > 0 else { throw Self.tooLong }
        let got = unsafe span.withUnsafeMutableBytes { buffer in
            // Not empty: `offset` is inside.
            unsafe Glibc.read(reader, buffer.baseAddress! + offset, buffer.count - offset)
        }
        if got < 0 && errno == EINTR { return 0 }
        guard got >= 0 else { throw Self.failed(errno) }
        return got == 0 ? nil : got
    }

    /// The exit code; 128 and the signal's number where a signal ended the command.
    func wait(until end: ContinuousClock.Instant) throws(AWSError) -> Int32 {
        var status: Int32 = 0
        while true {
            let ended = unsafe waitpid(processID, &status, WNOHANG)
            if ended == processID { break }
            guard ended == 0 || errno == EINTR else { throw Self.failed(errno) }
            _ = try Self.milliseconds(until: end)
            usleep(2000)
        }
        processID = 0
        let signal = status & 0x7F
        return signal == 0 ? status >> 8 & 0xFF : 128 + signal
    }

    private static let tooLong = AWSError(.noCredentials, "credential_process did not end in time")

    private static func failed(_ code: Int32) -> AWSError {
        AWSError(.noCredentials, "cannot run credential_process: \(errorText(code))")
    }

    private static func milliseconds(until end: ContinuousClock.Instant) throws(AWSError) -> Int32 {
        let rest = end - ContinuousClock.now
        guard rest > .zero else { throw tooLong }
        return Int32(clamping: rest / .milliseconds(1) < 1 ? 1 : Int(rest / .milliseconds(1)))
    }

    /// A null-terminated vector of C strings for the length of `body`.
    private static func withCStrings<Result>(
        _ strings: [String],
        _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers = unsafe strings.map { unsafe strdup($0) } + [nil]
        defer { unsafe pointers.forEach { unsafe free($0) } }
        return unsafe pointers.withUnsafeMutableBufferPointer { unsafe body($0.baseAddress!) }  // never empty
    }
}
