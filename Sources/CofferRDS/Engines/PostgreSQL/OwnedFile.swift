internal import CofferShapes
internal import CofferSystem
internal import Glibc

/// Files that Coffer puts where PostgreSQL's user can write too: never through a link, and never into what was there.
enum OwnedFile {
    /// Makes a file that is not there yet, for its user alone.
    static func make(
        _ path: String,
        _ content: [UInt8],
        for user: PostgresUser,
        isSynced: Bool = false
    ) throws {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        try user.own(descriptor: descriptor, of: path)
        var done = 0
        while done < content.count {
            let count = unsafe content.withUnsafeBytes { buffer in
                unsafe write(descriptor, buffer.baseAddress.map { unsafe $0 + done }, buffer.count - done)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw failure(path) }
            done += count
        }
        if isSynced, fsync(descriptor) != 0 { throw failure(path) }
    }

    /// Replaces a file in one step, durably.
    static func replace(_ path: String, _ text: String, for user: PostgresUser) throws {
        let temporary = path + ".new"
        unsafe unlink(temporary)
        try make(temporary, Array(text.utf8), for: user, isSynced: true)
        guard unsafe rename(temporary, path) == 0 else { throw failure(path) }
    }

    /// All of a file of at most `limit` bytes; nil where there is none.
    static func read(_ path: String, limit: Int) throws -> [UInt8]? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw failure(path)
        }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_size <= limit
        else { throw AWSError(.internalError, "\(path) is no file of at most \(limit) bytes") }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var done = 0
        while done < bytes.count {
            let got = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe Glibc.read(
                    descriptor,
                    buffer.baseAddress.map { unsafe $0 + done },
                    buffer.count - done
                )
            }
            if got < 0 && errno == EINTR { continue }
            guard got > 0 else { throw AWSError(.internalError, "\(path) cannot be read to its end") }
            done += got
        }
        return bytes
    }

    private static func failure(_ path: String) -> AWSError {
        let code = errno
        return AWSError(
            code == ENOSPC || code == EDQUOT ? .storageFull : .internalError,
            "cannot write \(path): \(SystemError.text(code))"
        )
    }
}
