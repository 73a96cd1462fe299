internal import CofferShapes

/// The filters of a query, checked and compiled: a resource passes where each filter has a value that fits it.
/// (EC2 user guide, "List and filter using the CLI and API".)
public struct FilterSet: Sendable {
    private struct Compiled: Sendable {
        let name: String
        let patterns: [FilterPattern]
    }

    static let filterLimit = 50
    static let valueLimit = 200

    private let filters: [Compiled]
    /// What the filters are, for a page's token: the next page has the same.
    let words: [String]

    /// `names` are those that the description knows; `tag:` stands for `tag:KEY`.
    public init(_ filters: [Filter], knowing names: Set<String>) throws {
        guard filters.count <= Self.filterLimit, filters.allSatisfy({ $0.values.count <= Self.valueLimit })
        else {
            throw AWSError(
                .filterLimitExceeded,
                "The request has more than \(Self.filterLimit) filters, or more than \(Self.valueLimit) values of one."
            )
        }
        for filter in filters {
            let isTag = names.contains("tag:") && filter.name.hasPrefix("tag:") && filter.name != "tag:"
            guard names.contains(filter.name) && filter.name != "tag:" || isTag else {
                throw AWSError(.invalidParameterValue, "The filter '\(filter.name.prefix(128))' is invalid")
            }
            guard !filter.values.isEmpty else {
                throw AWSError(.invalidParameterValue, "The filter '\(filter.name)' has no values.")
            }
        }
        self.filters = filters.map {
            Compiled(name: $0.name, patterns: $0.values.map { FilterPattern($0) })
        }
        words = filters.flatMap { ["\($0.values.count)", $0.name] + $0.values }
    }

    /// `values` gives what a resource has for a filter's name.
    public func match(_ values: (String) -> [String]) -> Bool {
        filters.allSatisfy { filter in
            values(filter.name).contains { value in filter.patterns.contains { $0.matches(value) } }
        }
    }
}

/// A filter's value: `*` any characters, none too; `?` one; a backslash before one of them or itself takes it as it is.
struct FilterPattern: Sendable {
    private enum Unit: Sendable, Equatable {
        case character(Unicode.Scalar), anyOne, anyRun
    }

    private let units: [Unit]

    init(_ text: String) {
        var units: [Unit] = []
        var isEscaped = false
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\" where !isEscaped:
                isEscaped = true
                continue
            case "*" where !isEscaped:
                if units.last != .anyRun { units.append(.anyRun) }
            case "?" where !isEscaped: units.append(.anyOne)
            default:
                // A backslash before anything else is one.
                if isEscaped, !["*", "?", "\\"].contains(scalar) { units.append(.character("\\")) }
                units.append(.character(scalar))
            }
            isEscaped = false
        }
        if isEscaped { units.append(.character("\\")) }
        self.units = units
    }

    /// Goes back to the last `*` alone when a match fails, so that the time is at most the product of the lengths.
    func matches(_ text: String) -> Bool {
        let text = Array(text.unicodeScalars)
        var (at, unit) = (0, 0)
        var (lastRun, resume): (Int?, Int) = (nil, 0)
        while at < text.count {
            if unit < units.count, units[unit] == .anyRun {
                (lastRun, resume) = (unit, at)
                unit += 1
            } else if unit < units.count, units[unit] == .anyOne || units[unit] == .character(text[at]) {
                (at, unit) = (at + 1, unit + 1)
            } else if let lastRun {
                resume += 1
                (at, unit) = (resume, lastRun + 1)
            } else {
                return false
            }
        }
        return units[unit...].allSatisfy { $0 == .anyRun }
    }
}
