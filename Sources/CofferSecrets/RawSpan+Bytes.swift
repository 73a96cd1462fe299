extension RawSpan {
    /// The byte at `offset`; traps outside the span.
    @inlinable
    public func byte(at offset: Int) -> UInt8 {
        unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    /// The bytes as an array: for what is not secret.
    public func array() -> [UInt8] {
        unsafe withUnsafeBytes { unsafe [UInt8]($0) }
    }
}

extension MutableRawSpan {
    /// Copies all of `source` to `offset`; traps where it does not fit.
    public mutating func copy(_ source: RawSpan, at offset: Int) {
        precondition(offset >= 0 && source.byteCount <= byteCount - offset, "a copy past the end of a span")
        unsafe withUnsafeMutableBytes { target in
            unsafe source.withUnsafeBytes { bytes in
                let part = unsafe UnsafeMutableRawBufferPointer(
                    rebasing: target[offset..<offset + bytes.count]
                )
                unsafe part.copyMemory(from: bytes)
            }
        }
    }
}
