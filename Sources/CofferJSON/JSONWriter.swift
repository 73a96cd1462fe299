internal import CofferSecrets

/// Writes one JSON value into one buffer. Commas and colons come by themselves; a call that would not give JSON (a
/// value without a name in an object, an end without a beginning, a second value) is a mistake of the program and
/// traps.
///
/// A secret may be written with `base64`: when the buffer has to grow, the old one is wiped, so that who wipes the
/// finished array wipes all there is.
public struct JSONWriter: ~Copyable {
    private enum Level {
        case array, object
    }

    private var bytes: [UInt8] = []
    private var levels: [Level] = []
    /// A value or member stands before the next one.
    private var needsComma = false
    /// A name has been written whose value is to come.
    private var hasName = false

    /// Room for `capacity` bytes at first.
    public init(capacity: Int = 256) {
        bytes.reserveCapacity(capacity)
    }

    /// The finished text.
    public consuming func finish() -> [UInt8] {
        precondition(levels.isEmpty && needsComma, "a JSON text holds one whole value")
        return bytes
    }

    // MARK: - Structure

    public mutating func beginObject() { begin(.object, UInt8(ascii: "{")) }
    public mutating func endObject() { end(.object, UInt8(ascii: "}")) }
    public mutating func beginArray() { begin(.array, UInt8(ascii: "[")) }
    public mutating func endArray() { end(.array, UInt8(ascii: "]")) }

    /// The name of the member whose value comes next.
    public mutating func key(_ name: String) {
        precondition(levels.last == .object && !hasName, "a name stands in an object, before its value")
        if needsComma { append(UInt8(ascii: ",")) }
        quote(name)
        append(UInt8(ascii: ":"))
        hasName = true
    }

    // MARK: - Values

    public mutating func string(_ text: String) {
        beginValue()
        quote(text)
        endValue()
    }

    public mutating func integer(_ number: Int) { plain("\(number)") }

    /// The shortest decimal that reads back as the same double; traps on what JSON cannot say.
    public mutating func double(_ number: Double) {
        precondition(number.isFinite, "JSON has no infinities")
        plain("\(number)")
    }

    public mutating func bool(_ value: Bool) { plain(value ? "true" : "false") }
    public mutating func null() { plain("null") }

    /// A string with the base64 of the bytes, written straight into the buffer.
    public mutating func base64(_ span: RawSpan) {
        beginValue()
        makeRoom((span.byteCount + 2) / 3 * 4 + 2)
        append(UInt8(ascii: "\""))
        var at = 0
        while at < span.byteCount {
            let count = min(3, span.byteCount - at)
            var bits = UInt32(span.byte(at: at)) << 16
            if count > 1 { bits |= UInt32(span.byte(at: at + 1)) << 8 }
            if count > 2 { bits |= UInt32(span.byte(at: at + 2)) }
            for digit in 0..<4 {
                let character = Base64.character(UInt8(truncatingIfNeeded: bits >> (18 - 6 * digit)))
                append(digit <= count ? character : UInt8(ascii: "="))
            }
            at += count
        }
        append(UInt8(ascii: "\""))
        endValue()
    }

    public mutating func base64(_ bytes: [UInt8]) {
        unsafe base64(bytes.span.bytes)
    }

    // MARK: - Parts

    private mutating func begin(_ level: Level, _ bracket: UInt8) {
        beginValue()
        append(bracket)
        levels.append(level)
        needsComma = false
    }

    private mutating func end(_ level: Level, _ bracket: UInt8) {
        precondition(levels.last == level && !hasName, "what ends has begun, and each name has its value")
        levels.removeLast()
        append(bracket)
        endValue()
    }

    private mutating func beginValue() {
        switch levels.last {
        case nil: precondition(!needsComma, "a JSON text holds one value")
        case .array: if needsComma { append(UInt8(ascii: ",")) }
        case .object: precondition(hasName, "a value in an object has a name")
        }
        hasName = false
    }

    private mutating func endValue() { needsComma = true }

    private mutating func plain(_ text: String) {
        beginValue()
        for byte in text.utf8 { append(byte) }
        endValue()
    }

    /// RFC 8259 section 7: quotes, backslashes and control characters are escaped, and nothing else.
    private mutating func quote(_ text: String) {
        makeRoom(text.utf8.count + 2)
        append(UInt8(ascii: "\""))
        // Nearly every text needs no escape, and fits by now.
        let isPlain = unsafe text.utf8.withContiguousStorageIfAvailable { buffer in
            guard unsafe buffer.allSatisfy(Self.isPlain) else { return false }
            unsafe bytes.append(contentsOf: buffer)
            return true
        }
        if isPlain == true { return append(UInt8(ascii: "\"")) }
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                append(UInt8(ascii: "\\"))
                append(byte)
            case 0..<0x20:
                for character in "\\u00".utf8 { append(character) }
                append(UInt8(ascii: "0") + byte >> 4)
                append(byte & 15 < 10 ? UInt8(ascii: "0") + byte & 15 : UInt8(ascii: "a") + byte & 15 - 10)
            default: append(byte)
            }
        }
        append(UInt8(ascii: "\""))
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private mutating func append(_ byte: UInt8) {
        if bytes.count == bytes.capacity { makeRoom(1) }
        bytes.append(byte)
    }

    /// Makes sure that `count` bytes more fit; the buffer that was too small is wiped.
    private mutating func makeRoom(_ count: Int) {
        guard bytes.capacity - bytes.count < count else { return }
        var larger: [UInt8] = []
        larger.reserveCapacity(max(bytes.count + count, 2 * bytes.capacity))
        larger.append(contentsOf: bytes)
        wipe(&bytes)
        bytes = larger
    }
}
