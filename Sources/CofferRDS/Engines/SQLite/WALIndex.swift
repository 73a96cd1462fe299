internal import CofferShapes
internal import GRDBSQLite
internal import Synchronization

/// The index of a write-ahead log, which all connections of a database share in memory. A commit counts when its header
/// says so: what stands in the file behind that may be a transaction that was given up. (SQLite, "WAL-mode File Format",
/// 2.1: "The WAL-Index Header".)
///
/// The memory is a connection's own mapping, asked for through SQLite's file methods: a descriptor of our own could never
/// be closed without dropping the locks that this process holds on the file. Clients can write to it, so that nothing in
/// it is believed that the log does not bear out.
@safe
final class WALIndex: Sendable {
    /// What the header says.
    struct Look: Equatable, Sendable {
        /// Of the log that counts, as its header has them.
        let salts: UInt64
        /// How many frames are committed.
        let frames: Int
    }

    /// Holds the mapping in place for as long as it is open.
    private let connection: SQLiteConnection
    nonisolated(unsafe) private let words: UnsafePointer<Atomic<UInt64>>

    /// `connection` reads a database in WAL mode.
    init(_ connection: SQLiteConnection) throws {
        let words = unsafe connection.withFile { file, methods -> UnsafePointer<Atomic<UInt64>>? in
            guard let map = unsafe methods.pointee.xShmMap else { return nil }
            var region: UnsafeMutableRawPointer?
            // The index comes in regions of 32 KiB; none is made here.
            guard unsafe map(file, 0, 32 << 10, 0, &region) == SQLITE_OK, let region = unsafe region else {
                return nil
            }
            return unsafe UnsafePointer(region.assumingMemoryBound(to: Atomic<UInt64>.self))
        }
        guard let words = unsafe words else {
            throw AWSError(
                .internalError,
                "the write-ahead log of \(connection.path) has no index in shared memory"
            )
        }
        self.connection = connection
        unsafe self.words = words
    }

    /// nil while a commit is changing it.
    func look() -> Look? {
        // The first copy is written last, and read first. Words are in the host's order, and every host here is
        // little-endian; the salts are bytes as they are in the log.
        let first = copy(at: 0)
        guard first == copy(at: 6), first[0] & 0xFFFF_FFFF == 3_007_000, first[1] >> 32 & 0xFF == 1 else {
            return nil
        }
        return Look(salts: first[4].byteSwapped, frames: Int(first[2] & 0xFFFF_FFFF))
    }

    /// 48 bytes, and zeroes.
    private func copy(at offset: Int) -> SIMD8<UInt64> {
        var copy = SIMD8<UInt64>.zero
        for index in 0..<6 { copy[index] = unsafe words[offset + index].load(ordering: .acquiring) }
        return copy
    }
}
