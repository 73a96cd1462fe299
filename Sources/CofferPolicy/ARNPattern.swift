/// An ARN in a condition, whose six sections are compared one by one, so that a `*` stays in its section; the last
/// section is all that is left, colons too. (IAM user guide, "Amazon Resource Name (ARN) condition operators".)
enum ARNPattern: Sendable {
    case fixed([Glob])
    case template(Template)

    init(_ template: Template) throws(TemplateMistake) {
        guard let units = template.fixedUnits else {
            self = .template(template)
            return
        }
        guard let globs = Self.sections(units) else {
            throw TemplateMistake("an ARN with its six sections should stand here")
        }
        self = .fixed(globs)
    }

    func matches(_ text: String, _ context: PolicyContext) -> Match {
        switch self {
        case .fixed(let globs): return Self.matches(text, globs) ? .yes : .no
        case .template(let template):
            guard let units = template.units(context) else { return .unresolved }
            return Self.sections(units).map { Self.matches(text, $0) } == true ? .yes : .no
        }
    }

    var keys: [String] {
        switch self {
        case .fixed: []
        case .template(let template): template.keys
        }
    }

    private static func sections(_ units: [Glob.Unit]) -> [Glob]? {
        let sections = units.split(
            separator: Glob.Unit(UInt8(ascii: ":")),
            maxSplits: 5,
            omittingEmptySubsequences: false
        )
        guard sections.count == 6 else { return nil }
        return sections.map { Glob(Array($0)) }
    }

    private static func matches(_ text: String, _ globs: [Glob]) -> Bool {
        let sections = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        return sections.count == 6 && zip(sections, globs).allSatisfy { $1.matches(String($0)) }
    }
}
