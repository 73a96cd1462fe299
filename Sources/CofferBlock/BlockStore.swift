/// Where a volume's bytes lie: a local file first, a remote image later. Offsets and counts are bytes.
///
/// Order is the caller's: a write is durable only when a `sync` that began after it has returned. All methods may be
/// called from several threads at once.
public protocol BlockStore: Sendable {
    /// What the addresses, offsets and lengths of reads and writes of data units must be multiples of, bytes.
    var alignment: Int { get }

    /// The store's present size.
    func sizeBytes() throws(BlockError) -> UInt64

    /// Reads as much of the span as the store holds from `offset` on; what lies past its end is left untouched.
    /// Gives the count read, short only there. With `waits` false it throws EAGAIN where it would have to wait for a
    /// medium, and the span's content is then undefined.
    func read(into bytes: inout MutableRawSpan, at offset: UInt64, waits: Bool) throws(BlockError) -> Int

    /// Writes the whole span, growing the store where it must.
    func write(_ bytes: RawSpan, at offset: UInt64) throws(BlockError)

    /// Says that a range which was just written may go to the medium at once. Nothing is durable by that; throws where
    /// the medium is known not to have taken it.
    func startWriteback(at offset: UInt64, count: Int) throws(BlockError)

    /// Returns when every write that returned before this call is durable.
    func sync() throws(BlockError)

    /// Makes a range read as zeroes and gives its room back.
    func punchHole(at offset: UInt64, count: UInt64) throws(BlockError)

    /// Makes a range read as zeroes and keeps its room.
    func zeroRange(at offset: UInt64, count: UInt64) throws(BlockError)

    /// Sets the size; what is new reads as zeroes.
    func resize(toBytes count: UInt64) throws(BlockError)

    /// Where the store next holds data, at or after `offset`, as far as it can tell: it may name a place too early, never
    /// one too late. nil where nothing but holes follows.
    func nextData(from offset: UInt64) throws(BlockError) -> UInt64?
}

extension BlockStore {
    /// A store that keeps nothing back has nothing to start.
    public func startWriteback(at offset: UInt64, count: Int) throws(BlockError) {}

    /// Reads as above, and waits for the medium.
    public func read(into bytes: inout MutableRawSpan, at offset: UInt64) throws(BlockError) -> Int {
        try read(into: &bytes, at: offset, waits: true)
    }

    /// Fills the whole span: past the store's end nothing was ever written, which reads as zeroes. Gives how many bytes the
    /// store had.
    @discardableResult
    package func readPadded(into bytes: inout MutableRawSpan, at offset: UInt64) throws(BlockError) -> Int {
        let got = try read(into: &bytes, at: offset)
        if got < bytes.byteCount { bytes.zero(got..<bytes.byteCount) }
        return got
    }

    /// As many bytes as the store holds from `offset` on, up to `count`.
    package func bytes(at offset: UInt64, count: Int) throws(BlockError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var elements = bytes.mutableSpan
        var span = unsafe elements.mutableBytes
        let got = try read(into: &span, at: offset)
        return got < count ? Array(bytes.prefix(got)) : bytes
    }
}

/// What can go wrong below a volume. Small and closed: the FUSE path turns it into an errno.
public enum BlockError: Error, Equatable, Sendable {
    /// A system call failed with this errno.
    case system(errno: Int32, call: Call)
    /// A request past the end of the volume, or one whose sums overflow.
    case outOfRange
    /// An earlier sync failed: nothing written since can be trusted, so nothing is acknowledged any more.
    case faulted
    /// The cipher failed.
    case cipher

    public enum Call: String, Sendable {
        case open, read, write, sync, allocate, resize, seek, lock, status
    }

    /// Thrown by a read that was not to wait for the medium.
    public static let wouldWait = BlockError.system(errno: 11, call: .read)  // EAGAIN

    /// The errno that a caller of a file should see.
    public var code: Int32 {
        switch self {
        case .system(let code, _): code
        case .outOfRange: 22  // EINVAL
        case .faulted, .cipher: 5  // EIO
        }
    }
}
