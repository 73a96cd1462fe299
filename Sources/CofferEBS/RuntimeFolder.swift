internal import CofferControl
internal import CofferCrypto
package import CofferShapes
internal import CofferSystem
internal import FoundationEssentials
internal import Glibc

/// What a home's attachments leave while they last: for each volume a folder with the attachment's record, the daemon's
/// control socket and its log. It is a note, never the truth: after a crash or a reboot it is held against the kernel's
/// mount table and the processes that live.
public struct RuntimeFolder: Sendable {
    let path: String
    /// The folder that holds the runtime folders of all homes.
    private let base: String

    /// The folder of the home at `homePath` (its real path): `/run/coffer/<12 hex>` for root, the same below
    /// `$XDG_RUNTIME_DIR/coffer` for others.
    public init(homePath: String, base: String) {
        let digest = SHA256.digest(Array(homePath.utf8))
        self.base = base
        path = "\(base)/\(Hex.lower(digest.prefix(6)))"
    }

    func folder(_ id: VolumeID) -> String { "\(path)/\(id)" }
    /// The folder of a running database instance, beside those of volumes.
    package static func databaseFolderName(_ identifier: DatabaseIdentifier) -> String { "db-\(identifier)" }
    func controlSocket(_ id: VolumeID) -> String { "\(folder(id))/control.sock" }
    /// There when the last daemon could not sync the store as it left.
    func unsyncedMark(_ id: VolumeID) -> String {
        AttachOrder.unsyncedMark(controlSocketPath: controlSocket(id))
    }
    func log(_ id: VolumeID) -> String { "\(folder(id))/volumed.log" }
    func defaultExposedDirectory(_ id: VolumeID) -> String { "\(folder(id))/exposed" }
    private func lockPath(_ id: VolumeID) -> String { "\(folder(id))/lock" }
    private func recordPath(_ id: VolumeID) -> String { "\(folder(id))/attachment.json" }

    /// Makes the volume's folder, mode 0700.
    func prepare(_ id: VolumeID) throws {
        try Folder.make(folder(id), mode: 0o700)
        guard isOwn(id) else {
            throw AWSError(
                .accessDenied,
                "the runtime folder \(folder(id)) is not this user's own, or others can write to it",
                hint: "remove it, or name another place with XDG_RUNTIME_DIR"
            )
        }
    }

    /// Whether the volume's folder and those above it are this user's alone. Below /tmp anybody could have made them
    /// first, and would own the sockets, records and mounts in them: nothing in such a folder is believed.
    func isOwn(_ id: VolumeID) -> Bool {
        [base, path, folder(id)].allSatisfy { folder in
            var status = stat()
            return unsafe lstat(folder, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
                && status.st_uid == geteuid() && status.st_mode & 0o022 == 0
        }
    }

    func record(_ id: VolumeID) -> AttachmentRecord? {
        guard isOwn(id), let text = TextFile.contents(recordPath(id)) else { return nil }
        return try? JSONDecoder().decode(AttachmentRecord.self, from: Data(text.utf8))
    }

    /// Replaces the record in one step.
    func store(_ record: AttachmentRecord, of id: VolumeID) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let bytes = Array(try encoder.encode(record))
        let temporary = recordPath(id) + ".new"
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw AWSError(.internalError, "cannot write \(temporary): \(SystemError.text(errno))")
        }
        let put = unsafe write(descriptor, bytes, bytes.count)
        close(descriptor)
        guard put == bytes.count, unsafe rename(temporary, recordPath(id)) == 0 else {
            throw AWSError(.storageFull, "cannot write the attachment's record below \(path)")
        }
    }

    /// Takes away what a finished attachment leaves. The log stays, for whoever asks why.
    func clear(_ id: VolumeID) {
        unsafe unlink(recordPath(id))
        unsafe unlink(recordPath(id) + ".new")
        unsafe unlink(controlSocket(id))
        clearPaths(id)
    }

    /// Notes that the daemon of a finished attachment is one without a mount now, which leaves by itself.
    func keepWorker(_ record: AttachmentRecord, of id: VolumeID) throws {
        var record = record
        (record.mountDirectory, record.fuseConnection, record.isWorker) = (nil, nil, true)
        try store(record, of: id)
        clearPaths(id)
    }

    /// The ways to the exposed file.
    private func clearPaths(_ id: VolumeID) {
        unsafe rmdir(defaultExposedDirectory(id))
        removeLinks(id)
    }

    /// What the daemon of a mount is to take away once it has left by itself.
    func leavings(_ id: VolumeID, device: String?) -> AttachmentLeavings {
        AttachmentLeavings(
            operationLock: lockPath(id),
            files: [recordPath(id), recordPath(id) + ".new", volumeLink(id)]
                + (device.map { [deviceLink($0)] } ?? []),
            folder: defaultExposedDirectory(id)
        )
    }

    /// Takes the mark of a failed last sync away, once somebody was told.
    func forgetLoss(_ id: VolumeID) { unsafe unlink(unsyncedMark(id)) }

    /// Takes away everything, with the volume.
    func remove(_ id: VolumeID) {
        clear(id)
        forgetLoss(id)
        unsafe unlink(log(id))
        unsafe unlink(lockPath(id))
        unsafe rmdir(folder(id))
        removeLinkFolder()
        unsafe rmdir(path)  // where this was the last
    }

    /// Held while one command changes a volume's attachment: two mounts at once take turns. Gone with the process. nil
    /// while another has it.
    func tryLock(_ id: VolumeID) throws -> OperationLock? {
        try prepare(id)
        return try OperationLock.take(path: lockPath(id))
    }

    /// As `tryLock`; IncorrectState while another has it.
    func lock(_ id: VolumeID) throws -> OperationLock {
        guard let lock = try tryLock(id) else { throw OperationLock.busy(id) }
        return lock
    }

    /// Whether a process is changing the volume right now.
    func isLocked(_ id: VolumeID) -> Bool { OperationLock.isTaken(path: lockPath(id)) }
}

