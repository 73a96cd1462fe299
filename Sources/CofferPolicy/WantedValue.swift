/// A value of a condition, compiled for its operator.
enum WantedValue: Sendable {
    case text(TextPattern)
    case textIgnoringCase(Template)
    case arn(ARNPattern)
    case number(PolicyNumber, ConditionOperator.Comparison)
    case moment(Moment, ConditionOperator.Comparison)
    case flag(Bool)
    case base64(String)
    case network(AddressRange)

    /// Reads `text` as `base` wants it. Throws a sentence.
    init(_ text: String, _ base: ConditionOperator.Base, variables: Bool) throws(TemplateMistake) {
        switch base {
        case .string(let wild, ignoresCase: false):
            self = .text(TextPattern(try Template(text, wild: wild, variables: variables)))
        case .string(let wild, ignoresCase: true):
            self = .textIgnoringCase(try Template(text, wild: wild, variables: variables))
        case .arn:
            self = .arn(try ARNPattern(Template(text, wild: true, variables: variables)))
        case .numeric(let comparison):
            guard let number = PolicyNumber(text) else { throw TemplateMistake("a number should stand here") }
            self = .number(number, comparison)
        case .date(let comparison):
            guard let moment = Moment(text) else {
                throw TemplateMistake("a date as in ISO 8601, or seconds since 1970, should stand here")
            }
            self = .moment(moment, comparison)
        case .bool, .null:
            guard let flag = Self.flag(text) else { throw TemplateMistake("true or false should stand here") }
            self = .flag(flag)
        case .binary:
            guard Self.isBase64(text) else { throw TemplateMistake("base64 should stand here") }
            self = .base64(text)
        case .address:
            guard let range = AddressRange(text) else {
                throw TemplateMistake("an IP address or a range such as 192.0.2.0/24 should stand here")
            }
            self = .network(range)
        }
    }

    /// Whether one value of the request matches. What cannot be read as the operator wants it matches nothing.
    func matches(_ actual: String, _ context: PolicyContext) -> Match {
        switch self {
        case .text(let pattern): return pattern.matches(actual, context)
        case .textIgnoringCase(let template):
            guard let units = template.units(context) else { return .unresolved }
            // No wildcards here, so the units are bytes of UTF-8.
            let wanted = String(decoding: units.map { UInt8($0) }, as: UTF8.self)
            return wanted.lowercased() == actual.lowercased() ? .yes : .no
        case .arn(let pattern): return pattern.matches(actual, context)
        case .number(let wanted, let comparison):
            return PolicyNumber(actual).map { comparison.holds($0, wanted) } == true ? .yes : .no
        case .moment(let wanted, let comparison):
            return Moment(actual).map { comparison.holds($0, wanted) } == true ? .yes : .no
        case .flag(let wanted): return Self.flag(actual) == wanted ? .yes : .no
        // Equal bytes have one text each: strict base64 leaves no choice.
        case .base64(let wanted): return wanted.utf8.elementsEqual(actual.utf8) ? .yes : .no
        case .network(let range): return AddressRange(actual).map(range.contains) == true ? .yes : .no
        }
    }

    var keys: [String] {
        switch self {
        case .text(let pattern): pattern.keys
        case .textIgnoringCase(let template): template.keys
        case .arn(let pattern): pattern.keys
        default: []
        }
    }

    private static func flag(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true": true
        case "false": false
        default: nil
        }
    }

    /// RFC 4648 section 4 with padding and no bits left over.
    private static func isBase64(_ text: String) -> Bool {
        let characters = Array(text.utf8)
        let body = characters.prefix { $0 != UInt8(ascii: "=") }
        let padding = characters.count - body.count
        guard characters.count % 4 == 0, padding <= 2,
            characters.dropFirst(body.count).allSatisfy({ $0 == 0x3D })
        else { return false }
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        let digits = body.map { alphabet.firstIndex(of: $0) }
        guard !digits.contains(nil) else { return false }
        guard padding > 0, let last = digits.last, let digit = last else { return true }
        return digit % (padding == 1 ? 4 : 16) == 0
    }
}

/// A number, exact where it is whole.
struct PolicyNumber: Sendable, Comparable {
    private let whole: Int?
    private let real: Double

    init?(_ text: String) {
        // Double reads hexadecimal, infinities and "nan" too, which are no numbers of a policy.
        guard text.utf8.count <= 64, text.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }),
            let real = Double(text), real.isFinite
        else { return nil }
        (whole, self.real) = (Int(text), real)
    }

    static func == (left: PolicyNumber, right: PolicyNumber) -> Bool {
        if let left = left.whole, let right = right.whole { return left == right }
        return left.real == right.real
    }

    static func < (left: PolicyNumber, right: PolicyNumber) -> Bool {
        if let left = left.whole, let right = right.whole { return left < right }
        return left.real < right.real
    }
}
