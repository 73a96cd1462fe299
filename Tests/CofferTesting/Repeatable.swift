public import CofferSecrets
public import CofferShapes
internal import Synchronization

/// Numbers that look random and come again with the same seed: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    public mutating func bytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        for index in bytes.indices { bytes[index] = UInt8(truncatingIfNeeded: next() >> 56) }
        return bytes
    }
}

/// Bytes that repeat, for ids, salts and nonces that a test can foretell.
public final class RepeatableByteSource: ByteSource {
    private let generator: Mutex<SeededGenerator>

    public init(seed: UInt64) { generator = Mutex(SeededGenerator(seed: seed)) }

    public func fill(_ span: inout MutableRawSpan) {
        let count = span.byteCount
        let bytes = generator.withLock { $0.bytes(count) }
        unsafe span.copy(bytes.span.bytes, at: 0)
    }
}

/// A clock that a test moves; it begins with the real time.
public final class MovableClock: WallClock {
    private let nanoseconds = Mutex(SystemClock().now.nanoseconds)

    public init() {}

    public var now: Timestamp { Timestamp(nanoseconds: nanoseconds.withLock { $0 }) }

    public func advance(seconds: UInt64) { nanoseconds.withLock { $0 += seconds * 1_000_000_000 } }
}

/// A clock that stands still.
public struct StillClock: WallClock {
    public let now: Timestamp

    public init(nanoseconds: UInt64) { now = Timestamp(nanoseconds: nanoseconds) }
}
