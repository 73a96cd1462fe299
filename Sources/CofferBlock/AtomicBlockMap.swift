internal import CLinux
internal import Glibc
internal import Synchronization

/// One bit for each block of 512 KiB of a volume, the unit of snapshots. In memory, for volumes of any size: only the
/// pages that hold set bits take room.
///
/// Bits are set and taken back by several threads at once; each change is atomic by itself.
@safe
public final class AtomicBlockMap: @unchecked Sendable {
    // Sendable: the mapping is made in init and goes in deinit; its words are atomic.

    /// As many blocks as the largest volume has.
    public static let blockLimit = Int(Geometry.maximumVolumeBytes) / SnapshotBlock.bytes
    private static let mappedBytes = blockLimit / 8

    private let words: UnsafeMutablePointer<Atomic<UInt64>>

    /// Without a set bit. Traps where there is no memory.
    public init() {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | Int32(CLINUX_MAP_NORESERVE)
        let mapping = unsafe mmap(nil, Self.mappedBytes, PROT_READ | PROT_WRITE, flags, -1, 0)
        guard let mapping = unsafe mapping, unsafe mapping != MAP_FAILED else {
            fatalError("no memory for a map of blocks")
        }
        unsafe words = mapping.bindMemory(to: Atomic<UInt64>.self, capacity: Self.blockLimit / 64)
    }

    deinit { unsafe munmap(words, Self.mappedBytes) }

    @inline(__always)
    public func contains(_ block: Int) -> Bool {
        unsafe word(block).pointee.load(ordering: .relaxed) & Self.bit(block) != 0
    }

    public func insert(_ block: Int) {
        unsafe word(block).pointee.bitwiseOr(Self.bit(block), ordering: .relaxed)
    }

    public func remove(_ block: Int) {
        unsafe word(block).pointee.bitwiseAnd(~Self.bit(block), ordering: .relaxed)
    }

    /// Sets the bits of the first `count` blocks.
    public func insertAll(below count: Int) {
        for block in 0..<count / 64 { unsafe word(block * 64).pointee.store(.max, ordering: .relaxed) }
        for block in count / 64 * 64..<count { insert(block) }
    }

    /// The bits of the first `count` blocks: block *n* is bit *n* % 64 of word *n* / 64.
    public func words(below count: Int) -> [UInt64] {
        stride(from: 0, to: count, by: 64).map { unsafe word($0).pointee.load(ordering: .relaxed) }
    }

    /// The first block with a set bit from `block` on and below `end`.
    public func first(from block: Int, below end: Int) -> Int? {
        var position = block
        while position < end {
            let bits = unsafe word(position).pointee.load(ordering: .relaxed) >> UInt64(position % 64)
            if bits != 0 {
                position += bits.trailingZeroBitCount
                return position < end ? position : nil
            }
            position = (position / 64 + 1) * 64
        }
        return nil
    }

    /// How many of the blocks below `end` have a set bit.
    public func count(below end: Int) -> Int {
        (0..<(end + 63) / 64).reduce(0) { sum, index in
            let rest = end - index * 64
            let mask = rest >= 64 ? UInt64.max : (1 << UInt64(rest)) - 1
            return unsafe sum + (word(index * 64).pointee.load(ordering: .relaxed) & mask).nonzeroBitCount
        }
    }

    /// The bits from `start` on, a multiple of 64, in as many words of 64 as hold those below `end`, as they lie in a
    /// file: bit *n* % 8 of byte *n* / 8.
    func bytes(from start: Int, below end: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity((end - start + 63) / 64 * 8)
        for block in stride(from: start, to: end, by: 64) {
            bytes.append(littleEndian: unsafe word(block).pointee.load(ordering: .relaxed))
        }
        return bytes
    }

    /// Takes over bits from the first block on, as `bytes` gives them.
    func load(_ bytes: [UInt8]) {
        for index in 0..<bytes.count / 8 {
            unsafe word(index * 64).pointee.store(
                bytes.load(UInt64.self, at: index * 8),
                ordering: .relaxed
            )
        }
    }

    @inline(__always)
    private func word(_ block: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        precondition(block >= 0 && block < Self.blockLimit, "no such block")
        return unsafe words + block / 64
    }

    @inline(__always)
    private static func bit(_ block: Int) -> UInt64 { 1 << UInt64(block % 64) }
}
