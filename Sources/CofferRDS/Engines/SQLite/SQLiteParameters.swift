internal import CofferShapes

/// The parameters that an SQLite instance has: SQLite's pragmas of these names. All but `page_size` are settings of each
/// connection, which its client has to make; `coffer-rds connect` makes them.
enum SQLiteParameters {
    /// InvalidParameterValue for others, and for values that SQLite would not take as they are.
    static func check(_ parameters: [String: String]) throws {
        for (name, value) in parameters.sorted(by: { $0.key < $1.key }) {
            guard let isFine = rules[name] else {
                throw AWSError(
                    .invalidParameterValue,
                    "Could not find parameter with name: \(name.prefix(64))",
                    hint: "an SQLite instance has \(rules.keys.sorted().joined(separator: ", "))"
                )
            }
            guard isFine(value) else {
                throw AWSError(
                    .invalidParameterValue,
                    "Invalid parameter value: \(value.prefix(64)) for: \(name)"
                )
            }
        }
    }

    /// Which values there are.
    private static let rules: [String: @Sendable (String) -> Bool] = [
        "page_size": { number($0, 512...65536).map { $0 & ($0 - 1) == 0 } ?? false },
        "cache_size": { number($0, -(1 << 31)...(1 << 31 - 1)) != nil },
        "journal_size_limit": { number($0, -1...(1 << 40)) != nil },
        "wal_autocheckpoint": { number($0, 1...1_000_000) != nil },
        "synchronous": { ["OFF", "NORMAL", "FULL", "EXTRA", "0", "1", "2", "3"].contains($0.uppercased()) },
        "mmap_size": { number($0, 0...(1 << 40)) != nil },
        "foreign_keys": { ["ON", "OFF", "0", "1"].contains($0.uppercased()) },
    ]

    static let usualPageSize = 4096

    static func pageSize(_ parameters: [String: String]) -> Int {
        parameters["page_size"].flatMap { Int($0) } ?? usualPageSize
    }

    /// After how many frames the log is checkpointed, as it is by SQLite itself.
    static func checkpointFrames(_ parameters: [String: String]) -> Int {
        parameters["wal_autocheckpoint"].flatMap { Int($0) } ?? 1000
    }

    /// What a connection is told before it is used.
    static func pragmas(_ parameters: [String: String]) -> [String] {
        parameters.filter { $0.key != "page_size" && rules[$0.key] != nil }
            .sorted { $0.key < $1.key }
            .map { "PRAGMA \($0.key)=\($0.value)" }
    }

    private static func number(_ text: String, _ range: ClosedRange<Int>) -> Int? {
        Int(text).flatMap { range.contains($0) ? $0 : nil }
    }
}
