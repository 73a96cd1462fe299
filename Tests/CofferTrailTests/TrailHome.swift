internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import Synchronization

@testable internal import CofferTrail

/// A head in memory.
final class MemoryHead: TrailHead {
    private let position = Mutex<TrailPosition?>(nil)
    /// Makes `store` fail, as a full disk does.
    let isBroken = Atomic<Bool>(false)
    /// How often a position was stored.
    let storeCount = Atomic<Int>(0)

    struct Broken: Error {}

    func load() throws -> TrailPosition? { position.withLock { $0 } }

    func store(_ new: TrailPosition) throws {
        if isBroken.load(ordering: .relaxed) { throw Broken() }
        storeCount.add(1, ordering: .relaxed)
        position.withLock { kept in
            if new.sequence >= kept?.sequence ?? 0 { kept = new }
        }
    }

    /// As a crash leaves it that came before a newer position was stored.
    func setBack(to old: TrailPosition?) { position.withLock { $0 = old } }
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

/// A folder for a trail, with its head and its clock, which begins on 2026-11-18.
struct TrailHome {
    let folder: TemporaryFolder
    let head = MemoryHead()
    let clock = SetClock(seconds: 1_795_000_000)

    init() throws { folder = try TemporaryFolder() }

    var path: String { folder.path("trail") }

    /// As another process opens it: with its own lock, and remembering nothing.
    func open(
        _ keyByte: UInt8 = 3,
        fileSizeLimit: Int = 64 << 20,
        head other: (any TrailHead)? = nil
    ) throws -> Trail {
        try Trail(
            folder: path,
            key: SecretBytes(copying: [UInt8](repeating: keyByte, count: 32)),
            head: other ?? head,
            clock: clock,
            fileSizeLimit: fileSizeLimit
        )
    }

    func files() throws -> [String] { try folder.names(in: "trail") }

    /// With their newlines.
    func lines(_ file: String) throws -> [[UInt8]] {
        try folder.bytes("trail/\(file)").split(separator: UInt8(ascii: "\n")).map {
            Array($0) + [UInt8(ascii: "\n")]
        }
    }

    func names(_ limit: Int = 10_000) throws -> [String] {
        try Trail.records(folder: path, limit: limit).map(\.record.eventName)
    }

    static func record(_ name: String) -> TrailRecord {
        TrailRecord(eventSource: "kms.amazonaws.com", eventName: name, requestID: "id-\(name)", caller: root)
    }

    static let account = AccountID("123456789012")!
    static let root = Caller(principal: .root(account))
}

extension TrailVerification {
    /// What an untouched trail of `count` lines gives.
    static func intact(_ count: UInt64) -> TrailVerification {
        TrailVerification(finding: .intact, verifiedCount: count)
    }
}
