internal import CLinux
public import Glibc

/// A file by its system calls, each of which gives its errno: what a test of a mount is about.
public final class RawFile: Sendable {
    public struct Failure: Error, Equatable, CustomStringConvertible {
        public let errno: Int32

        public init(errno: Int32) { self.errno = errno }

        public var description: String { "errno \(errno)" }
    }

    public let descriptor: Int32

    /// Opens a file; `flags` as open(2) has them.
    public init(_ path: String, _ flags: Int32 = O_RDWR) throws(Failure) {
        descriptor = unsafe open(path, flags | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure(errno: errno) }
    }

    deinit { close(descriptor) }

    /// O_DIRECT, which glibc hides.
    public static let direct: Int32 = 0o40000

    /// One pread(2): short at the end.
    public func read(_ count: Int, at offset: Int) throws(Failure) -> [UInt8] {
        var bytes = [UInt8](repeating: 0xEE, count: count)
        let got = unsafe pread(descriptor, &bytes, count, offset)
        guard got >= 0 else { throw Failure(errno: errno) }
        return Array(bytes.prefix(got))
    }

    /// One pwrite(2): the count that was taken.
    @discardableResult
    public func write(_ bytes: [UInt8], at offset: Int) throws(Failure) -> Int {
        let put = unsafe pwrite(descriptor, bytes, bytes.count, offset)
        guard put >= 0 else { throw Failure(errno: errno) }
        return put
    }

    public func sync() throws(Failure) {
        guard fsync(descriptor) == 0 else { throw Failure(errno: errno) }
    }

    public func truncate(_ count: Int) throws(Failure) {
        guard ftruncate(descriptor, count) == 0 else { throw Failure(errno: errno) }
    }

    /// fallocate(2).
    public func allocate(_ mode: Int, at offset: Int, count: Int) throws(Failure) {
        guard clinux_fallocate(descriptor, Int32(mode), offset, count) == 0 else {
            throw Failure(errno: errno)
        }
    }

    public func punch(at offset: Int, count: Int) throws(Failure) {
        try allocate(CLINUX_FALLOC_PUNCH_HOLE | CLINUX_FALLOC_KEEP_SIZE, at: offset, count: count)
    }

    public func zero(at offset: Int, count: Int) throws(Failure) {
        try allocate(CLINUX_FALLOC_ZERO_RANGE | CLINUX_FALLOC_KEEP_SIZE, at: offset, count: count)
    }

    /// 512-byte blocks that the file takes.
    public var blocks: Int {
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 ? Int(status.st_blocks) : -1
    }
}
