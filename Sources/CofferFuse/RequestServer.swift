internal import CFuse
internal import CLinux
internal import CofferBlock
internal import Glibc

/// One thread's loop over the kernel's requests, and the memory that it owns.
///
/// Requests for data are answered here; what concerns names and attributes goes to libfuse, whose session also
/// mounted and negotiated. No class is made, no reference counted, nothing allocated, looked up or logged for a
/// request. The wire structures are those of the kernel's own header (linux/fuse.h).
@safe
struct RequestServer: ~Copyable {
    /// The largest request, bytes: the kernel's limit of 256 pages.
    static let transferBytes = 1 << 20

    private let device: Int32
    private let session: OpaquePointer
    private let file: ExposedFile
    private let turns: Turns
    private let unitBytes: UInt64
    private var holdsTurn = false
    private var hasWaited = false
    private var worker: EncryptedVolumeWorker<FileBlockStore>
    /// A request, and then its answer: either has data, never both.
    private var buffer = PageBuffer(count: RequestServer.body + RequestServer.transferBytes)

    // Both headers end where a page begins, so that data is page-aligned, as the cipher and the store like it. What a
    // request says is taken out before its answer is put there.
    private static let body = 4096
    private static let header = MemoryLayout<fuse_in_header>.size
    private static let writeHeader = header + MemoryLayout<fuse_write_in>.size
    private static let start = body - writeHeader
    private static let arguments = start + header
    private static let replyHeader = MemoryLayout<fuse_out_header>.size
    private static let replyStart = body - replyHeader

    init(
        session: OpaquePointer,
        device: Int32,
        file: ExposedFile,
        turns: Turns,
        worker: consuming EncryptedVolumeWorker<FileBlockStore>
    ) {
        unsafe self.session = session
        (self.device, self.file, self.turns) = (device, file, turns)
        unitBytes = UInt64(file.volume.geometry.dataUnitBytes)
        self.worker = worker
    }

    /// Serves until the kernel has no more requests, or until the file is left: then EINTR is what wakes this thread.
    mutating func run() {
        // Here, as all threads have their keys in locked memory by now: the limit is for these first.
        buffer.lock()
        worker.lockMemory()
        serving: while !file.isLeaving {
            guard mayServe() else { continue }  // a signal
            let received = receive()
            guard received >= Self.header else {
                // ENOENT: the request was taken back before it could be read.
                if received == -Int(EINTR) || received == -Int(EAGAIN) || received == -Int(ENOENT) {
                    continue
                }
                break serving  // ENODEV: unmounted or aborted
            }
            let head = buffer.load(fuse_in_header.self, at: Self.start)
            switch head.opcode {
            case FUSE_READ.rawValue: send(read(), to: head)
            case FUSE_WRITE.rawValue: send(write(received: received), to: head)
            case FUSE_FSYNC.rawValue, FUSE_FLUSH.rawValue: send(sync(), to: head)
            case FUSE_FALLOCATE.rawValue: send(allocate(), to: head)
            case FUSE_OPEN.rawValue: open(head)
            case FUSE_RELEASE.rawValue:
                send(0, to: head)
                file.noteClose()
            case FUSE_STATFS.rawValue: send(answer(statistics), to: head)
            case FUSE_INTERRUPT.rawValue: break  // nothing waits here that could be interrupted
            default: passOn(received)
            }
        }
        // Whoever stands by is to see it, too.
        passTurn()
    }

    /// A thread whose request waited serves one more without a turn: that one probably waits, too, and turns would go
    /// to and fro. False when a signal came.
    @inline(__always)
    private mutating func mayServe() -> Bool {
        if !holdsTurn && !hasWaited { holdsTurn = turns.take() }
        defer { hasWaited = false }
        return holdsTurn || hasWaited
    }

    /// Has another thread serve while this one waits for the medium.
    @inline(__always)
    private mutating func passTurn() {
        if holdsTurn { turns.pass() }
        (holdsTurn, hasWaited) = (false, true)
    }

    // MARK: - Data

    /// Every handler gives the length of what it put at `body`, or a negative errno.
    @inline(__always)
    private mutating func read() -> Int {
        let order = buffer.load(fuse_read_in.self, at: Self.arguments)
        let count = min(Int(order.size), Self.transferBytes)
        let outcome = read(order.offset, count, waits: !turns.isShared)
        guard outcome == -Int(EAGAIN) && turns.isShared else { return outcome }
        passTurn()
        return read(order.offset, count, waits: true)
    }

    @inline(__always)
    private mutating func read(_ offset: UInt64, _ count: Int, waits: Bool) -> Int {
        do throws(BlockError) {
            return try buffer.withMutableBytes(at: Self.body, count: count) { (bytes) throws(BlockError) in
                try worker.read(into: &bytes, at: offset, waits: waits)
            }
        } catch { return -Int(error.code) }
    }

