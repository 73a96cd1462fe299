public import CofferShapes
internal import GRDB

extension Catalog {
    /// Stores a modification that begins; gives it its number. IncorrectModificationState while another one of the volume
    /// runs.
    public func begin(_ modification: ModificationRecord) throws -> ModificationRecord {
        try write { database in
            let running = try Int.fetchOne(
                database,
                sql: """
                    SELECT count(*) FROM modification
                    WHERE volume = ? AND state IN ('modifying', 'optimizing')
                    """,
                arguments: [modification.volume.text]
            )
            guard running == 0 else {
                throw AWSError(
                    .incorrectModificationState,
                    "Volume \(modification.volume) is currently being modified. Wait for the volume modification to "
                        + "complete, and then try again."
                )
            }
            try Self.insert(modification, in: database)
            var stored = modification
            stored.number = database.lastInsertedRowID
            return stored
        }
    }

    /// Stores how far a modification is, and the volume as it is then, in one.
    public func update(
        _ modification: ModificationRecord,
        _ change: (inout VolumeRecord) throws -> Void = { _ in }
    ) throws {
        try write { database in
            try database.execute(
                sql: """
                    UPDATE modification SET state = ?, statusMessage = ?, progress = ?, ended = ? WHERE number = ?
                    """,
                arguments: [
                    modification.state.rawValue, modification.statusMessage, modification.progress,
                    modification.ended.map { Int64(clamping: $0.nanoseconds) }, modification.number,
                ]
            )
            _ = try Self.change(modification.volume, in: database, change)
        }
    }

    /// The newest modification of each volume, by volume; of volumes that are there.
    public func newestModifications() throws -> [ModificationRecord] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT * FROM modification
                    WHERE number IN (SELECT max(number) FROM modification GROUP BY volume) ORDER BY volume
                    """
            ).map(Self.modification)
        }
    }

    /// The newest modification of a volume; nil where it never was modified.
    public func newestModification(of id: VolumeID) throws -> ModificationRecord? {
        try read { database in
            try Row.fetchOne(
                database,
                sql: "SELECT * FROM modification WHERE volume = ? ORDER BY number DESC LIMIT 1",
                arguments: [id.text]
            ).map(Self.modification)
        }
    }

    /// Takes away what is noted of a volume's modifications.
    public func removeModifications(of id: VolumeID) throws {
        try write { database in
            try database.execute(sql: "DELETE FROM modification WHERE volume = ?", arguments: [id.text])
        }
    }

    private static func insert(_ modification: ModificationRecord, in database: Database) throws {
        let (original, target) = (modification.original, modification.target)
        try database.execute(
            sql: """
                INSERT INTO modification (
                    volume, originalSizeBytes, originalType, originalIOPS, originalThroughput,
                    targetSizeBytes, targetType, targetIOPS, targetThroughput,
                    state, statusMessage, progress, started, ended
                ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                modification.volume.text, Int64(original.sizeBytes), original.type.rawValue, original.iops,
                original.throughput, Int64(target.sizeBytes), target.type.rawValue, target.iops,
                target.throughput, modification.state.rawValue, modification.statusMessage,
                modification.progress, Int64(clamping: modification.started.nanoseconds),
                modification.ended.map { Int64(clamping: $0.nanoseconds) },
            ]
        )
    }

    private static func modification(_ row: Row) throws -> ModificationRecord {
        guard let volume = VolumeID(row["volume"]),
            let state = ModificationRecord.State(rawValue: row["state"]),
            let original = shape(row, "original"), let target = shape(row, "target")
        else { throw AWSError(.damaged, "the catalogue's entry of a modification is damaged") }
        var record = ModificationRecord(
            volume: volume,
            original: original,
            target: target,
            started: Timestamp(nanoseconds: UInt64(clamping: row["started"] as Int64))
        )
        record.number = row["number"]
        (record.state, record.statusMessage) = (state, row["statusMessage"])
        record.progress = row["progress"]
        record.ended = (row["ended"] as Int64?).map { Timestamp(nanoseconds: UInt64(clamping: $0)) }
        return record
    }

    private static func shape(_ row: Row, _ side: String) -> ModificationRecord.Shape? {
        guard let type = VolumeType(rawValue: row["\(side)Type"]) else { return nil }
        return ModificationRecord.Shape(
            sizeBytes: UInt64(clamping: row["\(side)SizeBytes"] as Int64),
            type: type,
            iops: row["\(side)IOPS"],
            throughput: row["\(side)Throughput"]
        )
    }

    // MARK: - Encryption by default

    public func encryptionDefaults(of region: Region) throws -> EncryptionDefaults {
        try read { try Self.encryptionDefaults(of: region, in: $0) }
    }

    public func change(
        encryptionDefaultsOf region: Region,
        _ change: (inout EncryptionDefaults) -> Void
    ) throws {
        try write { database in
            var defaults = try Self.encryptionDefaults(of: region, in: database)
            change(&defaults)
            try database.execute(
                sql: """
                    INSERT OR REPLACE INTO encryptionDefaults (region, isByDefault, keyARN) VALUES (?, ?, ?)
                    """,
                arguments: [region.name, defaults.isByDefault, defaults.key?.description]
            )
        }
    }

    private static func encryptionDefaults(
        of region: Region,
        in database: Database
    ) throws -> EncryptionDefaults {
        guard
            let row = try Row.fetchOne(
                database,
                sql: "SELECT isByDefault, keyARN FROM encryptionDefaults WHERE region = ?",
                arguments: [region.name]
            )
        else { return EncryptionDefaults() }
        return EncryptionDefaults(
            isByDefault: row["isByDefault"],
            key: (row["keyARN"] as String?).flatMap(ARN.init)
        )
    }
}
