internal import CofferSecrets

/// One pass over a text, by recursive descent (RFC 8259 sections 2 to 8).
struct JSONParser {
    private var nodes: [JSONNode] = []
    private var position = 0
    private let depthLimit: Int

    static func parse(_ bytes: RawSpan, _ limits: JSONLimits) throws(JSONError) -> [JSONNode] {
        guard bytes.byteCount <= limits.bytes else {
            throw JSONError("the document is longer than \(limits.bytes) bytes", at: 0, in: bytes)
        }
        var parser = JSONParser(depthLimit: limits.depth)
        parser.nodes.reserveCapacity(min(bytes.byteCount / 10 + 2, 256))
        parser.skipSpace(bytes)
        try parser.value(bytes, depth: 0)
        parser.skipSpace(bytes)
        guard parser.position == bytes.byteCount else {
            throw parser.error("more text after the value", bytes)
        }
        return parser.nodes
    }

    private init(depthLimit: Int) { self.depthLimit = depthLimit }

    private func error(_ sentence: String, _ bytes: RawSpan) -> JSONError {
        JSONError(sentence, at: position, in: bytes)
    }

    /// The byte at the position, nil at the end.
    private func peek(_ bytes: RawSpan) -> UInt8? {
        position < bytes.byteCount ? bytes.byte(at: position) : nil
    }