/// What the starter of an attachment noted of it.
struct AttachmentRecord: Codable, Sendable, Equatable {
    var exposedDirectory: String
    /// Where the volume's filesystem is, or is about to be, mounted; nil for a bare attachment.
    var mountDirectory: String?
    var isReadOnly: Bool
    /// nil until the daemon has said that it serves.
    var daemon: ProcessIdentity?
    var fuseConnection: UInt32?
    /// Inode of the mount namespace that the mounts are in.
    var mountNamespace: UInt64
    var attached: Timestamp
    /// True for a daemon without a mount, which works on the volume and leaves by itself.
    var isWorker: Bool?
}

/// A process by its id and start time, so that a number used again is not taken for it.
struct ProcessIdentity: Codable, Sendable, Equatable {
    let processID: Int32
    /// Clock ticks since boot: field 22 of /proc/PID/stat.
    let startTicks: UInt64

    /// The process that has this id now.
    init?(processID: Int32) {
        guard let ticks = Self.startTicks(processID) else { return nil }
        self.processID = processID
        startTicks = ticks
    }

    /// Whether it still lives; a zombie does not.
    var isAlive: Bool { Self.startTicks(processID) == startTicks }

    /// Whether it was killed, and is held up by a thread that waits in the kernel, or is not reaped yet.
    var isDefunct: Bool {
        guard let fields = ProcessStat.fields(of: processID), fields.count > 19 else { return false }
        return fields[0] == "Z" && UInt64(fields[19]) == startTicks
    }

    /// Lets a dead child go whom this process started: else it stays in the process table for as long as this one lives.
    func reap() {
        guard isDefunct else { return }
        var status: Int32 = 0
        unsafe waitpid(processID, &status, WNOHANG)
    }

    private static func startTicks(_ processID: Int32) -> UInt64? {
        guard let fields = ProcessStat.fields(of: processID), fields.count > 19, fields[0] != "Z" else {
            return nil
        }
        return UInt64(fields[19])
    }
}

/// An flock(2) on a file, released when the owner goes.
final class OperationLock: Sendable {
    private let descriptor: Int32

    /// nil while another has it.
    static func take(path: String) throws -> OperationLock? {
        let lock = try OperationLock(path: path)
        // Whoever looks whether it is taken has it for a moment.
        for _ in 0..<5 {
            if flock(lock.descriptor, LOCK_EX | LOCK_NB) == 0 { return lock }
            guard errno == EWOULDBLOCK || errno == EINTR else {
                throw AWSError(.internalError, "cannot lock \(path): \(SystemError.text(errno))")
            }
            usleep(1000)
        }
        return nil
    }

    /// Whether anybody has it now. A shared look: two that look at once do not take each other for an owner.
    static func isTaken(path: String) -> Bool {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0
    }

    static func busy(_ volume: VolumeID) -> AWSError {
        AWSError(
            .incorrectState,
            "another command is changing volume \(volume) right now",
            hint: "wait for it to end, then try again"
        )
    }

    private init(path: String) throws {
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw AWSError(.internalError, "cannot open \(path): \(SystemError.text(errno))")
        }
    }

    /// Gives the lock up before its owner goes, which in work that goes on behind a verb is not a moment that can be named.
    func giveUp() { flock(descriptor, LOCK_UN) }

    deinit { close(descriptor) }
}

/// Folders, made with the mode given.
package enum Folder {
    /// Makes a folder and those above it that are missing; one that exists is fine.
    package static func make(_ path: String, mode: UInt32) throws {
        if unsafe mkdir(path, mode) == 0 || errno == EEXIST { return }
        let code = errno
        if code == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            try make(String(path[..<slash]), mode: mode)
            if unsafe mkdir(path, mode) == 0 || errno == EEXIST { return }
        }
        let kind: AWSError.Code =
            code == ENOSPC ? .storageFull : code == EACCES ? .accessDenied : .internalError
        throw AWSError(kind, "cannot make the folder \(path): \(SystemError.text(code))")
    }

    /// Makes a folder as `make` does, and gives its real path: without symbolic links, as the mount table has it.
    package static func makeReal(_ path: String, mode: UInt32) throws -> String {
        try make(path, mode: mode)
        guard let real = unsafe realpath(path, nil) else {
            throw AWSError(.invalidParameterValue, "cannot use \(path): \(SystemError.text(errno))")
        }
        defer { unsafe free(real) }
        return unsafe String(cString: real)
    }
}
