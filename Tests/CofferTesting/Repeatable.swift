public import CofferSecrets
public import CofferShapes
internal import Synchronization

/// Random numbers that repeat: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) from a seed.
public struct RepeatableRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Bytes that repeat, for ids, salts and nonces that a test can foretell.
public final class RepeatableByteSource: ByteSource {
    private let random: Mutex<RepeatableRandom>

    public init(seed: UInt64) { random = Mutex(RepeatableRandom(seed: seed)) }

    public func fill(_ span: inout MutableRawSpan) {
        var bytes: [UInt8] = []
        random.withLock { random in
            for _ in 0..<span.byteCount { bytes.append(UInt8(truncatingIfNeeded: random.next() >> 56)) }
        }
        unsafe span.copy(bytes.span.bytes, at: 0)
    }
}

/// A clock that stands still.
public struct StillClock: WallClock {
    public let now: Timestamp

    public init(nanoseconds: UInt64) { now = Timestamp(nanoseconds: nanoseconds) }
}
