internal import Glibc

/// A moment as nanoseconds since 1970-01-01T00:00:00Z. No decision about data rests on it.
public struct Timestamp: Hashable, Comparable, Sendable, Codable {
    public let nanoseconds: UInt64

    public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    public init(from decoder: any Decoder) throws {
        nanoseconds = try decoder.singleValueContainer().decode(UInt64.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(nanoseconds)
    }

    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.nanoseconds < right.nanoseconds }

    /// Seconds since 1970, as the AWS JSON protocols give times.
    public var seconds: Double { Double(nanoseconds / 1_000_000) / 1000 }

    /// RFC 3339 in UTC with milliseconds, such as `2026-11-24T22:48:30.125Z`.
    public var iso8601: String {
        let (days, time) = (nanoseconds / 86_400_000_000_000, nanoseconds % 86_400_000_000_000)
        let date = CalendarDate(daysSince1970: Int(days))
        let seconds = Int(time / 1_000_000_000)
        return "\(pad(date.year, 4))-\(pad(date.month, 2))-\(pad(date.day, 2))T"
            + "\(pad(seconds / 3600, 2)):\(pad(seconds / 60 % 60, 2)):\(pad(seconds % 60, 2))."
            + "\(pad(Int(time / 1_000_000 % 1000), 3))Z"
    }

    private func pad(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

/// Tells the time; a test gives one that stands still.
public protocol WallClock: Sendable {
    var now: Timestamp { get }
}

/// CLOCK_REALTIME.
public struct SystemClock: WallClock {
    public init() {}

    public var now: Timestamp {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }
}