    private mutating func skipSpace(_ bytes: RawSpan) {
        while let byte = peek(bytes), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            position += 1
        }
    }

    private mutating func value(_ bytes: RawSpan, depth: Int) throws(JSONError) {
        switch peek(bytes) {
        case UInt8(ascii: "{"): try object(bytes, depth: depth + 1)
        case UInt8(ascii: "["): try array(bytes, depth: depth + 1)
        case UInt8(ascii: "\""): try string(bytes)
        case UInt8(ascii: "t"): try word("true", .yes, bytes)
        case UInt8(ascii: "f"): try word("false", .no, bytes)
        case UInt8(ascii: "n"): try word("null", .null, bytes)
        case UInt8(ascii: "-"), .some(UInt8(ascii: "0")...UInt8(ascii: "9")): try number(bytes)
        case .some: throw error("no JSON value begins like this", bytes)
        case nil: throw error("the text ends where a value should stand", bytes)
        }
    }

    // MARK: - Arrays and objects

    private mutating func array(_ bytes: RawSpan, depth: Int) throws(JSONError) {
        let node = try open(.array, bytes, depth)
        if peek(bytes) != UInt8(ascii: "]") {
            while true {
                try value(bytes, depth: depth)
                if try last(closedBy: UInt8(ascii: "]"), "a comma or ] should stand here", bytes) { break }
            }
        }
        close(node)
    }

    private mutating func object(_ bytes: RawSpan, depth: Int) throws(JSONError) {
        let node = try open(.object, bytes, depth)
        if peek(bytes) != UInt8(ascii: "}") {
            while true {
                guard peek(bytes) == UInt8(ascii: "\"") else {
                    throw error("a name in quotes should stand here", bytes)
                }
                try string(bytes)
                skipSpace(bytes)
                guard peek(bytes) == UInt8(ascii: ":") else {
                    throw error("a colon should stand here", bytes)
                }
                position += 1
                skipSpace(bytes)
                try value(bytes, depth: depth)
                if try last(closedBy: UInt8(ascii: "}"), "a comma or } should stand here", bytes) { break }
            }
        }
        close(node)
        try refuseRepeatedNames(of: node, bytes)
    }

    private mutating func open(_ kind: JSONNode.Kind, _ bytes: RawSpan, _ depth: Int) throws(JSONError) -> Int
    {
        guard depth <= depthLimit else { throw error("more than \(depthLimit) levels", bytes) }
        nodes.append(JSONNode(kind: kind, start: UInt32(position), end: 0, next: 0))
        position += 1
        skipSpace(bytes)
        return nodes.count - 1
    }

    /// After a value: at a comma steps to the next value; at the end of the array or object stays there.
    private mutating func last(
        closedBy closing: UInt8,
        _ sentence: String,
        _ bytes: RawSpan
    ) throws(JSONError) -> Bool {
        skipSpace(bytes)
        if peek(bytes) == closing { return true }
        guard peek(bytes) == UInt8(ascii: ",") else { throw error(sentence, bytes) }
        position += 1
        skipSpace(bytes)
        return false
    }

    private mutating func close(_ node: Int) {
        position += 1
        nodes[node].end = UInt32(position)
        nodes[node].next = UInt32(nodes.count)
    }

    /// RFC 8259 section 4: what a name that stands twice means is anybody's guess, so none may.
    private func refuseRepeatedNames(of object: Int, _ bytes: RawSpan) throws(JSONError) {
        var names: [JSONNode] = []
        var at = object + 1
        while at < nodes.count {
            names.append(nodes[at])
            at = Int(nodes[at + 1].next)
        }
        // Few names are compared with each other; many go through a set, lest a large object cost its square.
        if names.count <= 12 {
            for (index, name) in names.enumerated() {
                for earlier in names[..<index] where same(earlier, name, bytes) {
                    throw repeated(name, bytes)
                }
            }
        } else {
            var seen = Set<[UInt8]>()
            for name in names where !seen.insert(JSONText.decode(name, bytes)).inserted {
                throw repeated(name, bytes)
            }
        }
    }

    private func same(_ left: JSONNode, _ right: JSONNode, _ bytes: RawSpan) -> Bool {
        guard left.kind == .string, right.kind == .string else {
            return JSONText.decode(left, bytes) == JSONText.decode(right, bytes)
        }
        let count = left.end - left.start
        guard count == right.end - right.start else { return false }
        for at in 0..<count
        where bytes.byte(at: Int(left.start + at)) != bytes.byte(at: Int(right.start + at)) { return false }
        return true
    }

    private func repeated(_ name: JSONNode, _ bytes: RawSpan) -> JSONError {
        JSONError("the name stands twice in one object", at: Int(name.start) - 1, in: bytes)
    }

    // MARK: - Words and numbers

    private mutating func word(
        _ word: StaticString,
        _ kind: JSONNode.Kind,
        _ bytes: RawSpan
    ) throws(JSONError) {
        let text = String(describing: word).utf8
        let start = position
        for byte in text {
            guard peek(bytes) == byte else {
                throw JSONError("a word that is not JSON's", at: start, in: bytes)
            }
            position += 1
        }
        append(kind, from: start, to: position)
    }

    private mutating func number(_ bytes: RawSpan) throws(JSONError) {
        let start = position
        if peek(bytes) == UInt8(ascii: "-") { position += 1 }
        if peek(bytes) == UInt8(ascii: "0") {
            position += 1
            if case .some(UInt8(ascii: "0")...UInt8(ascii: "9")) = peek(bytes) {
                throw error("a number does not begin with 0", bytes)
            }
        } else {
            try digits(bytes)
        }
        if peek(bytes) == UInt8(ascii: ".") {
            position += 1
            try digits(bytes)
        }
        if let byte = peek(bytes), byte | 0x20 == UInt8(ascii: "e") {
            position += 1
            if let sign = peek(bytes), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
                position += 1
            }
            try digits(bytes)
        }
        append(.number, from: start, to: position)
    }

    private mutating func digits(_ bytes: RawSpan) throws(JSONError) {
        let start = position
        while case .some(UInt8(ascii: "0")...UInt8(ascii: "9")) = peek(bytes) { position += 1 }
        guard position > start else { throw error("a digit should stand here", bytes) }
    }

    private mutating func append(_ kind: JSONNode.Kind, from start: Int, to end: Int) {
        nodes.append(
            JSONNode(kind: kind, start: UInt32(start), end: UInt32(end), next: UInt32(nodes.count + 1))
        )
    }

    // MARK: - Strings

    private mutating func string(_ bytes: RawSpan) throws(JSONError) {
        let start = position + 1
        position = start
        var kind = JSONNode.Kind.string
        while let byte = peek(bytes) {
            switch byte {
            case UInt8(ascii: "\""):
                append(kind, from: start, to: position)
                position += 1
                return
            case UInt8(ascii: "\\"):
                kind = .escapedString
                try escape(bytes)
            case 0..<0x20: throw error("a control character in a string has to be escaped", bytes)
            case 0x80...: try multibyte(bytes)
            default: position += 1
            }
        }
        throw error("the string does not end", bytes)
    }

    private mutating func escape(_ bytes: RawSpan) throws(JSONError) {
        guard position + 1 < bytes.byteCount else { throw error("the string does not end", bytes) }
        switch bytes.byte(at: position + 1) {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            position += 2
        case UInt8(ascii: "u"):
            guard let unit = JSONText.unit(at: position, bytes) else {
                throw error("\\u is followed by four hexadecimal digits", bytes)
            }
            if unit & 0xF800 == 0xD800 {
                guard unit < 0xDC00, let low = JSONText.unit(at: position + 6, bytes), low & 0xFC00 == 0xDC00
                else { throw error("half of a surrogate pair", bytes) }
                position += 6
            }
            position += 6
        default: throw error("no such escape", bytes)
        }
    }

    /// Steps over one code point of two to four bytes (RFC 3629 section 4: no long forms, no surrogates, no more
    /// than U+10FFFF).
    private mutating func multibyte(_ bytes: RawSpan) throws(JSONError) {
        let (count, second): (Int, ClosedRange<UInt8>)
        switch bytes.byte(at: position) {
        case 0xC2...0xDF: (count, second) = (2, 0x80...0xBF)
        case 0xE0: (count, second) = (3, 0xA0...0xBF)
        case 0xED: (count, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (count, second) = (3, 0x80...0xBF)
        case 0xF0: (count, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (count, second) = (4, 0x80...0xBF)
        case 0xF4: (count, second) = (4, 0x80...0x8F)
        default: throw error("invalid UTF-8", bytes)
        }
        guard position + count <= bytes.byteCount, second.contains(bytes.byte(at: position + 1)) else {
            throw error("invalid UTF-8", bytes)
        }
        for at in position + 2..<position + max(count, 2) where bytes.byte(at: at) & 0xC0 != 0x80 {
            throw error("invalid UTF-8", bytes)
        }
        position += count
    }
}
