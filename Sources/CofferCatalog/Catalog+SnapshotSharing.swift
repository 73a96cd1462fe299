public import CofferShapes
internal import GRDB

extension Schema {
    static func addSnapshotSharing(_ database: Database) throws {
        try database.create(table: "snapshotPermission", options: .strict) { table in
            table.column("snapshot", .text).notNull()
            table.column("grantee", .text).notNull()
            table.primaryKey(["snapshot", "grantee"])
        }
    }
}

extension Catalog {
    /// Who may make volumes of a snapshot besides its owner, sorted.
    public func permissions(of snapshot: SnapshotID) throws -> [SnapshotGrantee] {
        try read { database in
            try String.fetchAll(
                database,
                sql: "SELECT grantee FROM snapshotPermission WHERE snapshot = ?",
                arguments: [snapshot.text]
            ).compactMap(SnapshotGrantee.init).sorted()
        }
    }

    /// The snapshots that somebody may make volumes of by permission, not as their owner.
    public func snapshots(sharedWith grantee: SnapshotGrantee) throws -> Set<SnapshotID> {
        try read { database in
            Set(
                try String.fetchAll(
                    database,
                    sql: "SELECT snapshot FROM snapshotPermission WHERE grantee = ?",
                    arguments: [grantee.text]
                ).compactMap(SnapshotID.init)
            )
        }
    }

    /// The snapshots that anybody has a permission of, whether they are there or not.
    public func sharedSnapshots() throws -> Set<String> {
        try read { database in
            Set(try String.fetchAll(database, sql: "SELECT DISTINCT snapshot FROM snapshotPermission"))
        }
    }

    /// Takes away all permissions of a snapshot.
    public func removePermissions(of snapshot: String) throws {
        try write { database in
            try database.execute(
                sql: "DELETE FROM snapshotPermission WHERE snapshot = ?",
                arguments: [snapshot]
            )
        }
    }

    /// Adds and takes away permissions: all, or none where an error is thrown. What is there already, or is not there, is
    /// no error. InvalidSnapshot.NotFound where the snapshot is gone.
    public func changePermissions(
        of snapshot: SnapshotID,
        adding: [SnapshotGrantee] = [],
        removing: [SnapshotGrantee] = []
    ) throws {
        try write { database in
            guard try SnapshotRow.exists(database, key: snapshot.text) else {
                throw AWSError(.snapshotNotFound, "The snapshot '\(snapshot)' does not exist.")
            }
            for grantee in adding {
                try database.execute(
                    sql: "INSERT OR IGNORE INTO snapshotPermission (snapshot, grantee) VALUES (?, ?)",
                    arguments: [snapshot.text, grantee.text]
                )
            }
            for grantee in removing {
                try database.execute(
                    sql: "DELETE FROM snapshotPermission WHERE snapshot = ? AND grantee = ?",
                    arguments: [snapshot.text, grantee.text]
                )
            }
        }
    }
}
