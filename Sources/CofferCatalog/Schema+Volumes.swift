internal import GRDB

extension Schema {
    /// The life of volumes: what the EC2 API tells of one beside its header, and what happens to it.
    static func addLifeOfVolumes(_ database: Database) throws {
        try database.create(table: "tag", options: .strict) { table in
            table.column("resource", .text).notNull()
            table.column("key", .text).notNull()
            table.column("value", .text).notNull()
            table.primaryKey(["resource", "key"])
        }
        try database.execute(
            sql: """
                INSERT INTO tag (resource, key, value)
                    SELECT id, 'Name', name FROM volume WHERE name IS NOT NULL;
                CREATE INDEX tag_by_key ON tag (key, value);
                ALTER TABLE volume RENAME TO volume_1;
                """
        )
        try database.create(table: "volume", options: .strict) { table in
            table.primaryKey("id", .text)
            table.column("sizeBytes", .integer).notNull()
            table.column("dataUnitBytes", .integer).notNull()
            table.column("cipherName", .text).notNull()
            table.column("kmsKeyARN", .text).notNull()
            table.column("created", .integer).notNull()
            table.column("region", .text).notNull()
            table.column("stage", .text).notNull()
            table.column("failure", .text)
            table.column("filesystem", .text).notNull()
            table.column("awaitsFilesystemGrowth", .integer).notNull()
            table.column("type", .text).notNull()
            table.column("iops", .integer)
            table.column("throughput", .integer)
            table.column("isEncrypted", .integer).notNull()
            table.column("snapshot", .text)
            table.column("sourceVolume", .text)
            table.column("enablesIOByItself", .integer).notNull()
        }
        // A home without an identity has no volumes.
        try database.execute(
            sql: """
                INSERT INTO volume
                    SELECT id, sizeBytes, dataUnitBytes, cipherName, kmsKeyARN, created, (SELECT region FROM home),
                        CASE WHEN isComplete THEN 'ready' ELSE 'creating' END, NULL, filesystem, 0, 'gp3', 3000, 125, 1,
                        NULL, NULL, 0
                    FROM volume_1;
                DROP TABLE volume_1;
                """
        )
        try addWhatHappensToVolumes(database)
    }

    private static func addWhatHappensToVolumes(_ database: Database) throws {
        try database.create(table: "event", options: .strict) { table in
            table.autoIncrementedPrimaryKey("number")
            table.column("time", .integer).notNull()
            table.column("region", .text).notNull()
            table.column("resource", .text).notNull().indexed()
            table.column("name", .text).notNull()
            table.column("result", .text).notNull()
            table.column("cause", .text).notNull()
        }
        try database.create(table: "clientToken", options: .strict) { table in
            table.column("scope", .text).notNull()
            table.column("token", .text).notNull()
            table.column("digest", .blob).notNull()
            table.column("resource", .text).notNull()
            table.column("time", .integer).notNull()
            table.primaryKey(["scope", "token"])
        }
        try database.create(table: "encryptionDefaults", options: .strict) { table in
            table.primaryKey("region", .text)
            table.column("isByDefault", .integer).notNull()
            table.column("keyARN", .text)
        }
        try database.create(table: "modification", options: .strict) { table in
            table.autoIncrementedPrimaryKey("number")
            table.column("volume", .text).notNull().indexed()
            for side in ["original", "target"] {
                table.column("\(side)SizeBytes", .integer).notNull()
                table.column("\(side)Type", .text).notNull()
                table.column("\(side)IOPS", .integer)
                table.column("\(side)Throughput", .integer)
            }
            table.column("state", .text).notNull()
            table.column("statusMessage", .text)
            table.column("progress", .integer).notNull()
            table.column("started", .integer).notNull()
            table.column("ended", .integer)
        }
        try database.create(table: "attachment", options: .strict) { table in
            table.primaryKey("volume", .text)
            table.column("instance", .text).notNull()
            table.column("device", .text).notNull()
            table.column("attached", .integer).notNull()
            table.column("deletesOnTermination", .integer).notNull()
            table.column("stage", .text).notNull()
            table.uniqueKey(["instance", "device"])
        }
        try database.create(table: "attachmentGrant", options: .strict) { table in
            table.primaryKey("name", .text)
            table.column("volume", .text).notNull()
            table.column("keyARN", .text).notNull()
            table.column("grantID", .text)
        }
    }
}
