public import CofferShapes
internal import Foundation
internal import GRDB

// Databases are the truth here: no header elsewhere tells of them.
extension Catalog {
    // MARK: - Instances

    /// DBInstanceAlreadyExists where the identifier is taken.
    public func insert(_ record: DatabaseRecord) throws {
        let document = try Self.document(record)
        try write { database in
            guard try Self.instance(record.identifier, record.region, database) == nil else {
                throw AWSError(.databaseAlreadyExists, "DB instance already exists")
            }
            try database.execute(
                sql: "INSERT INTO databaseInstance (id, region, identifier, document) VALUES (?, ?, ?, ?)",
                arguments: [record.id.text, record.region.name, record.identifier.text, document]
            )
        }
    }

    /// All instances by identifier, of a region where one is given.
    public func databases(in region: Region? = nil) throws -> [DatabaseRecord] {
        try read { database in
            try String.fetchAll(
                database,
                sql: """
                    SELECT document FROM databaseInstance WHERE ?1 IS NULL OR region = ?1 ORDER BY identifier
                    """,
                arguments: [region?.name]
            ).map(Self.decode)
        }
    }

    public func database(_ identifier: DatabaseIdentifier, in region: Region) throws -> DatabaseRecord? {
        try read { try Self.instance(identifier, region, $0) }
    }

    public func database(id: DatabaseID) throws -> DatabaseRecord? {
        try read { try Self.instance(id, $0) }
    }

    /// Changes an instance by what `change` makes of it as it is now. Gives it as it is then, nil where it is gone.
    @discardableResult
    public func change(
        _ id: DatabaseID,
        _ change: (inout DatabaseRecord) throws -> Void
    ) throws -> DatabaseRecord? {
        try write { database in
            guard var record = try Self.instance(id, database) else { return nil }
            try change(&record)
            if let other = try Self.instance(record.identifier, record.region, database), other.id != id {
                throw AWSError(.databaseAlreadyExists, "DB instance already exists")
            }
            try database.execute(
                sql: "UPDATE databaseInstance SET identifier = ?, document = ? WHERE id = ?",
                arguments: [record.identifier.text, try Self.document(record), id.text]
            )
            return record
        }
    }

    public func remove(_ id: DatabaseID) throws {
        try write { database in
            try database.execute(sql: "DELETE FROM databaseInstance WHERE id = ?", arguments: [id.text])
        }
    }

    private static func instance(_ id: DatabaseID, _ database: Database) throws -> DatabaseRecord? {
        try String.fetchOne(
            database,
            sql: "SELECT document FROM databaseInstance WHERE id = ?",
            arguments: [id.text]
        ).map(decode)
    }

    private static func instance(
        _ identifier: DatabaseIdentifier,
        _ region: Region,
        _ database: Database
    ) throws -> DatabaseRecord? {
        try String.fetchOne(
            database,
            sql: "SELECT document FROM databaseInstance WHERE region = ? AND identifier = ?",
            arguments: [region.name, identifier.text]
        ).map(decode)
    }

    // MARK: - Snapshots

    /// DBSnapshotAlreadyExists where the identifier is taken.
    public func insert(_ record: DatabaseSnapshotRecord) throws {
        try insert(
            record,
            record.identifier,
            record.region,
            into: .snapshots,
            taken: AWSError(
                .databaseSnapshotAlreadyExists,
                "Cannot create the snapshot because a snapshot with the identifier \(record.identifier) already exists."
            )
        )
    }

    /// The oldest first.
    public func databaseSnapshots(in region: Region? = nil) throws -> [DatabaseSnapshotRecord] {
        try all(.snapshots, region).sorted {
            ($0.created, $0.identifier.text) < ($1.created, $1.identifier.text)
        }
    }

    public func databaseSnapshot(
        _ identifier: DatabaseIdentifier,
        in region: Region
    ) throws -> DatabaseSnapshotRecord? {
        try one(.snapshots, identifier, region)
    }

    @discardableResult
    public func changeDatabaseSnapshot(
        _ identifier: DatabaseIdentifier,
        in region: Region,
        _ body: (inout DatabaseSnapshotRecord) throws -> Void
    ) throws -> DatabaseSnapshotRecord? {
        try change(.snapshots, identifier, region, body)
    }

    public func removeDatabaseSnapshot(_ identifier: DatabaseIdentifier, in region: Region) throws {
        try remove(.snapshots, identifier, region)
    }

