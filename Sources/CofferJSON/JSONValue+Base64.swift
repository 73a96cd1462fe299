public import CofferSecrets

extension JSONValue {
    /// The bytes that a string holds as base64 (RFC 4648 section 4, with padding, nothing between the characters, no
    /// bits left over): for what is no secret.
    public func base64() throws(JSONError) -> [UInt8] {
        let count = try base64Count()
        var decoded = [UInt8](repeating: 0, count: count)
        var elements = decoded.mutableSpan
        var span = unsafe elements.mutableBytes
        try decodeBase64(into: &span)
        return decoded
    }

    /// The same of a secret: from the document straight into locked memory. Throws where the string is empty, as a
    /// secret has at least one byte.
    public func secretBase64() throws(JSONError) -> SecretBytes {
        let count = try base64Count()
        guard count > 0 else { throw error("an empty string where a secret should stand") }
        return try SecretBytes(count: count) { (span) throws(JSONError) in try decodeBase64(into: &span) }
    }

    private func error(_ sentence: String) -> JSONError {
        storage.withBytes { JSONError(sentence, at: offset, in: $0) }
    }

    /// Gives the string's characters one by one, escapes decoded (some encoders write `/` as `\/` and `=` as
    /// `\u003d`), so that no copy of the string comes into being. What is not ASCII is given as 0xFF.
    private func forEachCharacter(_ body: (UInt8) -> Void) {
        storage.withBytes { bytes in
            var at = range.lowerBound
            while at < range.upperBound {
                if bytes.byte(at: at) == UInt8(ascii: "\\") {
                    let scalar = JSONText.scalar(at: &at, bytes)
                    body(scalar.isASCII ? UInt8(truncatingIfNeeded: scalar.value) : 0xFF)
                } else {
                    body(bytes.byte(at: at))
                    at += 1
                }
            }
        }
    }

    /// How many bytes the string stands for, from its length and padding alone.
    private func base64Count() throws(JSONError) -> Int {
        guard kind == .string else { throw error("a string with base64 should stand here") }
        var (characters, padding) = (0, 0)
        forEachCharacter { character in
            characters += 1
            padding = character == UInt8(ascii: "=") ? padding + 1 : 0
        }
        guard characters % 4 == 0, padding <= 2 else { throw error("this is not base64") }
        return characters / 4 * 3 - padding
    }

    private func decodeBase64(into span: inout MutableRawSpan) throws(JSONError) {
        var (bits, bitCount, at, padding): (UInt32, Int, Int, Int) = (0, 0, 0, 0)
        var isValid = true
        forEachCharacter { character in
            if character == UInt8(ascii: "=") {
                padding += 1
                return
            }
            guard padding == 0, let digit = Base64.digit(character) else {
                isValid = false
                return
            }
            bits = bits << 6 | UInt32(digit)
            bitCount += 6
            guard bitCount >= 8 else { return }
            bitCount -= 8
            if at < span.byteCount {
                span.storeBytes(
                    of: UInt8(truncatingIfNeeded: bits >> bitCount),
                    toByteOffset: at,
                    as: UInt8.self
                )
            }
            at += 1
        }
        guard isValid, at == span.byteCount, bits & (1 << bitCount - 1) == 0 else {
            throw error("this is not base64")
        }
    }
}

/// The alphabet of RFC 4648 section 4.
enum Base64 {
    static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }

    /// The character of the low six bits.
    static func character(_ digit: UInt8) -> UInt8 {
        switch digit & 0x3F {
        case let digit where digit < 26: UInt8(ascii: "A") + digit
        case let digit where digit < 52: UInt8(ascii: "a") + digit - 26
        case let digit where digit < 62: UInt8(ascii: "0") + digit - 52
        case 62: UInt8(ascii: "+")
        default: UInt8(ascii: "/")
        }
    }
}
