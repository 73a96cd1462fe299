internal import CofferShapes
internal import CofferSystem
internal import Foundation
internal import Glibc

/// What a volume says of its own place in the archive, so that a snapshot of it does too: a file `.replication` beside
/// the data, replaced whole and durable.
struct ReplicationState: Codable, Equatable, Sendable {
    /// Whose archive it is.
    var database: DatabaseID
    var generation: UInt64
    /// The file of the archive with the beginning of the log that the database file may lack: with what was in earlier
    /// logs the database file is whole.
    var file: UInt32
    /// How the database file was when the instance was stopped with all of it archived; nil while it runs.
    var stopped: Stopped?

    struct Stopped: Codable, Equatable, Sendable {
        let mark: ReplicationMark
        let stamp: FileStamp
    }

    static func path(_ mount: String) -> String { "\(mount)/.replication" }

    /// nil where there is none, or none that can be understood.
    static func read(_ mount: String) -> ReplicationState? {
        guard let text = TextFile.contents(path(mount)) else { return nil }
        return try? JSONDecoder().decode(ReplicationState.self, from: Data(text.utf8))
    }

    func write(_ mount: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let bytes = Array(try encoder.encode(self))
        let path = Self.path(mount)
        let temporary = path + ".new"
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Self.failure(path, errno) }
        defer { close(descriptor) }
        guard unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0,
            unsafe rename(temporary, path) == 0
        else { throw Self.failure(path, errno) }
        let folder = unsafe open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw Self.failure(path, errno) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw Self.failure(path, errno) }
    }

    static func remove(_ mount: String) { unsafe unlink(path(mount)) }

    private static func failure(_ path: String, _ code: Int32) -> AWSError {
        AWSError(
            code == ENOSPC ? .storageFull : .internalError,
            "cannot write \(path): \(SystemError.text(code))"
        )
    }
}

/// What tells whether a file was written to since.
struct FileStamp: Codable, Equatable, Sendable {
    let inode: UInt64
    let bytes: Int64
    /// Nanoseconds since 1970.
    let modified: Int64
    let changed: Int64

    /// nil where there is no such file.
    init?(_ path: String) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return nil }
        (inode, bytes) = (UInt64(status.st_ino), Int64(status.st_size))
        modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
        changed = Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec)
    }
}
