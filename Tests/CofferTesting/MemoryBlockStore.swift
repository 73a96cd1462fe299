public import CofferBlock
internal import CofferSecrets
internal import Synchronization

/// A block store in memory, for tests that want thousands of them.
public final class MemoryBlockStore: BlockStore {
    private let content: Mutex<[UInt8]>

    public init(_ bytes: [UInt8] = []) { content = Mutex(bytes) }

    /// All of it, now.
    public var bytes: [UInt8] { content.withLock { $0 } }

    public func sizeBytes() throws(BlockError) -> UInt64 { content.withLock { UInt64($0.count) } }

    public func read(into bytes: inout MutableRawSpan, at offset: UInt64) throws(BlockError) -> Int {
        let held = self.bytes
        guard offset < held.count else { return 0 }
        let part = Array(held[Int(offset)..<min(held.count, Int(offset) + bytes.byteCount)])
        unsafe bytes.copy(part.span.bytes, at: 0)
        return part.count
    }

    public func write(_ bytes: RawSpan, at offset: UInt64) throws(BlockError) {
        write(bytes.array()[...], at: Int(offset))
    }

    public func sync() throws(BlockError) {}

    public func punchHole(at offset: UInt64, count: UInt64) throws(BlockError) {
        try zeroRange(at: offset, count: count)
    }

    public func zeroRange(at offset: UInt64, count: UInt64) throws(BlockError) {
        write([UInt8](repeating: 0, count: Int(count))[...], at: Int(offset))
    }

    public func resize(toBytes count: UInt64) throws(BlockError) {
        content.withLock { bytes in
            if bytes.count > Int(count) { bytes.removeLast(bytes.count - Int(count)) }
            bytes += [UInt8](repeating: 0, count: Int(count) - bytes.count)
        }
    }

    public func hasData(from offset: UInt64) throws(BlockError) -> Bool {
        content.withLock { bytes in bytes.dropFirst(Int(offset)).contains { $0 != 0 } }
    }

    /// Overwrites bytes, growing the store where it must.
    public func write(_ part: ArraySlice<UInt8>, at offset: Int) {
        content.withLock { bytes in
            let end = offset + part.count
            if bytes.count < end { bytes += [UInt8](repeating: 0, count: end - bytes.count) }
            bytes.replaceSubrange(offset..<end, with: part)
        }
    }
}
