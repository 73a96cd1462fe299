public import CofferShapes
internal import GRDB

extension Catalog {
    /// Adds a snapshot with its tags, unless `token` has made one already: then that one's id is given. With `namesApart`
    /// InvalidParameterValue when its name is taken.
    @discardableResult
    public func insert(
        _ snapshot: SnapshotRecord,
        token: ClientToken? = nil,
        namesApart: Bool = false
    ) throws -> SnapshotID? {
        try write { database in
            if let token, let made = try Self.resource(of: token, in: database) { return SnapshotID(made) }
            if namesApart, let name = snapshot.name {
                try Self.requireUnused(name, among: .snapshot, in: database)
            }
            try SnapshotRow(snapshot).insert(database)
            try Self.put(snapshot.tags, on: snapshot.id.text, in: database)
            if let token {
                try Self.keep(token, resource: snapshot.id.text, time: snapshot.started, in: database)
            }
            return nil
        }
    }

    /// The snapshot that a token has made; nil where it has made none. IdempotentParameterMismatch where that was by
    /// another request.
    public func snapshot(madeBy token: ClientToken) throws -> SnapshotID? {
        try read { try Self.resource(of: token, in: $0) }.flatMap { SnapshotID($0) }
    }

    /// All snapshots, the oldest first, of a region where one is given.
    public func snapshots(in region: Region? = nil) throws -> [SnapshotRecord] {
        try read { database in
            let tags = try Self.tags(ofAll: "snap-", in: database)
            return try SnapshotRow.order(Column("started"), Column("id")).fetchAll(database)
                .filter { region == nil || $0.region == region?.name }
                .map { try $0.record(tags: tags[$0.id] ?? []) }
        }
    }

    /// The snapshot of this id; nil where there is none.
    public func snapshot(id: SnapshotID) throws -> SnapshotRecord? {
        try read { database in
            try SnapshotRow.fetchOne(database, key: id.text)?.record(
                tags: try Self.tags(of: id.text, in: database)
            )
        }
    }

    /// The one snapshot that `reference` names: an id, the unambiguous beginning of one, or a name.
    /// InvalidSnapshot.NotFound where there is none, InvalidParameterValue where there are several.
    public func snapshot(_ reference: String, in region: Region? = nil) throws -> SnapshotRecord {
        try Self.only(reference, .snapshot, among: try snapshots(in: region)) { ($0.id.text, $0.name) }
    }

    /// Changes a snapshot's record by what `change` makes of it as it is now. Gives the record as it is then, or nil where
    /// it is gone.
    @discardableResult
    public func change(
        _ id: SnapshotID,
        _ change: (inout SnapshotRecord) throws -> Void
    ) throws -> SnapshotRecord? {
        try write { database in
            guard let row = try SnapshotRow.fetchOne(database, key: id.text) else { return nil }
            var record = try row.record(tags: try Self.tags(of: id.text, in: database))
            try change(&record)
            try SnapshotRow(record).update(database)
            return record
        }
    }

    /// Takes a snapshot off the index, with its tags, its permissions and the token that made it.
    public func removeSnapshot(_ id: SnapshotID) throws {
        try write { database in
            let owned = [
                ("tag", "resource"), ("snapshotPermission", "snapshot"), ("clientToken", "resource"),
                ("snapshot", "id"),
            ]
            for (table, column) in owned {
                try database.execute(
                    sql: "DELETE FROM \(table) WHERE \(column) = ?",
                    arguments: [id.text]
                )
            }
        }
    }
}
