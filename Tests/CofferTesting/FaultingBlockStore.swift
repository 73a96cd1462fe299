public import CofferBlock
internal import CofferSecrets
internal import Synchronization

/// A block store whose n-th write or sync fails, and all that follow, or that one alone.
public final class FaultingBlockStore: BlockStore {
    private let base: any BlockStore
    private let left: Mutex<Int>
    private let error: BlockError
    private let isOnce: Bool

    /// The first `changes` writes, syncs and resizes succeed.
    public init(
        _ base: any BlockStore,
        failingAfter changes: Int,
        once isOnce: Bool = false,
        with error: BlockError
    ) {
        (self.base, self.error, self.isOnce) = (base, error, isOnce)
        left = Mutex(changes)
    }

    public var alignment: Int { base.alignment }

    public func sizeBytes() throws(BlockError) -> UInt64 { try base.sizeBytes() }

    public func read(
        into bytes: inout MutableRawSpan,
        at offset: UInt64,
        waits: Bool
    ) throws(BlockError) -> Int {
        try base.read(into: &bytes, at: offset, waits: waits)
    }

    public func write(_ bytes: RawSpan, at offset: UInt64) throws(BlockError) {
        try count()
        try base.write(bytes, at: offset)
    }

    public func sync() throws(BlockError) {
        try count()
        try base.sync()
    }

    public func punchHole(at offset: UInt64, count: UInt64) throws(BlockError) {
        try self.count()
        try base.punchHole(at: offset, count: count)
    }

    public func zeroRange(at offset: UInt64, count: UInt64) throws(BlockError) {
        try self.count()
        try base.zeroRange(at: offset, count: count)
    }

    public func resize(toBytes count: UInt64) throws(BlockError) {
        try self.count()
        try base.resize(toBytes: count)
    }

    public func nextData(from offset: UInt64) throws(BlockError) -> UInt64? {
        try base.nextData(from: offset)
    }

    private func count() throws(BlockError) {
        let isOver = left.withLock { left in
            defer { left -= 1 }
            return isOnce ? left == 0 : left <= 0
        }
        if isOver { throw error }
    }
}
