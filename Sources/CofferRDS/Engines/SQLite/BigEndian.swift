/// Integers as SQLite's files and the archive's records have them.
enum BigEndian {
    static func word(_ bytes: [UInt8], _ offset: Int) -> UInt32 { word(bytes[...], offset) }

    static func word(_ bytes: ArraySlice<UInt8>, _ offset: Int) -> UInt32 {
        UInt32(bytes[offset]) << 24 | UInt32(bytes[offset + 1]) << 16 | UInt32(bytes[offset + 2]) << 8
            | UInt32(bytes[offset + 3])
    }

    static func double(_ bytes: [UInt8], _ offset: Int) -> UInt64 { double(bytes[...], offset) }

    static func double(_ bytes: ArraySlice<UInt8>, _ offset: Int) -> UInt64 {
        UInt64(word(bytes, offset)) << 32 | UInt64(word(bytes, offset + 4))
    }

    static func bytes(_ value: UInt32) -> [UInt8] { ArchiveFile.big(value) }

    static func bytes(_ value: UInt64) -> [UInt8] {
        bytes(UInt32(truncatingIfNeeded: value >> 32)) + bytes(UInt32(truncatingIfNeeded: value))
    }
}
