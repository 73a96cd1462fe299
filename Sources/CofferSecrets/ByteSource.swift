internal import CLinux
internal import Glibc

/// Where random bytes come from; a test gives one that repeats.
public protocol ByteSource: Sendable {
    /// Fills the whole span.
    func fill(_ span: inout MutableRawSpan)
}

extension ByteSource {
    /// `count` bytes that are not secret: ids, salts, nonces.
    public func bytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var elements = bytes.mutableSpan
        var span = unsafe elements.mutableBytes
        fill(&span)
        return bytes
    }
}

/// getrandom(2): the kernel's generator, which reseeds after a virtual machine is cloned.
public struct SystemByteSource: ByteSource {
    public init() {}

    /// Traps when the kernel has no random bytes to give: no key may be made then.
    public func fill(_ span: inout MutableRawSpan) {
        unsafe span.withUnsafeMutableBytes { buffer in
            var done = 0
            while done < buffer.count {
                // Not empty: count > done >= 0.
                let got = unsafe getrandom(buffer.baseAddress! + done, buffer.count - done, 0)
                if got < 0 && errno == EINTR { continue }
                guard got > 0 else { fatalError("getrandom failed: errno \(errno)") }
                done += got
            }
        }
    }
}
