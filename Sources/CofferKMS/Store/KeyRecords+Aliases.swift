internal import CofferShapes
internal import GRDB

extension KeyRecords {
    func alias(_ name: AliasName, in region: Region) throws -> StoredAlias? {
        let statement = try database.cachedStatement(
            sql: "SELECT name, key_id, created, updated FROM alias WHERE region = ? AND name = ?"
        )
        return try Row.fetchOne(statement, arguments: [region.name, name.text]).map(Self.alias)
    }

    /// The aliases of a region by name, of one key or of all.
    func aliases(in region: Region, of key: KeyID? = nil) throws -> [StoredAlias] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT name, key_id, created, updated FROM alias
                WHERE region = ?1 AND (?2 IS NULL OR key_id = ?2) ORDER BY name
                """,
            arguments: [region.name, key?.description]
        ).map(Self.alias)
    }

    func add(_ alias: StoredAlias, in region: Region) throws {
        try database.execute(
            sql: "INSERT INTO alias (region, name, key_id, created, updated) VALUES (?, ?, ?, ?, ?)",
            arguments: [
                region.name, alias.name.text, alias.target.description, alias.created.sqlite,
                alias.updated.sqlite,
            ]
        )
    }

    func setTarget(_ key: KeyID, of name: AliasName, in region: Region, at now: Timestamp) throws {
        try database.execute(
            sql: "UPDATE alias SET key_id = ?, updated = ? WHERE region = ? AND name = ?",
            arguments: [key.description, now.sqlite, region.name, name.text]
        )
    }

    func remove(_ name: AliasName, in region: Region) throws {
        try database.execute(
            sql: "DELETE FROM alias WHERE region = ? AND name = ?",
            arguments: [region.name, name.text]
        )
    }

    private static func alias(_ row: Row) throws -> StoredAlias {
        guard let name = try? AliasName(row.decode(String.self, forColumn: "name")),
            let target = KeyID(try row.decode(String.self, forColumn: "key_id"))
        else { throw damaged }
        return StoredAlias(
            name: name,
            target: target,
            created: try row.time("created"),
            updated: try row.time("updated")
        )
    }

    // MARK: - Tags

    /// The tags of a key, by their keys.
    func tags(of place: KeyPlace) throws -> [Tag] {
        try Row.fetchAll(
            database,
            sql: "SELECT tag_key, tag_value FROM tag WHERE region = ? AND key_id = ? ORDER BY tag_key",
            arguments: [place.region.name, place.id.description]
        ).map { row in
            Tag(
                key: try row.decode(String.self, forColumn: "tag_key"),
                value: try row.decode(String.self, forColumn: "tag_value")
            )
        }
    }

    func set(_ tag: Tag, of place: KeyPlace) throws {
        try database.execute(
            sql: """
                INSERT INTO tag (region, key_id, tag_key, tag_value) VALUES (?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET tag_value = excluded.tag_value
                """,
            arguments: [place.region.name, place.id.description, tag.key, tag.value]
        )
    }

    func removeTag(_ key: String, of place: KeyPlace) throws {
        try database.execute(
            sql: "DELETE FROM tag WHERE region = ? AND key_id = ? AND tag_key = ?",
            arguments: [place.region.name, place.id.description, key]
        )
    }
}
