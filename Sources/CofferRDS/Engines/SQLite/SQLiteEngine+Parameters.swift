extension SQLiteEngine {
    /// SQLite's pragmas that an instance takes. All but the page's size are settings of each connection, which its client
    /// has to make. (SQLite, "PRAGMA Statements")
    func parameters() throws -> [EngineParameter] {
        [
            EngineParameter(
                name: "cache_size",
                description: "Pages that a connection keeps in memory; KiB where it is negative.",
                dataType: "integer",
                allowedValues: "-2147483648-2147483647",
                defaultValue: "-2000"
            ),
            EngineParameter(
                name: "foreign_keys",
                description: "Whether a connection enforces foreign keys.",
                dataType: "boolean",
                allowedValues: "ON,OFF,1,0",
                defaultValue: "OFF"
            ),
            EngineParameter(
                name: "journal_size_limit",
                description: "Bytes that the write-ahead log keeps after a checkpoint; -1: all.",
                dataType: "integer",
                allowedValues: "-1-1099511627776",
                defaultValue: "-1"
            ),
            EngineParameter(
                name: "mmap_size",
                description: "Bytes of the file that a connection maps into its memory.",
                dataType: "integer",
                allowedValues: "0-1099511627776",
                defaultValue: "0"
            ),
            EngineParameter(
                name: "page_size",
                description: "Bytes of a page of a new database; counts when an instance is made.",
                dataType: "integer",
                allowedValues: "512,1024,2048,4096,8192,16384,32768,65536",
                defaultValue: "4096",
                isStatic: true
            ),
            EngineParameter(
                name: "synchronous",
                description: "How sure a commit is to be on the medium when it returns.",
                dataType: "string",
                allowedValues: "OFF,NORMAL,FULL,EXTRA,0,1,2,3",
                defaultValue: "FULL"
            ),
            EngineParameter(
                name: "wal_autocheckpoint",
                description: "Pages in the write-ahead log after which it is brought into the file.",
                dataType: "integer",
                allowedValues: "1-1000000",
                defaultValue: "1000"
            ),
        ]
    }
}
