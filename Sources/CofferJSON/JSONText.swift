internal import CofferSecrets

/// Reading the strings of a text that has been parsed, and so is known to be well formed.
enum JSONText {
    /// The UTF-8 of a string.
    static func decode(_ node: JSONNode, _ bytes: RawSpan) -> [UInt8] {
        let (start, end) = (Int(node.start), Int(node.end))
        guard node.kind == .escapedString else { return bytes.extracting(start..<end).array() }
        var text: [UInt8] = []
        text.reserveCapacity(end - start)
        var at = start
        while at < end {
            if bytes.byte(at: at) == UInt8(ascii: "\\") {
                text.append(contentsOf: UTF8.encode(scalar(at: &at, bytes)).map(Array.init) ?? [])
            } else {
                text.append(bytes.byte(at: at))
                at += 1
            }
        }
        return text
    }

    /// The character that the escape at `at` stands for; `at` moves behind it.
    static func scalar(at: inout Int, _ bytes: RawSpan) -> Unicode.Scalar {
        let letter = at + 1 < bytes.byteCount ? bytes.byte(at: at + 1) : 0
        guard letter == UInt8(ascii: "u") else {
            at += 2
            switch letter {
            case UInt8(ascii: "b"): return "\u{8}"
            case UInt8(ascii: "f"): return "\u{C}"
            case UInt8(ascii: "n"): return "\n"
            case UInt8(ascii: "r"): return "\r"
            case UInt8(ascii: "t"): return "\t"
            default: return Unicode.Scalar(letter)
            }
        }
        var value = UInt32(unit(at: at, bytes) ?? 0xFFFD)
        at += 6
        if value & 0xFC00 == 0xD800, let low = unit(at: at, bytes) {
            value = 0x10000 + (value & 0x3FF) << 10 + UInt32(low & 0x3FF)
            at += 6
        }
        return Unicode.Scalar(value) ?? "\u{FFFD}"
    }

    /// The number behind `\u` at `at`, nil where there is no such escape.
    static func unit(at: Int, _ bytes: RawSpan) -> UInt16? {
        guard at + 6 <= bytes.byteCount, bytes.byte(at: at) == UInt8(ascii: "\\"),
            bytes.byte(at: at + 1) == UInt8(ascii: "u")
        else { return nil }
        var unit: UInt16 = 0
        for place in at + 2..<at + 6 {
            let digit: UInt8
            switch bytes.byte(at: place) {
            case let byte where (0x30...0x39).contains(byte): digit = byte - 0x30
            case let byte where (0x61...0x66).contains(byte | 0x20): digit = (byte | 0x20) - 0x61 + 10
            default: return nil
            }
            unit = unit << 4 | UInt16(digit)
        }
        return unit
    }
}
