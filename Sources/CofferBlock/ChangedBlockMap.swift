internal import CLinux
internal import CofferCrypto
public import CofferShapes
internal import Glibc

/// Which blocks of a volume may have changed since its last snapshot: one bit for each 512 KiB, in a small file beside
/// the volume's, written before the data that it tells of.
///
/// A map may say too much, never too little: a block that changed without its bit would be missing from the next
/// snapshot. So a map is believed only if it is known that nothing was written past it: after a clean detach at the same
/// attach epoch, or, where a process was killed, within the same boot, as what it had written is in the page cache
/// still. After a power cut data that nobody synced may be on the disk, and its bit not: then `base` is nil, and the next
/// snapshot compares everything.
///
/// Its layout is in docs/format.md, "The changed-block map".
public final class ChangedBlockMap: Sendable {
    /// What the map must be of, to be believed.
    public struct Place: Sendable {
        public var volumeID: VolumeID
        /// 16 bytes: that of the volume's key. A re-encryption changes every block.
        public var uuid: [UInt8]
        /// The attach epoch that the map was last written at, and the one to serve at: one more, where the volume is
        /// attached for writing.
        public var lastEpoch: UInt64
        public var epoch: UInt64
        /// 16 bytes: the kernel's name for this boot (random(4), `boot_id`).
        public var bootID: [UInt8]

        public init(volumeID: VolumeID, uuid: [UInt8], lastEpoch: UInt64, epoch: UInt64, bootID: [UInt8]) {
            (self.volumeID, self.uuid, self.bootID) = (volumeID, uuid, bootID)
            (self.lastEpoch, self.epoch) = (lastEpoch, epoch)
        }
    }

    private let store: FileBlockStore
    private let place: Place
    let bits = AtomicBlockMap()
    private let monitor = Monitor()
    private let kept: Kept

    /// What changes under `monitor`.
    private final class Kept: @unchecked Sendable {
        // Sendable: only touched under the map's monitor.
        var base: SnapshotID?
        var volumeBytes: UInt64

        init(base: SnapshotID?, volumeBytes: UInt64) { (self.base, self.volumeBytes) = (base, volumeBytes) }

        var blockCount: Int { Int(SnapshotBlock.count(ofVolume: volumeBytes)) }
    }

    /// Opens the file, or makes it with mode 0600, and marks it as in use. Throws only where it cannot be made or
    /// written: a map that is damaged, or too old, or of something else counts as none.
    public init(path: String, _ place: Place, volumeBytes: UInt64) throws(BlockError) {
        store = try Self.open(path)
        self.place = place
        let found = try ChangedBlockFile.read(store, place)
        if let found { bits.load(found.bits) }
        kept = Kept(base: found?.base, volumeBytes: volumeBytes)
        try reserve()
        try writeHeader(.inUse)
    }

    /// The snapshot since which the bits tell of changes; nil where nothing is known and everything must be compared.
    public var base: SnapshotID? { locked { kept.base } }

    /// Notes that a block is about to change; in the file before this returns. A map that cannot be written ceases to be
    /// believed; throws only where not even that can be brought about.
    func insert(_ block: Int) throws(BlockError) {
        guard !bits.contains(block) else { return }
        monitor.lock()
        // Last of all: whoever sees the bit in memory takes it to be in the file.
        defer {
            bits.insert(block)
            monitor.unlock()
        }
        // Without a base nobody will ask.
        guard kept.base != nil else { return }
        do throws(BlockError) {
            let start = block / 8 * 8
            let byte = bits.bytes(from: block / 64 * 64, below: block + 1)[block % 64 / 8]
            try write([byte | 1 << UInt8(block % 8)], at: ChangedBlockFile.bitsAt + start / 8)
        } catch {
            try giveUp()
        }
    }

    /// Sets in `map` the blocks that the next snapshot has to look at, which are all where nothing is known.
    func copyBits(to map: AtomicBlockMap) {
        locked {
            if kept.base == nil {
                map.insertAll(below: kept.blockCount)
            } else {
                map.load(bits.bytes(from: 0, below: kept.blockCount))
            }
        }
    }

    /// Begins anew after a snapshot: from now on the bits tell of changes since `base`, and those so far are `changes`.
    /// The caller sees to it that nothing is written meanwhile.
    func restart(base: SnapshotID, changes: AtomicBlockMap) throws(BlockError) {
        monitor.lock()
        defer { monitor.unlock() }
        do throws(BlockError) {
            kept.base = nil
            try writeHeader(.inUse)
            let bytes = changes.bytes(from: 0, below: kept.blockCount)
            bits.load(bytes)
            try write(bytes, at: ChangedBlockFile.bitsAt)
            kept.base = base
            try writeHeader(.inUse)
        } catch {
            try giveUp()
        }
    }

    /// The volume becomes larger: what is new has not changed, as it was never written. A map that has no room for it
    /// ceases to be believed.
    func grow(toBytes count: UInt64) {
        locked {
            kept.volumeBytes = count
            do throws(BlockError) {
                try reserve()
            } catch {
                // A map of the old length is not believed for the new size, whatever its header says.
                try? giveUp()
            }
        }
    }

    /// What was written may be gone from the store: nothing is known any more.
    public func distrust() {
        monitor.lock()
        defer { monitor.unlock() }
        try? giveUp()
    }

    /// Marks the map as clean, once the volume's data is durable and nothing writes any more. One that cannot be written
    /// stays as it is: in use, which a later boot does not believe.
    public func settle() {
        monitor.lock()
        defer { monitor.unlock() }
        do throws(BlockError) {
            try store.sync()
            try writeHeader(.clean)
            try store.sync()
        } catch {}
    }

    // MARK: - The file

    private func locked<Value>(_ body: () -> Value) -> Value {
        monitor.lock()
        defer { monitor.unlock() }
        return body()
    }

    private static func open(_ path: String) throws(BlockError) -> FileBlockStore {
        do throws(BlockError) {
            return try FileBlockStore(path: path, .readWrite)
        } catch {
            guard case .system(ENOENT, .open) = error else { throw error }
            return try FileBlockStore(path: path, .create)
        }
    }

    /// Takes room for all bits, so that none is lost to a full disk later.
    private func reserve() throws(BlockError) {
        let count = ChangedBlockFile.bitsAt + (kept.blockCount + 63) / 64 * 8
        while clinux_fallocate(store.descriptor, 0, 0, off_t(count)) != 0 {
            guard errno == EINTR else { throw .system(errno: errno, call: .allocate) }
        }
    }

    /// Bits that cannot be written are worth nothing: the file loses its header, and with that all belief.
    private func giveUp() throws(BlockError) {
        kept.base = nil
        try store.resize(toBytes: 0)
    }

    private func writeHeader(_ state: ChangedBlockFile.State) throws(BlockError) {
        let digest =
            state == .clean ? SHA256.digest(bits.bytes(from: 0, below: kept.blockCount)) : nil
        try write(ChangedBlockFile.header(place, state, base: kept.base, bitsDigest: digest), at: 0)
    }

    private func write(_ bytes: [UInt8], at offset: Int) throws(BlockError) {
        try unsafe store.write(bytes.span.bytes, at: UInt64(offset))
    }
}
