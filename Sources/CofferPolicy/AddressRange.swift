/// An IP address, or a range of them in CIDR notation (RFC 4632, RFC 4291 section 2.3). An IPv4 address that is mapped
/// into IPv6 (`::ffff:192.0.2.1`), as sockets for both give them, counts as the IPv4 address.
struct AddressRange: Sendable {
    private let isIPv6: Bool
    /// The address, an IPv4 one in the low 32 bits; bits behind the prefix are zero.
    private let bits: UInt128
    private let prefixLength: Int

    init?(_ text: String) {
        guard text.utf8.count <= 64 else { return nil }
        let halves = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = halves.first else { return nil }
        var (bits, isIPv6): (UInt128, Bool)
        if let number = Self.ipv4(address) {
            (bits, isIPv6) = (UInt128(number), false)
        } else if let number = Self.ipv6(address) {
            (bits, isIPv6) = (number, true)
        } else {
            return nil
        }
        var length = isIPv6 ? 128 : 32
        if halves.count == 2 {
            guard let given = Self.decimal(halves[1]), given <= length else { return nil }
            length = given
        }
        if isIPv6, bits >> 32 == 0xFFFF, length >= 96 {
            (bits, isIPv6, length) = (bits & 0xFFFF_FFFF, false, length - 96)
        }
        (self.isIPv6, prefixLength) = (isIPv6, length)
        self.bits = bits & Self.mask(length, isIPv6)
    }

    /// Whether all of `other` is inside.
    func contains(_ other: AddressRange) -> Bool {
        isIPv6 == other.isIPv6 && other.prefixLength >= prefixLength
            && other.bits & Self.mask(prefixLength, isIPv6) == bits
    }

    /// Ones for the first `length` of the address's bits.
    private static func mask(_ length: Int, _ isIPv6: Bool) -> UInt128 {
        // A shift by the whole width gives zero.
        isIPv6 ? UInt128.max << (128 - length) : UInt128(UInt32.max << (32 - length))
    }

    /// Up to three digits without a zero in front.
    private static func decimal(_ text: Substring) -> Int? {
        guard (1...3).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            text.utf8.count == 1 || text.utf8.first != 0x30
        else { return nil }
        return Int(text)
    }

    private static func ipv4(_ text: Substring) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            guard let number = decimal(part), number < 256 else { return nil }
            address = address << 8 | UInt32(number)
        }
        return address
    }

    private static func ipv6(_ text: Substring) -> UInt128? {
        var text = text
        var groups: [UInt16] = []
        // `::` stands for as many groups of zeroes as are missing.
        var gap: Int?
        if text.hasPrefix("::") {
            gap = 0
            text = text.dropFirst(2)
        }
        while !text.isEmpty {
            guard groups.count < 8 else { return nil }
            let group = text.prefix { $0 != ":" }
            if group.count == text.count, let number = ipv4(group) {
                groups += [UInt16(number >> 16), UInt16(number & 0xFFFF)]
                text = ""
                break
            }
            // UInt16 would take a sign too.
            guard (1...4).contains(group.utf8.count), group.allSatisfy(\.isHexDigit),
                let number = UInt16(group, radix: 16)
            else { return nil }
            groups.append(number)
            text = text.dropFirst(group.count)
            if text.hasPrefix("::") {
                guard gap == nil else { return nil }
                gap = groups.count
                text = text.dropFirst(2)
            } else if text.hasPrefix(":") {
                text = text.dropFirst()
                guard !text.isEmpty else { return nil }
            }
        }
        guard gap == nil ? groups.count == 8 : groups.count < 8 else { return nil }
        if let gap { groups.insert(contentsOf: repeatElement(0, count: 8 - groups.count), at: gap) }
        return groups.reduce(UInt128(0)) { $0 << 16 | UInt128($1) }
    }
}
