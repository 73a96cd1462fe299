internal import CofferShapes
internal import GRDB
internal import GRDBSQLite
internal import Synchronization

/// Tells a cache at once whether anybody, in any process, has committed to the key store.
///
/// It looks at the header of the write-ahead log's index, which every commit has rewritten in the memory that all
/// connections share, with its change counter and checksum, before it returns. (SQLite, "WAL-mode File Format", 2.1:
/// "The WAL-Index Header".) That takes nanoseconds; `PRAGMA data_version` takes and gives up SQLite's locks, which is
/// ten microseconds at each call.
///
/// The memory is the connection's own mapping, asked for through SQLite's file methods: a descriptor of our own could
/// never be closed without dropping the locks that this process holds on the file.
@safe
final class StoreWatch: Sendable {
    /// The header's first copy, which a commit writes last: 48 bytes, and zeroes.
    typealias Version = SIMD8<UInt64>

    /// Holds the mapping in place for as long as it is open.
    private let connection: DatabaseQueue
    nonisolated(unsafe) private let words: UnsafePointer<Atomic<UInt64>>

    /// `connection` is in WAL mode.
    init(_ connection: DatabaseQueue) throws {
        let words = try unsafe connection.read { database -> UnsafePointer<Atomic<UInt64>>? in
            // The index is mapped by the first transaction that reads.
            _ = try Int.fetchOne(database, sql: "PRAGMA schema_version")
            var file: UnsafeMutablePointer<sqlite3_file>?
            guard
                unsafe sqlite3_file_control(
                    database.sqliteConnection,
                    "main",
                    SQLITE_FCNTL_FILE_POINTER,
                    &file
                ) == SQLITE_OK,
                let file = unsafe file,
                let methods = unsafe file.pointee.pMethods,
                let map = unsafe methods.pointee.xShmMap
            else { return nil }
            var region: UnsafeMutableRawPointer?
            // The index comes in regions of 32 KiB; none is made here.
            guard unsafe map(file, 0, 32 << 10, 0, &region) == SQLITE_OK, let region = unsafe region else {
                return nil
            }
            return unsafe UnsafePointer(region.assumingMemoryBound(to: Atomic<UInt64>.self))
        }
        guard let words = unsafe words else {
            throw AWSError(.internalError, "the key store's write-ahead log has no index in shared memory")
        }
        self.connection = connection
        unsafe self.words = words
    }

    /// What differs after every commit. While one is under way it may be neither the old nor the new.
    var version: Version {
        var version = Version.zero
        for index in 0..<6 { version[index] = unsafe words[index].load(ordering: .acquiring) }
        return version
    }
}
