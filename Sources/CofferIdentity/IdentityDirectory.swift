public import CofferCatalog
public import CofferPolicy
public import CofferSecrets
public import CofferShapes
internal import Synchronization

/// Who may ask: what a server and other services look up at every request.
///
/// Access keys and policies in memory, checked against the catalogue's version at each call, which takes about a
/// microsecond: a change by any process counts in the next call of every other. Looking up leaves no line on the trail;
/// the request that it is for does.
///
/// When the version is another, what is known is read again at its next use, and kept where its rows are the same:
/// parsed policies and unwrapped secrets outlive changes to anything else. Only what exists is remembered, so that
/// nobody fills the memory with made-up names.
public final class IdentityDirectory: IdentityPolicies, Sendable {
    private struct Known<Rows: Sendable, Value: Sendable>: Sendable {
        let version: UInt32
        let rows: Rows
        let value: Value
    }

    private struct PrincipalRows: Sendable, Hashable {
        let user: UserRecord
        let policies: [UserPolicyRecord]
    }

    private struct KeyRows: Sendable, Hashable {
        let key: AccessKeyRecord
        let user: UserRecord?
    }

    private struct Contents {
        var principals: [ARN: Known<PrincipalRows, Principal>] = [:]
        var keys: [String: Known<KeyRows, AccessKey>] = [:]
    }

    /// A user with parsed policies.
    struct Principal: Sendable {
        let userID: String
        let policies: [NamedPolicy]
    }

    public let account: AccountID

    let catalog: Catalog
    private let watch: CatalogWatch
    private let wrapping: AccessKeyWrapping
    private let contents = Mutex(Contents())

    /// `wrappingKey` has 32 bytes, derived from the home's root key for access keys alone.
    public init(
        catalog: Catalog,
        wrappingKey: consuming SecretBytes,
        account: AccountID,
        random: any ByteSource = SystemByteSource()
    ) throws {
        watch = try catalog.watch()
        wrapping = AccessKeyWrapping(wrappingKey: wrappingKey, random: random)
        (self.catalog, self.account) = (catalog, account)
    }

    public func policies(of principal: ARN) throws -> [NamedPolicy] {
        try self.principal(principal)?.policies ?? []
    }

    public func exists(_ principal: ARN) throws -> Bool {
        try principal == .root(account) || self.principal(principal) != nil
    }

    /// The ARN of the user of this name. Throws `NoSuchEntity` where there is none.
    public func arn(ofUser name: String) throws -> ARN {
        guard let user = try user(name) else { throw IdentityRefusal.noUser(name) }
        return arn(of: user)
    }

    /// The user of this name, which is checked; nil where there is none.
    func user(_ name: String) throws -> UserRecord? {
        try IdentityNames.check(userName: name)
        return try catalog.readIdentities { try $0.user(named: name) }
    }

    /// The user of this ARN; nil where there is none.
    func principal(_ arn: ARN) throws -> Principal? {
        guard let name = arn.iamUserName, arn.account == account.digits else { return nil }
        return try contents.withLock { contents in
            let known = contents.principals[arn]
            if let known, known.version == (try watch.version()) { return known.value }
            let (version, rows): (UInt32, PrincipalRows?) = try watch.readIdentities { rows in
                guard let user = try rows.user(named: name), self.arn(of: user) == arn else { return nil }
                return PrincipalRows(user: user, policies: try rows.policies(ofUser: user.id))
            }
            guard let rows else {
                contents.principals[arn] = nil
                return nil
            }
            let value = known?.rows == rows ? known?.value : nil
            let principal = try value ?? parse(rows)
            contents.principals[arn] = Known(version: version, rows: rows, value: principal)
            return principal
        }
    }

    /// The access key of this id, also one that is inactive; nil where there is none.
    public func accessKey(_ id: String) throws -> AccessKey? {
        try contents.withLock { contents in
            let known = contents.keys[id]
            if let known, known.version == (try watch.version()) { return known.value }
            let (version, rows): (UInt32, KeyRows?) = try watch.readIdentities { rows in
                guard let key = try rows.accessKey(id) else { return nil }
                return KeyRows(key: key, user: try key.userID.flatMap { try rows.user(id: $0) })
            }
            guard let rows else {
                contents.keys[id] = nil
                return nil
            }
            let value = known?.rows == rows ? known?.value : nil
            let key = try value ?? unwrap(rows)
            contents.keys[id] = Known(version: version, rows: rows, value: key)
            return key
        }
    }

    func arn(of user: UserRecord) -> ARN { .user(user.name, path: user.path, account: account) }

    /// A policy was parsed before it was stored; one that is none was written by somebody else, and whoever has it can
    /// do nothing until it is put right.
    private func parse(_ rows: PrincipalRows) throws -> Principal {
        let policies = try rows.policies.map { policy in
            do {
                return NamedPolicy(
                    "policy \(policy.name) of user \(rows.user.name)",
                    try PolicyDocument(policy.document, kind: .identity)
                )
            } catch {
                throw AWSError(
                    .damaged,
                    "the policy \(policy.name) of user \(rows.user.name) cannot be read: \(error)"
                )
            }
        }
        return Principal(userID: rows.user.id, policies: policies)
    }

    private func unwrap(_ rows: KeyRows) throws -> AccessKey {
        let key = rows.key
        guard (key.userID == nil) == (rows.user == nil) else {
            throw AWSError(.damaged, "the access key \(key.id) belongs to a user that is not there")
        }
        return AccessKey(
            id: key.id,
            principal: rows.user.map { arn(of: $0) } ?? .root(account),
            userID: key.userID ?? account.digits,
            status: key.isActive ? .active : .inactive,
            secret: try wrapping.unwrap(key.wrappedSecret, id: key.id, userID: key.userID)
        )
    }

    /// A secret as it is stored.
    func wrap(_ secret: borrowing SecretBytes, id: String, userID: String?) throws -> [UInt8] {
        try wrapping.wrap(secret, id: id, userID: userID)
    }
}
