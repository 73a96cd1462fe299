internal import CLinux
internal import CofferShapes
internal import Dispatch
internal import Glibc

/// Programs that Coffer starts: the daemon, which inherits descriptors and lives in a session of its own, and the
/// tools that make and mount filesystems. A tool that hangs in the kernel (an umount above a hung daemon cannot even be
/// killed) is left behind at its time limit, so that the caller never hangs with it.
package enum ChildProcess {
    /// How a tool ended.
    package struct Outcome: Sendable {
        /// Its exit code; 128 and the signal's number where a signal ended it.
        package let code: Int32
        /// What it wrote to standard output and to standard error, trimmed.
        package let output: String
        package let errors: String
    }

    /// A tool was ended because its caller gave up on it.
    package struct Abandoned: Error {}

    /// Runs a tool to its end. `Coffer.MissingRequirement` where it is not installed, InternalError past the limit.
    package static func run(
        _ program: String,
        _ arguments: [String],
        limitSeconds: Int? = 30,
        environment: [String] = [],
        input: [UInt8] = []
    ) async throws -> Outcome {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(
                    with: Result {
                        try runBlocking(
                            program,
                            arguments,
                            limitSeconds: limitSeconds,
                            environment: environment,
                            input: input
                        )
                    }
                )
            }
        }
    }

    /// Starts a program in a session of its own, with exactly the descriptors given (child's number first) and the
    /// environment given. Gives its process id.
    package static func spawn(
        _ path: String,
        _ arguments: [String],
        descriptors: [(child: Int32, parent: Int32)],
        environment: [String],
        newSession: Bool
    ) throws -> Int32 {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for (child, parent) in descriptors {
            unsafe posix_spawn_file_actions_adddup2(&actions, parent, child)
        }
        // What whoever started us left open: a tool that hangs would hold it open for as long.
        let first = (descriptors.map(\.child).max() ?? 2) + 1
        unsafe clinux_spawn_close_from(&actions, first)

        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var flags = Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK)
        if newSession { flags |= 0x80 }  // POSIX_SPAWN_SETSID, which glibc shows only under _GNU_SOURCE
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        unsafe sigfillset(&signals)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        unsafe posix_spawnattr_setflags(&attributes, flags)

        var processID: Int32 = 0
        let status = unsafe withCStrings([path] + arguments) { argumentVector in
            unsafe withCStrings(environment) { environmentVector in
                unsafe posix_spawn(&processID, path, &actions, &attributes, argumentVector, environmentVector)
            }
        }
        guard status == 0 else {
            throw AWSError(.missingRequirement, "cannot start \(path): \(SystemError.text(status))")
        }
        return processID
    }

    /// Ends a child of this process and takes its remains: asks first, and kills it where it has not left in time. False
    /// where even that does not end it, as it hangs in the kernel.
    @discardableResult
    package static func end(_ processID: Int32, limitSeconds: Int = 10) -> Bool {
        for (signal, limit) in [(SIGTERM, limitSeconds), (SIGKILL, 5)] {
            kill(processID, signal)
            let deadline = ContinuousClock.now + .seconds(limit)
            repeat {
                if hasEnded(processID) { return true }
                usleep(2000)
            } while ContinuousClock.now < deadline
        }
        return false
    }

    /// Whether a child of this process has ended; takes its remains.
    package static func hasEnded(_ processID: Int32) -> Bool {
        var status: Int32 = 0
        let ended = unsafe waitpid(processID, &status, WNOHANG)
        return ended == processID || ended < 0 && errno == ECHILD
    }

    /// What a tool sees: nothing of the caller's decides what it does.
    package static let toolEnvironment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"]

    /// The program's path in the fixed list of system folders; the caller's PATH does not count for root's tools.
    package static func find(_ program: String) -> String? {
        ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"]
            .map { "\($0)/\(program)" }
            .first { unsafe access($0, X_OK) == 0 }
    }

    /// `run` for a caller with a thread of its own to wait on. `program` may be a path, `environment` adds variables; without
    /// a limit it waits as long as the tool takes. In a session of its own the tool hears nothing of a terminal's Ctrl-C.
    /// Where `isAbandoned` turns true the tool is ended and the call throws `Abandoned`. The tool reads `input`, which is
    /// what a pipe holds at most (64 KiB); without any it reads nothing.
    package static func runBlocking(
        _ program: String,
        _ arguments: [String],
        limitSeconds: Int? = 30,
        environment: [String] = [],
        newSession: Bool = false,
        input: [UInt8] = [],
        isAbandoned: () -> Bool = { false }
    ) throws -> Outcome {
        guard let path = program.hasPrefix("/") ? program : find(program) else {
            throw AWSError(
                .missingRequirement,
                "the program \(program) is not installed",
                hint: "see what this machine lacks with `coffer doctor`"
            )
        }
        let output = try Pipe()
        let errors = try Pipe()
        let source = try input.isEmpty ? unsafe open("/dev/null", O_RDWR | O_CLOEXEC) : filledPipe(input)
        defer { close(source) }
        let processID = try spawn(
            path,
            arguments,
            descriptors: [(0, source), (1, output.writer), (2, errors.writer)],
            environment: toolEnvironment + environment,
            newSession: newSession
        )
        output.closeWriter()
        errors.closeWriter()
        let start = ContinuousClock.now
        var texts = [String](repeating: "", count: 2)
        var status: Int32 = 0
        while true {
            texts[0] += output.drain()
            texts[1] += errors.drain()
            let ended = unsafe waitpid(processID, &status, WNOHANG)
            if ended == processID { break }
            if ended < 0 && errno != EINTR {
                throw AWSError(
                    .internalError,
                    "how \(program) ended cannot be told: \(SystemError.text(errno))"
                )
            }
            if isAbandoned() {
                end(processID)
                throw Abandoned()
            }
            if let limitSeconds, ContinuousClock.now > start + .seconds(limitSeconds) {
                kill(processID, SIGKILL)
                throw AWSError(
                    .internalError,
                    "\(program) did not end within \(limitSeconds) seconds and was left behind"
                )
            }
            usleep(2000)
        }
        texts[0] += output.drain()
        texts[1] += errors.drain()
        let signal = status & 0x7F
        return Outcome(
            code: signal == 0 ? status >> 8 & 0xFF : 128 + signal,
            output: texts[0].trimmed,
            errors: texts[1].trimmed
        )
    }

    /// The reading end of a pipe that holds all of `input`.
    private static func filledPipe(_ input: [UInt8]) throws -> Int32 {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else {
            throw AWSError(.internalError, "cannot make a pipe: \(SystemError.text(errno))")
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[1]) }
        // Nobody reads yet: what does not fit must not be waited for.
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        guard unsafe write(ends[1], input, input.count) == input.count else {
            close(ends[0])
            throw AWSError(.internalError, "\(input.count) bytes are more than a tool's input may have")
        }
        return ends[0]
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

/// A pipe whose reading end never blocks; both ends close with it.
private final class Pipe {
    private let reader: Int32
    private(set) var writer: Int32

    init() throws {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else {
            throw AWSError(.internalError, "cannot make a pipe: \(SystemError.text(errno))")
        }
        (reader, writer) = (ends[0], ends[1])
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(reader, F_SETFL, O_NONBLOCK)
    }

    deinit {
        close(reader)
        closeWriter()
    }

    func closeWriter() {
        guard writer >= 0 else { return }
        close(writer)
        writer = -1
    }

    /// What has come since the last call.
    func drain() -> String {
        var text: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 4096)
        while true {
            let got = unsafe read(reader, &room, room.count)
            guard got > 0 else { break }
            text += room.prefix(got)
        }
        return String(decoding: text, as: UTF8.self)
    }
}

extension String {
    /// Without white space at either end.
    fileprivate var trimmed: String {
        let isSpace: (Character) -> Bool = { $0.isWhitespace }
        let start = drop(while: isSpace)
        guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(start[...last])
    }
}
