internal import CofferShapes
internal import FoundationEssentials
internal import GRDB

extension KeyRecords {
    /// The materials of a key, the oldest first.
    func materials(of place: KeyPlace) throws -> [StoredMaterial] {
        let statement = try database.cachedStatement(
            sql: "SELECT * FROM key_material WHERE region = ? AND key_id = ? ORDER BY ordinal"
        )
        return try Row.fetchAll(statement, arguments: [place.region.name, place.id.description])
            .map(Self.material)
    }

    func add(_ material: StoredMaterial, to place: KeyPlace) throws {
        try database.execute(
            sql: """
                INSERT INTO key_material (region, key_id, material_id, ordinal, created, state, wrapped,
                    public_key, rotation_kind, rotation_date, is_imported, expiration_model, valid_to, description)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                place.region.name, place.id.description, Data(material.id), material.ordinal,
                material.created.sqlite, material.state.rawValue, material.wrapped.map { Data($0) },
                material.publicKey.map { Data($0) }, material.rotationKind?.rawValue,
                material.rotationDate?.sqlite, material.isImported, material.expirationModel?.rawValue,
                material.validTo?.sqlite, material.description,
            ]
        )
    }

    /// Writes what can change of a material.
    func update(_ material: StoredMaterial, of place: KeyPlace) throws {
        try database.execute(
            sql: """
                UPDATE key_material SET state = ?, wrapped = ?, rotation_kind = ?, rotation_date = ?,
                    expiration_model = ?, valid_to = ?, description = ?
                WHERE region = ? AND key_id = ? AND material_id = ?
                """,
            arguments: [
                material.state.rawValue, material.wrapped.map { Data($0) }, material.rotationKind?.rawValue,
                material.rotationDate?.sqlite, material.expirationModel?.rawValue, material.validTo?.sqlite,
                material.description, place.region.name, place.id.description, Data(material.id),
            ]
        )
    }

    /// The key that a material belongs to, in any region; nil for material that is not of this store.
    func owner(ofMaterial id: [UInt8]) throws -> KeyID? {
        let text = try String.fetchOne(
            database,
            sql: "SELECT key_id FROM key_material WHERE material_id = ?",
            arguments: [Data(id)]
        )
        return text.flatMap { KeyID($0) }
    }

    /// The key's own wrapping key, wrapped under the root key.
    func wrappingKey(of place: KeyPlace) throws -> [UInt8]? {
        let statement = try database.cachedStatement(
            sql: "SELECT wrapped FROM wrapping_key WHERE region = ? AND key_id = ?"
        )
        return try Data.fetchOne(statement, arguments: [place.region.name, place.id.description])
            .map(Array.init)
    }

    func setWrappingKey(_ wrapped: [UInt8], of place: KeyPlace) throws {
        try database.execute(
            sql: """
                INSERT INTO wrapping_key (region, key_id, wrapped) VALUES (?, ?, ?)
                ON CONFLICT DO UPDATE SET wrapped = excluded.wrapped
                """,
            arguments: [place.region.name, place.id.description, Data(wrapped)]
        )
    }

    private static func material(_ row: Row) throws -> StoredMaterial {
        let kind = try row.decode(String?.self, forColumn: "rotation_kind")
        let model = try row.decode(String?.self, forColumn: "expiration_model")
        guard let id = try row.bytes("material_id"),
            let state = KeyRotation.MaterialState(rawValue: try row.decode(String.self, forColumn: "state")),
            kind == nil || KeyRotation.Kind(rawValue: kind ?? "") != nil,
            model == nil || ExpirationModel(rawValue: model ?? "") != nil
        else { throw damaged }
        return StoredMaterial(
            id: id,
            ordinal: try row.decode(Int.self, forColumn: "ordinal"),
            created: try row.time("created"),
            state: state,
            wrapped: try row.bytes("wrapped"),
            publicKey: try row.bytes("public_key"),
            rotationKind: kind.flatMap(KeyRotation.Kind.init),
            rotationDate: try row.optionalTime("rotation_date"),
            isImported: try row.decode(Bool.self, forColumn: "is_imported"),
            expirationModel: model.flatMap(ExpirationModel.init),
            validTo: try row.optionalTime("valid_to"),
            description: try row.decode(String?.self, forColumn: "description")
        )
    }
}
