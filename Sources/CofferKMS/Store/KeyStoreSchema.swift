internal import CofferShapes
internal import FoundationEssentials
internal import GRDB

/// The tables of `kms/keys.sqlite`, and how older stores become what they are now.
///
/// Times are nanoseconds since 1970. A KMS key stands in its region, so that a multi-Region key's replicas
/// are rows of their own that share id and material. `wrapping_key` has a table of its own, so that deleting
/// a KMS key overwrites one small record.
enum KeyStoreSchema {
    static let version = 2

    /// Brings the store to this version, within the caller's transaction. Throws `Coffer.Damaged` for a newer
    /// one.
    static func migrate(_ database: Database, account: AccountID) throws {
        let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        guard found <= version else {
            throw AWSError(
                .damaged,
                "the key store has version \(found), and this program knows up to \(version)",
                hint: "use the newer Coffer that wrote it"
            )
        }
        switch found {
        case 0: try database.execute(sql: general + tables)
        case 1: try migrateFromFirst(database, account)
        default: return
        }
        try database.execute(sql: "PRAGMA user_version = \(version)")
    }

    private static let general = """
        CREATE TABLE home (one INTEGER PRIMARY KEY CHECK (one = 1), root_check BLOB NOT NULL) STRICT;
        CREATE TABLE trail_head (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            sequence INTEGER NOT NULL,
            mac BLOB NOT NULL CHECK (length(mac) = 32)
        ) STRICT;
        """

    /// `service` is set for AWS managed keys alone. `pending_window` without `deletion_date` is a primary key
    /// that waits for its replicas. A material without `wrapped` lies in an HSM, or was imported and has gone.
    private static let tables = """
        CREATE TABLE custom_key_store (
            region TEXT NOT NULL,
            store_id TEXT NOT NULL,
            name TEXT NOT NULL,
            token_label TEXT NOT NULL,
            module TEXT NOT NULL,
            certificate TEXT,
            wrapped_pin BLOB NOT NULL,
            created INTEGER NOT NULL,
            state TEXT NOT NULL,
            error_code TEXT,
            PRIMARY KEY (region, store_id),
            UNIQUE (region, name)
        ) STRICT;
        CREATE TABLE kms_key (
            region TEXT NOT NULL,
            key_id TEXT NOT NULL,
            created INTEGER NOT NULL,
            description TEXT NOT NULL,
            spec TEXT NOT NULL,
            usage TEXT NOT NULL,
            origin TEXT NOT NULL,
            is_enabled INTEGER NOT NULL,
            service TEXT,
            policy TEXT NOT NULL,
            deletion_date INTEGER,
            pending_window INTEGER,
            rotation_period INTEGER,
            next_rotation INTEGER,
            store_id TEXT,
            primary_region TEXT,
            PRIMARY KEY (region, key_id),
            UNIQUE (region, service)
        ) STRICT;
        CREATE INDEX kms_key_id ON kms_key (key_id);
        CREATE TABLE wrapping_key (
            region TEXT NOT NULL,
            key_id TEXT NOT NULL,
            wrapped BLOB NOT NULL,
            PRIMARY KEY (region, key_id),
            FOREIGN KEY (region, key_id) REFERENCES kms_key
        ) STRICT;
        CREATE TABLE key_material (
            region TEXT NOT NULL,
            key_id TEXT NOT NULL,
            material_id BLOB NOT NULL CHECK (length(material_id) = 32),
            ordinal INTEGER NOT NULL,
            created INTEGER NOT NULL,
            state TEXT NOT NULL,
            wrapped BLOB,
            public_key BLOB,
            rotation_kind TEXT,
            rotation_date INTEGER,
            is_imported INTEGER NOT NULL,
            expiration_model TEXT,
            valid_to INTEGER,
            description TEXT,
            PRIMARY KEY (region, key_id, material_id),
            FOREIGN KEY (region, key_id) REFERENCES kms_key
        ) STRICT;
        CREATE INDEX material_id ON key_material (material_id);
        CREATE TABLE alias (
            region TEXT NOT NULL,
            name TEXT NOT NULL,
            key_id TEXT NOT NULL,
            created INTEGER NOT NULL,
            updated INTEGER NOT NULL,
            PRIMARY KEY (region, name),
            FOREIGN KEY (region, key_id) REFERENCES kms_key
        ) STRICT;
        CREATE INDEX alias_key ON alias (region, key_id);
        CREATE TABLE tag (
            region TEXT NOT NULL,
            key_id TEXT NOT NULL,
            tag_key TEXT NOT NULL,
            tag_value TEXT NOT NULL,
            PRIMARY KEY (region, key_id, tag_key),
            FOREIGN KEY (region, key_id) REFERENCES kms_key
        ) STRICT;
        CREATE TABLE key_grant (
            region TEXT NOT NULL,
            grant_id TEXT NOT NULL,
            key_id TEXT NOT NULL,
            created INTEGER NOT NULL,
            name TEXT,
            grantee TEXT NOT NULL,
            retiring TEXT,
            operations TEXT NOT NULL,
            constraints TEXT,
            PRIMARY KEY (region, grant_id),
            FOREIGN KEY (region, key_id) REFERENCES kms_key
        ) STRICT;
        CREATE INDEX grant_key ON key_grant (region, key_id);
        CREATE INDEX grant_retiring ON key_grant (region, retiring);
        """

