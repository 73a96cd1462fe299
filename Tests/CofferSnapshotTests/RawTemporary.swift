import CofferTesting
import Glibc

/// An open file without a name.
final class RawTemporary: Sendable {
    let descriptor: Int32

    init(_ bytes: [UInt8] = []) throws {
        let folder = try TemporaryFolder()
        descriptor = unsafe open(folder.path("file"), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0, unsafe write(descriptor, bytes, bytes.count) == bytes.count else {
            throw RawFile.Failure(errno: errno)
        }
        rewind()
    }

    deinit { close(descriptor) }

    func rewind() { lseek(descriptor, 0, SEEK_SET) }

    /// All of it.
    func bytes() throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Int(lseek(descriptor, 0, SEEK_END)))
        guard unsafe pread(descriptor, &bytes, bytes.count, 0) == bytes.count else {
            throw RawFile.Failure(errno: errno)
        }
        return bytes
    }
}
