internal import CofferSecrets

/// Writes the XML of the Query protocol: elements and text, no attributes but the namespace. Names are the program's.
///
/// A secret may be written: when the buffer has to grow, the old one is wiped, so that who wipes the finished array wipes
/// all there is.
struct XMLWriter {
    private(set) var bytes: [UInt8] = []

    init() { bytes.reserveCapacity(1024) }

    // MARK: - Elements

    mutating func begin(_ name: String, namespace: String? = nil) {
        append("<\(name)")
        if let namespace { append(" xmlns=\"\(namespace)\"") }
        append(">")
    }

    mutating func end(_ name: String) { append("</\(name)>") }

    mutating func element(_ name: String, _ content: (inout XMLWriter) -> Void) {
        begin(name)
        content(&self)
        end(name)
    }

    /// An element with text; nothing where the text is nil.
    mutating func element(_ name: String, _ text: String?) {
        guard let text else { return }
        begin(name)
        for scalar in text.unicodeScalars { append(scalar) }
        end(name)
    }

    mutating func element(_ name: String, _ flag: Bool) { element(name, flag ? "true" : "false") }

    mutating func element(_ name: String, _ number: Int?) { element(name, number.map { String($0) }) }

    /// One element in which each item is an element of its own: `member` in IAM's answers, `item` in EC2's.
    mutating func list<Item>(
        _ name: String,
        of itemName: String = "member",
        _ items: [Item],
        _ write: (inout XMLWriter, Item) -> Void
    ) {
        element(name) { writer in
            for item in items { writer.element(itemName) { write(&$0, item) } }
        }
    }

    // MARK: - Text

    /// Text of ASCII characters, into this writer's buffer alone.
    mutating func text(_ ascii: RawSpan) {
        for offset in 0..<ascii.byteCount { append(UnicodeScalar(ascii.byte(at: offset))) }
    }

    /// Escapes what XML keeps for itself, and writes U+FFFD for a character that it cannot hold. (XML 1.0 §2.2, §2.4)
    private mutating func append(_ scalar: UnicodeScalar) {
        switch scalar {
        case "&": append("&amp;")
        case "<": append("&lt;")
        case ">": append("&gt;")
        case "\"": append("&quot;")
        case "\r": append("&#xD;")
        case "\t", "\n", " "..."\u{D7FF}", "\u{E000}"..."\u{FFFD}", "\u{10000}"..."\u{10FFFF}":
            UTF8.encode(scalar)?.forEach { append($0) }
        default: append("\u{FFFD}")
        }
    }

    private mutating func append(_ text: String) {
        for byte in text.utf8 { append(byte) }
    }

    private mutating func append(_ byte: UInt8) {
        if bytes.count == bytes.capacity {
            var larger: [UInt8] = []
            larger.reserveCapacity(2 * bytes.capacity)
            larger += bytes
            wipe(&bytes)
            bytes = larger
        }
        bytes.append(byte)
    }
}
