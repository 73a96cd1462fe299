internal import CLinux
internal import Glibc

/// A volume in a local file: pread, pwrite, fdatasync, fallocate, with EINTR and short transfers dealt with.
public final class FileBlockStore: BlockStore {
    /// The open file. Owned: closed with the store.
    public let descriptor: Int32
    /// 1, unless I/O is direct.
    public let alignment: Int
    /// Whether the file lies in a filesystem in memory, where no read waits, and which cannot say so (RWF_NOWAIT).
    private let isInMemory: Bool

    public enum Access: Sendable {
        case readOnly, readWrite
        /// Makes a new file, mode 0600; refuses one that exists.
        case create
    }

    public init(path: String, _ access: Access) throws(BlockError) {
        let flags: Int32 =
            switch access {
            case .readOnly: O_RDONLY
            case .readWrite: O_RDWR
            case .create: O_RDWR | O_CREAT | O_EXCL
            }
        // O_NONBLOCK: a FIFO put in its place would hold us; to a regular file it means nothing.
        let descriptor = unsafe open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else { throw .system(errno: errno, call: .open) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw .system(errno: EINVAL, call: .open)
        }
        self.descriptor = descriptor
        alignment = 1
        isInMemory = clinux_is_in_memory(descriptor) != 0
    }

    /// Takes over an open file, such as one that a parent process handed down.
    public init(adopting descriptor: Int32) {
        self.descriptor = descriptor
        alignment = 1
        isInMemory = clinux_is_in_memory(descriptor) != 0
    }

    /// Takes over an open file whose reads and writes pass the page cache by from now on (open(2), O_DIRECT), also those
    /// of others who share this opening of it. Throws EINVAL where the filesystem offers no such thing, or only in blocks
    /// that a data unit is no multiple of; the descriptor is the caller's still.
    public init(adoptingForDirectIO descriptor: Int32, unitBytes: Int) throws(BlockError) {
        let told = Int(clinux_direct_alignment(descriptor))
        let alignment = told > 0 ? told : 4096
        guard unitBytes.isMultiple(of: alignment) else { throw .system(errno: EINVAL, call: .open) }
        guard clinux_set_direct(descriptor) == 0 else { throw .system(errno: errno, call: .open) }
        (self.descriptor, self.alignment) = (descriptor, alignment)
        isInMemory = clinux_is_in_memory(descriptor) != 0
    }

    /// Opens once more what is open already, through the page cache whatever the other opening does: for headers and
    /// their like, which direct I/O does not take. The lock stays the other's.
    public init(reopening descriptor: Int32, _ access: Access) throws(BlockError) {
        let flags = access == .readOnly ? O_RDONLY : O_RDWR
        let fresh = unsafe open("/proc/self/fd/\(descriptor)", flags | O_CLOEXEC)
        guard fresh >= 0 else { throw .system(errno: errno, call: .open) }
        self.descriptor = fresh
        alignment = 1
        isInMemory = clinux_is_in_memory(fresh) != 0
    }

    deinit { close(descriptor) }

    /// Takes the open-file-description lock over the headers that marks an attachment: a write lock, or a read lock for
    /// read-only use. It belongs to the open file: a child that inherits the descriptor holds it too, and it goes when
    /// the last holder dies. False when another holds it.
    public func tryLock(exclusive: Bool) throws(BlockError) -> Bool {
        var lock = Self.headerLock(exclusive ? F_WRLCK : F_RDLCK)
        while true {
            if unsafe fcntl(descriptor, Int32(CLINUX_OFD_SETLK), &lock) == 0 { return true }
            if errno == EINTR { continue }
            if errno == EAGAIN || errno == EACCES { return false }
            throw .system(errno: errno, call: .lock)
        }
    }

    /// Whether anybody holds that lock, in either way, through another open of the file. Takes nothing.
    public func isLockedByAnother() throws(BlockError) -> Bool {
        var lock = Self.headerLock(F_WRLCK)
        while unsafe fcntl(descriptor, Int32(CLINUX_OFD_GETLK), &lock) != 0 {
            guard errno == EINTR else { throw .system(errno: errno, call: .lock) }
        }
        return lock.l_type != Int16(F_UNLCK)
    }

    private static func headerLock(_ type: Int32) -> flock {
        var lock = flock()
        lock.l_type = Int16(type)
        lock.l_whence = Int16(SEEK_SET)
        lock.l_start = 0
        lock.l_len = off_t(HeaderCopy.b.offset + UInt64(HeaderLayout.copyBytes))
        return lock
    }

