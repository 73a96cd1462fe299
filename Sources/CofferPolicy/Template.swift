/// A text of a policy in which `${key}` stands for the value of a condition key. (IAM user guide, "IAM policy
/// elements: Variables and tags".)
///
/// `${key, 'text'}` stands for `text` where the request has no such key; `${*}`, `${?}` and `${$}` stand for the
/// character itself. Only a policy of version 2012-10-17 has variables.
struct Template: Sendable {
    private enum Part {
        case units([Glob.Unit])
        case variable(lowercaseKey: String, fallback: String?)
    }

    private var parts: [Part] = []
    /// The keys of the variables as they are written.
    private(set) var keys: [String] = []

    /// Reads `text`; `wild` says whether `*` and `?` are wildcards. Throws a sentence on a variable that is none.
    init(_ text: String, wild: Bool, variables: Bool) throws(TemplateMistake) {
        var rest = text[...]
        while variables, let dollar = rest.firstRange(ofVariableStart: ()) {
            append(String(rest[..<dollar]), wild: wild)
            rest = rest[dollar...].dropFirst(2)
            guard let end = Self.end(of: rest) else {
                throw TemplateMistake("a variable that does not end with }")
            }
            try append(variable: String(rest[..<end]))
            rest = rest[end...].dropFirst()
        }
        append(String(rest), wild: wild)
    }

    /// Where a variable ends: at the first brace outside quotes.
    private static func end(of text: Substring) -> Substring.Index? {
        var isQuoted = false
        for index in text.indices {
            if text[index] == "'" { isQuoted.toggle() }
            if text[index] == "}" && !isQuoted { return index }
        }
        return nil
    }

    private mutating func append(_ text: String, wild: Bool) {
        guard !text.isEmpty else { return }
        parts.append(.units(wild ? Glob.units(wild: text) : Glob.units(literal: text)))
    }

    private mutating func append(variable text: String) throws(TemplateMistake) {
        if text == "*" || text == "?" || text == "$" {
            parts.append(.units(Glob.units(literal: text)))
            return
        }
        let halves = text.split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false)
        let key = String(halves.first.map { $0.trimmingSpaces } ?? "")
        guard key.utf8.contains(UInt8(ascii: ":")), !key.contains(where: { "${}*?'\"".contains($0) }) else {
            throw TemplateMistake("${\(text)} names no condition key")
        }
        var fallback: String?
        if halves.count == 2 {
            let quoted = halves[1].trimmingSpaces
            guard quoted.count >= 2, quoted.first == "'", quoted.last == "'",
                !quoted.dropFirst().dropLast().contains("'")
            else { throw TemplateMistake("the default in ${\(text)} stands in single quotes") }
            fallback = String(quoted.dropFirst().dropLast())
        }
        keys.append(key)
        parts.append(.variable(lowercaseKey: key.lowercased(), fallback: fallback))
    }

    /// The units without a look at any request; nil where there are variables.
    var fixedUnits: [Glob.Unit]? { keys.isEmpty ? units { _ in nil } : nil }

    /// The units with the variables' values, which stand for themselves: a `*` in a value is no wildcard. nil where a
    /// key is absent, or has several values, and there is no default.
    func units(_ context: PolicyContext) -> [Glob.Unit]? {
        units { key in
            guard let values = context.values(of: key), values.count == 1 else { return nil }
            return values[0]
        }
    }

    private func units(_ value: (String) -> String?) -> [Glob.Unit]? {
        var units: [Glob.Unit] = []
        for part in parts {
            switch part {
            case .units(let fixed): units += fixed
            case .variable(let key, let fallback):
                guard let text = value(key) ?? fallback else { return nil }
                units += Glob.units(literal: text)
            }
        }
        return units
    }
}

/// What is wrong with a variable.
struct TemplateMistake: Error {
    let sentence: String
    init(_ sentence: String) { self.sentence = sentence }
}

extension Substring {
    /// The index of the first `${`.
    fileprivate func firstRange(ofVariableStart: Void) -> Index? {
        indices.first { self[$0] == "$" && self[index(after: $0)...].first == "{" }
    }

    fileprivate var trimmingSpaces: Substring {
        var rest = self
        while rest.first == " " { rest.removeFirst() }
        while rest.last == " " { rest.removeLast() }
        return rest
    }
}

/// Whether a text matched; `unresolved` where it could not be told, as a variable has no value.
enum Match {
    case yes, no, unresolved
}

/// A pattern of a policy: compiled once where it has no variables, else for each request that comes so far.
enum TextPattern: Sendable {
    case fixed(Glob)
    case template(Template)

    init(_ template: Template) {
        self = template.fixedUnits.map { .fixed(Glob($0)) } ?? .template(template)
    }

    func matches(_ text: String, _ context: PolicyContext) -> Match {
        switch self {
        case .fixed(let glob): return glob.matches(text) ? .yes : .no
        case .template(let template):
            guard let units = template.units(context) else { return .unresolved }
            return Glob(units).matches(text) ? .yes : .no
        }
    }

    var keys: [String] {
        switch self {
        case .fixed: []
        case .template(let template): template.keys
        }
    }
}
