public import CofferShapes
internal import GRDB

extension Catalog {
    /// AWS's most tags of one resource.
    public static let tagLimit = 50

    /// Puts tags on resources, in place of those of the same keys: all, or none where TagLimitExceeded is thrown. That the
    /// resources are there, and that the tags may be, the caller has seen to.
    public func putTags(_ tags: [Tag], on resources: [String]) throws {
        try write { database in
            for resource in resources { try Self.put(tags, on: resource, in: database) }
        }
    }

    /// Takes tags away: of a key, with nil whatever their value is, else where it is this one.
    public func removeTags(_ tags: [(key: String, value: String?)], from resources: [String]) throws {
        try write { database in
            for resource in resources {
                for tag in tags {
                    try database.execute(
                        sql:
                            "DELETE FROM tag WHERE resource = ?1 AND key = ?2 AND (?3 IS NULL OR value = ?3)",
                        arguments: [resource, tag.key, tag.value]
                    )
                }
            }
        }
    }

    /// Takes all tags of a resource away.
    public func removeAllTags(from resource: String) throws {
        try write { database in
            try database.execute(sql: "DELETE FROM tag WHERE resource = ?", arguments: [resource])
        }
    }

    /// The tags of a resource, by key.
    public func tags(of resource: String) throws -> [Tag] {
        try read { try Self.tags(of: resource, in: $0) }
    }

    /// The tags of all resources, by resource and key.
    public func allTags() throws -> [(resource: String, tag: Tag)] {
        try read { database in
            try Row.fetchAll(database, sql: "SELECT resource, key, value FROM tag ORDER BY resource, key")
                .map { ($0["resource"], Tag(key: $0["key"], value: $0["value"])) }
        }
    }

    static func tags(of resource: String, in database: Database) throws -> [Tag] {
        try Row.fetchAll(
            database,
            sql: "SELECT key, value FROM tag WHERE resource = ? ORDER BY key",
            arguments: [resource]
        ).map { Tag(key: $0["key"], value: $0["value"]) }
    }

    /// The tags of all resources whose ids begin so.
    static func tags(ofAll prefix: String, in database: Database) throws -> [String: [Tag]] {
        let rows = try Row.fetchAll(
            database,
            sql:
                "SELECT resource, key, value FROM tag WHERE substr(resource, 1, ?) = ? ORDER BY resource, key",
            arguments: [prefix.count, prefix]
        )
        var tags: [String: [Tag]] = [:]
        for row in rows {
            tags[row["resource"], default: []].append(Tag(key: row["key"], value: row["value"]))
        }
        return tags
    }

    static func put(_ tags: [Tag], on resource: String, in database: Database) throws {
        for tag in tags {
            try database.execute(
                sql: """
                    INSERT INTO tag (resource, key, value) VALUES (?, ?, ?)
                    ON CONFLICT DO UPDATE SET value = excluded.value
                    """,
                arguments: [resource, tag.key, tag.value]
            )
        }
        let count = try Int.fetchOne(
            database,
            sql: "SELECT count(*) FROM tag WHERE resource = ?",
            arguments: [resource]
        )
        guard let count, count <= tagLimit else {
            throw AWSError(
                .tagLimitExceeded,
                "The maximum number of tags for a resource has been reached: \(tagLimit)."
            )
        }
    }
}
