public import CofferShapes

/// A whole second as Signature Version 4 spells it, such as `20150830T123600Z`.
public struct SigningTime: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let secondsSince1970: Int

    public init(_ timestamp: Timestamp) { self.init(seconds: Int(timestamp.nanoseconds / 1_000_000_000)) }

    /// Seconds outside the years 1970 to 9999 become the nearest second inside.
    init(seconds: Int) { secondsSince1970 = min(max(seconds, 0), Self.maximumSeconds) }

    /// The basic form of ISO 8601 in UTC, 16 characters.
    public var description: String {
        let time = secondsSince1970 % 86_400
        var text = dayDigits
        text.append(UInt8(ascii: "T"))
        Self.append(time / 3600, 2, to: &text)
        Self.append(time / 60 % 60, 2, to: &text)
        Self.append(time % 60, 2, to: &text)
        text.append(UInt8(ascii: "Z"))
        return String(decoding: text, as: UTF8.self)
    }

    /// The day that the credential scope names, such as `20150830`.
    public var day: String { String(decoding: dayDigits, as: UTF8.self) }

    private var dayDigits: [UInt8] {
        let date = CalendarDate(daysSince1970: secondsSince1970 / 86_400)
        var digits: [UInt8] = []
        digits.reserveCapacity(16)
        Self.append(date.year, 4, to: &digits)
        Self.append(date.month, 2, to: &digits)
        Self.append(date.day, 2, to: &digits)
        return digits
    }

    /// Reads `20150830T123600Z`; nil for anything else, a date that does not exist included.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 16, bytes[8] == UInt8(ascii: "T"), bytes[15] == UInt8(ascii: "Z"),
            let year = Self.number(bytes[0..<4]), let month = Self.number(bytes[4..<6]),
            let day = Self.number(bytes[6..<8]), let hour = Self.number(bytes[9..<11]),
            let minute = Self.number(bytes[11..<13]), let second = Self.number(bytes[13..<15]),
            let seconds = Self.seconds(year, month, day, hour, minute, second)
        else { return nil }
        self.init(seconds: seconds)
    }

    /// Reads the `Date` header: `Sun, 30 Aug 2015 12:36:00 GMT` (RFC 9110 §5.6.7, the preferred form), the same with
    /// mail's names of that zone (RFC 5322 §3.3; botocore sends `-0000`), or the basic form of ISO 8601 as above. The name
    /// of the weekday is not compared with the date.
    public init?(dateHeader text: String) {
        if let basic = SigningTime(text) {
            self = basic
            return
        }
        let bytes = Array(text.utf8)
        guard bytes.count > 25, bytes[3...4].elementsEqual(", ".utf8),
            [" GMT", " -0000", " +0000"].contains(where: { bytes[25...].elementsEqual($0.utf8) }),
            bytes[7] == 0x20, bytes[11] == 0x20, bytes[16] == 0x20, bytes[19] == 0x3A, bytes[22] == 0x3A,
            let day = Self.number(bytes[5..<7]), let year = Self.number(bytes[12..<16]),
            let month = Self.months.firstIndex(where: { bytes[8..<11].elementsEqual($0.utf8) }),
            let hour = Self.number(bytes[17..<19]), let minute = Self.number(bytes[20..<22]),
            let second = Self.number(bytes[23..<25]),
            let seconds = Self.seconds(year, month + 1, day, hour, minute, second)
        else { return nil }
        self.init(seconds: seconds)
    }

    public static func < (left: SigningTime, right: SigningTime) -> Bool {
        left.secondsSince1970 < right.secondsSince1970
    }

    func adding(seconds: Int) -> SigningTime {
        // A sum that overflows is past every date there is.
        let (sum, overflows) = secondsSince1970.addingReportingOverflow(seconds)
        return SigningTime(seconds: overflows ? (seconds > 0 ? Int.max : 0) : sum)
    }

    // MARK: - The calendar

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    /// 9999-12-31T23:59:59Z.
    private static let maximumSeconds = 253_402_300_799

    /// nil for a moment that does not exist, or is outside the years 1970 to 9999.
    private static func seconds(
        _ year: Int,
        _ month: Int,
        _ day: Int,
        _ hour: Int,
        _ minute: Int,
        _ second: Int
    ) -> Int? {
        guard (1970...9999).contains(year), (1...12).contains(month), (1...31).contains(day),
            (0...23).contains(hour), (0...59).contains(minute), (0...59).contains(second)
        else { return nil }
        let date = CalendarDate(year: year, month: month, day: day)
        let days = date.daysSince1970
        // The 31st of a shorter month comes back as a day of the next one.
        guard CalendarDate(daysSince1970: days) == date else { return nil }
        return days * 86_400 + hour * 3600 + minute * 60 + second
    }

    /// The number that decimal digits make, nil where one of them is none.
    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        var number = 0
        for digit in digits {
            guard (0x30...0x39).contains(digit) else { return nil }
            number = number * 10 + Int(digit - 0x30)
        }
        return number
    }

    private static func append(_ number: Int, _ width: Int, to text: inout [UInt8]) {
        var divisor = 1
        for _ in 1..<width { divisor *= 10 }
        while divisor > 0 {
            text.append(UInt8(0x30 + number / divisor % 10))
            divisor /= 10
        }
    }
}
