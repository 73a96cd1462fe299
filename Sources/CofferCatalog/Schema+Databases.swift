internal import GRDB

extension Schema {
    /// Databases, their snapshots and parameter groups: a document each, beside what it is found by.
    static func addDatabases(_ database: Database) throws {
        try database.create(table: "databaseInstance", options: .strict) { table in
            table.primaryKey("id", .text)
            table.column("region", .text).notNull()
            table.column("identifier", .text).notNull()
            table.column("document", .text).notNull()
            table.uniqueKey(["region", "identifier"])
        }
        for name in ["databaseSnapshot", "databaseParameterGroup"] {
            try database.create(table: name, options: .strict) { table in
                table.column("region", .text).notNull()
                table.column("identifier", .text).notNull()
                table.column("document", .text).notNull()
                table.primaryKey(["region", "identifier"])
            }
        }
    }
}
