internal import CofferShapes

/// Makes values of a tree of parameters, as an action's shapes say.
enum RDSDecoder {
    /// More elements than any list of RDS takes.
    private static let maximumCount = 1000

    /// `path` is what stands before the members' names, with its dot. What an action does not have is refused before all
    /// else, then, in the order of its parameters, what is missing, wrong, or not to be had here.
    static func structure(
        _ tree: ParameterTree,
        _ members: [RDSMember],
        path: String
    ) throws(AWSError) -> [String: RDSValue] {
        let unknown = tree.children.keys.filter { name in !members.contains { $0.name == name } }
        if let first = unknown.min() { throw .unknownRDSParameter(path + first) }
        var values: [String: RDSValue] = [:]
        for member in members {
            let label = path + member.name
            guard let child = tree.children[member.name] else {
                if member.isRequired { throw .missingParameter(label) }
                continue
            }
            let value = try value(child, member.shape, label)
            if let neutral = member.neutral, value.asks(beyond: neutral) { throw .notHere(label) }
            values[member.name] = value
        }
        return values
    }

    private static func value(
        _ tree: ParameterTree,
        _ shape: RDSShape,
        _ label: String
    ) throws(AWSError) -> RDSValue {
        switch shape {
        case .list(let item, let element): return .list(try list(tree, item, element, label))
        case .structure(let members):
            guard tree.text == nil else { throw .unknownRDSParameter(label) }
            return .structure(try structure(tree, members, path: label + "."))
        default:
            if let below = tree.children.keys.min() { throw .unknownRDSParameter("\(label).\(below)") }
            return try scalar(tree.text ?? "", shape, label)
        }
    }

    private static func scalar(
        _ text: String,
        _ shape: RDSShape,
        _ label: String
    ) throws(AWSError) -> RDSValue {
        switch shape {
        case .integer:
            guard let number = Int32(text) else {
                throw .invalidParameter(label, text, "It is not an integer.")
            }
            return .integer(Int(number))
        case .boolean:
            switch text.lowercased() {
            case "true": return .flag(true)
            case "false": return .flag(false)
            default: throw .invalidParameter(label, text, "It is neither true nor false.")
            }
        case .time:
            guard let time = Timestamp(iso8601: text) else {
                throw .invalidParameter(
                    label,
                    text,
                    "It is no time in ISO 8601, such as 2026-11-24T22:48:30Z."
                )
            }
            return .time(time)
        case .text, .list, .structure: return .text(text)
        }
    }

    /// A list that is there and empty is sent as a text of no characters. The numbers are 1 to the list's length, in any
    /// order: a gap may be an element that was lost on the way.
    private static func list(
        _ tree: ParameterTree,
        _ item: String,
        _ element: RDSShape,
        _ label: String
    ) throws(AWSError) -> [RDSValue] {
        if tree.children.isEmpty, tree.text == "" { return [] }
        guard tree.text == nil, tree.children.count == 1, let (name, elements) = tree.children.first,
            name == item || name == "member", elements.text == nil
        else { throw .unknownRDSParameter("\(label).\(tree.children.keys.min() ?? "")") }
        let path = "\(label).\(name)"
        if let wrong = elements.children.keys.filter({ !isNumber($0) }).min() {
            throw .unknownRDSParameter("\(path).\(wrong)")
        }
        guard elements.children.count <= maximumCount else {
            throw AWSError(
                .invalidParameterValue,
                "The parameter \(label) has \(elements.children.count) elements, and the most is \(maximumCount)."
            )
        }
        var values: [RDSValue] = []
        for number in 1...max(1, elements.children.count) {
            guard let child = elements.children[String(number)] else {
                throw AWSError(
                    .invalidParameterValue,
                    "The elements of the parameter \(label) must be numbered from 1 without gaps; \(path).\(number) is "
                        + "missing."
                )
            }
            values.append(try value(child, element, "\(path).\(number)"))
        }
        return values
    }

    private static func isNumber(_ text: String) -> Bool {
        (1...9).contains(text.utf8.count) && text.utf8.first != UInt8(ascii: "0")
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }
}
