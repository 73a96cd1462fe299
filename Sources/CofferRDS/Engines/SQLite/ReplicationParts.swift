internal import CofferShapes
internal import CofferSystem
internal import Glibc

/// What a replicator works with, opened in the order in which it is safe.
struct ReplicationParts {
    let site: EngineSite
    let file: DatabaseFile
    let writer: SQLiteConnection
    let reader: SQLiteConnection
    let index: WALIndex
    let wal: WALFile
    /// Frames of the log after which it is checkpointed.
    let checkpointFrames: Int

    /// The file last: to close it drops the locks of this process's connections.
    func close() {
        reader.close()
        writer.close()
        file.close()
    }
}

/// The database file, opened to be synced: before any connection to it, and closed after them, as POSIX drops a process's
/// locks on a file with the first descriptor that it closes.
final class DatabaseFile: @unchecked Sendable {  // Closed once, by who has it alone.
    private let path: String
    private var descriptor: Int32
    let identity: FileIdentity

    init(_ path: String) throws {
        self.path = path
        descriptor = unsafe open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0, let identity = FileIdentity(descriptor) else {
            throw AWSError(.internalError, "cannot open \(path): \(SystemError.text(errno))")
        }
        self.identity = identity
    }

    func sync() throws {
        guard fdatasync(descriptor) == 0 else {
            throw AWSError(.internalError, "cannot sync \(path): \(SystemError.text(errno))")
        }
    }

    deinit { close() }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }
}
