internal import CofferJSON
internal import CofferShapes

/// Checks a body against what its operation takes, and collects every complaint in AWS's words.
///
/// A value of a wrong JSON type ends it at once with SerializationException, as the service reads a whole body before
/// it looks at any constraint. null counts as absent, and members that nobody knows are passed over.
struct InputValidation {
    /// What the body was parsed from.
    private let bytes: [UInt8]
    private var complaints: [String] = []

    static func check(
        _ body: JSONValue,
        of bytes: [UInt8],
        against members: [InputMember]
    ) throws(AWSError) {
        var validation = InputValidation(bytes: bytes)
        try validation.structure(body, members, path: "")
        let count = validation.complaints.count
        guard count > 0 else { return }
        throw AWSError(
            .validation,
            "\(count) validation error\(count == 1 ? "" : "s") detected: "
                + validation.complaints.joined(separator: "; ")
        )
    }

    private mutating func structure(
        _ value: JSONValue,
        _ members: [InputMember],
        path: String
    ) throws(AWSError) {
        guard value.kind == .object else { throw .unreadable(value, as: "structure") }
        for member in members {
            if let found = value[member.name], !found.isNull {
                try check(found, member.shape, path, member.label)
            } else if member.isRequired {
                complaints.append(
                    "Value null at '\(path)\(member.label)' failed to satisfy constraint: Member must not be null"
                )
            }
        }
    }

    /// The path is made of `prefix` and `label` only for a complaint, or for what lies deeper.
    private mutating func check(
        _ value: JSONValue,
        _ shape: InputShape,
        _ prefix: String,
        _ label: String
    ) throws(AWSError) {
        switch shape {
        case .structure(let members):
            try structure(value, members, path: "\(prefix)\(label).")
        case .list(let shape, let range):
            try list(value, shape, range, prefix, label)
        case .map:
            guard let members = value.members else { throw .unreadable(value, as: "map") }
            for member in members where member.value.kind != .string {
                throw .unreadable(member.value, as: "String")
            }
        default:
            for constraint in try broken(value, shape) {
                complaints.append(
                    "Value\(Self.printed(value, shape)) at '\(prefix)\(label)' failed to satisfy constraint: \(constraint)"
                )
            }
        }
    }

    private mutating func list(
        _ value: JSONValue,
        _ shape: InputShape,
        _ range: ClosedRange<Int>?,
        _ prefix: String,
        _ label: String
    ) throws(AWSError) {
        guard let elements = value.elements else { throw .unreadable(value, as: "list") }
        if let range, let constraint = Self.length(elements.count, range) {
            complaints.append(
                "Value '\(Self.printed(elements))' at '\(prefix)\(label)' failed to satisfy constraint: \(constraint)"
            )
        }
        if case .structure(let members) = shape {
            for (index, element) in elements.enumerated() {
                try structure(element, members, path: "\(prefix)\(label).\(index + 1).member.")
            }
            return
        }
        // Of a list of plain values AWS prints the list once, with every constraint on an element.
        var isBroken = false
        for element in elements where try !broken(element, shape).isEmpty { isBroken = true }
        guard isBroken else { return }
        complaints.append(
            "Value '\(Self.printed(elements))' at '\(prefix)\(label)' failed to satisfy constraint: "
                + "Member must satisfy constraint: [\(Self.constraints(shape).joined(separator: ", "))]"
        )
    }

    // MARK: - One value

    /// The constraints that a plain value breaks.
    private func broken(_ value: JSONValue, _ shape: InputShape) throws(AWSError) -> [String] {
        switch shape {
        case .text(let range, let pattern):
            guard let text = value.string else { throw .unreadable(value, as: "String") }
            let length = Self.length(Self.characters(text, range), range)
            let mismatch = pattern.flatMap { $0.matches(text) ? nil : Self.mustMatch($0) }
            guard length != nil || mismatch != nil else { return [] }
            return [length, mismatch].compactMap { $0 }
        case .secretText(let range):
            // Escapes count as what is written: none of these characters needs one.
            guard value.kind == .string else { throw .unreadable(value, as: "String") }
            return Self.length(value.range.count, range).map { [$0] } ?? []
        case .choice(let choices):
            guard let text = value.string else { throw .unreadable(value, as: "String") }
            return choices.contains(text) ? [] : [Self.mustBeOne(of: choices)]
        case .blob(let range):
            guard value.kind == .string else { throw .unreadable(value, as: "Blob") }
            return Self.length(try byteCount(value), range).map { [$0] } ?? []
        case .integer(let range):
            return Self.range(try Self.integer(value), range)
        case .boolean:
            guard value.bool != nil else { throw .unreadable(value, as: "Boolean") }
        case .timestamp:
            guard value.double != nil else { throw .unreadable(value, as: "Timestamp") }
        case .list, .structure, .map: throw .unreadable(value, as: "scalar")
        }
        return []
    }

