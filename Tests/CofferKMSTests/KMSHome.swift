internal import CofferKMS
internal import CofferPolicy
internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import CofferTrail
internal import FoundationEssentials
internal import GRDB
internal import Synchronization

/// A home with a KMS, for one test.
struct KMSHome {
    static let account = AccountID("123456789012")!  // 12 digits
    static let rootKeyBytes = [UInt8](repeating: 0x5A, count: 32)

    let folder: TemporaryFolder
    let identities = SetIdentities()
    var hardware = HardwareAccess()

    init() throws { folder = try TemporaryFolder() }

    /// A user of the account with these identity policies, who asks directly.
    func user(_ name: String, _ policies: String...) throws -> Caller {
        let arn = ARN.user(name, account: Self.account)
        let named = try policies.map {
            NamedPolicy("a policy of \(name)", try PolicyDocument($0, kind: .identity))
        }
        identities.set(named, of: arn)
        return Caller(principal: arn)
    }

    /// Another service over the same home, as another process has it.
    func service(
        region: Region = .home,
        clock: any WallClock = SystemClock(),
        random: any ByteSource = SystemByteSource(),
        rootKey: [UInt8] = Self.rootKeyBytes
    ) throws -> KeyManagementService {
        try KeyManagementService(
            folder: folder.path("kms"),
            trailFolder: folder.path("trail"),
            account: Self.account,
            region: region,
            rootKey: SecretBytes(copying: rootKey),
            identities: identities,
            hardware: hardware,
            clock: clock,
            random: random
        )
    }

    func entries() throws -> [TrailEntry] {
        try Trail.records(folder: folder.path("trail"), limit: 10_000)
    }

    func newestEntry() throws -> TrailEntry? { try entries().last }
}

/// Users that a test makes.
final class SetIdentities: IdentityPolicies {
    private let known = Mutex<[ARN: [NamedPolicy]]>([:])

    func set(_ policies: [NamedPolicy], of principal: ARN) { known.withLock { $0[principal] = policies } }

    func policies(of principal: ARN) -> [NamedPolicy] { known.withLock { $0[principal] ?? [] } }

    func exists(_ principal: ARN) -> Bool { principal.isRoot || known.withLock { $0[principal] != nil } }
}

/// The verbs as most tests call them.
extension KeyManagementService {
    func createKey(description: String = "", caller: Caller) async throws -> KeyMetadata {
        try await createKey(KeyOrder(description: description), caller: caller)
    }

    func createAlias(_ name: AliasName, target: KeyReference, caller: Caller) async throws {
        try await createAlias(name.text, target: target, caller: caller)
    }

    func updateAlias(_ name: AliasName, target: KeyReference, caller: Caller) async throws {
        try await updateAlias(name.text, target: target, caller: caller)
    }

    func deleteAlias(_ name: AliasName, caller: Caller) async throws {
        try await deleteAlias(name.text, caller: caller)
    }

    /// What `DescribeKey` tells of each key, oldest first.
    func allKeys(caller: Caller) async throws -> [KeyMetadata] {
        var keys: [KeyMetadata] = []
        for entry in try await listKeys(page: Page(limit: 1000), caller: caller).items {
            keys.append(try await describeKey(.id(entry.id), caller: caller))
        }
        return keys
    }

    /// The aliases that point somewhere.
    func allAliases(key: KeyReference? = nil, caller: Caller) async throws -> [AliasEntry] {
        try await listAliases(key: key, page: Page(limit: 100), caller: caller).items.filter {
            $0.target != nil
        }
    }
}

/// The account's root user, asking directly.
let root = Caller(principal: .root(KMSHome.account))
let context: EncryptionContext = ["aws:ebs:id": "vol-0123456789abcdef0"]

func secret(_ text: String) -> SecretBytes { SecretBytes(copying: Array(text.utf8)) }

/// What a call was refused with, or nil if it was not.
func refusal(_ body: () async throws -> Void) async -> AWSError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? AWSError ?? AWSError(.internalError, "not an AWSError: \(error)")
    }
}

extension EncryptResponse {
    /// The blob with one bit changed.
    func flipping(bit: Int) -> CiphertextBlob {
        var bytes = blob.bytes
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        return CiphertextBlob(bytes)
    }
}

/// A clock that a test sets.
final class SetClock: WallClock {
    private let time: Mutex<UInt64>

    init(seconds: UInt64) { time = Mutex(seconds * 1_000_000_000) }

    var now: Timestamp { Timestamp(nanoseconds: time.withLock { $0 }) }

    func advance(seconds: Int) {
        time.withLock { $0 = UInt64(Int($0) + seconds * 1_000_000_000) }
    }
}

/// The system's random bytes, each draw noted, so that a test knows the secrets.
final class NotingByteSource: ByteSource {
    private let notes = Mutex<[[UInt8]]>([])

    var draws: [[UInt8]] { notes.withLock { $0 } }

    func fill(_ span: inout MutableRawSpan) {
        SystemByteSource().fill(&span)
        var bytes: [UInt8] = []
        for offset in 0..<span.byteCount { bytes.append(span.bytes.byte(at: offset)) }
        notes.withLock { $0.append(bytes) }
    }
}

/// Whether `needle` stands in `haystack`.
func contains(_ haystack: [UInt8], _ needle: [UInt8]) -> Bool {
    guard let first = needle.first, haystack.count >= needle.count else { return false }
    var at = haystack.startIndex
    while let found = haystack[at...].firstIndex(of: first) {
        if haystack[found...].starts(with: needle) { return true }
        at = found + 1
    }
    return false
}

extension KMSHome {
    /// Changes the key store behind the KMS's back.
    func changeStore(_ sql: String) throws {
        try DatabaseQueue(path: folder.path("kms/keys.sqlite")).write { database in
            try database.execute(sql: sql)
        }
    }
}

extension SecretBytes {
    /// A test's secrets are no secrets.
    var copied: [UInt8] { withBytes { $0.array() } }
}

extension SetClock {
    func advance(days: Int) { advance(seconds: days * 86_400) }
}

extension Timestamp {
    func adding(days: Int) -> Timestamp {
        Timestamp(nanoseconds: nanoseconds + UInt64(days) * 86_400_000_000_000)
    }
}

extension Caller {
    /// The same, asking in another region.
    func inside(_ region: Region) -> Caller {
        var caller = self
        caller.region = region
        return caller
    }
}

extension KMSHome {
    /// What the store keeps wrapped of a key: its wrapping key and its materials.
    func wrappedRecords(of key: KeyMetadata) throws -> [[UInt8]] {
        try DatabaseQueue(path: folder.path("kms/keys.sqlite")).read { database in
            try ["wrapping_key", "key_material"].flatMap { table in
                try Data.fetchAll(
                    database,
                    sql: "SELECT wrapped FROM \(table) WHERE key_id = ? AND wrapped IS NOT NULL",
                    arguments: [key.keyID.description]
                ).map(Array.init)
            }
        }
    }

    /// Whether any file of the `kms` folder has these bytes.
    func kmsFiles(contain bytes: [UInt8]) throws -> Bool {
        try folder.names(in: "kms").contains { name in
            CofferKMSTests.contains(try folder.bytes("kms/\(name)"), bytes)
        }
    }
}
