public import CofferBlock
internal import CofferSecrets
internal import Synchronization

/// A block store that remembers each change in order, to replay what a power cut could have left.
///
/// The model: all that was asked before a sync that returned is there. Of what came after it, each 512-byte
/// sector of each write may be there or not, in any order, and a change of size too.
public final class RecordingBlockStore: BlockStore {
    public enum Event: Sendable {
        case write(offset: UInt64, [UInt8])
        case resize(UInt64)
        case sync
        /// A caller was told that something is done; the number says what.
        case acknowledged(Int)
    }

    private let base: MemoryBlockStore
    private let start: [UInt8]
    private let log = Mutex<[Event]>([])

    public init(_ bytes: [UInt8] = []) {
        base = MemoryBlockStore(bytes)
        start = bytes
    }

    public var events: [Event] { log.withLock { $0 } }
    public var bytes: [UInt8] { base.bytes }
    public var alignment: Int { base.alignment }

    public func acknowledge(_ number: Int) { log.withLock { $0.append(.acknowledged(number)) } }

    public func sizeBytes() throws(BlockError) -> UInt64 { try base.sizeBytes() }

    public func read(
        into bytes: inout MutableRawSpan,
        at offset: UInt64,
        waits: Bool
    ) throws(BlockError) -> Int {
        try base.read(into: &bytes, at: offset, waits: waits)
    }

    public func write(_ bytes: RawSpan, at offset: UInt64) throws(BlockError) {
        try base.write(bytes, at: offset)
        log.withLock { $0.append(.write(offset: offset, bytes.array())) }
    }

    public func sync() throws(BlockError) {
        try base.sync()
        log.withLock { $0.append(.sync) }
    }

    public func punchHole(at offset: UInt64, count: UInt64) throws(BlockError) {
        try zeroRange(at: offset, count: count)
    }

    public func zeroRange(at offset: UInt64, count: UInt64) throws(BlockError) {
        let zeroes = [UInt8](repeating: 0, count: Int(count))
        unsafe try write(zeroes.span.bytes, at: offset)
    }

    public func resize(toBytes count: UInt64) throws(BlockError) {
        try base.resize(toBytes: count)
        log.withLock { $0.append(.resize(count)) }
    }

    public func nextData(from offset: UInt64) throws(BlockError) -> UInt64? {
        try base.nextData(from: offset)
    }

    /// What the store holds after the first `count` events, all of them whole; with the last number
    /// acknowledged.
    public func state(afterEvents count: Int) -> (store: MemoryBlockStore, acknowledged: Int?) {
        let done = events.prefix(count)
        let store = MemoryBlockStore(start)
        for event in done { Self.apply(event, to: store) }
        return (store, Self.lastAcknowledged(done))
    }

    /// What a cut after the first `count` events may have left: what was not synced is torn at 512 bytes, in
    /// part missing, and in an order of `random`'s choice.
    public func tornState(
        afterEvents count: Int,
        random: inout some RandomNumberGenerator
    ) -> (store: MemoryBlockStore, acknowledged: Int?) {
        let done = Array(events.prefix(count))
        let synced = done.lastIndex { if case .sync = $0 { true } else { false } } ?? -1
        let store = MemoryBlockStore(start)
        for event in done[..<(synced + 1)] { Self.apply(event, to: store) }
        let loose = done[(synced + 1)...].flatMap(Self.pieces)
        // The share of what survives differs from cut to cut, so that both nearly all and nearly nothing
        // occur.
        let share = Double.random(in: 0...1, using: &random)
        for event in loose.shuffled(using: &random) where Double.random(in: 0...1, using: &random) < share {
            Self.apply(event, to: store)
        }
        return (store, Self.lastAcknowledged(done[...]))
    }

    private static func lastAcknowledged(_ events: ArraySlice<Event>) -> Int? {
        events.reduce(nil) { last, event in if case .acknowledged(let number) = event { number } else { last }
        }
    }

    private static func pieces(_ event: Event) -> [Event] {
        guard case .write(let offset, let bytes) = event else { return [event] }
        return stride(from: 0, to: bytes.count, by: 512).map { start in
            .write(offset: offset + UInt64(start), Array(bytes[start..<min(start + 512, bytes.count)]))
        }
    }

    private static func apply(_ event: Event, to store: MemoryBlockStore) {
        switch event {
        case .write(let offset, let bytes): store.write(bytes[...], at: Int(offset))
        case .resize(let count): try? store.resize(toBytes: count)  // memory never refuses
        case .sync, .acknowledged: break
        }
    }
}
