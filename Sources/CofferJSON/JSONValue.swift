internal import CofferSecrets

/// One value of a document. An accessor of another kind than the value's gives nil.
public struct JSONValue: Sendable {
    public enum Kind: Sendable {
        case null, bool, number, string, array, object
    }

    let storage: JSONStorage
    let index: Int

    var node: JSONNode { storage.nodes[index] }

    public var kind: Kind {
        switch node.kind {
        case .null: .null
        case .no, .yes: .bool
        case .number: .number
        case .string, .escapedString: .string
        case .array: .array
        case .object: .object
        }
    }

    /// Where the value begins in the document, bytes: of a string its opening quote.
    public var offset: Int { kind == .string ? Int(node.start) - 1 : Int(node.start) }

    /// The bytes of the document that the value covers; of a string those between the quotes, escapes undecoded.
    public var range: Range<Int> { Int(node.start)..<Int(node.end) }

    public var isNull: Bool { node.kind == .null }

    public var bool: Bool? {
        switch node.kind {
        case .yes: true
        case .no: false
        default: nil
        }
    }

    /// The decoded text of a string: for what is no secret, as a String cannot be wiped.
    public var string: String? {
        guard kind == .string else { return nil }
        return String(decoding: storage.withBytes { JSONText.decode(node, $0) }, as: UTF8.self)
    }

    // MARK: - Numbers

    /// A number as it is written.
    public var numberText: String? {
        guard node.kind == .number else { return nil }
        return storage.withBytes { String(decoding: JSONText.decode(node, $0), as: UTF8.self) }
    }

    /// A number without fraction and exponent that fits.
    public var integer: Int? { numberText.flatMap { Int($0) } }

    /// The nearest double; nil where that would be infinite.
    public var double: Double? {
        guard let text = numberText, let number = Double(text), number.isFinite else { return nil }
        return number
    }

    // MARK: - Arrays and objects

    /// An array's elements.
    public var elements: [JSONValue]? {
        guard node.kind == .array else { return nil }
        var elements: [JSONValue] = []
        var at = index + 1
        while at < node.next {
            elements.append(JSONValue(storage: storage, index: at))
            at = Int(storage.nodes[at].next)
        }
        return elements
    }

    /// An object's members in the order of the text.
    public var members: [JSONMember]? {
        guard node.kind == .object else { return nil }
        var members: [JSONMember] = []
        var at = index + 1
        while at < node.next {
            let value = JSONValue(storage: storage, index: at + 1)
            members.append(JSONMember(key: JSONValue(storage: storage, index: at), value: value))
            at = Int(value.node.next)
        }
        return members
    }

    /// The member of an object, nil where there is none or this is no object.
    public subscript(name: String) -> JSONValue? {
        guard node.kind == .object else { return nil }
        var at = index + 1
        while at < node.next {
            if JSONValue(storage: storage, index: at).spells(name) {
                return JSONValue(storage: storage, index: at + 1)
            }
            at = Int(storage.nodes[at + 1].next)
        }
        return nil
    }

    /// Whether this string is `text`, byte for byte.
    private func spells(_ text: String) -> Bool {
        guard node.kind == .string else { return string.map { $0.utf8.elementsEqual(text.utf8) } ?? false }
        guard range.count == text.utf8.count else { return false }
        return storage.withBytes { bytes in
            var at = range.lowerBound
            for byte in text.utf8 {
                if bytes.byte(at: at) != byte { return false }
                at += 1
            }
            return true
        }
    }
}

/// One member of an object.
public struct JSONMember: Sendable {
    /// The name, a string with a place.
    public let key: JSONValue
    public let value: JSONValue

    public var name: String { key.string ?? "" }
}
