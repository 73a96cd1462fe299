internal import CofferCatalog
internal import CofferEBS
internal import CofferShapes
internal import CofferSystem
internal import GRDBSQLite
internal import Glibc

/// SQLite: a database file in WAL mode, which clients open themselves. What runs is a replicator alone, which brings their
/// commits to the archive.
struct SQLiteEngine: DatabaseEngine {
    let kind = DatabaseEngineKind.sqlite
    let hasUsers = false
    let defaultMasterUser = "owner"
    let defaultPort: Int? = nil

    func installedVersion() throws -> String { unsafe String(cString: sqlite3_libversion()) }

    func check(_ record: DatabaseRecord) throws {
        try SQLiteParameters.check(record.parameters)
        guard record.masterUser == defaultMasterUser else {
            throw AWSError(
                .invalidParameterCombination,
                "sqlite has no users: who may open the file may do everything"
            )
        }
        guard record.port == 0 else {
            throw AWSError(.invalidParameterCombination, "sqlite listens at no port: its clients open a file")
        }
        let name = record.databaseName ?? EngineSite.usualDatabase
        guard name.wholeMatch(of: #/[A-Za-z0-9_][A-Za-z0-9_-]{0,63}/#) != nil else {
            throw AWSError(
                .invalidParameterValue,
                "DBName must have 1 to 64 letters, digits, hyphens and underscores: it is the name of a file"
            )
        }
    }

    func create(_ site: EngineSite, password: MasterPassword?) async throws {
        let path = site.databasePath
        let connection = try SQLiteConnection(path, .new)
        defer { connection.close() }
        // One page is one data unit of the volume: a page is written without anything being read before.
        try connection.execute("PRAGMA page_size=\(SQLiteParameters.pageSize(site.parameters))")
        try connection.execute("PRAGMA auto_vacuum=NONE")
        guard try connection.value("PRAGMA journal_mode=WAL") == "wal" else {
            throw AWSError(.internalError, "\(path) cannot be put into WAL mode")
        }
        guard unsafe chmod(path, 0o600) == 0 else {
            throw AWSError(.internalError, "cannot change \(path): \(SystemError.text(errno))")
        }
    }

    func start(_ site: EngineSite) async throws -> any RunningEngine { try await RunningSQLite(site) }

    /// Nothing runs that could be left. Clients that still have the file open keep the volume from being unmounted, until
    /// that is forced.
    func endLeftovers(_ site: EngineSite) async throws {}

    func setPassword(_ site: EngineSite, _ password: MasterPassword) async throws {
        throw AWSError(.invalidParameterCombination, "sqlite has no users, and so no passwords")
    }

    func url(_ site: EngineSite) -> String { "sqlite:///\(address(site))" }
    func address(_ site: EngineSite) -> String { site.databasePath }

    /// `sqlite3`, which waits for others' transactions and makes the connection's settings without a word.
    func client(_ site: EngineSite) throws -> DatabaseClient {
        guard let program = ChildProcess.find("sqlite3") else {
            throw AWSError(
                .missingRequirement,
                "the program sqlite3 is not installed",
                hint: "`apt install sqlite3`, or open \(url(site)) with another client"
            )
        }
        let pragmas = SQLiteParameters.pragmas(site.parameters)
        let settings =
            pragmas.isEmpty ? [] : [".output /dev/null"] + pragmas + [".output"]
        return DatabaseClient(
            program: program,
            arguments: ([".timeout 5000"] + settings).flatMap { ["-cmd", $0] } + [address(site)],
            environment: [
                "SQLITE_TMPDIR": site.temporaryFolder,
                "SQLITE_HISTORY": "\(site.temporaryFolder)/sqlite_history",
            ]
        )
    }

    func prune(_ archive: DatabaseArchive, keeping since: Timestamp) async throws {
        try await ReplicationPruning.prune(archive, keeping: since)
    }
}

extension EngineSite {
    static let usualDatabase = "main"

    /// Of an SQLite instance.
    var databasePath: String { "\(data)/\(record.databaseName ?? Self.usualDatabase).db" }
}
