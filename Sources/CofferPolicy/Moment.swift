internal import CofferShapes

/// A moment of a date condition, to the nanosecond: what ISO 8601 calls it in the forms of the W3C (`2026`, `2026-01`,
/// `2026-01-31`, `2026-01-31T12:00Z`, `2026-01-31T12:00:00.5+01:00`), or seconds since 1970.
struct Moment: Sendable, Comparable {
    /// Seconds since 1970-01-01T00:00:00Z.
    private let seconds: Int
    private let nanoseconds: Int

    init?(_ text: String) {
        var reader = Reader(text)
        guard text.utf8.count <= 40, let moment = reader.date() ?? Reader(text).secondsSince1970() else {
            return nil
        }
        self = moment
    }

    private init(seconds: Int, nanoseconds: Int) { (self.seconds, self.nanoseconds) = (seconds, nanoseconds) }

    static func < (left: Moment, right: Moment) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }

    /// Reads the parts of a date in order.
    private struct Reader {
        private var rest: ArraySlice<UInt8>

        init(_ text: String) { rest = Array(text.utf8)[...] }

        mutating func date() -> Moment? {
            guard let year = number(4) else { return nil }
            if rest.isEmpty { return midnight(year, 1, 1) }
            guard take("-"), let month = number(2), (1...12).contains(month) else { return nil }
            if rest.isEmpty { return midnight(year, month, 1) }
            guard take("-"), let day = number(2), (1...Self.days(in: month, of: year)).contains(day),
                let midnight = midnight(year, month, day)
            else { return nil }
            if rest.isEmpty { return midnight }
            guard take("T"), let hour = number(2), hour < 24, take(":"), let minute = number(2), minute < 60
            else {
                return nil
            }
            var (second, nanoseconds) = (0, 0)
            if take(":") {
                guard let whole = number(2), whole < 60, let fraction = fraction() else { return nil }
                (second, nanoseconds) = (whole, fraction)
            }
            guard let offset = zone(), rest.isEmpty else { return nil }
            return Moment(
                seconds: midnight.seconds + hour * 3600 + minute * 60 + second - offset,
                nanoseconds: nanoseconds
            )
        }

        /// Digits, perhaps with a fraction; those of four are a year.
        consuming func secondsSince1970() -> Moment? {
            let digits = rest.prefix { Self.digit($0) != nil }
            rest = rest.dropFirst(digits.count)
            guard digits.count != 4, let seconds = Int(String(decoding: digits, as: UTF8.self)),
                let nanoseconds = fraction(), rest.isEmpty
            else { return nil }
            return Moment(seconds: seconds, nanoseconds: nanoseconds)
        }

        private static func digit(_ byte: UInt8) -> Int? {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) ? Int(byte - UInt8(ascii: "0")) : nil
        }

        private mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard rest.first == UInt8(ascii: character) else { return false }
            rest.removeFirst()
            return true
        }

        /// Exactly `count` digits.
        private mutating func number(_ count: Int) -> Int? {
            var number = 0
            for byte in rest.prefix(count) {
                guard let digit = Self.digit(byte) else { return nil }
                number = number * 10 + digit
            }
            guard rest.count >= count else { return nil }
            rest = rest.dropFirst(count)
            return number
        }

        /// Nanoseconds after a point, 0 without one; digits past the ninth are dropped.
        private mutating func fraction() -> Int? {
            guard take(".") else { return 0 }
            let digits = rest.prefix { Self.digit($0) != nil }
            guard !digits.isEmpty else { return nil }
            rest = rest.dropFirst(digits.count)
            var nanoseconds = 0
            for place in 0..<9 {
                let digit = place < digits.count ? Self.digit(digits[digits.startIndex + place]) ?? 0 : 0
                nanoseconds = nanoseconds * 10 + digit
            }
            return nanoseconds
        }

        /// Seconds east of UTC.
        private mutating func zone() -> Int? {
            if take("Z") { return 0 }
            let sign = take("+") ? 1 : take("-") ? -1 : 0
            guard sign != 0, let hours = number(2), hours < 24, take(":"), let minutes = number(2),
                minutes < 60
            else { return nil }
            return sign * (hours * 3600 + minutes * 60)
        }

        private func midnight(_ year: Int, _ month: Int, _ day: Int) -> Moment? {
            // January and February count to the year before, and there is none before 0.
            guard month > 2 || year > 0 else { return nil }
            let days = CalendarDate(year: year, month: month, day: day).daysSince1970
            return Moment(seconds: days * 86_400, nanoseconds: 0)
        }

        private static func days(in month: Int, of year: Int) -> Int {
            switch month {
            case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
            case 4, 6, 9, 11: 30
            default: 31
            }
        }
    }
}
