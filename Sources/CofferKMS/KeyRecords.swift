internal import CofferShapes
internal import FoundationEssentials
internal import GRDB

/// A KMS key as it is stored, without its secrets.
struct StoredKey {
    let id: KeyID
    let created: Timestamp
    let description: String
    var state: KeyState
    /// The service whose AWS managed key this is; nil for a customer's.
    let service: AWSService?
    let currentMaterialID: [UInt8]
}

/// A backing key as it is stored, with what it takes to unwrap it.
struct StoredBackingKey {
    let keyID: KeyID
    let materialID: [UInt8]
    let wrapped: [UInt8]
    let wrappedWrappingKey: [UInt8]
}

/// The statements over `keys.sqlite` for one region, within a transaction. Whatever is read is parsed: a
/// value that cannot be is `Coffer.Damaged`.
struct KeyRecords {
    let database: Database
    let region: Region

    private static let columns = "key_id, created, description, state, service, current_material_id"

    func key(_ id: KeyID) throws -> StoredKey? {
        try Row.fetchOne(
            database,
            sql: "SELECT \(Self.columns) FROM kms_key WHERE key_id = ? AND region = ?",
            arguments: [Data(id.bytes), region.name]
        ).map(Self.key)
    }

    /// All keys, oldest first.
    func keys() throws -> [StoredKey] {
        try Row.fetchAll(
            database,
            sql: "SELECT \(Self.columns) FROM kms_key WHERE region = ? ORDER BY created, key_id",
            arguments: [region.name]
        ).map(Self.key)
    }

    func add(_ key: StoredKey, wrappedWrappingKey: [UInt8], wrappedBackingKey: [UInt8]) throws {
        let id = Data(key.id.bytes)
        let created = Int64(clamping: key.created.nanoseconds)
        try database.execute(
            sql: "INSERT INTO kms_key (region, \(Self.columns)) VALUES (?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                region.name, id, created, key.description, key.state.rawValue, key.service?.rawValue,
                Data(key.currentMaterialID),
            ]
        )
        try database.execute(
            sql: "INSERT INTO wrapping_key (key_id, wrapped) VALUES (?, ?)",
            arguments: [id, Data(wrappedWrappingKey)]
        )
        try database.execute(
            sql: "INSERT INTO backing_key (material_id, key_id, created, wrapped) VALUES (?, ?, ?, ?)",
            arguments: [Data(key.currentMaterialID), id, created, Data(wrappedBackingKey)]
        )
    }

    func setState(_ state: KeyState, of id: KeyID) throws {
        try database.execute(
            sql: "UPDATE kms_key SET state = ? WHERE key_id = ?",
            arguments: [state.rawValue, Data(id.bytes)]
        )
    }

    /// The key that a material belongs to, in any region; nil for material that is not of this store.
    func owner(ofMaterial materialID: [UInt8]) throws -> KeyID? {
        try Row.fetchOne(
            database,
            sql: "SELECT key_id FROM backing_key WHERE material_id = ?",
            arguments: [Data(materialID)]
        ).map { row in try Self.keyID(row) }
    }

    func backingKey(_ materialID: [UInt8], of id: KeyID) throws -> StoredBackingKey? {
        let row = try Row.fetchOne(
            database,
            sql: """
                SELECT backing_key.wrapped, wrapping_key.wrapped AS wrapping FROM backing_key
                JOIN wrapping_key USING (key_id) WHERE material_id = ? AND key_id = ?
                """,
            arguments: [Data(materialID), Data(id.bytes)]
        )
        guard let row else { return nil }
        return StoredBackingKey(
            keyID: id,
            materialID: materialID,
            wrapped: Array(try row.decode(Data.self, forColumn: "wrapped")),
            wrappedWrappingKey: Array(try row.decode(Data.self, forColumn: "wrapping"))
        )
    }

    private static func key(_ row: Row) throws -> StoredKey {
        let service = try row.decode(String?.self, forColumn: "service")
        guard let state = KeyState(rawValue: try row.decode(String.self, forColumn: "state")),
            service == nil || AWSService(rawValue: service ?? "") != nil
        else { throw damaged }
        return StoredKey(
            id: try keyID(row),
            created: try created(row),
            description: try row.decode(String.self, forColumn: "description"),
            state: state,
            service: service.flatMap(AWSService.init),
            currentMaterialID: Array(try row.decode(Data.self, forColumn: "current_material_id"))
        )
    }

    static func keyID(_ row: Row) throws -> KeyID {
        let bytes = Array(try row.decode(Data.self, forColumn: "key_id"))
        guard bytes.count == 16 else { throw damaged }
        return KeyID(bytes: bytes)
    }

    static func created(_ row: Row) throws -> Timestamp {
        Timestamp(nanoseconds: UInt64(clamping: try row.decode(Int64.self, forColumn: "created")))
    }

    static let damaged = AWSError(.damaged, "the key store has a value that no Coffer writes")
}