    /// The data is encrypted where it lies: this is the thread's own copy.
    @inline(__always)
    private mutating func write(received: Int) -> Int {
        guard !file.isReadOnly else { return -Int(EROFS) }
        guard received >= Self.writeHeader else { return -Int(EINVAL) }
        let order = buffer.load(fuse_write_in.self, at: Self.arguments)
        guard Int(order.size) <= received - Self.writeHeader else { return -Int(EINVAL) }
        // What surrounds a part of a unit is read first.
        if !(order.offset | UInt64(order.size)).isMultiple(of: unitBytes) { passTurn() }
        do throws(BlockError) {
            let count = try buffer.withMutableBytes(
                at: Self.body,
                count: Int(order.size)
            ) { (bytes) throws(BlockError) in
                try worker.write(&bytes, at: order.offset)
            }
            // The kernel leaves O_SYNC, O_DSYNC and RWF_DSYNC to the server. O_SYNC contains O_DSYNC's bit.
            if order.flags & UInt32(O_DSYNC) != 0 {
                passTurn()
                try worker.sync()
            }
            return answer(fuse_write_out(size: UInt32(count), padding: 0))
        } catch { return -Int(error.code) }
    }

    @inline(__always)
    private mutating func sync() -> Int {
        guard !file.isReadOnly else { return 0 }
        passTurn()
        do throws(BlockError) {
            try worker.sync()
            return 0
        } catch { return -Int(error.code) }
    }

    /// fallocate(2): holes and zeroes. Room is not reserved ahead, and the file never grows.
    @inline(__always)
    private mutating func allocate() -> Int {
        guard !file.isReadOnly else { return -Int(EROFS) }
        let order = buffer.load(fuse_fallocate_in.self, at: Self.arguments)
        let (end, overflow) = order.offset.addingReportingOverflow(order.length)
        let fits = !overflow && end <= file.sizeBytes
        let mode = Int(order.mode)
        passTurn()
        do throws(BlockError) {
            if mode == CLINUX_FALLOC_PUNCH_HOLE | CLINUX_FALLOC_KEEP_SIZE {
                try worker.discard(at: order.offset, count: order.length)
                return 0
            }
            guard fits else { return -Int(EFBIG) }
            guard mode & ~CLINUX_FALLOC_KEEP_SIZE == CLINUX_FALLOC_ZERO_RANGE else { return -Int(EOPNOTSUPP) }
            try worker.zeroRange(at: order.offset, count: order.length)
            return 0
        } catch { return -Int(error.code) }
    }

    // MARK: - Opening

    /// Opens without the page cache, so that plaintext is not kept twice and direct writes run in parallel; libfuse
    /// 3.14 cannot set the second flag. The price: no shared mmap of the file (ENODEV), which a loop device does not
    /// need.
    @inline(__always)
    private mutating func open(_ head: fuse_in_header) {
        let flags = Int32(bitPattern: buffer.load(fuse_open_in.self, at: Self.arguments).flags)
        if file.isReadOnly && flags & O_ACCMODE != O_RDONLY {
            send(-Int(EROFS), to: head)
        } else if flags & O_TRUNC != 0 {
            send(-Int(EPERM), to: head)
        } else {
            file.noteOpen()
            let flags = UInt32(FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES)
            let length = answer(fuse_open_out(fh: 0, open_flags: flags, padding: 0))
            if send(length, to: head) == -Int(ENOENT) { file.takeBackOpen() }
        }
    }

    private var statistics: fuse_statfs_out {
        var out = fuse_statfs_out()
        out.st.blocks = file.sizeBytes / 4096
        out.st.bsize = 4096
        out.st.frsize = 4096
        out.st.files = 2
        out.st.namelen = 255
        return out
    }

    // MARK: - The device

    /// Puts a value at `body` and gives its length.
    @inline(__always)
    private mutating func answer<Value: BitwiseCopyable>(_ value: Value) -> Int {
        buffer.store(value, at: Self.body)
        return MemoryLayout<Value>.size
    }

    /// The length of a request, or a negative errno.
    @inline(__always)
    private mutating func receive() -> Int {
        buffer.withMutableBytes(at: Self.start, count: Self.writeHeader + Self.transferBytes) { bytes in
            unsafe bytes.withUnsafeMutableBytes { buffer in
                let got = unsafe Glibc.read(device, buffer.baseAddress, buffer.count)
                return got >= 0 ? got : -Int(errno)
            }
        }
    }

    /// Answers a request with `outcome` bytes at `body`, or with a negative errno. Gives 0, or the negative errno of
    /// an answer that nobody waits for any more.
    @inline(__always)
    @discardableResult
    private mutating func send(_ outcome: Int, to head: fuse_in_header) -> Int {
        let length = Self.replyHeader + max(outcome, 0)
        buffer.store(
            fuse_out_header(len: UInt32(length), error: Int32(min(outcome, 0)), unique: head.unique),
            at: Self.replyStart
        )
        return buffer.withBytes(at: Self.replyStart, count: length) { bytes in
            unsafe bytes.withUnsafeBytes { buffer in
                let put = unsafe Glibc.write(device, buffer.baseAddress, buffer.count)
                return put >= 0 ? 0 : -Int(errno)
            }
        }
    }

    /// Gives a request to libfuse, which answers it by itself.
    private mutating func passOn(_ received: Int) {
        buffer.withMutableBytes(at: Self.start, count: received) { bytes in
            unsafe bytes.withUnsafeMutableBytes { memory in
                var request = unsafe fuse_buf()
                unsafe request.size = memory.count
                unsafe request.mem = memory.baseAddress
                unsafe fuse_session_process_buf(session, &request)
            }
        }
    }
}
