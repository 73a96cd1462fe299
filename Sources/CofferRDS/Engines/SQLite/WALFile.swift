internal import CofferShapes
internal import CofferSystem
internal import Glibc

/// A write-ahead log as a file, for reading. SQLite locks the database and the index, never this file, so that it may be
/// opened and closed beside SQLite's own connections.
final class WALFile: Sendable {
    let path: String
    private let descriptor: Int32
    let identity: FileIdentity

    init(_ path: String) throws {
        self.path = path
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0, let identity = FileIdentity(descriptor) else {
            throw AWSError(.internalError, "cannot open \(path): \(SystemError.text(errno))")
        }
        self.identity = identity
    }

    deinit { close(descriptor) }

    /// nil where there is none yet, or one is being written.
    func header() throws -> WALHeader? { WALHeader(try read(0, WALHeader.count)) }

    /// `count` frames from number `first` on; fewer where the file ends.
    func frames(from first: Int, count: Int, of header: WALHeader) throws -> [UInt8] {
        let bytes = try read(header.offset(of: first), count * header.frameBytes)
        return bytes.count % header.frameBytes == 0
            ? bytes : Array(bytes.prefix(bytes.count - bytes.count % header.frameBytes))
    }

    private func read(_ offset: Int, _ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe pread(
                    descriptor,
                    buffer.baseAddress.map { unsafe $0 + done },
                    count - done,
                    off_t(offset + done)
                )
            }
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else {
                throw AWSError(.internalError, "cannot read \(path): \(SystemError.text(errno))")
            }
            if got == 0 { return Array(bytes.prefix(done)) }
            done += got
        }
        return bytes
    }
}

/// Which file it is, whatever its name.
struct FileIdentity: Equatable, Sendable {
    let device: UInt64
    let inode: UInt64

    init?(_ descriptor: Int32) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return nil }
        (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino))
    }

    /// nil where there is no such file.
    init?(path: String) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return nil }
        (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino))
    }
}
