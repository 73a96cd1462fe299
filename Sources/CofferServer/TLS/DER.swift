/// The little of the Distinguished Encoding Rules (ITU-T X.690) that a certificate of our own needs.
enum DER {
    static func sequence(_ parts: [UInt8]...) -> [UInt8] { tagged(0x30, parts.flatMap(\.self)) }
    static func set(_ part: [UInt8]) -> [UInt8] { tagged(0x31, part) }
    static func octets(_ bytes: [UInt8]) -> [UInt8] { tagged(0x04, bytes) }
    static func text(_ text: String) -> [UInt8] { tagged(0x0C, Array(text.utf8)) }
    static let yes = tagged(0x01, [0xFF])

    /// A number that is not negative, from its bytes, the first the highest.
    static func integer(_ magnitude: [UInt8]) -> [UInt8] {
        let digits = Array(magnitude.drop { $0 == 0 })
        guard let first = digits.first else { return tagged(0x02, [0]) }
        return tagged(0x02, first & 0x80 == 0 ? digits : [0] + digits)
    }

    /// Bits, of which so many at the end are none.
    static func bits(_ bytes: [UInt8], unused: UInt8 = 0) -> [UInt8] { tagged(0x03, [unused] + bytes) }

    /// An object identifier, from its encoded arcs.
    static func identifier(_ arcs: [UInt8]) -> [UInt8] { tagged(0x06, arcs) }

    /// GeneralizedTime, `20260101000000Z`.
    static func time(_ text: String) -> [UInt8] { tagged(0x18, Array(text.utf8)) }

    static func tagged(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        let count = content.count
        guard count >= 0x80 else { return [tag, UInt8(count)] + content }
        var digits: [UInt8] = []
        var rest = count
        while rest > 0 {
            digits.insert(UInt8(rest & 0xFF), at: 0)
            rest >>= 8
        }
        return [tag, 0x80 | UInt8(digits.count)] + digits + content
    }
}
