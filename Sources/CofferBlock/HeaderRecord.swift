/// A record of the header's extension: what a volume may carry beside its fields. Records that a reader does
/// not know are kept as they are; one that must be understood keeps an older reader away.
///
/// ```
/// u16 type: bit 15 says that it must be understood     u16 length     bytes
/// ```
/// Type 0, or fewer than 4 bytes left, ends the list; what follows is zero.
public struct HeaderRecord: Sendable, Equatable {
    /// Bit 15 included; never 0 in its low bits.
    public let type: UInt16
    public let bytes: [UInt8]

    static let mustUnderstandBit: UInt16 = 0x8000
    private static let prefixBytes = 4

    /// nil for type 0 and for more bytes than the extension holds.
    public init?(type: UInt16, bytes: [UInt8]) {
        guard type & ~Self.mustUnderstandBit != 0,
            bytes.count <= HeaderLayout.extensionArea.count - Self.prefixBytes
        else { return nil }
        (self.type, self.bytes) = (type, bytes)
    }

    public var mustBeUnderstood: Bool { type & Self.mustUnderstandBit != 0 }

    /// Reads the extension of a copy.
    static func parse(_ bytes: [UInt8]) throws(HeaderField) -> [HeaderRecord] {
        var records: [HeaderRecord] = []
        var offset = HeaderLayout.extensionArea.lowerBound
        let end = HeaderLayout.extensionArea.upperBound
        while end - offset >= prefixBytes, bytes.load(UInt16.self, at: offset) != 0 {
            let length = Int(bytes.load(UInt16.self, at: offset + 2))
            let start = offset + prefixBytes
            guard length <= end - start,
                let record = HeaderRecord(
                    type: bytes.load(UInt16.self, at: offset),
                    bytes: bytes.bytes(at: start, count: length)
                )
            else { throw .extensionRecords }
            records.append(record)
            offset = start + length
        }
        guard bytes.isZero(in: offset..<end) else { throw .extensionRecords }
        return records
    }

    /// Whether all of them fit into the extension.
    static func fit(_ records: [HeaderRecord]) -> Bool {
        records.reduce(0) { $0 + prefixBytes + $1.bytes.count } <= HeaderLayout.extensionArea.count
    }

    /// Writes records that fit into a copy whose extension is all zero.
    static func store(_ records: [HeaderRecord], into bytes: inout [UInt8]) {
        var offset = HeaderLayout.extensionArea.lowerBound
        for record in records {
            bytes.store(littleEndian: record.type, at: offset)
            bytes.store(littleEndian: UInt16(record.bytes.count), at: offset + 2)
            bytes.store(record.bytes, at: offset + prefixBytes)
            offset += prefixBytes + record.bytes.count
        }
    }
}
