/// The URI encoding of canonical requests: the unreserved characters of RFC 3986 stay, every other byte becomes `%` and
/// two upper-case hex digits. A plus is a plus. (AWS, "Create a signed AWS API request", `UriEncode`)
enum URIEncoding {
    /// Encodes every byte, so that text which is encoded already is encoded twice.
    static func append(_ text: some Sequence<UInt8>, keepingSlash: Bool, to target: inout [UInt8]) {
        for byte in text { append(byte, keepingSlash: keepingSlash, to: &target) }
    }

    /// Encodes text that may be encoded already, so that it is encoded once: what is `%` and two hex digits counts as the
    /// byte that it stands for. A slash that was encoded stays encoded.
    static func appendOnce(_ text: some Collection<UInt8>, keepingSlash: Bool, to target: inout [UInt8]) {
        var index = text.startIndex
        while index != text.endIndex {
            if let byte = escaped(text, at: index) {
                append(byte, keepingSlash: false, to: &target)
                index = text.index(index, offsetBy: 3)
            } else {
                append(text[index], keepingSlash: keepingSlash, to: &target)
                index = text.index(after: index)
            }
        }
    }

    /// The text with its escapes undone; nil where that is no UTF-8.
    static func decoded(_ text: some Collection<UInt8>) -> String? {
        var bytes: [UInt8] = []
        var index = text.startIndex
        while index != text.endIndex {
            if let byte = escaped(text, at: index) {
                bytes.append(byte)
                index = text.index(index, offsetBy: 3)
            } else {
                bytes.append(text[index])
                index = text.index(after: index)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// The byte that `%` and two hex digits at `index` stand for; nil where no such thing is there.
    private static func escaped<Text: Collection<UInt8>>(_ text: Text, at index: Text.Index) -> UInt8? {
        guard text[index] == UInt8(ascii: "%"),
            let high = text.index(index, offsetBy: 1, limitedBy: text.endIndex), high != text.endIndex,
            let low = text.index(high, offsetBy: 1, limitedBy: text.endIndex), low != text.endIndex,
            let highValue = value(text[high]), let lowValue = value(text[low])
        else { return nil }
        return highValue << 4 | lowValue
    }

    private static func append(_ byte: UInt8, keepingSlash: Bool, to target: inout [UInt8]) {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
            target.append(byte)
        case 0x2F where keepingSlash:
            target.append(byte)
        default:
            target.append(UInt8(ascii: "%"))
            target.append(digit(byte >> 4))
            target.append(digit(byte & 15))
        }
    }

    private static func digit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 0x30 + nibble : 0x37 + nibble }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46: digit - 0x37
        case 0x61...0x66: digit - 0x57
        default: nil
        }
    }
}
