internal import CofferShapes

/// Makes values of a tree of parameters, as an action's shapes say.
enum EC2Decoder {
    /// `path` is what stands before the members' names, with its dot.
    static func structure(
        _ tree: ParameterTree,
        _ members: [EC2Member],
        path: String
    ) throws(AWSError) -> [String: EC2Value] {
        let unknown = tree.children.keys.filter { name in !members.contains { $0.name == name } }
        if let first = unknown.min() { throw .unknownParameter(path + first) }
        var values: [String: EC2Value] = [:]
        for member in members {
            let label = path + member.name
            guard let child = tree.children[member.name] else {
                if member.isRequired { throw .missingParameter(label) }
                continue
            }
            values[member.name] = try value(child, member.shape, label)
        }
        return values
    }

    private static func value(
        _ tree: ParameterTree,
        _ shape: EC2Shape,
        _ label: String
    ) throws(AWSError) -> EC2Value {
        switch shape {
        case .list(let element, let maximumCount):
            guard tree.text == nil else { throw .unknownParameter(label) }
            return .list(try list(tree, element, maximumCount, label))
        case .structure(let members):
            guard tree.text == nil else { throw .unknownParameter(label) }
            return .structure(try structure(tree, members, path: label + "."))
        default:
            if let below = tree.children.keys.min() { throw .unknownParameter("\(label).\(below)") }
            return try scalar(tree.text ?? "", shape, label)
        }
    }

    private static func scalar(
        _ text: String,
        _ shape: EC2Shape,
        _ label: String
    ) throws(AWSError) -> EC2Value {
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
        case .choice(let choices):
            guard choices.contains(text) else {
                throw .invalidParameter(label, text, "Valid values: \(choices.joined(separator: ", ")).")
            }
            return .text(text)
        case .text, .list, .structure: return .text(text)
        }
    }

    /// The numbers are 1 to the list's length, in any order: a gap may be an element that was lost on the way.
    private static func list(
        _ tree: ParameterTree,
        _ element: EC2Shape,
        _ maximumCount: Int,
        _ label: String
    ) throws(AWSError) -> [EC2Value] {
        let wrong = tree.children.keys.filter { !isNumber($0) }
        if let first = wrong.min() { throw .unknownParameter("\(label).\(first)") }
        guard tree.children.count <= maximumCount else {
            throw AWSError(
                .invalidParameterValue,
                "The parameter \(label) has \(tree.children.count) elements, and the most is \(maximumCount)."
            )
        }
        var values: [EC2Value] = []
        for number in 1...max(1, tree.children.count) {
            guard let child = tree.children[String(number)] else {
                throw AWSError(
                    .invalidParameterValue,
                    "The elements of the parameter \(label) must be numbered from 1 without gaps; "
                        + "\(label).\(number) is missing."
                )
            }
            values.append(try value(child, element, "\(label).\(number)"))
        }
        return values
    }

    private static func isNumber(_ text: String) -> Bool {
        (1...9).contains(text.utf8.count) && text.utf8.first != UInt8(ascii: "0")
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }
}
