internal import Glibc

/// Places of the header's parts, bytes. docs/format.md has the same picture with the meaning of each field.
///
/// ```
/// store   0x00000 copy A    0x08000 zeroes    0x10000 copy B    0x18000 zeroes    0x100000 data, or later
/// copy    0x0000 fields     0x1000 slot 0     0x4000 slot 1     0x7000 extension  0x8000 end
/// ```
enum HeaderLayout {
    static let copyBytes = 32768
    static let copyOffsets: [UInt64] = [0, 65536]
    /// What lies here is zero: between the copies, and behind them as far as the data can begin.
    static let reservedGaps: [Range<UInt64>] = [32768..<65536, 98304..<0x10_0000]

    static let magicBytes: [UInt8] = [0x43, 0x4F, 0x46, 0x46, 0x45, 0x52, 0x1A, 0x0A]  // COFFER, SUB, LF
    static let major: UInt16 = 1
    static let minor: UInt16 = 0
    static let slotCount = 2
    /// Counters of the header stay below this, so that adding one never overflows.
    static let counterLimit: UInt64 = 1 << 63

    // Fields of a copy, from its start. Integers are little-endian and unsigned.
    static let magic = 0x000  // 8
    static let majorVersion = 0x008  // u16
    static let minorVersion = 0x00A  // u16
    static let headerLength = 0x00C  // u32
    static let sequence = 0x010  // u64
    static let headerOffset = 0x018  // u64
    static let incompatibleFlags = 0x020  // u32
    static let readOnlyCompatibleFlags = 0x024  // u32
    static let compatibleFlags = 0x028  // u32
    static let state = 0x02C  // u32
    static let uuid = 0x030  // 16
    static let volumeID = 0x040  // 32, ASCII, zero-padded
    static let volumeSize = 0x060  // u64
    static let dataOffset = 0x068  // u64
    static let dataUnitSize = 0x070  // u32
    static let cipher = 0x074  // u32
    static let firstDataUnit = 0x078  // u64
    static let created = 0x080  // u64
    static let modified = 0x088  // u64
    static let salt = 0x090  // 32
    static let slotCountField = 0x0B0  // u32
    static let activeSlots = 0x0B4  // u32, bit mask
    static let tagArea = 0x0B8..<0x0D0  // zero: integrity tags are for a later version
    static let attachEpoch = 0x0D0  // u64
    static let keyEpoch = 0x0D8  // u64
    static let parentSnapshot = 0x0E0  // 32, ASCII, zero-padded
    static let reserved = 0x100..<0xFC0
    static let mac = 0xFC0..<0xFE0
    static let checksum = 0xFE0..<0x1000
    static let slotOffsets = [0x1000, 0x4000]
    static let extensionArea = 0x7000..<0x8000

    static let uuidBytes = 16
    static let saltBytes = 32
    static let idBytes = 32
}

/// One of a header's two copies.
public enum HeaderCopy: Int, Sendable, CaseIterable {
    case a, b

    public var name: String { self == .a ? "A" : "B" }

    var offset: UInt64 { HeaderLayout.copyOffsets[rawValue] }

    var other: HeaderCopy { self == .a ? .b : .a }
}

/// Fixed-size fields of bytes and text.
extension Array where Element == UInt8 {
    /// Whether all bytes of a range are zero.
    package func isZero(in range: Range<Int>) -> Bool {
        guard let first = range.first else { return true }
        return unsafe self[first] == 0
            && withUnsafeBytes { bytes in
                // All equal to the one before, and the first is zero. The range is checked by rebasing.
                let part = unsafe UnsafeRawBufferPointer(rebasing: bytes[range])
                guard let base = part.baseAddress else { return true }
                return unsafe memcmp(base, base + 1, part.count - 1) == 0
            }
    }

    /// Overwrites the bytes at `offset` with `part`.
    package mutating func store(_ part: some Collection<UInt8>, at offset: Int) {
        precondition(part.count <= count - offset, "a field past the end of its area")
        replaceSubrange(offset..<offset + part.count, with: part)
    }

    package func bytes(at offset: Int, count: Int) -> [UInt8] { Array(self[offset..<offset + count]) }

    /// The text at the start of a zero-padded field; nil where it is no UTF-8 or something follows the
    /// padding.
    package func paddedText(at offset: Int, count: Int) -> String? {
        let text = self[offset..<offset + count].prefix { $0 != 0 }
        guard isZero(in: text.endIndex..<offset + count) else { return nil }
        return String(validating: text, as: UTF8.self)
    }
}
