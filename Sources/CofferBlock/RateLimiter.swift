internal import Glibc
internal import Synchronization

/// How fast a volume may be used: token buckets, all of which a request has to pass.
public struct VolumeRate: Sendable, Equatable {
    /// A bucket that fills with `perSecond` tokens a second, up to `capacity`.
    public struct Bucket: Sendable, Equatable {
        public let perSecond: Double
        public let capacity: Double

        /// Both above 0; traps otherwise.
        public init(perSecond: Double, capacity: Double) {
            precondition(perSecond > 0 && capacity > 0, "a bucket that nothing passes")
            (self.perSecond, self.capacity) = (perSecond, capacity)
        }
    }

    /// How much of a request is one operation, bytes: EBS counts 256 KiB on solid state, 1 MiB on disks.
    public let operationBytes: Int
    /// For each operation one token.
    public let operations: [Bucket]
    /// For each byte one token.
    public let bytes: [Bucket]

    public init(operationBytes: Int, operations: [Bucket], bytes: [Bucket]) {
        precondition(operationBytes > 0, "an operation of no bytes")
        (self.operationBytes, self.operations, self.bytes) = (operationBytes, operations, bytes)
    }
}

/// Has requests wait so that a volume is no faster than its rate. Without a rate nothing waits.
public final class RateLimiter: Sendable {
    private let isOn = Atomic<Bool>(false)
    private let state = Mutex<State?>(nil)

    private struct State {
        let rate: VolumeRate
        var operations: [Level]
        var bytes: [Level]
    }

    /// A bucket by the time at which it will be full: what was taken lies between now and then.
    private struct Level {
        let perSecond: Double
        let capacity: Double
        var fullAt: Double

        init(_ bucket: VolumeRate.Bucket, now: Double) {
            (perSecond, capacity, fullAt) = (bucket.perSecond, bucket.capacity, now)
        }

        /// Takes tokens, also such as are not there yet, and gives when they will have been.
        mutating func take(_ count: Double, now: Double) -> Double {
            fullAt = max(fullAt, now) + count / perSecond
            return fullAt - capacity / perSecond
        }
    }

    public init() {}

    /// Sets the rate from now on, with full buckets; nil for none.
    public func set(_ rate: VolumeRate?) {
        state.withLock { state in
            state = rate.map { rate in
                State(
                    rate: rate,
                    operations: rate.operations.map { Level($0, now: Self.now) },
                    bytes: rate.bytes.map { Level($0, now: Self.now) }
                )
            }
        }
        isOn.store(rate != nil, ordering: .releasing)
    }

    /// Whether requests wait at all.
    public var isLimiting: Bool { isOn.load(ordering: .acquiring) }

    /// Waits for a request's turn; throws EAGAIN in place of waiting where it must not.
    @inline(__always)
    func pass(_ count: Int, waits: Bool) throws(BlockError) {
        if isOn.load(ordering: .relaxed) { try passSlowly(count, waits: waits) }
    }

    @inline(never)
    private func passSlowly(_ count: Int, waits: Bool) throws(BlockError) {
        guard waits else { throw .wouldWait }
        let turn = state.withLock { state in
            guard let rate = state?.rate else { return 0.0 }
            let now = Self.now
            let operations = Double((max(count, 1) + rate.operationBytes - 1) / rate.operationBytes)
            var turn = now
            for index in rate.operations.indices {
                turn = max(turn, state?.operations[index].take(operations, now: now) ?? now)
            }
            for index in rate.bytes.indices {
                turn = max(turn, state?.bytes[index].take(Double(count), now: now) ?? now)
            }
            return turn
        }
        let rest = turn - Self.now
        guard rest > 0 else { return }
        let seconds = rest.rounded(.down)
        var time = timespec(tv_sec: Int(seconds), tv_nsec: Int((rest - seconds) * 1e9))
        var left = timespec()
        while unsafe nanosleep(&time, &left) != 0 && errno == EINTR { time = left }
    }

    /// Seconds of the monotonic clock.
    private static var now: Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
