extension Timestamp {
    /// A moment in ISO 8601's extended form with its zone, such as `2026-11-24T22:48:30Z`, `…:30.125Z` or
    /// `…:30+02:00`; nil for anything else, a date that does not exist and one before 1970 included. (RFC 3339 §5.6)
    public init?(iso8601 text: String) {
        guard text.utf8.count <= 40,
            let match = text.wholeMatch(
                of: #/(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)/#
                    .asciiOnlyDigits()
            ),
            let year = Int(match.1), let month = Int(match.2), let day = Int(match.3),
            let hour = Int(match.4), let minute = Int(match.5), let second = Int(match.6),
            let offset = Self.offsetSeconds(match.8)
        else { return nil }
        let date = CalendarDate(year: year, month: month, day: day)
        guard (1970...2500).contains(year), (1...12).contains(month), (1...31).contains(day),
            CalendarDate(daysSince1970: date.daysSince1970) == date, hour < 24, minute < 60, second < 60
        else { return nil }
        let seconds = date.daysSince1970 * 86_400 + hour * 3600 + minute * 60 + second - offset
        let digits = String((match.7.map(String.init) ?? "") + "000000000").prefix(9)
        guard seconds >= 0, let fraction = UInt64(digits) else { return nil }
        self.init(nanoseconds: UInt64(seconds) * 1_000_000_000 + fraction)
    }

    /// East of Greenwich is before it.
    private static func offsetSeconds(_ text: Substring) -> Int? {
        if text.lowercased() == "z" { return 0 }
        let parts = text.dropFirst().split(separator: ":").compactMap { Int($0) }
        guard parts.count == 2, parts[0] < 24, parts[1] < 60 else { return nil }
        return (text.hasPrefix("-") ? -1 : 1) * (parts[0] * 3600 + parts[1] * 60)
    }
}
