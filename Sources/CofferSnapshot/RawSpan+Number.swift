/// On-disk integers of lists of millions of entries, where assembling bytes one by one shows: little-endian, at any
/// alignment, checked against the length.
extension RawSpan {
    @inline(__always)
    func number<Integer: FixedWidthInteger & BitwiseCopyable>(_ type: Integer.Type, at offset: Int) -> Integer
    {
        unsafe Integer(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: type))
    }
}

extension MutableRawSpan {
    @inline(__always)
    mutating func put<Integer: FixedWidthInteger & BitwiseCopyable>(_ value: Integer, at offset: Int) {
        storeBytes(of: value.littleEndian, toByteOffset: offset, as: Integer.self)
    }

    @inline(__always)
    mutating func put(_ digest: BlockDigest, at offset: Int) {
        put(digest.words.0, at: offset)
        put(digest.words.1, at: offset + 8)
        put(digest.words.2, at: offset + 16)
        put(digest.words.3, at: offset + 24)
    }
}
