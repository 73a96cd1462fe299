internal import Glibc

/// What the kernel refused: the call's name and errno.
public struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
    public let call: String
    public let code: Int32

    /// Whether the store has no room left, or none for this user.
    public var isFull: Bool { code == ENOSPC || code == EDQUOT }

    public var description: String { unsafe "\(call): \(String(cString: strerror(code)))" }

    package init(_ call: String, code: Int32 = errno) {
        (self.call, self.code) = (call, code)
    }
}

/// What the kernel says of a file or folder.
package struct FileStatus: Sendable, Equatable {
    package let device: UInt64
    package let inode: UInt64
    package var sizeBytes: Int
    /// The permission bits.
    package let permissions: UInt32

    /// Of what stands at `path`, which may be a symbolic link; nil where nothing does.
    init?(path: String) throws(FileError) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else {
            if errno == ENOENT { return nil }
            throw FileError("looking at \(path)")
        }
        self.init(status)
    }

    fileprivate init(_ status: stat) {
        (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino))
        (sizeBytes, permissions) = (Int(status.st_size), status.st_mode & 0o7777)
    }

    /// Whether its owner may write to it.
    var isWritable: Bool { permissions & 0o200 != 0 }

    func isSameFile(as other: FileStatus) -> Bool { device == other.device && inode == other.inode }
}

/// An open file or folder with one owner; EINTR and short transfers are dealt with here.
package struct OpenFile: ~Copyable, Sendable {
    package enum Access {
        case read
        /// Writes go to the end; the file is made, mode 0600, where it is missing.
        case append
        /// A new file, mode 0600; one that exists is an error.
        case create
        /// A file that exists, written from its start.
        case overwrite
        /// A folder, to lock it or to sync its entries.
        case folder
    }

    package let descriptor: Int32

    package init(_ path: String, _ access: Access) throws(FileError) {
        let flags: Int32 =
            switch access {
            case .read: O_RDONLY | O_NOFOLLOW
            case .append: O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW
            case .create: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW
            case .overwrite: O_RDWR | O_NOFOLLOW
            case .folder: O_RDONLY | O_DIRECTORY
            }
        // Without O_NONBLOCK a FIFO in a file's place would hold the caller for ever.
        let descriptor = unsafe open(path, flags | O_CLOEXEC | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else { throw FileError("opening \(path)") }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Refuses what is neither a regular file nor a folder.
    package func status() throws(FileError) -> FileStatus {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw FileError("fstat") }
        let kind = status.st_mode & S_IFMT
        guard kind == S_IFREG || kind == S_IFDIR else { throw FileError("not a regular file", code: EINVAL) }
        return FileStatus(status)
    }

    /// Reads until the span is full or the file ends; how many bytes that were.
    package func read(into span: inout MutableRawSpan, at offset: Int) throws(FileError) -> Int {
        try unsafe span.withUnsafeMutableBytes { (buffer) throws(FileError) in
            var done = 0
            while done < buffer.count {
                let target = unsafe buffer.baseAddress.map { unsafe $0 + done }
                let got = unsafe pread(descriptor, target, buffer.count - done, off_t(offset + done))
                if got < 0 && errno == EINTR { continue }
                guard got >= 0 else { throw FileError("reading") }
                if got == 0 { break }
                done += got
            }
            return done
        }
    }

    /// At most `count` bytes from `offset`: fewer where the file ends.
    package func bytes(at offset: Int, count: Int) throws(FileError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var elements = bytes.mutableSpan
        var span = unsafe elements.mutableBytes
        let got = try read(into: &span, at: offset)
        return Array(bytes.prefix(got))
    }

    /// Writes all bytes at the file's position: for `.append`, its end.
    package func write(_ bytes: RawSpan) throws(FileError) {
        try unsafe bytes.withUnsafeBytes { (buffer) throws(FileError) in
            var done = 0
            while done < buffer.count {
                let source = unsafe buffer.baseAddress.map { unsafe $0 + done }
                let put = unsafe Glibc.write(descriptor, source, buffer.count - done)
                if put < 0 && errno == EINTR { continue }
                // A short write at a limit is followed by the error that says why.
                guard put > 0 else { throw FileError("writing", code: put < 0 ? errno : ENOSPC) }
                done += put
            }
        }
    }

    package func write(_ bytes: [UInt8]) throws(FileError) { try unsafe write(bytes.span.bytes) }

    /// Returns when the bytes, or a folder's entries, are on the medium.
    package func sync() throws(FileError) {
        while fsync(descriptor) != 0 {
            guard errno == EINTR else { throw FileError("syncing") }
        }
    }

    /// As `sync`, for a file whose times need not survive: what it takes to read the bytes again does.
    package func syncData() throws(FileError) {
        while fdatasync(descriptor) != 0 {
            guard errno == EINTR else { throw FileError("syncing") }
        }
    }

    /// Sets the permission bits.
    func setPermissions(_ permissions: UInt32) throws(FileError) {
        guard fchmod(descriptor, permissions) == 0 else { throw FileError("changing the mode of a file") }
    }

    /// Waits for the lock over this file or folder that one open file at a time holds, in any process. It
    /// goes when the file is closed or its process dies.
    package func lock() throws(FileError) {
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw FileError("locking") }
        }
    }

    /// Gives the lock up; cannot fail for a lock that is held.
    package func unlock() { _ = flock(descriptor, LOCK_UN) }
}
