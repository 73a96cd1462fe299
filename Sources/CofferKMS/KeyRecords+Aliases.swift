internal import CofferShapes
internal import FoundationEssentials
internal import GRDB

/// An alias as it is stored.
struct StoredAlias {
    let name: AliasName
    let target: KeyID
    let created: Timestamp
}

extension KeyRecords {
    func alias(_ name: AliasName) throws -> StoredAlias? {
        try Row.fetchOne(
            database,
            sql: "SELECT name, key_id, created FROM alias WHERE region = ? AND name = ?",
            arguments: [region.name, name.text]
        ).map(Self.alias)
    }

    /// The aliases by name, of one key or of all.
    func aliases(of key: KeyID?) throws -> [StoredAlias] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT name, key_id, created FROM alias
                WHERE region = ? AND (? IS NULL OR key_id = ?) ORDER BY name
                """,
            arguments: [region.name, key.map { Data($0.bytes) }, key.map { Data($0.bytes) }]
        ).map(Self.alias)
    }

    func add(_ alias: StoredAlias) throws {
        try database.execute(
            sql: "INSERT INTO alias (region, name, key_id, created) VALUES (?, ?, ?, ?)",
            arguments: [
                region.name, alias.name.text, Data(alias.target.bytes),
                Int64(clamping: alias.created.nanoseconds),
            ]
        )
    }

    func setTarget(_ key: KeyID, of name: AliasName) throws {
        try database.execute(
            sql: "UPDATE alias SET key_id = ? WHERE region = ? AND name = ?",
            arguments: [Data(key.bytes), region.name, name.text]
        )
    }

    func remove(_ name: AliasName) throws {
        try database.execute(
            sql: "DELETE FROM alias WHERE region = ? AND name = ?",
            arguments: [region.name, name.text]
        )
    }

    private static func alias(_ row: Row) throws -> StoredAlias {
        guard let name = try? AliasName(row.decode(String.self, forColumn: "name")) else { throw damaged }
        return StoredAlias(name: name, target: try keyID(row), created: try created(row))
    }
}
