internal import CofferShapes
internal import GRDBSQLite
internal import Glibc

/// A connection to an SQLite database: statements without arguments, one value, and what a replicator needs of the
/// write-ahead log. Used by one thread at a time.
@safe
final class SQLiteConnection: @unchecked Sendable {  // Whoever has it uses it alone.
    let path: String
    /// Open until `close`.
    private var handle: OpaquePointer?

    enum Mode {
        case existing, new, readOnly

        fileprivate var flags: Int32 {
            switch self {
            case .existing: SQLITE_OPEN_READWRITE
            case .new: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
            case .readOnly: SQLITE_OPEN_READONLY
            }
        }
    }

    /// `path` is absolute, so it is never taken for a URI.
    init(_ path: String, _ mode: Mode = .existing) throws {
        self.path = path
        // SQLite's own flag for this refuses folders on the way too.
        var status = stat()
        guard unsafe lstat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG else {
            throw AWSError(.damaged, "\(path) is no file of its own")
        }
        var handle: OpaquePointer?
        let code = unsafe sqlite3_open_v2(path, &handle, mode.flags, nil)
        guard code == SQLITE_OK, let opened = unsafe handle else {
            unsafe sqlite3_close_v2(handle)
            throw SQLiteFailure(code, "cannot open \(path)")
        }
        unsafe self.handle = opened
        // What the file's schema holds is its clients' doing: it calls nothing here.
        try execute("PRAGMA trusted_schema=OFF")
        try execute("PRAGMA wal_autocheckpoint=0")
    }

    deinit { close() }

    /// The last one that closes writes the write-ahead log into the database and removes it.
    func close() {
        unsafe sqlite3_close_v2(handle)
        unsafe handle = nil
    }

    /// How long a statement waits for another connection's lock.
    func wait(milliseconds: Int32) { unsafe sqlite3_busy_timeout(handle, milliseconds) }

    func execute(_ sql: String) throws(SQLiteFailure) {
        let status = unsafe sqlite3_exec(handle, sql, nil, nil, nil)
        guard status == SQLITE_OK else { throw failure(status, sql) }
    }

    /// The first column of the first row, as text; nil where there is no row or it is null.
    func value(_ sql: String) throws(SQLiteFailure) -> String? {
        var statement: OpaquePointer?
        let status = unsafe sqlite3_prepare_v2(handle, sql, -1, &statement, nil)
        guard status == SQLITE_OK else { throw failure(status, sql) }
        defer { unsafe sqlite3_finalize(statement) }
        switch unsafe sqlite3_step(statement) {
        case SQLITE_ROW:
            guard let text = unsafe sqlite3_column_text(statement, 0) else { return nil }
            return unsafe String(cString: text)
        case SQLITE_DONE: return nil
        case let status: throw failure(status, sql)
        }
    }

    /// Begins a transaction that reads, and so holds the write-ahead log in its place. Needs nothing of the schema.
    func beginReading() throws(SQLiteFailure) {
        try execute("BEGIN")
        do {
            _ = try value("PRAGMA schema_version")
        } catch {
            end()
            throw error
        }
    }

    /// Ends the transaction; fine without one.
    func end() {
        // There is nothing to undo: no connection of ours writes.
        guard let handle = unsafe handle, unsafe sqlite3_get_autocommit(handle) == 0 else { return }
        try? execute("ROLLBACK")
    }

    /// Takes the lock that writers need, within the time; false where others held it all the while.
    func lockWriters(limit: Duration) throws(SQLiteFailure) -> Bool {
        let deadline = ContinuousClock.now + limit
        while true {
            do {
                try execute("BEGIN IMMEDIATE")
                return true
            } catch  where error.isBusy {
                guard ContinuousClock.now < deadline else { return false }
                usleep(200)
            }
        }
    }

    /// Copies what it may of the write-ahead log into the database, waiting for nobody: how many frames the log has, and
    /// how many of them are in the database. nil where another connection is at it.
    func checkpoint() throws(SQLiteFailure) -> (frames: Int, copied: Int)? {
        var (frames, copied) = (Int32(0), Int32(0))
        let status = unsafe sqlite3_wal_checkpoint_v2(
            handle,
            nil,
            SQLITE_CHECKPOINT_PASSIVE,
            &frames,
            &copied
        )
        if status & 0xFF == SQLITE_BUSY { return nil }
        guard status == SQLITE_OK else { throw failure(status, "checkpoint") }
        return (Int(frames), Int(copied))
    }

    /// Gives `body` the file of the main database, as SQLite has it.
    func withFile<Value>(
        _ body: (UnsafeMutablePointer<sqlite3_file>, UnsafePointer<sqlite3_io_methods>) -> Value?
    ) -> Value? {
        var file: UnsafeMutablePointer<sqlite3_file>?
        guard
            unsafe sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK,
            let file = unsafe file, let methods = unsafe file.pointee.pMethods
        else { return nil }
        return unsafe body(file, methods)
    }

    /// Copies the database of `self` into that of `target`, which is empty, `pages` at a time; `progress` hears how many
    /// are done of how many. (SQLite, "Online Backup API".)
    func copy(to target: SQLiteConnection, pages: Int32, progress: (Int, Int) -> Void) throws {
        guard let backup = unsafe sqlite3_backup_init(target.handle, "main", handle, "main") else {
            throw target.failure(unsafe sqlite3_errcode(target.handle), "backup")
        }
        var status = SQLITE_OK
        repeat {
            status = unsafe sqlite3_backup_step(backup, pages)
            let total = unsafe Int(sqlite3_backup_pagecount(backup))
            progress(total - (unsafe Int(sqlite3_backup_remaining(backup))), total)
            if status == SQLITE_BUSY || status == SQLITE_LOCKED { usleep(1000) }
        } while status == SQLITE_OK || status == SQLITE_BUSY || status == SQLITE_LOCKED
        unsafe sqlite3_backup_finish(backup)
        guard status == SQLITE_DONE else { throw failure(status, "backup") }
    }

    private func failure(_ status: Int32, _ what: String) -> SQLiteFailure {
        let extended = unsafe handle == nil ? status : sqlite3_extended_errcode(handle)
        return SQLiteFailure(extended & 0xFF == status & 0xFF ? extended : status, what)
    }
}

/// What SQLite refused, by its result code. Its message may name what is in the database, and is left out.
struct SQLiteFailure: Error, CustomStringConvertible {
    let code: Int32
    let what: String

    init(_ code: Int32, _ what: String) { (self.code, self.what) = (code, what) }

    /// Another connection holds the lock.
    var isBusy: Bool { code & 0xFF == SQLITE_BUSY }
    var isFull: Bool { code & 0xFF == SQLITE_FULL }
    /// The file below cannot be read or written any more.
    var isOfTheFile: Bool {
        [SQLITE_IOERR, SQLITE_READONLY, SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_CANTOPEN].contains(code & 0xFF)
    }

    var description: String { "\(what): \(unsafe String(cString: sqlite3_errstr(code))) (\(code))" }
}
