internal import CofferKMS
internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import CofferTrail
internal import GRDB
internal import Synchronization

/// A home with a KMS, for one test.
struct KMSHome {
    static let account = AccountID("123456789012")!  // 12 digits
    static let rootKeyBytes = [UInt8](repeating: 0x5A, count: 32)

    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

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
            clock: clock,
            random: random
        )
    }

    func entries() throws -> [TrailEntry] {
        try Trail.records(folder: folder.path("trail"), limit: 10_000)
    }

    func newestEntry() throws -> TrailEntry? { try entries().last }
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
