internal import CofferShapes
internal import FoundationEssentials
internal import GRDB

extension KeyRecords {
    func keyStore(_ id: String, in region: Region) throws -> StoredKeyStore? {
        try Row.fetchOne(
            database,
            sql: "SELECT * FROM custom_key_store WHERE region = ? AND store_id = ?",
            arguments: [region.name, id]
        ).map(Self.keyStore)
    }

    /// The custom key stores of a region, the oldest first.
    func keyStores(in region: Region) throws -> [StoredKeyStore] {
        try Row.fetchAll(
            database,
            sql: "SELECT * FROM custom_key_store WHERE region = ? ORDER BY created, store_id",
            arguments: [region.name]
        ).map(Self.keyStore)
    }

    func add(_ store: StoredKeyStore, in region: Region) throws {
        try database.execute(
            sql: """
                INSERT INTO custom_key_store (region, store_id, name, token_label, module, certificate,
                    wrapped_pin, created, state, error_code) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                region.name, store.id, store.name, store.tokenLabel, store.module, store.certificate,
                Data(store.wrappedPIN), store.created.sqlite, store.state.rawValue, store.errorCode,
            ]
        )
    }

    func update(_ store: StoredKeyStore, in region: Region) throws {
        try database.execute(
            sql: """
                UPDATE custom_key_store SET name = ?, token_label = ?, wrapped_pin = ?, state = ?, error_code = ?
                WHERE region = ? AND store_id = ?
                """,
            arguments: [
                store.name, store.tokenLabel, Data(store.wrappedPIN), store.state.rawValue, store.errorCode,
                region.name, store.id,
            ]
        )
    }

    func removeKeyStore(_ id: String, in region: Region) throws {
        try database.execute(
            sql: "DELETE FROM custom_key_store WHERE region = ? AND store_id = ?",
            arguments: [region.name, id]
        )
    }

    /// How many KMS keys a custom key store holds.
    func keyCount(in store: String, region: Region) throws -> Int {
        try Int.fetchOne(
            database,
            sql: "SELECT count(*) FROM kms_key WHERE region = ? AND store_id = ?",
            arguments: [region.name, store]
        ) ?? 0
    }

    private static func keyStore(_ row: Row) throws -> StoredKeyStore {
        let state = try row.decode(String.self, forColumn: "state")
        guard let state = CustomKeyStore.ConnectionState(rawValue: state),
            let pin = try row.bytes("wrapped_pin")
        else { throw damaged }
        return StoredKeyStore(
            id: try row.decode(String.self, forColumn: "store_id"),
            name: try row.decode(String.self, forColumn: "name"),
            tokenLabel: try row.decode(String.self, forColumn: "token_label"),
            module: try row.decode(String.self, forColumn: "module"),
            certificate: try row.decode(String?.self, forColumn: "certificate"),
            wrappedPIN: pin,
            created: try row.time("created"),
            state: state,
            errorCode: try row.decode(String?.self, forColumn: "error_code")
        )
    }
}
