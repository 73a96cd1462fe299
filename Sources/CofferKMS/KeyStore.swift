internal import CofferShapes
internal import CofferTrail
internal import FoundationEssentials
internal import GRDB
internal import Glibc

/// `kms/keys.sqlite`: what the KMS remembers. Keys stand in it wrapped only.
///
/// WAL with synchronous=FULL, so that what was answered is on the medium; secure_delete, so that an
/// overwritten wrapping key leaves no copy in free pages. One connection for each service; SQLite arbitrates
/// between them.
struct KeyStore: Sendable {
    static let fileName = "keys.sqlite"
    private static let schemaVersion = 1

    let queue: DatabaseQueue

    /// Opens or makes the store in a home's `kms` folder. `rootCheck` is stored at the first opening and
    /// compared at every other: a store never runs under a root key that is not its own.
    init(folder: String, rootCheck: [UInt8]) throws {
        let path = "\(folder)/\(Self.fileName)"
        // The lock, for two first openings at once would trip over each other's change to WAL.
        queue = try KeyFolder.locked(folder) {
            try Self.prepareFile(path)
            let queue = try DatabaseQueue(path: path, configuration: Self.configuration)
            try queue.inTransaction(.immediate) { database in
                try Self.migrate(database)
                try Self.check(database, rootCheck)
                return .commit
            }
            return queue
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

    private static func migrate(_ database: Database) throws {
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        guard version <= schemaVersion else {
            throw AWSError(
                .damaged,
                "the key store has version \(version), and this program knows up to \(schemaVersion)",
                hint: "use the newer Coffer that wrote it"
            )
        }
        guard version == 0 else { return }
        try database.execute(sql: schema)
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

    /// Times are nanoseconds since 1970. `wrapping_key` has a table of its own, so that deleting a KMS key
    /// overwrites one small record. `service` is set for AWS managed keys alone.
    private static let schema = """
        CREATE TABLE home (one INTEGER PRIMARY KEY CHECK (one = 1), root_check BLOB NOT NULL) STRICT;
        CREATE TABLE kms_key (
            key_id BLOB PRIMARY KEY CHECK (length(key_id) = 16),
            region TEXT NOT NULL,
            created INTEGER NOT NULL,
            description TEXT NOT NULL,
            state TEXT NOT NULL,
            service TEXT,
            current_material_id BLOB NOT NULL CHECK (length(current_material_id) = 32),
            UNIQUE (region, service)
        ) STRICT;
        CREATE TABLE wrapping_key (
            key_id BLOB PRIMARY KEY REFERENCES kms_key,
            wrapped BLOB NOT NULL
        ) STRICT;
        CREATE TABLE backing_key (
            material_id BLOB PRIMARY KEY CHECK (length(material_id) = 32),
            key_id BLOB NOT NULL REFERENCES kms_key,
            created INTEGER NOT NULL,
            wrapped BLOB NOT NULL
        ) STRICT;
        CREATE TABLE alias (
            region TEXT NOT NULL,
            name TEXT NOT NULL,
            key_id BLOB NOT NULL REFERENCES kms_key,
            created INTEGER NOT NULL,
            PRIMARY KEY (region, name)
        ) STRICT;
        CREATE INDEX alias_key ON alias (key_id);
        CREATE TABLE trail_head (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            sequence INTEGER NOT NULL,
            mac BLOB NOT NULL CHECK (length(mac) = 32)
        ) STRICT;
        PRAGMA user_version = 1;
        """
}
