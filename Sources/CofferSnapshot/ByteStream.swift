internal import CofferBlock
internal import CofferSecrets
internal import Glibc

/// A file, pipe or socket that bytes go through in order. The descriptor is the caller's.
struct ByteStream: Sendable {
    let descriptor: Int32

    /// Fills the span; throws `.streamEnded` where the stream ends before.
    func read(into span: inout MutableRawSpan) throws(SnapshotError) {
        try unsafe span.withUnsafeMutableBytes { (buffer) throws(SnapshotError) in
            var done = 0
            while done < buffer.count {
                let target = unsafe buffer.baseAddress.map { unsafe $0 + done }
                let got = unsafe Glibc.read(descriptor, target, buffer.count - done)
                if got < 0 && errno == EINTR { continue }
                guard got >= 0 else { throw .stream(errno: errno) }
                guard got > 0 else { throw .streamEnded }
                done += got
            }
        }
    }

    func bytes(_ count: Int) throws(SnapshotError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var elements = bytes.mutableSpan
        var span = unsafe elements.mutableBytes
        try read(into: &span)
        return bytes
    }

    /// Throws `.streamGoesOn` where the stream has another byte.
    func requireEnd() throws(SnapshotError) {
        do throws(SnapshotError) {
            _ = try bytes(1)
        } catch .streamEnded { return }
        throw .streamGoesOn
    }

    func write(_ bytes: RawSpan) throws(SnapshotError) {
        try unsafe bytes.withUnsafeBytes { (buffer) throws(SnapshotError) in
            var done = 0
            while done < buffer.count {
                let source = unsafe buffer.baseAddress.map { unsafe $0 + done }
                let put = unsafe Glibc.write(descriptor, source, buffer.count - done)
                if put < 0 && errno == EINTR { continue }
                guard put > 0 else { throw .stream(errno: put < 0 ? errno : ENOSPC) }
                done += put
            }
        }
    }

    func write(_ bytes: [UInt8]) throws(SnapshotError) { unsafe try write(bytes.span.bytes) }
}
