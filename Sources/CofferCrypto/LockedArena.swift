internal import CofferSecrets
internal import Glibc

/// A small allocator over one piece of locked memory, for a library that calls malloc for what is secret.
///
/// The memory is cut into granules of 64 bytes. A table outside of it says for each granule whether it is free, the
/// first of a run (and how long the run is) or inside of one; freeing clears the entries, so that neighbours join by
/// themselves and nothing that an overrun in the arena could garble steers the allocator. A run is wiped when it is
/// freed. Finding room walks from run to run: right for the hundreds of objects that a library sets up once, not for a
/// general heap. Not safe for several threads: whoever owns it locks.
@safe
struct LockedArena: ~Copyable, @unchecked Sendable {
    // Sendable: one owner; the pointers below belong to it alone.

    static let granuleBytes = 64
    private static let free: UInt32 = 0
    private static let inside = UInt32.max

    private let memory: LockedMemory
    private let table: UnsafeMutableBufferPointer<UInt32>
    /// Where the last search ended: what was freed long ago is found by going round.
    private var cursor = 0
    private(set) var usage: LibcryptoMemory.Usage

    /// Room for `capacityBytes`, rounded down to granules; at least one.
    init(capacityBytes: Int) {
        let granules = capacityBytes / Self.granuleBytes
        precondition(granules > 0 && granules < Int(Self.inside), "an arena has at least one granule")
        memory = LockedMemory(count: granules * Self.granuleBytes)
        unsafe table = UnsafeMutableBufferPointer.allocate(capacity: granules)
        unsafe table.initialize(repeating: Self.free)
        usage = LibcryptoMemory.Usage(
            capacityBytes: granules * Self.granuleBytes,
            protection: memory.protection
        )
    }

    deinit { unsafe table.deallocate() }

    /// Zeroed memory of at least `count` bytes, aligned to a granule; nil when no run is that long, or for 0.
    mutating func allocate(_ count: Int) -> UnsafeMutableRawPointer? {
        guard count > 0 else { return nil }
        let (sum, overflow) = count.addingReportingOverflow(Self.granuleBytes - 1)
        let granules = sum / Self.granuleBytes
        guard !overflow, let first = findRun(granules, from: cursor) ?? findRun(granules, from: 0) else {
            usage.failureCount += 1
            return nil
        }
        unsafe table[first] = UInt32(granules)
        for granule in first + 1..<first + granules { unsafe table[granule] = Self.inside }
        cursor = first + granules
        usage.presentBytes += granules * Self.granuleBytes
        usage.peakBytes = max(usage.peakBytes, usage.presentBytes)
        return unsafe memory.base + first * Self.granuleBytes
    }

    /// Wipes and frees what `allocate` gave. Traps on any other pointer, a freed one included: memory that holds keys
    /// is in disorder then.
    mutating func free(_ pointer: UnsafeMutableRawPointer) {
        let (first, granules) = unsafe run(at: pointer)
        unsafe explicit_bzero(pointer, granules * Self.granuleBytes)
        for granule in first..<first + granules { unsafe table[granule] = Self.free }
        usage.presentBytes -= granules * Self.granuleBytes
    }

    /// Moves what `allocate` gave to at least `count` bytes, more than 0. When there is no room, nil, and the old stays.
    mutating func reallocate(_ pointer: UnsafeMutableRawPointer, _ count: Int) -> UnsafeMutableRawPointer? {
        let room = unsafe run(at: pointer).granules * Self.granuleBytes
        if count <= room && count > room / 2 { return unsafe pointer }
        guard let moved = unsafe allocate(count) else { return nil }
        unsafe moved.copyMemory(from: pointer, byteCount: min(room, count))
        unsafe free(pointer)
        return unsafe moved
    }

    /// The first granule of a free run of that length at or after `start`.
    private func findRun(_ granules: Int, from start: Int) -> Int? {
        var (granule, length) = (start, 0)
        while unsafe granule < table.count {
            let entry = unsafe table[granule]
            if entry == Self.free {
                (granule, length) = (granule + 1, length + 1)
                if length == granules { return granule - length }
            } else {
                // A walk may begin inside of a run that was made since: it steps out of it.
                granule += entry == Self.inside ? 1 : Int(entry)
                length = 0
            }
        }
        return nil
    }

    private func run(at pointer: UnsafeMutableRawPointer) -> (first: Int, granules: Int) {
        let offset = unsafe pointer - memory.base
        precondition(
            offset >= 0 && offset < usage.capacityBytes && offset.isMultiple(of: Self.granuleBytes),
            "a pointer that is not the arena's"
        )
        let entry = unsafe table[offset / Self.granuleBytes]
        precondition(entry != Self.free && entry != Self.inside, "a pointer that is not allocated")
        return (offset / Self.granuleBytes, Int(entry))
    }
}
