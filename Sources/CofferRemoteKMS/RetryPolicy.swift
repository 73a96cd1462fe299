internal import CofferSecrets

/// Exponential back-off with full jitter: a random time from nothing to a bound that doubles with each try. (AWS
/// Architecture Blog, "Exponential Backoff And Jitter")
public struct RetryPolicy: Sendable {
    /// The bound before the second try, milliseconds.
    public var baseMilliseconds = 100
    /// The highest bound, milliseconds.
    public var maximumMilliseconds = 2000
    /// Tries in all, the first included.
    public var tryCount = 4

    public init() {}

    /// How long to wait after the try of this number, from 1.
    func delay(afterTry number: Int, random: any ByteSource) -> Duration {
        var bound = max(baseMilliseconds, 0)
        for _ in 1..<max(number, 1) where bound < maximumMilliseconds { bound *= 2 }
        let draw = random.bytes(4).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return .milliseconds(Int(draw % UInt64(min(bound, max(maximumMilliseconds, 0)) + 1)))
    }
}
