internal import CofferShapes
internal import FoundationEssentials
internal import GRDB

/// The users, user policies and access keys of the catalogue within one transaction. It decides nothing: quotas and
/// refusals are the identity service's.
public struct IdentityRows {
    let database: Database

    // MARK: - Users

    /// The user of exactly this name.
    public func user(named name: String) throws -> UserRecord? {
        // The column ignores case, for its uniqueness; who asks for another case asks for somebody else.
        try one(
            UserRow.self,
            "SELECT * FROM iamUser WHERE name = ? AND name = ? COLLATE BINARY",
            [name, name]
        )?
        .record()
    }

    public func user(id: String) throws -> UserRecord? {
        try one(UserRow.self, "SELECT * FROM iamUser WHERE id = ?", [id])?.record()
    }

    /// Whether a user has this name in some case.
    public func hasUser(like name: String) throws -> Bool {
        try one(UserRow.self, "SELECT * FROM iamUser WHERE name = ?", [name]) != nil
    }

    /// All users whose path begins so, by name.
    public func users(pathPrefix: String) throws -> [UserRecord] {
        try UserRow.fetchAll(database, sql: "SELECT * FROM iamUser ORDER BY name COLLATE BINARY")
            .map { try $0.record() }.filter { $0.path.hasPrefix(pathPrefix) }
    }

    public func userCount() throws -> Int {
        try Int.fetchOne(database, sql: "SELECT count(*) FROM iamUser") ?? 0
    }

    public func insert(_ user: UserRecord) throws {
        try database.execute(
            sql: "INSERT INTO iamUser (id, name, path, created) VALUES (?, ?, ?, ?)",
            arguments: [user.id, user.name, user.path, Int64(clamping: user.created.nanoseconds)]
        )
    }

    /// Removes a user that has neither policies nor access keys: the schema refuses any other.
    public func removeUser(id: String) throws {
        try database.execute(sql: "DELETE FROM iamUser WHERE id = ?", arguments: [id])
    }

    // MARK: - Policies

    /// A user's policies, by name.
    public func policies(ofUser id: String) throws -> [UserPolicyRecord] {
        let statement = try database.cachedStatement(
            sql: "SELECT name, document FROM iamUserPolicy WHERE user = ? ORDER BY name"
        )
        return try PolicyRow.fetchAll(statement, arguments: [id]).map(\.record)
    }

    public func put(_ policy: UserPolicyRecord, ofUser id: String) throws {
        try database.execute(
            sql: """
                INSERT INTO iamUserPolicy (user, name, document) VALUES (?, ?, ?)
                ON CONFLICT (user, name) DO UPDATE SET document = excluded.document
                """,
            arguments: [id, policy.name, policy.document]
        )
    }

    /// Whether there was one.
    public func removePolicy(_ name: String, ofUser id: String) throws -> Bool {
        try database.execute(
            sql: "DELETE FROM iamUserPolicy WHERE user = ? AND name = ?",
            arguments: [id, name]
        )
        return database.changesCount > 0
    }

    // MARK: - Access keys

    public func accessKey(_ id: String) throws -> AccessKeyRecord? {
        try one(KeyRow.self, "SELECT * FROM iamAccessKey WHERE id = ?", [id])?.record()
    }

    /// The access keys of a user, or with nil of the root user, by id.
    public func accessKeys(ofUser id: String?) throws -> [AccessKeyRecord] {
        try KeyRow.fetchAll(
            database,
            sql: "SELECT * FROM iamAccessKey WHERE user IS ? ORDER BY id",
            arguments: [id]
        ).map { try $0.record() }
    }

    public func insert(_ key: AccessKeyRecord) throws {
        try database.execute(
            sql:
                "INSERT INTO iamAccessKey (id, user, wrappedSecret, isActive, created) VALUES (?, ?, ?, ?, ?)",
            arguments: [
                key.id, key.userID, Data(key.wrappedSecret), key.isActive,
                Int64(clamping: key.created.nanoseconds),
            ]
        )
    }

    public func setActive(_ isActive: Bool, accessKey id: String) throws {
        try database.execute(
            sql: "UPDATE iamAccessKey SET isActive = ? WHERE id = ?",
            arguments: [isActive, id]
        )
    }

    public func removeAccessKey(_ id: String) throws {
        try database.execute(sql: "DELETE FROM iamAccessKey WHERE id = ?", arguments: [id])
    }

    // MARK: - Rows

    private func one<Row: FetchableRecord>(
        _ kind: Row.Type,
        _ sql: String,
        _ arguments: StatementArguments
    ) throws -> Row? {
        try Row.fetchOne(database.cachedStatement(sql: sql), arguments: arguments)
    }

    private static func moment(_ nanoseconds: Int64, of id: String) throws -> Timestamp {
        guard nanoseconds >= 0 else {
            throw AWSError(.damaged, "the catalogue's entry for '\(id)' is damaged")
        }
        return Timestamp(nanoseconds: UInt64(nanoseconds))
    }

    private struct UserRow: Codable, FetchableRecord {
        let id: String
        let name: String
        let path: String
        let created: Int64

        func record() throws -> UserRecord {
            UserRecord(id: id, name: name, path: path, created: try moment(created, of: id))
        }
    }

    private struct PolicyRow: Codable, FetchableRecord {
        let name: String
        let document: String

        var record: UserPolicyRecord { UserPolicyRecord(name: name, document: document) }
    }

    private struct KeyRow: Codable, FetchableRecord {
        let id: String
        let user: String?
        let wrappedSecret: Data
        let isActive: Bool
        let created: Int64

        func record() throws -> AccessKeyRecord {
            AccessKeyRecord(
                id: id,
                userID: user,
                wrappedSecret: Array(wrappedSecret),
                isActive: isActive,
                created: try moment(created, of: id)
            )
        }
    }
}
