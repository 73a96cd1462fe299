internal import CofferCatalog
internal import CofferShapes
internal import GRDBSQLite
internal import Glibc
internal import Logging

extension SQLiteEngine {
    /// What a snapshot has is what a power cut would leave: a database file, and a write-ahead log that SQLite recovers.
    /// For a time, that log is set aside, and the archive's take its place from its beginning on: so nothing that came
    /// later than the time is in it.
    func restore(_ site: EngineSite, from archive: DatabaseArchive?, to target: Timestamp?) async throws {
        let path = site.databasePath
        guard FileStamp(path) != nil else {
            throw AWSError(
                .invalidRestore,
                "the snapshot has no database \(site.record.databaseName ?? "main")"
            )
        }
        unsafe unlink(path + "-shm")
        if let archive, let target {
            guard let state = ReplicationState.read(site.mount), state.database == archive.database else {
                throw AWSError(
                    .invalidRestore,
                    "The snapshot does not say where in the archive it stands: it can be restored as it is alone."
                )
            }
            unsafe unlink(path + "-wal")
            try await ForwardRecovery(path: path, archive: archive, state: state, target: target).run()
        }
        // The new instance has an archive of its own, which begins with it.
        ReplicationState.remove(site.mount)
        try settle(site)
    }

    /// Leaves one file with all of it, and checks that.
    private func settle(_ site: EngineSite) throws {
        let connection = try SQLiteConnection(site.databasePath)
        defer { connection.close() }
        try connection.beginReading()
        connection.end()
        guard try connection.value("PRAGMA wal_checkpoint(TRUNCATE)") == "0" else {
            throw AWSError(.internalError, "the write-ahead log of \(site.databasePath) is in use")
        }
        for check in ["integrity_check", "quick_check"] {
            do {
                guard try connection.value("PRAGMA \(check)(1)") == "ok" else {
                    throw AWSError(
                        .damaged,
                        "\(site.databasePath) is not whole: it does not pass SQLite's \(check)"
                    )
                }
                return
            } catch let error as SQLiteFailure where error.code & 0xFF == SQLITE_ERROR {
                // It may need a collation or a function that its clients bring with them.
                site.logger.warning(
                    "the restored database cannot be checked",
                    metadata: ["check": "\(check)", "error": "\(error)"]
                )
            }
        }
    }
}
