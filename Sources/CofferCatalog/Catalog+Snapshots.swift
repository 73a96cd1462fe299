public import CofferShapes
internal import GRDB

extension Catalog {
    /// Adds a snapshot with its tags; with `namesApart` InvalidParameterValue when its name is taken.
    public func insert(_ snapshot: SnapshotRecord, namesApart: Bool = false) throws {
        try write { database in
            if namesApart, let name = snapshot.name {
                let taken = try Int.fetchOne(
                    database,
                    sql: """
                        SELECT count(*) FROM tag JOIN snapshot ON snapshot.id = tag.resource
                        WHERE key = ? AND value = ?
                        """,
                    arguments: [VolumeRecord.nameTag, name]
                )
                guard taken == 0 else {
                    throw AWSError(.invalidParameterValue, "a snapshot named \"\(name)\" exists already")
                }
            }
            try SnapshotRow(snapshot).insert(database)
            try Self.put(snapshot.tags, on: snapshot.id.text, in: database)
        }
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
        let isID = reference.hasPrefix("snap-")
        let matches = try snapshots(in: region).filter {
            isID ? $0.id.text.hasPrefix(reference) : $0.name == reference
        }
        guard let only = matches.first else {
            throw AWSError(
                .snapshotNotFound,
                "The snapshot '\(reference)' does not exist.",
                hint: "see the snapshots with `coffer snapshot ls`"
            )
        }
        guard matches.count == 1 else {
            throw AWSError(
                .invalidParameterValue,
                isID
                    ? "'\(reference)' is the beginning of \(matches.count) snapshot ids: give more of it"
                    : "\(matches.count) snapshots are named '\(reference)': name the one meant by its id"
            )
        }
        return only
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

    /// Takes a snapshot off the index, with its tags.
    public func removeSnapshot(_ id: SnapshotID) throws {
        try write { database in
            for (table, column) in [("tag", "resource"), ("snapshot", "id")] {
                try database.execute(
                    sql: "DELETE FROM \(table) WHERE \(column) = ?",
                    arguments: [id.text]
                )
            }
        }
    }
}
