internal import CofferShapes

/// The `Date` header, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7), made anew once in a second.
struct HTTPDate {
    private var second: UInt64 = .max
    private var text = ""

    mutating func text(at now: Timestamp) -> String {
        let second = now.nanoseconds / 1_000_000_000
        guard second != self.second else { return text }
        self.second = second
        // `2026-11-24T22:48:30.125Z`, whose parts stand at fixed places.
        let iso = Array(now.iso8601.utf8)
        let month = Int(iso[5] - 0x30) * 10 + Int(iso[6] - 0x30)
        // 1970-01-01 was a Thursday.
        let weekday = Self.weekdays[Int(second / 86_400 % 7)]
        text =
            "\(weekday), \(Self.part(iso, 8, 10)) \(Self.months[month - 1]) \(Self.part(iso, 0, 4)) "
            + "\(Self.part(iso, 11, 19)) GMT"
        return text
    }

    private static func part(_ text: [UInt8], _ start: Int, _ end: Int) -> String {
        String(decoding: text[start..<end], as: UTF8.self)
    }

    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
