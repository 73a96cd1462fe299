internal import CofferShapes

/// The time of day in which the automated snapshot is made, UTC, such as `03:00-03:30`: at least 30 minutes. (RDS API
/// reference, "PreferredBackupWindow".)
struct BackupWindow: Equatable {
    static let usual = "03:00-03:30"

    /// Minutes of the day.
    let start: Int
    let end: Int

    init(_ text: String) throws {
        guard let match = text.wholeMatch(of: #/([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)/#),
            let numbers = Self.numbers(match.output)
        else {
            throw AWSError(
                .invalidParameterValue,
                "Invalid backup window \(text.prefix(32)): it has the form hh24:mi-hh24:mi, such as 03:00-03:30"
            )
        }
        (start, end) = (numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3])
        guard (end - start + 1440) % 1440 >= 30 else {
            throw AWSError(.invalidParameterValue, "The backup window must be at least 30 minutes long.")
        }
    }

    private static func numbers(
        _ output: (Substring, Substring, Substring, Substring, Substring)
    ) -> [Int]? {
        let numbers = [output.1, output.2, output.3, output.4].compactMap { Int($0) }
        return numbers.count == 4 ? numbers : nil
    }

    func contains(_ moment: Timestamp) -> Bool {
        let minute = Int(moment.nanoseconds / 60_000_000_000 % 1440)
        return start < end ? (start..<end).contains(minute) : minute >= start || minute < end
    }
}
