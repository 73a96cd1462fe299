internal import Foundation

/// Numbers as a reader wants them: three digits that mean something, thousands apart.
enum ReportNumbers {
    static func text(_ value: Double) -> String {
        switch value {
        case 100...: grouped(value.rounded())
        case 10...: String(format: "%.1f", value)
        case 1...: String(format: "%.2f", value)
        case 0.1...: String(format: "%.3f", value)
        default: String(format: "%.3g", value)
        }
    }

    static func range(_ spread: Spread) -> String { "\(text(spread.minimum))–\(text(spread.maximum))" }

    /// Such as `1.93×`.
    static func ratio(_ value: Double) -> String { "\(plainRatio(value))×" }

    static func ratioRange(_ spread: Spread) -> String {
        "\(plainRatio(spread.minimum))–\(plainRatio(spread.maximum))"
    }

    private static func plainRatio(_ value: Double) -> String {
        (0.1..<1).contains(value) ? String(format: "%.2f", value) : text(value)
    }

    static func bytes(_ count: UInt64) -> String {
        count < 1 << 30 ? "\(count >> 20) MiB" : "\(text(Double(count) / Double(1 << 30))) GiB"
    }

    /// Microseconds in the unit that reads best.
    static func duration(_ microseconds: Double) -> String {
        switch microseconds {
        case 1e6...: "\(text(microseconds / 1e6)) s"
        case 1e3...: "\(text(microseconds / 1e3)) ms"
        default: "\(text(microseconds)) µs"
        }
    }

    /// Narrow spaces that no line breaks at: commas and dots mean different things to different readers.
    private static func grouped(_ value: Double) -> String {
        let digits = String(format: "%.0f", value)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text += "\u{202F}" }
            text.append(digit)
        }
        return text
    }
}

extension Measurement.Row {
    /// How far the first subject is ahead of `subject`: above 1 where it is better, whichever way the unit counts. Each
    /// ratio is taken within a round; nil without both.
    public func lead(over subject: Int) -> Spread? {
        // Inverted round by round: the median of an even number of them is not the inverse of the other median.
        ratios(to: subject).map { Spread(higherIsBetter ? $0 : $0.map { 1 / $0 }) }
    }
}
