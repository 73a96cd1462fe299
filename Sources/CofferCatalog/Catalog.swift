public import CofferShapes
internal import GRDB
internal import Glibc

/// `catalog.sqlite`: the index of a home's volumes, and the truth about who the home is, who its users are, and which
/// header of a volume was the newest. Volumes can be found again from their headers; the rest cannot.
///
/// SQLite arbitrates between processes; every write is durable when its method returns. The journal is a rollback
/// journal, not a write-ahead log: a reader makes no file then, so that a volume can be found and detached on a full
/// disk. Methods throw `AWSError`: `Coffer.Damaged` for a file that is no catalogue or a newer one,
/// `Coffer.StorageFull` on a full disk.
public final class Catalog: Sendable {
    private let path: String
    private let queue: DatabaseQueue

    /// Opens the catalogue, and makes it (mode 0600 through the caller's umask) at first use.
    public init(path: String) throws {
        self.path = path
        queue = try Self.locked(folderOf: path) {
            try Self.translating {
                let queue = try DatabaseQueue(path: path, configuration: Self.configuration)
                if try queue.read({ try Schema.migrator.hasBeenSuperseded($0) }) {
                    throw AWSError(
                        .damaged,
                        "\(path) was written by a newer version of Coffer",
                        hint: "use that version, or restore a copy made before it"
                    )
                }
                try Self.keepCopy(of: path, queue)
                try Schema.migrator.migrate(queue)
                return queue
            }
        }
    }

    /// Copies a catalogue of an older version beside it before it is changed: `catalog.sqlite.before-N`, N being how many
    /// of the schema's steps it is about to have. Of a copy there already, the change it was made for did not happen.
    private static func keepCopy(of path: String, _ queue: DatabaseQueue) throws {
        let applied = try queue.read { try Schema.migrator.appliedIdentifiers($0).count }
        let all = Schema.migrator.migrations.count
        guard applied > 0, applied < all else { return }
        let copy = "\(path).before-\(all)"
        unsafe unlink(copy)
        let descriptor = unsafe open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw AWSError(.internalError, "cannot make \(copy)") }
        close(descriptor)
        do {
            try HomeDatabase.copy(path, to: copy)
        } catch {
            unsafe unlink(copy)
            throw error
        }
    }

    /// Runs `body` with the file's folder locked against every process: the migrator looks for what is missing outside
    /// the transaction of any migration, so that two openings at once would trip over each other.
    private static func locked<Value>(folderOf path: String, _ body: () throws -> Value) throws -> Value {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw AWSError(.internalError, "the folder of \(path) cannot be opened")
        }
        // Closing it gives the lock up.
        defer { close(descriptor) }
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw AWSError(.internalError, "\(folder) cannot be locked") }
        }
        return try body()
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON")
        }
        return configuration
    }

    // MARK: - Identity

    /// Who this home is; `fresh` is taken when the home has no identity yet, and of two first uses at once one wins.
    public func identity(orElse fresh: HomeIdentity) throws -> HomeIdentity {
        try write { database in
            if let row = try Row.fetchOne(database, sql: "SELECT account, region FROM home") {
                guard let account = AccountID(row["account"]), let region = Region(row["region"]) else {
                    throw AWSError(.damaged, "the catalogue holds no valid account id and region")
                }
                return HomeIdentity(account: account, region: region)
            }
            try database.execute(
                sql: "INSERT INTO home (singleton, account, region) VALUES (1, ?, ?)",
                arguments: [fresh.account.digits, fresh.region.name]
            )
            return fresh
        }
    }

    // MARK: - Settings

    /// What the home is set to; nil where it is set to nothing.
    public func setting(_ name: String) throws -> String? {
        try read { database in
            try String.fetchOne(database, sql: "SELECT value FROM setting WHERE name = ?", arguments: [name])
        }
    }

    /// nil takes the setting away.
    public func setSetting(_ name: String, to value: String?) throws {
        try write { database in
            try database.execute(sql: "DELETE FROM setting WHERE name = ?", arguments: [name])
            guard let value else { return }
            try database.execute(
                sql: "INSERT INTO setting (name, value) VALUES (?, ?)",
                arguments: [name, value]
            )
        }
    }

    // MARK: - Rollback marks

    /// The newest header seen of a volume, nil where none was.
    public func mark(of id: VolumeID) throws -> RollbackMark? {
        try read { database in
            try Row.fetchOne(
                database,
                sql: "SELECT uuid, sequence, attachEpoch FROM rollbackMark WHERE volume = ?",
                arguments: [id.text]
            ).map { row in
                guard let uuid = UUIDText.parse(row["uuid"]) else {
                    throw AWSError(.damaged, "the catalogue's rollback mark of volume '\(id)' is damaged")
                }
                return RollbackMark(
                    uuid: uuid,
                    sequence: UInt64(bitPattern: row["sequence"] as Int64),
                    attachEpoch: UInt64(bitPattern: row["attachEpoch"] as Int64)
                )
            }
        }
    }

    /// Notes a header as the newest. Called after the header itself is durable: a crash between the two leaves a mark
    /// that is too low, which locks nobody out.
    public func setMark(_ mark: RollbackMark, of id: VolumeID) throws {
        try write { database in
            try database.execute(
                sql: """
                    INSERT INTO rollbackMark (volume, uuid, sequence, attachEpoch) VALUES (?, ?, ?, ?)
                    ON CONFLICT (volume) DO UPDATE
                    SET uuid = excluded.uuid, sequence = excluded.sequence, attachEpoch = excluded.attachEpoch
                    """,
                arguments: [
                    id.text, UUIDText.text(mark.uuid), Int64(bitPattern: mark.sequence),
                    Int64(bitPattern: mark.attachEpoch),
                ]
            )
        }
    }

    // MARK: - Users

    /// Users, their policies and access keys as they are at one moment.
    public func readIdentities<Value>(_ body: (IdentityRows) throws -> Value) throws -> Value {
        try read { try body(IdentityRows(database: $0)) }
    }

    /// Changes users, policies and access keys: all of `body`, checks included, or nothing where it throws.
    public func changeIdentities<Value>(_ body: (IdentityRows) throws -> Value) throws -> Value {
        try write { try body(IdentityRows(database: $0)) }
    }

    /// A connection that sees whether anybody else, in any process, has changed the catalogue.
    public func watch() throws -> CatalogWatch {
        try Self.translating {
            try CatalogWatch(DatabaseQueue(path: path, configuration: Self.configuration), path: path)
        }
    }

    // MARK: - Errors

    func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
        try Self.translating { try queue.read(body) }
    }

    func write<Value>(_ body: (Database) throws -> Value) throws -> Value {
        try Self.translating { try queue.write(body) }
    }

    /// Runs `body`; what SQLite reports leaves as an `AWSError`.
    static func translating<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as DatabaseError {
            let words = error.message ?? "SQLite error \(error.resultCode.rawValue)"
            switch error.resultCode {
            case .SQLITE_FULL: throw AWSError(.storageFull, "the catalogue cannot grow: the disk is full")
            case .SQLITE_CORRUPT, .SQLITE_NOTADB:
                throw AWSError(.damaged, "the catalogue is damaged: \(words)")
            default: throw AWSError(.internalError, "the catalogue failed: \(words)")
            }
        } catch is RowDecodingError {
            throw AWSError(.damaged, "the catalogue is damaged: it has a value of a wrong kind")
        }
    }
}