    /// Version 1 had symmetric keys only, without policies, their ids as 16 bytes.
    private static func migrateFromFirst(_ database: Database, _ account: AccountID) throws {
        for table in ["kms_key", "wrapping_key", "backing_key", "alias"] {
            try database.execute(sql: "ALTER TABLE \(table) RENAME TO old_\(table)")
        }
        try database.execute(sql: "DROP INDEX alias_key")
        try database.execute(sql: tables)
        let keys = try Row.fetchAll(database, sql: "SELECT * FROM old_kms_key")
        for row in keys {
            let region = try row.decode(String.self, forColumn: "region")
            let service = try row.decode(String?.self, forColumn: "service").flatMap(AWSService.init)
            let created = try row.decode(Int64.self, forColumn: "created")
            guard let place = Region(region) else { throw KeyRecords.damaged }
            let policy =
                service.map { DefaultPolicy.awsManaged($0, region: place, account: account) }
                ?? DefaultPolicy.customer(account: account)
            try database.execute(
                sql: """
                    INSERT INTO kms_key (region, key_id, created, description, spec, usage, origin, is_enabled,
                        service, policy, rotation_period, next_rotation)
                    VALUES (?, ?, ?, ?, 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT', 'AWS_KMS', ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    region, try text(row, "key_id"), created,
                    try row.decode(String.self, forColumn: "description"),
                    try row.decode(String.self, forColumn: "state") == "Enabled", service?.rawValue, policy,
                    service == nil ? nil : Limits.defaultRotationDays,
                    service == nil ? nil : created + Int64(Limits.defaultRotationDays) * 86_400_000_000_000,
                ]
            )
        }
        try copyChildren(database)
        for table in ["old_alias", "old_backing_key", "old_wrapping_key", "old_kms_key"] {
            try database.execute(sql: "DROP TABLE \(table)")
        }
    }

    private static func copyChildren(_ database: Database) throws {
        // A UUID of 16 bytes, as SQLite spells it.
        let id = """
            lower(substr(hex(k.key_id), 1, 8) || '-' || substr(hex(k.key_id), 9, 4) || '-'
                || substr(hex(k.key_id), 13, 4) || '-' || substr(hex(k.key_id), 17, 4) || '-'
                || substr(hex(k.key_id), 21))
            """
        try database.execute(
            sql: """
                INSERT INTO wrapping_key SELECT k.region, \(id), w.wrapped
                    FROM old_wrapping_key w JOIN old_kms_key k USING (key_id);
                INSERT INTO key_material (region, key_id, material_id, ordinal, created, state, wrapped, is_imported)
                    SELECT k.region, \(id), b.material_id, 0, b.created, 'CURRENT', b.wrapped, 0
                    FROM old_backing_key b JOIN old_kms_key k USING (key_id);
                INSERT INTO alias SELECT k.region, a.name, \(id), a.created, a.created
                    FROM old_alias a JOIN old_kms_key k USING (key_id);
                """
        )
    }

    private static func text(_ row: Row, _ column: String) throws -> String {
        let bytes = Array(try row.decode(Data.self, forColumn: column))
        guard bytes.count == 16 else { throw KeyRecords.damaged }
        return KeyID(bytes: bytes).description
    }
}
