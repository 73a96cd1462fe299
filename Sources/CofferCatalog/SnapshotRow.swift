internal import CofferShapes
internal import GRDB

extension Schema {
    static func addSnapshots(_ database: Database) throws {
        try database.create(table: "snapshot", options: .strict) { table in
            table.primaryKey("id", .text)
            table.column("volume", .text)
            table.column("sizeBytes", .integer).notNull()
            table.column("region", .text).notNull()
            table.column("kmsKeyARN", .text).notNull()
            table.column("isEncrypted", .integer).notNull()
            table.column("description", .text).notNull()
            table.column("started", .integer).notNull()
            table.column("completed", .integer)
            table.column("stage", .text).notNull()
            table.column("failure", .text)
        }
    }
}

/// A snapshot as its row.
struct SnapshotRow: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "snapshot"

    let id: String
    let volume: String?
    let sizeBytes: Int64
    let region: String
    let kmsKeyARN: String
    let isEncrypted: Bool
    let description: String
    let started: Int64
    let completed: Int64?
    let stage: String
    let failure: String?

    init(_ snapshot: SnapshotRecord) {
        (id, volume) = (snapshot.id.text, snapshot.volume?.text)
        sizeBytes = Int64(snapshot.sizeBytes)
        region = snapshot.region.name
        (kmsKeyARN, isEncrypted) = (snapshot.kmsKeyARN.description, snapshot.isEncrypted)
        description = snapshot.description
        started = Int64(clamping: snapshot.started.nanoseconds)
        completed = snapshot.completed.map { Int64(clamping: $0.nanoseconds) }
        (stage, failure) = (snapshot.stage.rawValue, snapshot.failure)
    }

    /// The record, every field parsed again: the file is input.
    func record(tags: [Tag]) throws -> SnapshotRecord {
        guard let id = SnapshotID(id), let arn = ARN(kmsKeyARN), sizeBytes > 0, started >= 0,
            let region = Region(region), let stage = SnapshotRecord.Stage(rawValue: stage)
        else { throw AWSError(.damaged, "the catalogue's entry for snapshot '\(id)' is damaged") }
        var record = SnapshotRecord(
            id: id,
            volume: volume.flatMap(VolumeID.init),
            sizeBytes: UInt64(sizeBytes),
            region: region,
            kmsKeyARN: arn,
            isEncrypted: isEncrypted,
            description: description,
            started: Timestamp(nanoseconds: UInt64(started))
        )
        record.completed = completed.map { Timestamp(nanoseconds: UInt64(max(0, $0))) }
        (record.stage, record.failure, record.tags) = (stage, failure, tags)
        return record
    }
}
