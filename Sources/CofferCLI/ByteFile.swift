internal import CofferSecrets
internal import CofferShapes
internal import Glibc

/// Bytes in and out of files, pipes and the terminal; `-` is standard input or output. New files are for the owner alone.
enum ByteFile {
    /// Reads bytes that are not secret.
    static func read(_ path: String, limit: Int) throws -> [UInt8] {
        try withInput(path) { descriptor in
            var bytes: [UInt8] = []
            var room = [UInt8](repeating: 0, count: 65536)
            while bytes.count <= limit {
                let got = unsafe Glibc.read(descriptor, &room, room.count)
                if got < 0 && errno == EINTR { continue }
                guard got >= 0 else { throw failure("read", path) }
                if got == 0 { return bytes }
                bytes += room.prefix(got)
            }
            throw AWSError(.validation, "\(path) is longer than \(limit) bytes")
        }
    }

    /// Reads 1 to `limit` secret bytes straight into locked memory.
    static func readSecret(_ path: String, limit: Int) throws -> SecretBytes {
        try withInput(path) { descriptor in
            var count = 0
            var code: Int32 = 0
            let room = SecretBytes(count: limit + 1) { span in
                unsafe span.withUnsafeMutableBytes { buffer in
                    while count < buffer.count {
                        let target = unsafe buffer.baseAddress! + count  // the buffer is not empty
                        let got = unsafe Glibc.read(descriptor, target, buffer.count - count)
                        if got < 0 && errno == EINTR { continue }
                        if got < 0 { code = errno }
                        guard got > 0 else { break }
                        count += got
                    }
                }
            }
            guard code == 0 else {
                errno = code
                throw failure("read", path)
            }
            guard (1...limit).contains(count) else {
                throw AWSError(.validation, "the plaintext has 1 to \(limit) bytes")
            }
            return room.part(at: 0, count: count)
        }
    }

    /// Writes bytes that are not secret to standard output or a new file.
    static func write(_ bytes: [UInt8], to path: String) throws {
        try unsafe write(bytes.span.bytes, to: path)
    }

    /// Writes bytes to standard output or a new file; a file that exists is left alone.
    static func write(_ bytes: RawSpan, to path: String) throws {
        let output = try Output(path)
        defer { withExtendedLifetime(output) {} }
        try unsafe bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                // Not empty: count > done >= 0.
                let put = unsafe Glibc.write(
                    output.descriptor,
                    buffer.baseAddress! + done,
                    buffer.count - done
                )
                if put < 0 && errno == EINTR { continue }
                guard put > 0 else { throw failure("write", path) }
                done += put
            }
        }
    }

    /// A file to be read piece by piece, or standard input.
    final class Input {
        let descriptor: Int32

        init(_ path: String) throws {
            descriptor = path == "-" ? STDIN_FILENO : unsafe open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw ByteFile.failure("open", path) }
        }

        deinit { if descriptor != STDIN_FILENO { Glibc.close(descriptor) } }
    }

    /// A new file that is written piece by piece, or standard output; a file that exists is left alone.
    final class Output {
        let descriptor: Int32
        private let path: String

        init(_ path: String) throws {
            self.path = path
            descriptor =
                path == "-"
                ? STDOUT_FILENO : unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw ByteFile.failure("make", path) }
        }

        deinit { if descriptor != STDOUT_FILENO { Glibc.close(descriptor) } }

        var isTerminal: Bool { isatty(descriptor) == 1 }

        /// Makes what was written durable, where it is a file.
        func sync() throws {
            guard descriptor != STDOUT_FILENO, fsync(descriptor) != 0 else { return }
            throw ByteFile.failure("write", path)
        }

        /// Leaves nothing of a file that is not whole.
        func remove() { if descriptor != STDOUT_FILENO { unsafe unlink(path) } }
    }

    private static func withInput<Result: ~Copyable>(
        _ path: String,
        _ body: (Int32) throws -> Result
    ) throws -> Result {
        let input = try Input(path)
        defer { withExtendedLifetime(input) {} }
        return try body(input.descriptor)
    }

    private static func failure(_ verb: String, _ path: String) -> AWSError {
        let kind: AWSError.Code = errno == ENOSPC ? .storageFull : .validation
        return AWSError(kind, "cannot \(verb) \(path): \(unsafe String(cString: strerror(errno)))")
    }
}
