internal import CofferTrail
internal import FoundationEssentials
internal import GRDB

/// The trail's end, kept in the key store. Within a verb's transaction it becomes durable with what the verb
/// did.
struct StoredTrailHead: TrailHead {
    let store: KeyStore

    func load() throws -> TrailPosition? {
        try KeyFolder.reporting {
            try store.writer.unsafeReentrantRead { database in
                let sql = "SELECT sequence, mac FROM trail_head"
                guard let row = try Row.fetchOne(database, sql: sql) else { return nil }
                let sequence = try row.decode(Int64.self, forColumn: "sequence")
                let mac = try row.decode(Data.self, forColumn: "mac")
                return TrailPosition(sequence: UInt64(clamping: sequence), mac: Array(mac))
            }
        }
    }

    func store(_ position: TrailPosition) throws {
        try KeyFolder.reporting {
            try store.writer.unsafeReentrantWrite { database in
                try database.execute(
                    sql: """
                        INSERT INTO trail_head (one, sequence, mac) VALUES (1, ?, ?)
                        ON CONFLICT DO UPDATE SET sequence = excluded.sequence, mac = excluded.mac
                        WHERE excluded.sequence > sequence
                        """,
                    arguments: [Int64(clamping: position.sequence), Data(position.mac)]
                )
            }
        }
    }
}
