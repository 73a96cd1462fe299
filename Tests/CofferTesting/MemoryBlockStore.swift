public import CofferBlock
internal import CofferSecrets
internal import Glibc
internal import Synchronization

/// A store in memory that counts, and fails when it is told to.
public final class MemoryBlockStore: BlockStore {
    private struct State {
        var bytes: [UInt8] = []
        var nextError: BlockError?
        var refusesPunching = false
        var punchCount = 0
        var syncCount = 0
        var syncsNow = 0
        var syncsAtOnce = 0
        var syncMicroseconds: UInt32 = 0

        mutating func grow(to count: Int) {
            if bytes.count < count { bytes += [UInt8](repeating: 0, count: count - bytes.count) }
        }
    }

    private let state: Mutex<State>
    public let alignment: Int

    /// Access to data that is not aligned fails with EINVAL, as direct I/O to a file does.
    public init(_ bytes: [UInt8] = [], alignment: Int = 1) {
        state = Mutex(State(bytes: bytes))
        self.alignment = alignment
    }

    /// All of it, now.
    public var bytes: [UInt8] { state.withLock { $0.bytes } }
    public var punchCount: Int { state.withLock { $0.punchCount } }
    public var syncCount: Int { state.withLock { $0.syncCount } }
    /// The most syncs that ran at one time.
    public var syncsAtOnce: Int { state.withLock { $0.syncsAtOnce } }

    /// Thrown once, by the next call of its kind.
    public var nextError: BlockError? {
        get { state.withLock { $0.nextError } }
        set { state.withLock { $0.nextError = newValue } }
    }

    /// Punching and zeroing fail with EOPNOTSUPP.
    public var refusesPunching: Bool {
        get { state.withLock { $0.refusesPunching } }
        set { state.withLock { $0.refusesPunching = newValue } }
    }

    /// How long a sync takes.
    public var syncMicroseconds: UInt32 {
        get { state.withLock { $0.syncMicroseconds } }
        set { state.withLock { $0.syncMicroseconds = newValue } }
    }

    /// Overwrites bytes behind the volume's back, growing the store where it must.
    public func write(_ part: ArraySlice<UInt8>, at offset: Int) {
        state.withLock { state in
            state.grow(to: offset + part.count)
            state.bytes.replaceSubrange(offset..<offset + part.count, with: part)
        }
    }

    public func sizeBytes() throws(BlockError) -> UInt64 { state.withLock { UInt64($0.bytes.count) } }

    public func read(
        into bytes: inout MutableRawSpan,
        at offset: UInt64,
        waits: Bool
    ) throws(BlockError) -> Int {
        try fail(.read)
        try check(
            unsafe bytes.withUnsafeBytes { Int(bitPattern: $0.baseAddress) },
            offset,
            bytes.byteCount,
            .read
        )
        let part = state.withLock { state in
            let start = min(Int(offset), state.bytes.count)
            return Array(state.bytes[start..<min(start + bytes.byteCount, state.bytes.count)])
        }
        unsafe bytes.copy(part.span.bytes, at: 0)
        return part.count
    }

    public func write(_ bytes: RawSpan, at offset: UInt64) throws(BlockError) {
        try fail(.write)
        try check(
            unsafe bytes.withUnsafeBytes { Int(bitPattern: $0.baseAddress) },
            offset,
            bytes.byteCount,
            .write
        )
        write(bytes.array()[...], at: Int(offset))
    }

    public func sync() throws(BlockError) {
        let time = state.withLock { state in
            state.syncCount += 1
            state.syncsNow += 1
            state.syncsAtOnce = max(state.syncsAtOnce, state.syncsNow)
            return state.syncMicroseconds
        }
        if time > 0 { usleep(time) }
        state.withLock { $0.syncsNow -= 1 }
        try fail(.sync)
    }

    public func punchHole(at offset: UInt64, count: UInt64) throws(BlockError) { try clear(offset, count) }

    public func zeroRange(at offset: UInt64, count: UInt64) throws(BlockError) { try clear(offset, count) }

    public func resize(toBytes count: UInt64) throws(BlockError) {
        state.withLock { state in
            state.grow(to: Int(count))
            state.bytes.removeLast(state.bytes.count - Int(count))
        }
    }

    public func nextData(from offset: UInt64) throws(BlockError) -> UInt64? {
        state.withLock { $0.bytes.dropFirst(Int(offset)).firstIndex { $0 != 0 }.map { UInt64($0) } }
    }

    private func clear(_ offset: UInt64, _ count: UInt64) throws(BlockError) {
        if refusesPunching { throw .system(errno: EOPNOTSUPP, call: .allocate) }
        try fail(.allocate)
        state.withLock { state in
            state.punchCount += 1
            let start = min(Int(offset), state.bytes.count)
            let end = min(Int(offset + count), state.bytes.count)
            state.bytes.replaceSubrange(start..<end, with: repeatElement(0, count: end - start))
        }
    }

    private func check(
        _ address: Int,
        _ offset: UInt64,
        _ count: Int,
        _ call: BlockError.Call
    ) throws(BlockError) {
        guard [address, Int(offset), count].allSatisfy({ $0.isMultiple(of: alignment) }) else {
            throw .system(errno: EINVAL, call: call)
        }
    }

    private func fail(_ call: BlockError.Call) throws(BlockError) {
        let error = state.withLock { state -> BlockError? in
            guard case .system(_, call) = state.nextError else { return nil }
            defer { state.nextError = nil }
            return state.nextError
        }
        if let error { throw error }
    }
}