    public func sizeBytes() throws(BlockError) -> UInt64 {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .system(errno: errno, call: .status) }
        return UInt64(status.st_size)
    }

    public func read(
        into bytes: inout MutableRawSpan,
        at offset: UInt64,
        waits: Bool
    ) throws(BlockError) -> Int {
        // Direct I/O always waits.
        guard waits || alignment == 1 else { throw .wouldWait }
        return try unsafe bytes.withUnsafeMutableBytes { (buffer) throws(BlockError) in
            var done = 0
            while done < buffer.count {
                let target = unsafe buffer.baseAddress.map { unsafe $0 + done }
                let count = buffer.count - done
                let position = off_t(offset) + done
                let got =
                    waits || isInMemory
                    ? unsafe pread(descriptor, target, count, position)
                    : unsafe clinux_pread_cached(descriptor, target, count, position)
                if got < 0 && errno == EINTR { continue }
                // A filesystem that cannot tell may have to wait. And Linux 5.9 and 5.10 may give 0 for what is not in
                // the page cache (readv(2), bugs): the read that waits decides where the file ends.
                if !waits && !isInMemory && (got == 0 || got < 0 && errno == EOPNOTSUPP) { throw .wouldWait }
                guard got >= 0 else { throw .system(errno: errno, call: .read) }
                if got == 0 { break }
                done += got
                // Direct I/O stops within a block only at the end of the file, and cannot go on from there.
                if !done.isMultiple(of: alignment) { break }
            }
            return done
        }
    }

    public func write(_ bytes: RawSpan, at offset: UInt64) throws(BlockError) {
        try unsafe bytes.withUnsafeBytes { (buffer) throws(BlockError) in
            var done = 0
            while done < buffer.count {
                let source = unsafe buffer.baseAddress.map { unsafe $0 + done }
                let put = unsafe pwrite(descriptor, source, buffer.count - done, off_t(offset) + done)
                if put < 0 && errno == EINTR { continue }
                // A short write at a limit is followed by the error that says why.
                guard put > 0 else { throw .system(errno: put < 0 ? errno : ENOSPC, call: .write) }
                done += put
                if !done.isMultiple(of: alignment) { throw .system(errno: EIO, call: .write) }
            }
        }
    }

    public func startWriteback(at offset: UInt64, count: Int) throws(BlockError) {
        guard alignment == 1, clinux_start_writeback(descriptor, off_t(offset), off_t(count)) != 0 else {
            return
        }
        // What these mean is that the medium did not take it, and perhaps that nobody else is told.
        guard ![EIO, ENOSPC, EDQUOT].contains(errno) else { throw .system(errno: errno, call: .write) }
    }

    public func sync() throws(BlockError) {
        while fdatasync(descriptor) != 0 {
            guard errno == EINTR else { throw .system(errno: errno, call: .sync) }
        }
    }

    public func punchHole(at offset: UInt64, count: UInt64) throws(BlockError) {
        try allocate(CLINUX_FALLOC_PUNCH_HOLE | CLINUX_FALLOC_KEEP_SIZE, offset, count)
    }

    public func zeroRange(at offset: UInt64, count: UInt64) throws(BlockError) {
        try allocate(CLINUX_FALLOC_ZERO_RANGE | CLINUX_FALLOC_KEEP_SIZE, offset, count)
    }

    public func resize(toBytes count: UInt64) throws(BlockError) {
        while ftruncate(descriptor, off_t(count)) != 0 {
            guard errno == EINTR else { throw .system(errno: errno, call: .resize) }
        }
    }

    /// Where the file next holds data, at or after `offset`; nil where nothing but holes follows. A filesystem that
    /// cannot tell says `offset`.
    public func nextData(from offset: UInt64) throws(BlockError) -> UInt64? {
        let found = lseek(descriptor, off_t(offset), Int32(CLINUX_SEEK_DATA))
        if found >= 0 { return max(offset, UInt64(found)) }
        switch errno {
        case ENXIO: return nil
        case EINVAL, EOPNOTSUPP: return offset
        default: throw .system(errno: errno, call: .seek)
        }
    }

    private func allocate(_ mode: Int, _ offset: UInt64, _ count: UInt64) throws(BlockError) {
        while clinux_fallocate(descriptor, Int32(mode), off_t(offset), off_t(count)) != 0 {
            guard errno == EINTR else { throw .system(errno: errno, call: .allocate) }
        }
    }
}
