/// On-disk integers: little-endian, byte by byte; no structure is ever laid over a buffer.
extension Array where Element == UInt8 {
    /// Appends an integer's bytes, the lowest first.
    package mutating func append<Integer: FixedWidthInteger & UnsignedInteger>(littleEndian value: Integer) {
        for shift in stride(from: 0, to: Integer.bitWidth, by: 8) {
            append(UInt8(truncatingIfNeeded: value >> Integer(shift)))
        }
    }

    /// Overwrites the bytes at `offset` with an integer's.
    package mutating func store<Integer: FixedWidthInteger & UnsignedInteger>(
        littleEndian value: Integer,
        at offset: Int
    ) {
        for index in 0..<Integer.bitWidth / 8 {
            self[offset + index] = UInt8(truncatingIfNeeded: value >> Integer(8 * index))
        }
    }

    /// The integer at `offset`.
    package func load<Integer: FixedWidthInteger & UnsignedInteger>(
        _ type: Integer.Type,
        at offset: Int
    ) -> Integer {
        var value: Integer = 0
        for index in (0..<Integer.bitWidth / 8).reversed() {
            value = value << 8 | Integer(self[offset + index])
        }
        return value
    }
}
