internal import CLinux
internal import Glibc

/// Page-aligned memory with one owner, for requests on their way between a user and the store. It holds plaintext, so
/// it is left out of core dumps; it is no place for keys.
///
/// Every access is checked against the length here, so that the code which parses what the kernel sent needs no
/// unsafe step. Inlinable, because generic accesses from another room would otherwise go through metadata at run time.
@safe
public struct PageBuffer: ~Copyable, @unchecked Sendable {
    // Sendable: one owner; whoever holds the value holds the mapping.

    @usableFromInline let base: UnsafeMutableRawPointer
    /// Length, bytes.
    public let count: Int

    /// Maps `count` bytes (at least 1), zero at first. Traps when there is no memory: it is only made at start.
    public init(count: Int) {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE
        let mapping = unsafe mmap(nil, count, PROT_READ | PROT_WRITE, Int32(flags), -1, 0)
        guard let mapping = unsafe mapping, unsafe mapping != MAP_FAILED else {
            fatalError("no memory for a request buffer")
        }
        unsafe madvise(mapping, count, Int32(CLINUX_MADV_DONTDUMP))
        unsafe base = mapping
        self.count = count
    }

    deinit { unsafe munmap(base, count) }

    /// Keeps the memory from being paged out, if the limit on locked memory allows it (mlock(2)): what passes through is
    /// plaintext, and a request that waits for a page may be the one that frees it.
    public borrowing func lock() {
        unsafe mlock(base, count)  // past the limit it stays as it is: no key is in it
    }

    /// The bytes at `offset` as a value of a plain C structure, whatever its alignment.
    @inlinable
    public borrowing func load<Value: BitwiseCopyable>(_ type: Value.Type, at offset: Int) -> Value {
        unsafe address(offset, MemoryLayout<Value>.size).loadUnaligned(as: type)
    }

    /// Puts a value's bytes at `offset`.
    @inlinable
    public mutating func store<Value: BitwiseCopyable>(_ value: Value, at offset: Int) {
        unsafe address(offset, MemoryLayout<Value>.size).storeBytes(of: value, as: Value.self)
    }

    /// Lends `count` bytes from `offset` on.
    @inlinable
    public mutating func withMutableBytes<Result: ~Copyable, Failure: Error>(
        at offset: Int,
        count: Int,
        _ body: (inout MutableRawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let part = unsafe UnsafeMutableRawBufferPointer(start: address(offset, count), count: count)
        var span = unsafe part.mutableBytes
        return try body(&span)
    }

    /// Lends `count` bytes from `offset` on, to look at.
    @inlinable
    public borrowing func withBytes<Result: ~Copyable, Failure: Error>(
        at offset: Int,
        count: Int,
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(unsafe UnsafeRawBufferPointer(start: address(offset, count), count: count).bytes)
    }

    @inlinable
    borrowing func address(_ offset: Int, _ length: Int) -> UnsafeMutableRawPointer {
        precondition(
            offset >= 0 && length >= 0 && offset <= count && length <= count &- offset,
            "an access outside of a request buffer"
        )
        return unsafe base + offset
    }
}

extension MutableRawSpan {
    /// Whether the byte at `offset` lies at a multiple of `alignment` in memory.
    @inline(__always)
    func isAligned(at offset: Int, to alignment: Int) -> Bool {
        guard alignment > 1 else { return true }
        return unsafe withUnsafeBytes { buffer in
            (Int(bitPattern: buffer.baseAddress) + offset).isMultiple(of: alignment)
        }
    }

    /// Lends a part of the span.
    @inline(__always)
    package mutating func withPart<Result: ~Copyable, Failure: Error>(
        _ range: Range<Int>,
        _ body: (inout MutableRawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe withUnsafeMutableBytes { (buffer) throws(Failure) in
            var part = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[range]).mutableBytes
            return try body(&part)
        }
    }

    /// Overwrites a part with zeroes.
    package mutating func zero(_ range: Range<Int>) {
        unsafe withUnsafeMutableBytes { buffer in
            let part = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[range])
            if let base = part.baseAddress { unsafe memset(base, 0, part.count) }
        }
    }

    /// Whether a part, of a multiple of 16 bytes, is all zero. The first 16 bytes decide for almost every data unit.
    package func isZero(_ range: Range<Int>) -> Bool {
        unsafe withUnsafeBytes { buffer in
            let part = unsafe UnsafeRawBufferPointer(rebasing: buffer[range])
            func pair(_ offset: Int) -> UInt64 {
                unsafe part.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                    | part.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
            }
            guard pair(0) == 0 else { return false }
            var sum: UInt64 = 0
            for offset in stride(from: 16, to: part.count, by: 16) { sum |= pair(offset) }
            return sum == 0
        }
    }
}
