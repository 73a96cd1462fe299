internal import CofferShapes
internal import FoundationEssentials
internal import GRDB

extension KeyRecords {
    private static let grantColumns =
        "grant_id, key_id, created, name, grantee, retiring, operations, constraints"

    /// The grants of a key, the oldest first.
    func grants(of place: KeyPlace) throws -> [StoredGrant] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT \(Self.grantColumns) FROM key_grant WHERE region = ? AND key_id = ?
                ORDER BY created, grant_id
                """,
            arguments: [place.region.name, place.id.description]
        ).map(Self.grant)
    }

    /// The grants of a region that a principal may retire, the oldest first.
    func grants(retiring principal: String, in region: Region) throws -> [StoredGrant] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT \(Self.grantColumns) FROM key_grant WHERE region = ? AND retiring = ?
                ORDER BY created, grant_id
                """,
            arguments: [region.name, principal]
        ).map(Self.grant)
    }

    func grant(_ id: String, in region: Region) throws -> StoredGrant? {
        try Row.fetchOne(
            database,
            sql: "SELECT \(Self.grantColumns) FROM key_grant WHERE region = ? AND grant_id = ?",
            arguments: [region.name, id]
        ).map(Self.grant)
    }

    func add(_ grant: StoredGrant, in region: Region) throws {
        let order = grant.order
        try database.execute(
            sql: """
                INSERT INTO key_grant (region, \(Self.grantColumns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                region.name, grant.id, grant.keyID.description, grant.created.sqlite, order.name,
                order.grantee,
                order.retiring, order.operations.map(\.rawValue).joined(separator: " "),
                try order.constraints.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) },
            ]
        )
    }

    func removeGrant(_ id: String, in region: Region) throws {
        try database.execute(
            sql: "DELETE FROM key_grant WHERE region = ? AND grant_id = ?",
            arguments: [region.name, id]
        )
    }

    private static func grant(_ row: Row) throws -> StoredGrant {
        let operations = try row.decode(String.self, forColumn: "operations").split(separator: " ")
        let constraints = try row.decode(String?.self, forColumn: "constraints")
        guard let keyID = KeyID(try row.decode(String.self, forColumn: "key_id")) else { throw damaged }
        return StoredGrant(
            id: try row.decode(String.self, forColumn: "grant_id"),
            keyID: keyID,
            created: try row.time("created"),
            order: GrantOrder(
                grantee: try row.decode(String.self, forColumn: "grantee"),
                retiring: try row.decode(String?.self, forColumn: "retiring"),
                operations: try operations.map { name in
                    guard let operation = GrantOperation(rawValue: String(name)) else { throw damaged }
                    return operation
                },
                constraints: try constraints.map { text in
                    guard
                        let value = try? JSONDecoder().decode(GrantConstraints.self, from: Data(text.utf8))
                    else { throw damaged }
                    return value
                },
                name: try row.decode(String?.self, forColumn: "name")
            )
        )
    }
}
