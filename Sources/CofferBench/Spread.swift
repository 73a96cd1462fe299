/// The median of some rounds, and their range.
public struct Spread: Sendable, Hashable {
    public let minimum: Double
    public let median: Double
    public let maximum: Double

    /// `values` has at least one.
    init(_ values: [Double]) {
        let sorted = values.sorted()
        (minimum, maximum) = (sorted[0], sorted[sorted.count - 1])
        // The same one twice where their number is odd.
        median = (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }

    /// Whether the rounds differ by more than half: then something else had a part in them, and the median says little.
    public var isWide: Bool { maximum > 1.5 * minimum }
}
