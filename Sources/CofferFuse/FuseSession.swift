internal import CFuse
internal import CLinux
public import CofferBlock
internal import CofferSystem
internal import Glibc
internal import Synchronization

/// A mount of one volume: libfuse's session around it, and the threads that serve it.
///
/// Order: `init` mounts; `start` serves; `verify` asks the mount from outside; `stop` ends the threads; `unmount`.
/// Used by one thread, which is the daemon's main one.
@safe
public final class FuseSession {
    public let directory: String
    public let file: ExposedFile
    private let session: OpaquePointer
    private var threads: ServingThreads?
    private var isMounted = true

    /// The largest request that is served at once, bytes.
    public static var requestBytes: Int { RequestServer.transferBytes }

    /// How many threads stand by beside `threadCount`, where the store lies in the page cache: as many requests as a
    /// disk works on at once.
    public static func standbyCount(besides threadCount: Int) -> Int { max(0, 16 - threadCount) }

    /// Mounts `file` on `directory`. `source` is what /proc/mounts names first, such as `coffer:vol-…`; the type is
    /// `fuse.coffer`.
    ///
    /// Without allow_other the kernel lets in only processes of the daemon's own user, all of whose ids are that one's:
    /// root's loop devices in a mount of root's, and nobody else.
    public init(mounting file: ExposedFile, on directory: String, source: String) throws(FuseError) {
        try Self.preflight()
        FuseMessages.capture()
        var options = [
            "default_permissions", "max_read=\(Self.requestBytes)", "fsname=\(source)", "subtype=coffer",
        ]
        if file.isReadOnly { options.append("ro") }
        let data = unsafe Unmanaged.passRetained(file)
        guard let session = unsafe Self.makeSession(options, data.toOpaque()) else {
            unsafe data.release()
            throw FuseError("libfuse refused the mount's options: \(FuseMessages.last)")
        }
        guard unsafe fuse_session_mount(session, directory) == 0 else {
            unsafe fuse_session_destroy(session)
            unsafe data.release()
            throw FuseError("\(directory) cannot be mounted on: \(FuseMessages.last)")
        }
        unsafe self.session = session
        (self.directory, self.file) = (directory, file)
    }

    // The session's reference to the file goes with the session.
    deinit {
        precondition(!isMounted, "a session that was not unmounted")
        unsafe fuse_session_destroy(session)
        unsafe Unmanaged.passUnretained(file).release()
    }

    /// Starts one thread for each worker that `makeWorker` gives, once all are made: `threadCount` that serve at once,
    /// and `standbyCount` that take the places of those that wait for the medium.
    public func start<Failure: Error>(
        threadCount: Int,
        standbyCount: Int,
        _ makeWorker: () throws(Failure) -> EncryptedVolumeWorker<FileBlockStore>
    ) throws {
        precondition(threads == nil, "a session that was started")
        let threads = ServingThreads(file: file)
        let turns = Turns(threadCount, threadCount: threadCount + standbyCount)
        for _ in 0..<threadCount + standbyCount {
            let server = unsafe RequestServer(
                session: session,
                device: fuse_session_fd(session),
                file: file,
                turns: turns,
                worker: try makeWorker()
            )
            threads.add(server)
        }
        // Known first, so that `stop` ends those that run where one cannot be started.
        self.threads = threads
        try threads.start()
    }

    /// Asks the mount for the file's size, in a thread of its own, as a mount that does not answer would hold the
    /// caller for good. Gives the number of the FUSE connection: the name of its folder under
    /// /sys/fs/fuse/connections.
    public func verify(timeoutMilliseconds: Int) throws(FuseError) -> UInt32 {
        let probe = MountProbe(path: "\(directory)/\(ExposedFile.name)")
        guard let found = probe.wait(timeoutMilliseconds: timeoutMilliseconds) else { throw .noAnswer }
        guard found.errno == 0 else {
            throw FuseError("the mounted file does not answer: errno \(found.errno)")
        }
        guard found.sizeBytes == file.sizeBytes else {
            throw FuseError("the mounted file answers with a size of \(found.sizeBytes) bytes")
        }
        return found.connection
    }

    /// Ends the threads after the requests that they are at; those that come later wait until the mount goes. False
    /// when a thread is still at work after the time given: then the store hangs.
    public func stop(timeoutMilliseconds: Int) -> Bool {
        threads?.stop(timeoutMilliseconds: timeoutMilliseconds) ?? true
    }

    /// Has the kernel ask for the exposed file's size again.
    public var sizeNotice: SizeNotice { unsafe SizeNotice(session: session) }

    /// For a thread that makes the volume larger, as long as the session lasts.
    @safe
    public struct SizeNotice: @unchecked Sendable {
        // Sendable: libfuse's session is made for several threads.
        let session: OpaquePointer

        public func send() {
            // An offset below 0: the attributes alone. Where nobody knows the file yet, nobody needs to be told.
            unsafe fuse_lowlevel_notify_inval_inode(session, Metadata.volume, -1, 0)
        }
    }

    /// Whether something other than this process took the mount away.
    public func isStillMounted(connection: UInt32) -> Bool {
        MountTable.current().contains {
            $0.deviceMajor == 0 && $0.deviceMinor == connection && $0.mountPoint == directory
        }
    }

    /// Takes the mount away at once, even while the file is open, if it is still there: users of the file get errors.
    /// The threads have stopped.
    public func unmount(connection: UInt32?) {
        isMounted = false
        // Closes the device first, so that nothing here can wait for an answer that nobody would give.
        unsafe fuse_session_unmount(session)
        // libfuse leaves the mount of an aborted connection alone.
        guard let connection, isStillMounted(connection: connection) else { return }
        if geteuid() == 0 {
            unsafe clinux_umount(directory, 1)  // what stays is seen by whoever looks at the mounts next
        } else {
            MountHelper.unmount(directory)
        }
    }

    // MARK: - libfuse

    private static func makeSession(_ options: [String], _ data: UnsafeMutableRawPointer) -> OpaquePointer? {
        var arguments = unsafe fuse_args()
        defer { unsafe fuse_opt_free_args(&arguments) }
        for argument in ["coffer-volumed", "-o", options.joined(separator: ",")] {
            guard unsafe fuse_opt_add_arg(&arguments, argument) == 0 else { return nil }
        }
        var operations = Metadata.operations
        return unsafe fuse_session_new(&arguments, &operations, MemoryLayout<fuse_lowlevel_ops>.size, data)
    }

    /// Looks for what is missing, to say so plainly: libfuse prints, and tells its caller nothing.
    private static func preflight() throws(FuseError) {
        guard unsafe access("/dev/fuse", F_OK) == 0 else { throw .noDevice }
        guard unsafe access("/dev/fuse", R_OK | W_OK) == 0 else { throw .deviceDenied }
        guard geteuid() != 0 else { return }
        guard unsafe access(MountHelper.path, X_OK) == 0 else { throw .noHelper }
    }
}

/// What libfuse last had to say, kept for an error's text.
private enum FuseMessages {
    private static let kept = Mutex("no reason given")

    static var last: String { kept.withLock { $0 } }

    /// Takes the place of libfuse's printing to stderr.
    static func capture() {
        unsafe fuse_set_log_func { _, format, arguments in
            guard let format = unsafe format, let arguments = unsafe arguments else { return }
            var text = [CChar](repeating: 0, count: 512)
            unsafe vsnprintf(&text, text.count, format, arguments)
            let bytes = text.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }
            FuseMessages.kept.withLock { $0 = String(decoding: bytes, as: UTF8.self) }
        }
    }
}
