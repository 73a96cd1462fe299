public import CofferShapes
internal import GRDB

extension Catalog {
    /// How many events a home keeps; the oldest go.
    static let eventLimit = 10_000

    public func add(_ event: EventRecord) throws {
        try write { database in
            try database.execute(
                sql: """
                    INSERT INTO event (time, region, resource, name, result, cause) VALUES (?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    Int64(clamping: event.time.nanoseconds), event.region.name, event.resource, event.name,
                    event.result, event.cause,
                ]
            )
            // Numbers have no gaps but those of a transaction that was undone.
            try database.execute(
                sql: "DELETE FROM event WHERE number <= ?",
                arguments: [database.lastInsertedRowID - Int64(Self.eventLimit)]
            )
        }
    }

    /// The newest events, at most `limit`, the oldest of them first; of one resource where one is given.
    public func events(in region: Region, of resource: String? = nil, limit: Int) throws -> [EventRecord] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT * FROM event WHERE region = ?1 AND (?2 IS NULL OR resource = ?2)
                    ORDER BY number DESC LIMIT ?3
                    """,
                arguments: [region.name, resource, limit]
            ).reversed().map { row in
                EventRecord(
                    time: Timestamp(nanoseconds: UInt64(clamping: row["time"] as Int64)),
                    resource: row["resource"],
                    name: row["name"],
                    result: row["result"],
                    cause: row["cause"],
                    region: region
                )
            }
        }
    }
}