    /// All constraints on a plain value.
    private static func constraints(_ shape: InputShape) -> [String] {
        switch shape {
        case .text(let range, let pattern): lengths(range) + (pattern.map { [mustMatch($0)] } ?? [])
        case .choice(let choices): [mustBeOne(of: choices)]
        default: []
        }
    }

    /// Characters are counted as Unicode scalars; what ASCII's count settles is not counted.
    private static func characters(_ text: String, _ range: ClosedRange<Int>) -> Int {
        text.utf8.count <= range.upperBound && range.lowerBound <= 1
            ? text.utf8.count : text.unicodeScalars.count
    }

    /// How many bytes a base64 string stands for, by its length and padding alone, so that nothing of a plaintext is
    /// copied here. That it is base64 is seen when it is decoded.
    private func byteCount(_ value: JSONValue) throws(AWSError) -> Int {
        var (characters, padding) = (0, 0)
        var at = value.range.lowerBound
        while at < value.range.upperBound {
            characters += 1
            // An escape is one character: two bytes for a slash, six for what is written in hex, such as `=`.
            let count = bytes[at] != UInt8(ascii: "\\") ? 1 : bytes[at + 1] == UInt8(ascii: "u") ? 6 : 2
            let isHex =
                count == 6 && bytes[at + 4] == UInt8(ascii: "3") && bytes[at + 5] | 0x20 == UInt8(ascii: "d")
            if bytes[at] == UInt8(ascii: "=") || isHex { padding += 1 }
            at += count
        }
        guard characters.isMultiple(of: 4) else { throw .unreadable(value, as: "Blob") }
        return max(0, characters / 4 * 3 - min(padding, 2))
    }

    private static func integer(_ value: JSONValue) throws(AWSError) -> Int {
        if let number = value.integer { return number }
        guard let number = value.double else { throw .unreadable(value, as: "Integer") }
        // A fraction is cut off, as the service does it; what does not fit is beyond every range.
        return number >= 2_147_483_647
            ? Int(Int32.max) : number <= -2_147_483_648 ? Int(Int32.min) : Int(number)
    }

    // MARK: - Words

    private static func length(_ count: Int, _ range: ClosedRange<Int>) -> String? {
        if count > range.upperBound {
            return "Member must have length less than or equal to \(range.upperBound)"
        }
        if count < range.lowerBound {
            return "Member must have length greater than or equal to \(range.lowerBound)"
        }
        return nil
    }

    private static func lengths(_ range: ClosedRange<Int>) -> [String] {
        [
            "Member must have length less than or equal to \(range.upperBound)",
            "Member must have length greater than or equal to \(range.lowerBound)",
        ]
    }

    private static func range(_ number: Int, _ range: ClosedRange<Int>) -> [String] {
        if number > range.upperBound {
            return ["Member must have value less than or equal to \(range.upperBound)"]
        }
        if number < range.lowerBound {
            return ["Member must have value greater than or equal to \(range.lowerBound)"]
        }
        return []
    }

    private static func mustMatch(_ pattern: InputPattern) -> String {
        "Member must satisfy regular expression pattern: \(pattern.source)"
    }

    private static func mustBeOne(of choices: [String]) -> String {
        "Member must satisfy enum value set: [\(choices.joined(separator: ", "))]"
    }

    /// The value as a complaint shows it, after a blank; nothing of what may be secret.
    private static func printed(_ value: JSONValue, _ shape: InputShape) -> String {
        switch shape {
        case .blob, .secretText: ""
        default: " '\(printed(value))'"
        }
    }

    private static func printed(_ value: JSONValue) -> String {
        value.string ?? value.integer.map { "\($0)" } ?? value.numberText ?? ""
    }

    private static func printed(_ elements: [JSONValue]) -> String {
        "[\(elements.map { $0.kind == .object ? "{}" : printed($0) }.joined(separator: ", "))]"
    }
}
