/// How often an operation took how long: a count for each 64th of each power of two of nanoseconds, so that a percentile
/// is right within 1.6 %, and histograms of several threads or rounds add up.
public struct LatencyHistogram: Sendable, Equatable {
    private static let stepsPerDoubling: UInt64 = 64
    private static let stepBits = 6

    private var counts = [UInt64](repeating: 0, count: (64 - stepBits + 1) << stepBits)
    /// Operations in all.
    public private(set) var count: UInt64 = 0
    public private(set) var maximumNanoseconds: UInt64 = 0

    public init() {}

    public mutating func record(_ nanoseconds: UInt64, times: UInt64 = 1) {
        guard times > 0 else { return }
        counts[Self.index(nanoseconds)] += times
        count += times
        maximumNanoseconds = max(maximumNanoseconds, nanoseconds)
    }

    public mutating func add(_ other: LatencyHistogram) {
        for index in counts.indices { counts[index] += other.counts[index] }
        count += other.count
        maximumNanoseconds = max(maximumNanoseconds, other.maximumNanoseconds)
    }

    /// The time that this share (0 to 1) of the operations did not exceed, nanoseconds; 0 without operations.
    public func percentile(_ share: Double) -> UInt64 {
        let wanted = max(1, UInt64((share * Double(count)).rounded(.up)))
        var seen: UInt64 = 0
        for index in counts.indices where counts[index] > 0 {
            seen += counts[index]
            if seen >= wanted { return min(Self.middle(index), maximumNanoseconds) }
        }
        return maximumNanoseconds
    }

    /// Microseconds, as measurements keep them; nil without operations.
    public var latency: Measurement.Latency? {
        guard count > 0 else { return nil }
        return Measurement.Latency(
            median: Double(percentile(0.5)) / 1000,
            percentile99: Double(percentile(0.99)) / 1000,
            percentile999: Double(percentile(0.999)) / 1000,
            maximum: Double(maximumNanoseconds) / 1000
        )
    }

    private static func index(_ value: UInt64) -> Int {
        guard value >= stepsPerDoubling else { return Int(value) }
        let shift = 63 - value.leadingZeroBitCount - stepBits
        return (shift + 1) << stepBits + Int(value >> UInt64(shift) - stepsPerDoubling)
    }

    /// The middle of the times that share a count.
    private static func middle(_ index: Int) -> UInt64 {
        guard index >= Int(stepsPerDoubling) else { return UInt64(index) }
        let shift = UInt64(index >> stepBits - 1)
        let low = (UInt64(index) & (stepsPerDoubling - 1) + stepsPerDoubling) << shift
        return low + (1 << shift) / 2
    }
}
