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
        migrator.registerMigration("4: life of volumes") { try addLifeOfVolumes($0) }
        migrator.registerMigration("5: snapshots") { try addSnapshots($0) }
        migrator.registerMigration("6: snapshot sharing") { try addSnapshotSharing($0) }
        migrator.registerMigration("7: databases") { try addDatabases($0) }
        return migrator
    }()
}
