public import CofferShapes
internal import FoundationEssentials
internal import GRDB

extension Catalog {
    /// Adds a volume with its tags, unless `token` has made one already: then that one's id is given. With
    /// `namesApart` InvalidParameterValue when its name is taken; tags alone may repeat names, as on AWS.
    @discardableResult
    public func insert(
        _ volume: VolumeRecord,
        token: ClientToken? = nil,
        namesApart: Bool = false
    ) throws -> VolumeID? {
        try write { database in
            if let token, let made = try Self.resource(of: token, in: database) { return VolumeID(made) }
            if namesApart, let name = volume.name {
                try Self.requireUnused(name, among: .volume, in: database)
            }
            try VolumeRow(volume).insert(database)
            try Self.put(volume.tags, on: volume.id.text, in: database)
            if let token {
                try Self.keep(token, resource: volume.id.text, time: volume.created, in: database)
            }
            return nil
        }
    }

    /// All volumes, the oldest first, of a region where one is given.
    public func volumes(in region: Region? = nil) throws -> [VolumeRecord] {
        try read { database in
            let tags = try Self.tags(ofAll: "vol-", in: database)
            return try VolumeRow.order(Column("created"), Column("id")).fetchAll(database)
                .filter { region == nil || $0.region == region?.name }
                .map { try $0.record(tags: tags[$0.id] ?? []) }
        }
    }

    /// The volume of this id; nil where there is none.
    public func volume(id: VolumeID) throws -> VolumeRecord? {
        try read { database in
            try VolumeRow.fetchOne(database, key: id.text)?.record(
                tags: try Self.tags(of: id.text, in: database)
            )
        }
    }

    /// The one volume that `reference` names: an id, the unambiguous beginning of one, or a name.
    /// InvalidVolume.NotFound where there is none, InvalidParameterValue where there are several.
    public func volume(_ reference: String, in region: Region? = nil) throws -> VolumeRecord {
        if let id = VolumeID(reference), let volume = try volume(id: id),
            region == nil || volume.region == region
        {
            return volume
        }
        return try Self.only(reference, .volume, among: try volumes(in: region)) { ($0.id.text, $0.name) }
    }

    /// Changes a volume's record by what `change` makes of it as it is now; its tags have verbs of their own. Gives the
    /// record as it is then. InvalidVolume.NotFound where it is gone.
    @discardableResult
    public func change(_ id: VolumeID, _ change: (inout VolumeRecord) throws -> Void) throws -> VolumeRecord {
        try write { try Self.change(id, in: $0, change) }
    }

    static func change(
        _ id: VolumeID,
        in database: Database,
        _ change: (inout VolumeRecord) throws -> Void
    ) throws -> VolumeRecord {
        guard let row = try VolumeRow.fetchOne(database, key: id.text) else {
            throw AWSError(.volumeNotFound, "The volume '\(id)' does not exist.")
        }
        var record = try row.record(tags: try tags(of: id.text, in: database))
        try change(&record)
        try VolumeRow(record).update(database)
        return record
    }

    /// Notes that creation is complete.
    public func markCreated(_ id: VolumeID) throws { try change(id) { $0.stage = .ready } }

    /// Notes which filesystem a volume holds, or is about to hold.
    public func setFilesystem(_ filesystem: VolumeRecord.Filesystem, of id: VolumeID) throws {
        try change(id) { $0.filesystem = filesystem }
    }

    /// Takes a volume off the index, with its tags, its attachment and its modifications. Its rollback mark stays, so
    /// that a copy put back later is still known as old; its grants, which somebody has yet to retire; and the token that
    /// made it, which makes no other. With `forgettingToken` that goes too: of a volume that never came about.
    public func removeVolume(_ id: VolumeID, forgettingToken: Bool = false) throws {
        try write { database in
            if forgettingToken {
                try database.execute(
                    sql: "DELETE FROM clientToken WHERE resource = ?",
                    arguments: [id.text]
                )
            }
            for (table, column) in [
                ("tag", "resource"), ("attachment", "volume"), ("modification", "volume"), ("volume", "id"),
            ] {
                try database.execute(
                    sql: "DELETE FROM \(table) WHERE \(column) = ?",
                    arguments: [id.text]
                )
            }
        }
    }

    // MARK: - Client tokens

    /// How long a token is remembered.
    private static let tokenNanoseconds: UInt64 = 86_400_000_000_000

    /// What a token has made; IdempotentParameterMismatch where it was by another request.
    static func resource(of token: ClientToken, in database: Database) throws -> String? {
        guard
            let row = try Row.fetchOne(
                database,
                sql: "SELECT digest, resource FROM clientToken WHERE scope = ? AND token = ?",
                arguments: [token.scope, token.text]
            )
        else { return nil }
        guard let digest = row["digest"] as Data?, Array(digest) == token.digest else {
            throw AWSError(
                .idempotentParameterMismatch,
                "The client token you have provided is already in use with different request parameters."
            )
        }
        return row["resource"]
    }

    static func keep(
        _ token: ClientToken,
        resource: String,
        time: Timestamp,
        in database: Database
    ) throws {
        let oldest = Int64(clamping: time.nanoseconds) - Int64(tokenNanoseconds)
        try database.execute(sql: "DELETE FROM clientToken WHERE time < ?", arguments: [oldest])
        try database.execute(
            sql: "INSERT INTO clientToken (scope, token, digest, resource, time) VALUES (?, ?, ?, ?, ?)",
            arguments: [
                token.scope, token.text, Data(token.digest), resource, Int64(clamping: time.nanoseconds),
            ]
        )
    }
}
