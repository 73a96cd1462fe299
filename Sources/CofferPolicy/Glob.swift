/// A text, perhaps with `*` (any run of characters, none too) and `?` (one character), compiled to be matched often.
struct Glob: Sendable {
    /// A pattern's unit: a byte of UTF-8, or one of the two wildcards above them.
    typealias Unit = UInt16
    static let anyRun: Unit = 256
    static let anyOne: Unit = 257

    private enum Shape {
        case everything
        case exact([UInt8])
        case prefix([UInt8])
        case general([Unit])
    }

    private let shape: Shape
    /// Whether `A` to `Z` in the text count as lower case; the units then hold none of them.
    private let foldsCase: Bool

    init(_ units: [Unit], foldsCase: Bool = false) {
        let units = foldsCase ? units.map { $0 < 256 ? Unit(Self.fold(UInt8($0))) : $0 } : units
        let firstWildcard = units.firstIndex { $0 > 255 } ?? units.count
        let literal = units[..<firstWildcard].map { UInt8($0) }
        if firstWildcard == units.count {
            shape = .exact(literal)
        } else if firstWildcard == units.count - 1, units[firstWildcard] == Self.anyRun {
            shape = literal.isEmpty ? .everything : .prefix(literal)
        } else {
            shape = .general(units)
        }
        self.foldsCase = foldsCase
    }

    /// The units of a text whose `*` and `?` are wildcards.
    static func units(wild text: String) -> [Unit] {
        text.utf8.map { $0 == UInt8(ascii: "*") ? anyRun : $0 == UInt8(ascii: "?") ? anyOne : Unit($0) }
    }

    /// The units of a text that stands for itself.
    static func units(literal text: String) -> [Unit] { text.utf8.map { Unit($0) } }

    private static func fold(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    func matches(_ text: String) -> Bool {
        if case .everything = shape { return true }
        return matches(text.utf8.span)
    }

    func matches(_ text: Span<UInt8>) -> Bool {
        switch shape {
        case .everything: true
        case .exact(let bytes): text.count == bytes.count && begins(text, with: bytes)
        case .prefix(let bytes): text.count >= bytes.count && begins(text, with: bytes)
        case .general(let units): matches(text, units)
        }
    }

    private func begins(_ text: Span<UInt8>, with bytes: [UInt8]) -> Bool {
        for at in bytes.indices where !same(text[at], Unit(bytes[at])) { return false }
        return true
    }

    private func same(_ byte: UInt8, _ unit: Unit) -> Bool {
        Unit(foldsCase ? Self.fold(byte) : byte) == unit
    }

    /// Goes back to the last `*` alone when a match fails, so the time is at most the product of the lengths.
    private func matches(_ text: Span<UInt8>, _ units: [Unit]) -> Bool {
        var (at, unit) = (0, 0)
        var (lastRun, resume): (Int?, Int) = (nil, 0)
        while at < text.count {
            if unit < units.count, units[unit] == Self.anyRun {
                (lastRun, resume) = (unit, at)
                unit += 1
            } else if unit < units.count, units[unit] == Self.anyOne {
                at = Self.characterEnd(text, at)
                unit += 1
            } else if unit < units.count, same(text[at], units[unit]) {
                at += 1
                unit += 1
            } else if let lastRun {
                resume = Self.characterEnd(text, resume)
                (at, unit) = (resume, lastRun + 1)
            } else {
                return false
            }
        }
        return units[unit...].allSatisfy { $0 == Self.anyRun }
    }

    /// The first byte after the character at `at`: a character of UTF-8 goes on through its continuation bytes.
    private static func characterEnd(_ text: Span<UInt8>, _ at: Int) -> Int {
        var end = at + 1
        while end < text.count, text[end] & 0xC0 == 0x80 { end += 1 }
        return end
    }
}
