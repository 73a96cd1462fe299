internal import ArgumentParser
package import CofferShapes
internal import Foundation

// Forms of arguments that several programs take.

/// A size such as `10GiB`, `512M` or `1048576`. Units are powers of 1024, whether written K, KiB or KB.
package struct ByteCount: ExpressibleByArgument, Equatable {
    package let bytes: UInt64

    package init?(argument: String) {
        let digits = argument.prefix { $0.isASCII && $0.isNumber }
        guard let number = UInt64(digits) else { return nil }
        let shift: UInt64
        switch argument.dropFirst(digits.count).lowercased() {
        case "", "b": shift = 0
        case "k", "kb", "kib": shift = 10
        case "m", "mb", "mib": shift = 20
        case "g", "gb", "gib": shift = 30
        case "t", "tb", "tib": shift = 40
        default: return nil
        }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
        guard !overflow else { return nil }
        self.bytes = bytes
    }

    package init(gibibytes: UInt64) { bytes = gibibytes << 30 }

    /// How a default is shown.
    package var defaultValueDescription: String { Self.text(bytes).filter { $0 != " " } }

    /// The size in GiB; InvalidParameterValue where it is no whole number of them.
    package func wholeGibibytes() throws -> Int {
        guard bytes > 0, bytes % (1 << 30) == 0 else {
            throw AWSError(
                .invalidParameterValue,
                "\(Self.text(bytes)) is no whole number of GiB",
                hint: "give a size such as 20GiB"
            )
        }
        return Int(bytes >> 30)
    }

    /// A size for people: `10 GiB`, `1.5 MiB`.
    package static func text(_ bytes: UInt64) -> String {
        var value = Double(bytes)
        var unit = "B"
        for next in ["KiB", "MiB", "GiB", "TiB"] where value >= 1024 {
            value /= 1024
            unit = next
        }
        let rounded = (value * 10).rounded() / 10
        return rounded == rounded.rounded() ? "\(Int(rounded)) \(unit)" : "\(rounded) \(unit)"
    }
}

/// A tag on the command line, `key=value`.
package struct TagPair: ExpressibleByArgument {
    package let tag: Tag

    package init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty else { return nil }
        tag = Tag(key: String(parts[0]), value: String(parts[1]))
    }
}

/// A moment in RFC 3339, or a time span before or after now, such as `12h` or `30d`.
package struct Moment: ExpressibleByArgument {
    package let isRelative: Bool
    private let seconds: Double

    package init?(argument: String) {
        let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        if let unit = argument.last, let factor = units[unit], let count = Double(argument.dropLast()),
            count.isFinite, count >= 0
        {
            (isRelative, seconds) = (true, count * factor)
        } else if let date = Self.date(argument) {
            (isRelative, seconds) = (false, date.timeIntervalSince1970)
        } else {
            return nil
        }
    }

    private static func date(_ text: String) -> Date? {
        let fractional = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        return (try? Date(text, strategy: .iso8601)) ?? (try? Date(text, strategy: fractional))
    }

    package var before: Timestamp { timestamp(sign: -1) }
    package var after: Timestamp { timestamp(sign: 1) }

    private func timestamp(sign: Double) -> Timestamp {
        let moment = isRelative ? Date().timeIntervalSince1970 + sign * seconds : seconds
        return Timestamp(nanoseconds: UInt64(max(0, min(moment, 9e9)) * 1000) * 1_000_000)
    }
}
