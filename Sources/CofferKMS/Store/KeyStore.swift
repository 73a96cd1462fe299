internal import CofferShapes
internal import CofferTrail
internal import FoundationEssentials
internal import GRDB
internal import Glibc

/// `kms/keys.sqlite`: what the KMS remembers. Keys stand in it wrapped only.
///
/// WAL with synchronous=FULL, so that what was answered is on the medium; secure_delete, so that an
/// overwritten wrapping key leaves no copy in free pages. One connection for changes and one for reads, in
/// each service; SQLite arbitrates between processes.
struct KeyStore: Sendable {
    static let fileName = "keys.sqlite"

    let writer: DatabaseQueue
    let reader: DatabaseQueue

    /// Opens or makes the store in a home's `kms` folder. `rootCheck` is stored at the first opening and
    /// compared at every other: a store never runs under a root key that is not its own.
    init(folder: String, rootCheck: [UInt8], account: AccountID) throws {
        let path = "\(folder)/\(Self.fileName)"
        // The lock, for two first openings at once would trip over each other's change to WAL.
        (writer, reader) = try KeyFolder.locked(folder) {
            try Self.prepareFile(path)
            let writer = try DatabaseQueue(path: path, configuration: Self.configuration)
            try writer.inTransaction(.immediate) { database in
                try KeyStoreSchema.migrate(database, account: account)
                try Self.check(database, rootCheck)
                return .commit
            }
            return (writer, try DatabaseQueue(path: path, configuration: Self.configuration))
        }
    }

    /// Copies what the write-ahead log holds into the database and empties it, so that what was overwritten
    /// there is gone from it too. Tries once: a reader in another process only delays it.
    func emptyLog() throws {
        try writer.writeWithoutTransaction { database in
            _ = try Row.fetchOne(database, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
        }
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "coffer.kms"
        configuration.journalMode = .wal
        configuration.busyMode = .timeout(10)
        configuration.prepareDatabase { database in
            try database.execute(
                sql: """
                    PRAGMA synchronous = FULL;
                    PRAGMA secure_delete = ON;
                    PRAGMA trusted_schema = OFF;
                    PRAGMA cell_size_check = ON;
                    PRAGMA temp_store = MEMORY;
                    """
            )
        }
        return configuration
    }

    /// Makes the file with mode 0600 before SQLite does with another; its journals take the same mode. By
    /// path and without a descriptor: closing one would drop the locks that another connection of this
    /// process holds.
    private static func prepareFile(_ path: String) throws {
        guard unsafe mknod(path, S_IFREG | 0o600, 0) == 0 || errno == EEXIST else {
            throw FileError("making \(path)")
        }
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { throw FileError("looking at \(path)") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw AWSError(.damaged, "\(path) is not a regular file")
        }
        if status.st_mode & 0o077 != 0 {
            guard unsafe chmod(path, 0o600) == 0 else { throw FileError("changing the mode of \(path)") }
        }
    }

    private static func check(_ database: Database, _ rootCheck: [UInt8]) throws {
        try database.execute(
            sql: "INSERT INTO home (one, root_check) VALUES (1, ?) ON CONFLICT DO NOTHING",
            arguments: [Data(rootCheck)]
        )
        let stored = try Data.fetchOne(database, sql: "SELECT root_check FROM home")
        guard stored == Data(rootCheck) else {
            throw AWSError(
                .sealed,
                "the root key under the seal is not the one that the key store was made with",
                hint: "put the seal's files in kms/ back from the backup that has keys.sqlite"
            )
        }
    }
}
