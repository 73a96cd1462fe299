internal import CofferCrypto
public import CofferShapes
internal import Glibc

/// Which blocks of a volume that was made from a snapshot are filled, which is to say under the volume's own key: one bit
/// for each 512 KiB, durable before anybody relies on it. In a block that is not, a hole means "read the snapshot".
///
/// ```
/// offset  size  field
/// 0x000      8  magic: 43 4F 46 46 49 4C 1A 0A
/// 0x008    2+2  major 1, minor 0
/// 0x00C      4  header length: 4096
/// 0x010     16  uuid of the volume's key
/// 0x020     32  volume id, ASCII, zero-padded
/// 0x040     32  snapshot id, ASCII, zero-padded
/// 0x060      8  blocks that the snapshot covers: those above are the volume's own from the start
/// 0x068      4  block size: 524288
/// 0xFE0     32  SHA-256 of the header with these 32 bytes zero
/// 0x1000        bit n % 8 of byte n / 8: block n; a whole number of 8 bytes
/// ```
/// A map that is missing or damaged cannot be made up for: a block that was filled and then discarded would show the
/// snapshot's content again. Such a volume is not attached.
public final class FillMap: Sendable {
    /// What a map belongs to.
    public struct Identity: Sendable, Equatable {
        public var volumeID: VolumeID
        /// 16 bytes: that of the volume's key.
        public var uuid: [UInt8]
        public var snapshotID: SnapshotID
        public var blockCount: Int

        public init(volumeID: VolumeID, uuid: [UInt8], snapshotID: SnapshotID, blockCount: Int) {
            (self.volumeID, self.uuid) = (volumeID, uuid)
            (self.snapshotID, self.blockCount) = (snapshotID, blockCount)
        }
    }

    public let identity: Identity
    private let store: FileBlockStore
    private let bits = AtomicBlockMap()
    private let monitor = Monitor()

    private static let bitsAt = 4096
    private static let magic: [UInt8] = [0x43, 0x4F, 0x46, 0x46, 0x49, 0x4C, 0x1A, 0x0A]

    /// Makes the map of a new volume, of which nothing is filled, durable but for its name.
    public static func create(path: String, _ identity: Identity) throws(BlockError) {
        let store = try FileBlockStore(path: path, .create)
        let bytes = header(identity) + [UInt8](repeating: 0, count: room(identity))
        unsafe try store.write(bytes.span.bytes, at: 0)
        try store.sync()
    }

    /// Opens a map; nil for one that is none, damaged, or of something else.
    public init?(path: String, _ identity: Identity, isReadOnly: Bool = false) throws(BlockError) {
        self.identity = identity
        store = try FileBlockStore(path: path, isReadOnly ? .readOnly : .readWrite)
        let count = Self.bitsAt + Self.room(identity)
        // One byte more than there may be.
        let bytes = try store.bytes(at: 0, count: count + 1)
        guard bytes.count == count, Array(bytes[..<Self.bitsAt]) == Self.header(identity) else { return nil }
        bits.load(Array(bytes[Self.bitsAt...]))
    }

    @inline(__always)
    func isFilled(_ block: Int) -> Bool { block >= identity.blockCount || bits.contains(block) }

    /// How many blocks are filled, of `identity.blockCount`.
    public var filledCount: Int { bits.count(below: identity.blockCount) }

    /// The first block from `block` on that is not filled.
    func firstUnfilled(from block: Int) -> Int? {
        var block = block
        while block < identity.blockCount {
            if !bits.contains(block) { return block }
            block += 1
        }
        return nil
    }

    /// Notes blocks as filled, whose data is durable; durable itself when this returns.
    func markFilled(_ blocks: Range<Int>) throws(BlockError) {
        monitor.lock()
        defer { monitor.unlock() }
        let part = blocks.clamped(to: 0..<identity.blockCount)
        guard !part.isEmpty else { return }
        let start = part.lowerBound / 64 * 64
        let end = (part.upperBound + 63) / 64 * 64
        var bytes = bits.bytes(from: start, below: end)
        for block in part { bytes[(block - start) / 8] |= 1 << UInt8(block % 8) }
        unsafe try store.write(bytes.span.bytes, at: UInt64(Self.bitsAt + start / 8))
        try store.sync()
        // Last of all: whoever sees a bit relies on it.
        for block in part { bits.insert(block) }
    }

    /// The snapshot that the map at a path is about, whichever volume it belongs to; nil where it is no fill map.
    public static func snapshot(ofMapAt path: String) throws(BlockError) -> SnapshotID? {
        let bytes = try FileBlockStore(path: path, .readOnly).bytes(at: 0, count: bitsAt)
        guard bytes.count == bitsAt, bytes.bytes(at: 0, count: magic.count) == magic else { return nil }
        return bytes.paddedText(at: 0x040, count: 32).flatMap(SnapshotID.init)
    }

    /// Length of the bits, bytes.
    private static func room(_ identity: Identity) -> Int { (identity.blockCount + 63) / 64 * 8 }

    private static func header(_ identity: Identity) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: bitsAt)
        bytes.store(magic, at: 0)
        bytes.store(littleEndian: UInt16(1), at: 0x008)
        bytes.store(littleEndian: UInt32(bitsAt), at: 0x00C)
        bytes.store(identity.uuid, at: 0x010)
        bytes.store(identity.volumeID.text.utf8, at: 0x020)
        bytes.store(identity.snapshotID.text.utf8, at: 0x040)
        bytes.store(littleEndian: UInt64(identity.blockCount), at: 0x060)
        bytes.store(littleEndian: UInt32(SnapshotBlock.bytes), at: 0x068)
        bytes.store(SHA256.digest(bytes), at: 0xFE0)
        return bytes
    }
}
