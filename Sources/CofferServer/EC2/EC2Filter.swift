internal import CofferShapes

/// What a description is narrowed by: a name, and patterns of which one has to fit. (EC2 user guide, "Filter")
struct EC2Filter: Sendable {
    let name: String
    let values: [String]

    /// Throws InvalidParameterValue for a filter that these properties do not have: what is ignored would widen the
    /// answer.
    func matches(_ properties: [String: [String]]) throws(AWSError) -> Bool {
        guard let found = properties[name] else {
            throw AWSError(.invalidParameterValue, "The filter '\(name.prefix(100))' is invalid")
        }
        return found.contains { text in values.contains { Self.fits(text, pattern: $0) } }
    }

    /// `*` stands for any text, `?` for one character, and a backslash takes their meaning away. The time is bounded by
    /// the product of both lengths, whatever the pattern.
    static func fits(_ text: String, pattern: String) -> Bool {
        let text = Array(text.unicodeScalars)
        let pattern = parts(of: pattern)
        var (at, place) = (0, 0)
        // Where the last `*` stands, and how far the text is that it has taken.
        var star: (place: Int, at: Int)?
        while at < text.count {
            if place < pattern.count, pattern[place] != .any,
                pattern[place] == .one || pattern[place] == .scalar(text[at])
            {
                (at, place) = (at + 1, place + 1)
            } else if place < pattern.count, pattern[place] == .any {
                star = (place, at)
                place += 1
            } else if let last = star {
                star = (last.place, last.at + 1)
                (at, place) = (last.at + 1, last.place + 1)
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == .any }
    }

    private enum Part: Equatable {
        case scalar(UnicodeScalar)
        case one, any
    }

    private static func parts(of pattern: String) -> [Part] {
        var parts: [Part] = []
        var isEscaped = false
        for scalar in pattern.unicodeScalars {
            switch scalar {
            case _ where isEscaped:
                parts.append(.scalar(scalar))
                isEscaped = false
            case "\\": isEscaped = true
            case "*": parts.append(.any)
            case "?": parts.append(.one)
            default: parts.append(.scalar(scalar))
            }
        }
        if isEscaped { parts.append(.scalar("\\")) }
        return parts
    }
}
