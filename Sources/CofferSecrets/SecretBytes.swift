internal import Glibc

/// A secret of a fixed length with one owner, in `LockedMemory`, wiped when the owner goes. Up to 2048 bytes share
/// slabs of it with other secrets; larger ones have a mapping of their own.
///
/// It is filled in place and lent as a span. It has no description, no encoding and no implicit copy, so that
/// the compiler shows each place where a secret lives. Limits: nothing here reaches copies that the kernel made, and
/// where memfd_secret(2) is missing root on this machine can read it.
public struct SecretBytes: ~Copyable, Sendable {
    @usableFromInline let room: SecretRoom

    /// Length, bytes.
    public var count: Int { room.count }

    /// A secret of `count` bytes (at least 1), zero at first, filled by `fill`; wiped if `fill` throws.
    public init<Failure: Error>(
        count: Int,
        _ fill: (inout MutableRawSpan) throws(Failure) -> Void
    ) throws(Failure) {
        precondition(count > 0, "a secret has at least one byte")
        var room = SecretRoom(count: count)
        try room.withMutableBytes(fill)
        self.room = room
    }

    /// Copies bytes; the caller wipes them where they came from.
    public init(copying bytes: RawSpan) {
        self.init(count: bytes.byteCount) { span in span.copy(bytes, at: 0) }
    }

    /// Copies bytes that are no secret yet, such as a test's key.
    public init(copying bytes: [UInt8]) {
        unsafe self.init(copying: bytes.span.bytes)
    }

    /// Fresh random bytes.
    public init(random count: Int, from source: some ByteSource = SystemByteSource()) {
        self.init(count: count) { span in source.fill(&span) }
    }

    /// Lends the bytes for the length of `body`.
    @inlinable
    public borrowing func withBytes<Result: ~Copyable, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(unsafe UnsafeRawBufferPointer(start: room.base, count: room.count).bytes)
    }

    /// The `count` bytes from `offset` as a secret of their own.
    public borrowing func part(at offset: Int, count: Int) -> SecretBytes {
        withBytes { SecretBytes(copying: $0.extracting(offset..<offset + count)) }
    }

    /// Compares in a time that depends on the lengths alone.
    public borrowing func constantTimeEquals(_ other: borrowing SecretBytes) -> Bool {
        withBytes { left in other.withBytes { right in constantTimeEqual(left, right) } }
    }
}

/// Compares two runs of bytes in a time that depends on their lengths alone; unequal lengths are unequal.
public func constantTimeEqual(_ left: RawSpan, _ right: RawSpan) -> Bool {
    guard left.byteCount == right.byteCount else { return false }
    var difference: UInt8 = 0
    for offset in 0..<left.byteCount { difference |= left.byte(at: offset) ^ right.byte(at: offset) }
    return difference == 0
}

/// Compares with bytes that are not secret, such as a code that came with a message.
public func constantTimeEqual(_ left: RawSpan, _ right: [UInt8]) -> Bool {
    unsafe constantTimeEqual(left, right.span.bytes)
}

/// Compares two codes.
public func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    unsafe constantTimeEqual(left.span.bytes, right.span.bytes)
}

/// Overwrites bytes that held a secret on the ordinary heap, in a way that no optimiser removes.
public func wipe(_ bytes: inout [UInt8]) {
    unsafe bytes.withUnsafeMutableBytes { buffer in
        guard let base = buffer.baseAddress else { return }
        unsafe explicit_bzero(base, buffer.count)
    }
}
