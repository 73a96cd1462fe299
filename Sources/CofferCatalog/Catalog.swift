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
                try Schema.migrator.migrate(queue)
                return queue
            }
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

    // MARK: - Volumes

    /// Adds a volume; InvalidParameterValue when its name is taken.
    public func insert(_ volume: VolumeRecord) throws {
        try write { database in
            if let name = volume.name,
                try VolumeRow.filter(Column("name") == name).fetchCount(database) > 0
            {
                throw AWSError(.invalidParameterValue, "a volume named \"\(name)\" exists already")
            }
            try VolumeRow(volume).insert(database)
        }
    }

    /// All volumes, the oldest first.
    public func volumes() throws -> [VolumeRecord] {
        try read { database in
            try VolumeRow.order(Column("created"), Column("id")).fetchAll(database).map { try $0.record() }
        }
    }

    /// The one volume that `reference` names: an id, the unambiguous beginning of one, or a name.
    /// InvalidVolume.NotFound where there is none, InvalidParameterValue where there are several.
    public func volume(_ reference: String) throws -> VolumeRecord {
        let all = try volumes()
        if let exact = all.first(where: { $0.id.text == reference || $0.name == reference }) { return exact }
        let matches = reference.hasPrefix("vol-") ? all.filter { $0.id.text.hasPrefix(reference) } : []
        guard let only = matches.first else {
            throw AWSError(
                .volumeNotFound,
                "The volume '\(reference)' does not exist.",
                hint: "see the volumes with `coffer volume ls`"
            )
        }
        guard matches.count == 1 else {
            throw AWSError(
                .invalidParameterValue,
                "'\(reference)' is the beginning of \(matches.count) volume ids: give more of it"
            )
        }
        return only
    }

    /// Notes that creation is complete.
    public func markCreated(_ id: VolumeID) throws {
        try write { database in
            try database.execute(sql: "UPDATE volume SET isComplete = 1 WHERE id = ?", arguments: [id.text])
        }
    }

    /// Notes which filesystem a volume holds, or is about to hold.
    public func setFilesystem(_ filesystem: VolumeRecord.Filesystem, of id: VolumeID) throws {
        try write { database in
            try database.execute(
                sql: "UPDATE volume SET filesystem = ? WHERE id = ?",
                arguments: [filesystem.rawValue, id.text]
            )
        }
    }

    /// Takes a volume off the index; its rollback mark stays, so that a copy put back later is still known as old.
    public func removeVolume(_ id: VolumeID) throws {
        try write { database in
            try database.execute(sql: "DELETE FROM volume WHERE id = ?", arguments: [id.text])
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

    private func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
        try Self.translating { try queue.read(body) }
    }

    private func write<Value>(_ body: (Database) throws -> Value) throws -> Value {
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
