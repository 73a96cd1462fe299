internal import CofferShapes
internal import GRDB
internal import Glibc
internal import Synchronization

/// Tells a cache at once whether anybody, in any process, has changed the catalogue.
///
/// It looks at the file change counter in the database's header, which every commit increments before it returns.
/// (SQLite, "Database File Format", 1.3.6: "a process can detect when another process has modified the database by
/// monitoring the change counter".) Reading four bytes takes less than a microsecond; `PRAGMA data_version` takes and
/// gives up SQLite's locks each time, which is some twenty times as much with a rollback journal. Under a write-ahead
/// log the counter says nothing, so such a catalogue is refused.
public final class CatalogWatch: Sendable {
    private let queue: DatabaseQueue
    private let file: Int32

    init(_ queue: DatabaseQueue, path: String) throws {
        let journal = try queue.read { try String.fetchOne($0, sql: "PRAGMA journal_mode") }
        guard journal == "delete" else {
            throw AWSError(.damaged, "the catalogue is not in the journal mode that it was made in")
        }
        self.queue = queue
        file = try Self.descriptor(of: path)
    }

    /// A number that is another after every commit to the catalogue, whatever it changed. While a commit is under way
    /// it may be that commit's already: then `readIdentities` waits for it.
    public func version() throws -> UInt32 {
        var bytes: [UInt8] = [0, 0, 0, 0]
        while true {
            let got = unsafe pread(file, &bytes, bytes.count, 24)
            if got < 0 && errno == EINTR { continue }
            guard got == bytes.count else { throw AWSError(.internalError, "the catalogue cannot be read") }
            return bytes.reduce(0) { $0 << 8 | UInt32($1) }
        }
    }

    /// Users, their policies and access keys as they are at one moment, and the version of that moment.
    public func readIdentities<Value>(
        _ body: (IdentityRows) throws -> Value
    ) throws -> (version: UInt32, value: Value) {
        try Catalog.translating {
            try queue.read { database in
                // A transaction has its lock from the first thing that it reads on, and no commit can come between
                // then and its end.
                _ = try Int.fetchOne(database.cachedStatement(sql: "PRAGMA schema_version"))
                return (try version(), try body(IdentityRows(database: database)))
            }
        }
    }

    // MARK: - The file

    private struct FileIdentity: Hashable {
        let device: dev_t
        let inode: ino_t

        init(_ path: String) throws {
            var status = stat()
            guard unsafe stat(path, &status) == 0 else {
                throw AWSError(.internalError, "the catalogue cannot be looked at")
            }
            (device, inode) = (status.st_dev, status.st_ino)
        }
    }

    private static let descriptors = Mutex<[FileIdentity: Int32]>([:])

    /// One descriptor for each catalogue, open until the process ends: closing any descriptor of a file drops all locks
    /// that the process holds on it, those of SQLite's connections too. (fcntl(2), "Advisory record locking".)
    private static func descriptor(of path: String) throws -> Int32 {
        try descriptors.withLock { descriptors in
            let identity = try FileIdentity(path)
            if let descriptor = descriptors[identity] { return descriptor }
            let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw AWSError(.internalError, "the catalogue cannot be opened") }
            descriptors[identity] = descriptor
            return descriptor
        }
    }
}
