internal import CLinux
internal import CofferBlock
public import CofferControl
internal import CofferSecrets
internal import CofferShapes
internal import Glibc
internal import Synchronization

/// A real `coffer-volumed` over a `TestVolume`, started as the control plane starts it, with the key that the test
/// knows. It always goes: by its watchdog after the time limit, and with its owner.
public final class RunningDaemon: Sendable {
    public struct Options: Sendable {
        public var isReadOnly = false
        public var leavesAtLastClose = false
        public var punchesHoles = true
        public var backingIO = BackingIO.cached
        public var threadCount: Int? = 2
        /// Orders a folder that does not exist.
        public var mountsOnMissingFolder = false
        /// The cipher's number, where it is not the volume's.
        public var cipherID: UInt32?
        /// Words before the daemon's own: a tracer.
        public var wrapper: [String] = []
        public var environment = ["SWIFT_BACKTRACE=enable=no", "PATH=/usr/bin:/bin:/usr/sbin:/sbin"]
        /// After this many seconds everything is torn down, so that nothing hangs for longer.
        public var timeLimitSeconds: UInt32 = 100

        public init() {}
    }

    public let volume: TestVolume
    public let volumeID = "vol-0123456789abcdef0"
    public let processID: Int32
    public let directory: String
    public let controlPath: String
    public let logPath: String
    /// What the daemon answered.
    public let answer: AttachAnswer
    private let exitStatus = Mutex<Int32?>(nil)
    private let isDone = Atomic<Bool>(false)

    /// The exposed file.
    public var path: String { "\(directory)/volume" }

    /// The FUSE connection's number, 0 when the daemon failed.
    public var connection: UInt32 {
        if case .ready(let ready) = answer { return ready.fuseConnection }
        return 0
    }

    /// The daemon's own process, which is a child where there is a wrapper.
    public var daemonID: Int32 {
        if case .ready(let ready) = answer { return ready.processID }
        return processID
    }

