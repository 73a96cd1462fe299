internal import CofferShapes
internal import FoundationEssentials
internal import GRDB

/// The statements over `keys.sqlite`, within a transaction. Whatever is read is parsed: a value that cannot
/// be is `Coffer.Damaged`.
struct KeyRecords {
    let database: Database

    private static let columns = """
        region, key_id, created, description, spec, usage, origin, is_enabled, service, policy, deletion_date,
        pending_window, rotation_period, next_rotation, store_id, primary_region
        """

    func key(_ place: KeyPlace) throws -> StoredKey? {
        let statement = try database.cachedStatement(
            sql: "SELECT \(Self.columns) FROM kms_key WHERE region = ? AND key_id = ?"
        )
        return try Row.fetchOne(statement, arguments: [place.region.name, place.id.description])
            .map(Self.key)
    }

    /// The keys of a region after the one at `marker`, oldest first.
    func keyEntries(in region: Region, after marker: KeyMarker?, limit: Int) throws -> [KeyMarker] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT created, key_id FROM kms_key
                WHERE region = ?1 AND (?2 IS NULL OR (created, key_id) > (?2, ?3))
                ORDER BY created, key_id LIMIT ?4
                """,
            arguments: [region.name, marker?.created, marker?.id, limit]
        ).map { row in
            KeyMarker(
                created: try row.decode(Int64.self, forColumn: "created"),
                id: try row.decode(String.self, forColumn: "key_id")
            )
        }
    }

    /// The regions that hold keys of this id, by name.
    func regions(of id: KeyID) throws -> [Region] {
        try String.fetchAll(
            database,
            sql: "SELECT region FROM kms_key WHERE key_id = ? ORDER BY region",
            arguments: [id.description]
        ).map { name in
            guard let region = Region(name) else { throw Self.damaged }
            return region
        }
    }

    /// Of all regions: keys whose deletion, rotation or expiry has come, given as what is earliest of each.
    func keysDue(at now: Timestamp) throws -> [StoredKey] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT \(Self.columns) FROM kms_key AS k WHERE deletion_date <= ?1
                    OR (next_rotation <= ?1 AND is_enabled AND pending_window IS NULL)
                    OR EXISTS (SELECT 1 FROM key_material AS m WHERE m.region = k.region
                        AND m.key_id = k.key_id AND m.valid_to <= ?1 AND m.wrapped IS NOT NULL)
                """,
            arguments: [now.sqlite]
        ).map(Self.key)
    }

    /// When the next of those comes; nil when none is foreseen.
    func nextDue() throws -> Timestamp? {
        try Int64.fetchOne(
            database,
            sql: """
                SELECT min(due) FROM (
                    SELECT min(deletion_date) AS due FROM kms_key
                    UNION ALL SELECT min(next_rotation) FROM kms_key
                        WHERE is_enabled AND pending_window IS NULL
                    UNION ALL SELECT min(valid_to) FROM key_material WHERE wrapped IS NOT NULL)
                """
        ).map(Timestamp.init(sqlite:))
    }

    func add(_ key: StoredKey) throws {
        try database.execute(
            sql: """
                INSERT INTO kms_key (\(Self.columns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                key.region.name, key.id.description, key.created.sqlite, key.description, key.spec.rawValue,
                key.usage.rawValue, key.origin.rawValue, key.isEnabled, key.service?.rawValue, key.policy,
                key.deletionDate?.sqlite, key.pendingWindowInDays, key.rotationPeriodInDays,
                key.nextRotation?.sqlite, key.customKeyStoreID, key.primaryRegion?.name,
            ]
        )
    }

    /// Writes what can change of a key.
    func update(_ key: StoredKey) throws {
        try database.execute(
            sql: """
                UPDATE kms_key SET description = ?, is_enabled = ?, policy = ?, deletion_date = ?,
                    pending_window = ?, rotation_period = ?, next_rotation = ?, primary_region = ?
                WHERE region = ? AND key_id = ?
                """,
            arguments: [
                key.description, key.isEnabled, key.policy, key.deletionDate?.sqlite, key.pendingWindowInDays,
                key.rotationPeriodInDays, key.nextRotation?.sqlite, key.primaryRegion?.name, key.region.name,
                key.id.description,
            ]
        )
    }

    /// Removes a key with all that belongs to it; its wrapping key is overwritten, so that what was wrapped
    /// under it is noise wherever it still lies.
    func remove(_ place: KeyPlace) throws {
        let arguments: StatementArguments = [place.region.name, place.id.description]
        try database.execute(
            sql:
                "UPDATE wrapping_key SET wrapped = zeroblob(length(wrapped)) WHERE region = ? AND key_id = ?",
            arguments: arguments
        )
        for table in ["key_grant", "tag", "alias", "key_material", "wrapping_key", "kms_key"] {
            try database.execute(
                sql: "DELETE FROM \(table) WHERE region = ? AND key_id = ?",
                arguments: arguments
            )
        }
    }

    private static func key(_ row: Row) throws -> StoredKey {
        let service = try row.decode(String?.self, forColumn: "service")
        let primary = try row.decode(String?.self, forColumn: "primary_region")
        guard let id = KeyID(try row.decode(String.self, forColumn: "key_id")),
            let region = Region(try row.decode(String.self, forColumn: "region")),
            let spec = KeySpec(rawValue: try row.decode(String.self, forColumn: "spec")),
            let usage = KeyUsage(rawValue: try row.decode(String.self, forColumn: "usage")),
            let origin = KeyOrigin(rawValue: try row.decode(String.self, forColumn: "origin")),
            service == nil || AWSService(rawValue: service ?? "") != nil,
            primary == nil || Region(primary ?? "") != nil
        else { throw damaged }
        return StoredKey(
            id: id,
            region: region,
            created: try row.time("created"),
            description: try row.decode(String.self, forColumn: "description"),
            spec: spec,
            usage: usage,
            origin: origin,
            isEnabled: try row.decode(Bool.self, forColumn: "is_enabled"),
            service: service.flatMap(AWSService.init),
            policy: try row.decode(String.self, forColumn: "policy"),
            deletionDate: try row.optionalTime("deletion_date"),
            pendingWindowInDays: try row.decode(Int?.self, forColumn: "pending_window"),
            rotationPeriodInDays: try row.decode(Int?.self, forColumn: "rotation_period"),
            nextRotation: try row.optionalTime("next_rotation"),
            customKeyStoreID: try row.decode(String?.self, forColumn: "store_id"),
            primaryRegion: primary.flatMap(Region.init)
        )
    }

    static let damaged = AWSError(.damaged, "the key store has a value that no Coffer writes")
}

/// A key's place in the order of `ListKeys`.
struct KeyMarker {
    let created: Int64
    let id: String
}

extension Timestamp {
    /// As the store keeps it.
    var sqlite: Int64 { Int64(clamping: nanoseconds) }

    init(sqlite: Int64) { self.init(nanoseconds: UInt64(clamping: sqlite)) }
}

extension Row {
    func time(_ column: String) throws -> Timestamp {
        Timestamp(sqlite: try decode(Int64.self, forColumn: column))
    }

    func optionalTime(_ column: String) throws -> Timestamp? {
        try decode(Int64?.self, forColumn: column).map(Timestamp.init(sqlite:))
    }

    func bytes(_ column: String) throws -> [UInt8]? {
        try decode(Data?.self, forColumn: column).map(Array.init)
    }
}
