/// A member of an operation's input.
struct InputMember: Sendable {
    /// As it stands in JSON.
    let name: String
    /// As it stands in a complaint: with a small first letter.
    let label: String
    let shape: InputShape
    let isRequired: Bool

    init(_ name: String, _ shape: InputShape, isRequired: Bool) {
        self.name = name
        label = name.prefix(1).lowercased() + name.dropFirst()
        (self.shape, self.isRequired) = (shape, isRequired)
    }
}

/// What a value has to be: its JSON type, and the constraints of AWS's model on it.
indirect enum InputShape: Sendable {
    /// A string of so many characters.
    case text(ClosedRange<Int>, InputPattern? = nil)
    /// A string that no complaint repeats.
    case secretText(ClosedRange<Int>)
    /// A string that is one of these.
    case choice([String])
    /// Base64 of so many bytes; no complaint repeats it.
    case blob(ClosedRange<Int>)
    case integer(ClosedRange<Int>)
    case boolean
    /// Seconds since 1970.
    case timestamp
    case list(InputShape, ClosedRange<Int>? = nil)
    case structure([InputMember])
    /// Strings by strings.
    case map

    /// A string that is a raw value of this enumeration.
    static func choice<Choice: CaseIterable & RawRepresentable<String>>(_ type: Choice.Type) -> InputShape {
        .choice(Choice.allCases.map(\.rawValue))
    }
}

/// A pattern of the model and what it matches, by hand: each has to match the whole value.
struct InputPattern: Sendable {
    /// As the model spells it.
    let source: String
    let matches: @Sendable (String) -> Bool

    /// One or more ASCII characters that are letters, digits, or stand in `others`.
    private static func alphanumerics(_ source: String, and others: String) -> InputPattern {
        let allowed = Set(others.utf8)
        return InputPattern(source: source) { text in
            !text.isEmpty && text.utf8.allSatisfy { isAlphanumeric($0) || allowed.contains($0) }
        }
    }

    static let name = alphanumerics("^[a-zA-Z0-9:/_-]+$", and: ":/_-")
    static let principal = alphanumerics("^[\\w+=,.@:/-]+$", and: "_+=,.@:/-")
    static let word = alphanumerics("[\\w]+", and: "_")
    static let materialDescription = alphanumerics("^[a-zA-Z0-9:/_\\s.-]+$", and: ":/_.- \t\n\r\u{0B}\u{0C}")
    static let proxyKeyID = alphanumerics("^[a-zA-Z0-9-_.]+$", and: "-_.")

    static let policy = InputPattern(source: "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+") { text in
        !text.isEmpty
            && text.unicodeScalars.allSatisfy {
                (0x20...0xFF).contains($0.value) || $0.value == 0x09 || $0.value == 0x0A || $0.value == 0x0D
            }
    }

    static let marker = InputPattern(source: "[\\u0020-\\u00FF]*") { text in
        text.unicodeScalars.allSatisfy { (0x20...0xFF).contains($0.value) }
    }

    static let lowerHex = InputPattern(source: "^[a-f0-9]+$") { text in
        !text.isEmpty && text.utf8.allSatisfy { isDigit($0) || (0x61...0x66).contains($0) }
    }

    static let digits = InputPattern(source: "[0-9]{12}") {
        $0.utf8.count == 12 && $0.utf8.allSatisfy(isDigit)
    }

    static let region = InputPattern(source: "^([a-z]+-){2,3}\\d+$") { text in
        let parts = text.utf8.split(separator: 0x2D, omittingEmptySubsequences: false)
        guard (3...4).contains(parts.count), let number = parts.last else { return false }
        return !number.isEmpty && number.allSatisfy(isDigit)
            && parts.dropLast().allSatisfy { !$0.isEmpty && $0.allSatisfy(isLower) }
    }

    static let proxyEndpoint = InputPattern(source: "^https://[a-zA-Z0-9.-]+$") { text in
        let host = text.utf8.dropFirst(8)
        return text.hasPrefix("https://") && !host.isEmpty
            && host.allSatisfy { isAlphanumeric($0) || $0 == 0x2E || $0 == 0x2D }
    }

    static let proxyPath = InputPattern(
        source: "^(/[a-zA-Z0-9\\/_-]+/kms/xks/v\\d{1,2})$|^(/kms/xks/v\\d{1,2})$"
    ) { text in
        // From the end: one or two digits, the fixed part, and before it nothing or a path.
        let stem = text.utf8.reversed().drop(while: isDigit)
        guard (1...2).contains(text.utf8.count - stem.count) else { return false }
        let start = Array(stem.reversed())
        let fixed = Array("/kms/xks/v".utf8)
        guard start.suffix(fixed.count) == fixed[...] else { return false }
        let prefix = start.dropLast(fixed.count)
        return prefix.isEmpty
            || prefix.count > 1 && prefix.first == 0x2F
                && prefix.allSatisfy { isAlphanumeric($0) || $0 == 0x2F || $0 == 0x5F || $0 == 0x2D }
    }

    static let proxyServiceName = InputPattern(
        source: "^(com|eu)\\.amazonaws\\.vpce\\.([a-z]+-){2,3}\\d+\\.vpce-svc-[0-9a-z]+$"
    ) { text in
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0] == "com" || parts[0] == "eu", parts[1] == "amazonaws",
            parts[2] == "vpce",
            region.matches(String(parts[3])), parts[4].hasPrefix("vpce-svc-")
        else { return false }
        let id = parts[4].utf8.dropFirst(9)
        return !id.isEmpty && id.allSatisfy { isDigit($0) || isLower($0) }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    private static func isLower(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isDigit(byte) || isLower(byte) || (0x41...0x5A).contains(byte)
    }
}