    /// `coffer-volumed` beside this test's own program, or the one that COFFER_VOLUMED names, such as a release build.
    public static let binary: String = {
        if let named = unsafe getenv("COFFER_VOLUMED") { return unsafe String(cString: named) }
        var path = [CChar](repeating: 0, count: 4096)
        let count = unsafe readlink("/proc/self/exe", &path, path.count - 1)
        let own = String(decoding: path.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return own.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/coffer-volumed"
    }()

    /// Starts the daemon, sends what the control plane would, and waits for its answer, of either kind.
    public init(_ volume: TestVolume, _ options: Options = Options()) throws {
        self.volume = volume
        directory = "\(volume.folder)/mount"
        controlPath = "\(volume.folder)/socket"
        logPath = "\(volume.folder)/log"
        if !options.mountsOnMissingFolder { unsafe mkdir(directory, 0o700) }
        let pair = try ControlChannel.pair()
        let backing = try RawFile(volume.backingPath, options.isReadOnly ? O_RDONLY : O_RDWR)
        processID = try Self.spawn(
            options.wrapper + [Self.binary, "--home", volume.folder, "--volume", volumeID],
            environment: options.environment,
            descriptors: (pair.theirs.descriptor, backing.descriptor)
        )
        do {
            answer = try Self.attach(pair, volume, volumeID, options)
        } catch {
            kill(processID, SIGKILL)
            throw error
        }
        startWatchdog(options.timeLimitSeconds)
    }

    deinit { tearDown() }

    /// Asks the daemon over its control socket.
    public func status() throws -> DaemonStatus {
        let channel = try ControlChannel.connect(path: controlPath, timeoutMilliseconds: 5000)
        try channel.send(ControlRequest.status)
        return try channel.receive(DaemonStatus.self, timeoutMilliseconds: 5000)
    }

    public func signal(_ number: Int32) { kill(daemonID, number) }

    /// The exit status once the process has ended (256 and the signal's number where one ended it), or nil after the
    /// time given.
    public func waitForExit(seconds: Int = 20) -> Int32? {
        for _ in 0..<seconds * 200 {
            if let status = reap() { return status }
            usleep(5000)
        }
        return nil
    }

    public var log: String {
        guard let file = try? RawFile(logPath, O_RDONLY), let bytes = try? file.read(1 << 16, at: 0) else {
            return ""
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Whether the folder is still mounted on, as /proc/self/mountinfo has it.
    public var isMounted: Bool {
        guard let file = try? RawFile("/proc/self/mountinfo", O_RDONLY),
            let bytes = try? file.read(1 << 20, at: 0)
        else { return false }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").contains {
            $0.split(separator: " ").dropFirst(4).first == Substring(directory)
        }
    }

    /// Frees whoever waits for the daemon, ends it, and takes the mount away; safe at any time.
    public func tearDown() {
        isDone.store(true, ordering: .relaxed)
        // Only while the daemon lives: the number of a dead one's connection may be another's by now.
        if reap() == nil {
            if connection != 0 { FuseConnection.abort(connection) }
            kill(daemonID, SIGKILL)
            kill(processID, SIGKILL)
            _ = waitForExit()
        }
        if isMounted {
            if geteuid() == 0 {
                unsafe clinux_umount(directory, 1)
            } else {
                unsafe system("fusermount3 -uz \(directory)")
            }
        }
    }

    // MARK: - Starting

    private static func attach(
        _ pair: borrowing ControlChannel.Pair,
        _ volume: TestVolume,
        _ volumeID: String,
        _ options: Options
    ) throws -> AttachAnswer {
        let order = order(volume, volumeID, options)
        // A daemon that refuses to start does not read any of it.
        do {
            try pair.ours.send(order)
            try pair.ours.send(parameters(volume, options))
            let key = volume.volumeKey
            try unsafe pair.ours.sendSecret(key.span.bytes)
        } catch ControlError.closed {}
        return try pair.ours.receive(AttachAnswer.self, timeoutMilliseconds: 30_000)
    }

    private static func order(_ volume: TestVolume, _ volumeID: String, _ options: Options) -> AttachOrder {
        AttachOrder(
            volumeID: volumeID,
            exposedDirectory: "\(volume.folder)/mount",
            controlSocketPath: "\(volume.folder)/socket",
            logPath: "\(volume.folder)/log",
            isReadOnly: options.isReadOnly,
            leavesAtLastClose: options.leavesAtLastClose,
            punchesHoles: options.punchesHoles,
            backingIO: options.backingIO,
            threadCount: options.threadCount
        )
    }

    private static func parameters(_ volume: TestVolume, _ options: Options) -> VolumeParameters {
        VolumeParameters(
            dataOffset: volume.geometry.dataOffset,
            volumeBytes: volume.geometry.volumeBytes,
            dataUnitBytes: volume.geometry.dataUnitBytes,
            cipherID: options.cipherID ?? volume.geometry.cipher.rawValue,
            saltHex: Hex.lower(volume.salt),
            uuidHex: Hex.lower(volume.uuid),
            mark: RollbackMark(uuid: volume.uuid, sequence: 1, attachEpoch: 1)
        )
    }

    /// How far a starter comes before it dies.
    public enum Stage: Sendable {
        case nothing, order, parameters, halfOfTheKey
    }

    /// Starts a daemon, tells it less than it needs, closes the socket, and gives the exit status.
    public static func abandon(_ volume: TestVolume, after stage: Stage) throws -> Int32? {
        let (volumeID, options) = ("vol-0123456789abcdef0", Options())
        unsafe mkdir("\(volume.folder)/mount", 0o700)
        let backing = try RawFile(volume.backingPath)
        var child: Int32 = 0
        do {
            let pair = try ControlChannel.pair()
            child = try spawn(
                [binary, "--home", volume.folder, "--volume", volumeID],
                environment: options.environment,
                descriptors: (pair.theirs.descriptor, backing.descriptor)
            )
            if stage != .nothing { try pair.ours.send(order(volume, volumeID, options)) }
            if stage == .parameters || stage == .halfOfTheKey {
                try pair.ours.send(parameters(volume, options))
            }
            if stage == .halfOfTheKey {
                let half = Array(volume.volumeKey.prefix(32))
                try unsafe pair.ours.sendSecret(half.span.bytes)
            }
        }
        for _ in 0..<4000 {
            var status: Int32 = 0
            if unsafe waitpid(child, &status, WNOHANG) == child { return status >> 8 & 0xFF }
            usleep(5000)
        }
        kill(child, SIGKILL)
        return nil
    }

    /// posix_spawn with the two descriptors as 3 and 4, in a session of its own.
    private static func spawn(
        _ words: [String],
        environment: [String],
        descriptors: (Int32, Int32)
    ) throws -> pid_t {
        // Out of the way of 3 and 4 first.
        let high = (fcntl(descriptors.0, F_DUPFD_CLOEXEC, 10), fcntl(descriptors.1, F_DUPFD_CLOEXEC, 10))
        defer { _ = (close(high.0), close(high.1)) }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, high.0, 3)
        unsafe posix_spawn_file_actions_adddup2(&actions, high.1, 4)
        var arguments: [UnsafeMutablePointer<CChar>?] = unsafe words.map { unsafe strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = unsafe environment.map { unsafe strdup($0) } + [nil]
        defer { unsafe (arguments + variables).forEach { unsafe free($0) } }
        var child = pid_t()
        let status = unsafe posix_spawn(&child, words[0], &actions, nil, &arguments, &variables)
        guard status == 0 else { throw RawFile.Failure(errno: status) }
        return child
    }

    /// A thread that tears everything down when the time is up: a test that waits for a mount cannot do so itself.
    private func startWatchdog(_ seconds: UInt32) {
        let watched = Watched(daemon: self, seconds: seconds)
        var thread = pthread_t()
        unsafe pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<Watched>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            },
            Unmanaged.passRetained(watched).toOpaque()
        )
        pthread_detach(thread)
    }

    private final class Watched: @unchecked Sendable {
        // Sendable: only the thread that it is handed to uses it.
        private weak var daemon: RunningDaemon?
        private let seconds: UInt32

        init(daemon: RunningDaemon, seconds: UInt32) { (self.daemon, self.seconds) = (daemon, seconds) }

        func run() {
            for _ in 0..<seconds * 10 {
                usleep(100_000)
                guard let daemon, !daemon.isDone.load(ordering: .relaxed) else { return }
            }
            daemon?.tearDown()
        }
    }

    private func reap() -> Int32? {
        exitStatus.withLock { known in
            if let known { return known }
            var status: Int32 = 0
            guard unsafe waitpid(processID, &status, WNOHANG) == processID else { return nil }
            known = status & 0x7F == 0 ? status >> 8 & 0xFF : 256 + status & 0x7F
            return known
        }
    }
}
