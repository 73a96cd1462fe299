internal import CofferCatalog
internal import CofferIdentity
internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import CofferTrail
internal import Testing

/// A catalogue of a test's own with the identity service over it.
final class IdentityHome: Sendable {
    static let created = Timestamp(nanoseconds: 1_764_000_000_000_000_000)

    let folder: TemporaryFolder
    let account: AccountID
    let service: IdentityService

    var path: String { folder.path("catalog.sqlite") }
    var root: Caller { Caller(principal: .root(account)) }

    init() throws {
        folder = try TemporaryFolder()
        account = try #require(AccountID("111122223333"))
        service = try Self.open(folder, account)
    }

    /// Another service over the same catalogue, as another process would have one.
    func other() throws -> IdentityService { try Self.open(folder, account) }

    func caller(_ user: String, path: String = "/") -> Caller {
        Caller(principal: .user(user, path: path, account: account))
    }

    /// A user with a policy.
    func make(_ user: String, path: String = "/", allowing statements: String) throws {
        _ = try service.createUser(user, path: path, caller: root)
        try service.putUserPolicy("p", document: policy(statements), user: user, caller: root)
    }

    func policy(_ statements: String) -> String {
        #"{"Version":"2012-10-17","Statement":[\#(statements)]}"#
    }

    /// The trail, from the oldest line on.
    func lines() throws -> [TrailEntry] {
        try Trail.records(folder: folder.path("trail"), limit: 1000)
    }

    /// A service over a catalogue of its own in the home's folder.
    func service(over name: String, random: any ByteSource) throws -> IdentityService {
        try Self.open(folder, account, catalog: name, random: random)
    }

    private static func open(
        _ folder: TemporaryFolder,
        _ account: AccountID,
        catalog: String = "catalog.sqlite",
        random: any ByteSource = SystemByteSource()
    ) throws -> IdentityService {
        let directory = try IdentityDirectory(
            catalog: try Catalog(path: folder.path(catalog)),
            wrappingKey: SecretBytes(copying: [UInt8](repeating: 7, count: 32)),
            account: account,
            random: random
        )
        return IdentityService(
            directory: directory,
            trail: try Trail(
                folder: folder.path("trail"),
                key: SecretBytes(copying: [UInt8](repeating: 9, count: 32)),
                head: MemoryHead()
            ),
            clock: StillClock(nanoseconds: created.nanoseconds),
            random: random
        )
    }
}

/// The error that `body` throws, nil where it throws none.
func refusal<Value>(_ body: () throws -> Value) -> AWSError? {
    do {
        _ = try body()
        return nil
    } catch {
        return error as? AWSError
    }
}

/// A secret as text: for what a test made and throws away.
func text(_ secret: borrowing SecretBytes) -> String {
    secret.withBytes { String(decoding: $0.array(), as: UTF8.self) }
}
