internal import CofferShapes
internal import GRDB

/// The catalogue's tables, by migration; each change of schema is a new migration.
enum Schema {
    static let migrator: DatabaseMigrator = {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1: volumes") { database in
            try database.create(table: "home") { table in
                table.primaryKey("singleton", .integer).check { $0 == 1 }
                table.column("account", .text).notNull()
                table.column("region", .text).notNull()
            }
            try database.create(table: "volume") { table in
                table.primaryKey("id", .text)
                table.column("name", .text).unique()
                table.column("sizeBytes", .integer).notNull()
                table.column("dataUnitBytes", .integer).notNull()
                table.column("cipherName", .text).notNull()
                table.column("kmsKeyARN", .text).notNull()
                table.column("created", .integer).notNull()
                table.column("isComplete", .boolean).notNull()
                table.column("filesystem", .text).notNull()
            }
            try database.create(table: "rollbackMark") { table in
                table.primaryKey("volume", .text)
                table.column("uuid", .text).notNull()
                table.column("sequence", .integer).notNull()
                table.column("attachEpoch", .integer).notNull()
            }
        }
        migrator.registerMigration("2: identities") { database in
            try database.create(table: "iamUser", options: .strict) { table in
                table.primaryKey("id", .text)
                table.column("name", .text).notNull().unique().collate(.nocase)
                table.column("path", .text).notNull()
                table.column("created", .integer).notNull()
            }
            try database.create(table: "iamUserPolicy", options: .strict) { table in
                table.column("user", .text).notNull().references("iamUser", onDelete: .restrict)
                table.column("name", .text).notNull()
                table.column("document", .text).notNull()
                table.primaryKey(["user", "name"])
            }
            try database.create(table: "iamAccessKey", options: .strict) { table in
                table.primaryKey("id", .text)
                // NULL: the root user's.
                table.column("user", .text).indexed().references("iamUser", onDelete: .restrict)
                table.column("wrappedSecret", .blob).notNull()
                table.column("isActive", .integer).notNull()
                table.column("created", .integer).notNull()
            }
        }
        migrator.registerMigration("3: settings") { database in
            try database.create(table: "setting", options: .strict) { table in
                table.primaryKey("name", .text)
                table.column("value", .text).notNull()
            }
        }
        return migrator
    }()
}

/// A volume as its row.
struct VolumeRow: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "volume"

    let id: String
    let name: String?
    let sizeBytes: Int64
    let dataUnitBytes: Int
    let cipherName: String
    let kmsKeyARN: String
    let created: Int64
    let isComplete: Bool
    let filesystem: String

    init(_ volume: VolumeRecord) {
        id = volume.id.text
        name = volume.name
        sizeBytes = Int64(volume.sizeBytes)
        dataUnitBytes = volume.dataUnitBytes
        cipherName = volume.cipherName
        kmsKeyARN = volume.kmsKeyARN.description
        created = Int64(volume.created.nanoseconds)
        isComplete = volume.isComplete
        filesystem = volume.filesystem.rawValue
    }

    /// The record, every field parsed again: the file is input.
    func record() throws -> VolumeRecord {
        guard let id = VolumeID(id), let arn = ARN(kmsKeyARN), sizeBytes > 0, created >= 0,
            let filesystem = VolumeRecord.Filesystem(rawValue: filesystem)
        else { throw AWSError(.damaged, "the catalogue's entry for volume '\(id)' is damaged") }
        return VolumeRecord(
            id: id,
            name: name,
            sizeBytes: UInt64(sizeBytes),
            dataUnitBytes: dataUnitBytes,
            cipherName: cipherName,
            kmsKeyARN: arn,
            created: Timestamp(nanoseconds: UInt64(created)),
            isComplete: isComplete,
            filesystem: filesystem
        )
    }
}