    // MARK: - Parameter groups

    /// DBParameterGroupAlreadyExists where the name is taken.
    public func insert(_ record: ParameterGroupRecord) throws {
        try insert(
            record,
            record.name,
            record.region,
            into: .parameterGroups,
            taken: AWSError(
                .parameterGroupAlreadyExists,
                "Parameter group \(record.name) already exists"
            )
        )
    }

    public func parameterGroups(in region: Region? = nil) throws -> [ParameterGroupRecord] {
        try all(.parameterGroups, region)
    }

    public func parameterGroup(_ name: DatabaseIdentifier, in region: Region) throws -> ParameterGroupRecord?
    {
        try one(.parameterGroups, name, region)
    }

    @discardableResult
    public func changeParameterGroup(
        _ name: DatabaseIdentifier,
        in region: Region,
        _ body: (inout ParameterGroupRecord) throws -> Void
    ) throws -> ParameterGroupRecord? {
        try change(.parameterGroups, name, region, body)
    }

    public func removeParameterGroup(_ name: DatabaseIdentifier, in region: Region) throws {
        try remove(.parameterGroups, name, region)
    }

    // MARK: - Documents by region and identifier

    private enum Shelf: String {
        case snapshots = "databaseSnapshot"
        case parameterGroups = "databaseParameterGroup"
    }

    private func insert(
        _ record: some Encodable,
        _ identifier: DatabaseIdentifier,
        _ region: Region,
        into shelf: Shelf,
        taken: AWSError
    ) throws {
        let document = try Self.document(record)
        try write { database in
            let held = try String.fetchOne(
                database,
                sql: "SELECT identifier FROM \(shelf.rawValue) WHERE region = ? AND identifier = ?",
                arguments: [region.name, identifier.text]
            )
            guard held == nil else { throw taken }
            try database.execute(
                sql: "INSERT INTO \(shelf.rawValue) (region, identifier, document) VALUES (?, ?, ?)",
                arguments: [region.name, identifier.text, document]
            )
        }
    }

    private func all<Record: Decodable & Sendable>(_ shelf: Shelf, _ region: Region?) throws -> [Record] {
        try read { database in
            try String.fetchAll(
                database,
                sql: """
                    SELECT document FROM \(shelf.rawValue) WHERE ?1 IS NULL OR region = ?1 ORDER BY identifier
                    """,
                arguments: [region?.name]
            ).map(Self.decode)
        }
    }

    private func one<Record: Decodable & Sendable>(
        _ shelf: Shelf,
        _ identifier: DatabaseIdentifier,
        _ region: Region
    ) throws -> Record? {
        try read { try Self.one(shelf, identifier, region, $0) }
    }

    private static func one<Record: Decodable & Sendable>(
        _ shelf: Shelf,
        _ identifier: DatabaseIdentifier,
        _ region: Region,
        _ database: Database
    ) throws -> Record? {
        try String.fetchOne(
            database,
            sql: "SELECT document FROM \(shelf.rawValue) WHERE region = ? AND identifier = ?",
            arguments: [region.name, identifier.text]
        ).map(decode)
    }

    private func change<Record: Codable & Sendable>(
        _ shelf: Shelf,
        _ identifier: DatabaseIdentifier,
        _ region: Region,
        _ body: (inout Record) throws -> Void
    ) throws -> Record? {
        try write { database in
            guard var record: Record = try Self.one(shelf, identifier, region, database) else { return nil }
            try body(&record)
            try database.execute(
                sql: "UPDATE \(shelf.rawValue) SET document = ? WHERE region = ? AND identifier = ?",
                arguments: [try Self.document(record), region.name, identifier.text]
            )
            return record
        }
    }

    private func remove(_ shelf: Shelf, _ identifier: DatabaseIdentifier, _ region: Region) throws {
        try write { database in
            try database.execute(
                sql: "DELETE FROM \(shelf.rawValue) WHERE region = ? AND identifier = ?",
                arguments: [region.name, identifier.text]
            )
        }
    }

    private static func document(_ record: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(record), as: UTF8.self)
    }

    private static func decode<Record: Decodable & Sendable>(_ document: String) throws -> Record {
        do {
            return try JSONDecoder().decode(Record.self, from: Data(document.utf8))
        } catch {
            throw AWSError(.damaged, "the catalogue's entry of a database is damaged")
        }
    }
}
