internal import Glibc
internal import Synchronization

/// Room for small secrets of one size, cut from slabs of `LockedMemory`, so that a secret costs no system call.
///
/// Every slot is all zero while it is free: a slab is zero at first, and a slot is wiped, whole, before it goes back.
/// What is free is listed outside of the slabs, so that nothing an overrun could garble steers the pool. Slabs stay to
/// the end of the process. Between two slots there is no page that faults; the bounds of the spans that lend them keep
/// neighbours apart.
///
/// A child that goes on after fork(2) without execve(2) finds what `LockedMemory` leaves it: no mapping at all, or
/// zeroes that are its own. It never shares a slot with its parent, and should make no secret: a thread of the parent
/// may have held a lock here.
@safe
final class SecretPool: Sendable {
    /// The largest count of bytes that is served from slabs.
    static let largestBytes = 2048
    private static let smallestBytes = 64
    private static let slabBytes = 16 << 10

    /// By size: 64 bytes, 128 and so on to `largestBytes`.
    private static let pools: [SecretPool] = {
        var pools: [SecretPool] = []
        var slotBytes = smallestBytes
        while slotBytes <= largestBytes {
            pools.append(SecretPool(slotBytes: slotBytes))
            slotBytes *= 2
        }
        return pools
    }()

    /// The pool of the smallest slots that hold `count` bytes, 1 to `largestBytes`.
    static func serving(_ count: Int) -> SecretPool {
        precondition(count > 0 && count <= largestBytes, "a count that no pool serves")
        // Bits of (count - 1) / 64: none for 1 to 64, one for 65 to 128, two for 129 to 256.
        let excess = (count - 1) / smallestBytes
        return pools[Int.bitWidth - excess.leadingZeroBitCount]
    }

    let slotBytes: Int
    private let state = Mutex(State())

    private init(slotBytes: Int) { self.slotBytes = slotBytes }

    /// A zeroed slot, owned by the caller until `release`.
    func take() -> SecretSlot {
        if let slot = state.withLock({ state in state.free.popLast() }) { return slot }
        // The slab is mapped before the lock is taken, which is held for a few instructions only. Two threads that come
        // here at once add a slab each.
        let slab = Slab(count: Self.slabBytes)
        return state.withLock { state in
            let count = Self.slabBytes / slotBytes
            // Enough for every slot there is: `release` never allocates.
            state.slabs.append(slab)
            state.free.reserveCapacity(state.slabs.count * count)
            for index in 1..<count { state.free.append(slab.slot(at: index * slotBytes)) }
            return slab.slot(at: 0)
        }
    }

    /// Wipes a slot that `take` gave, and has it back.
    func release(_ slot: SecretSlot) {
        unsafe explicit_bzero(slot.base, slotBytes)
        state.withLock { state in state.free.append(slot) }
    }

    private struct State {
        var slabs: [Slab] = []
        /// The last released comes first: its lines are still in the cache.
        var free: [SecretSlot] = []
    }

    /// Shared, so that an array can hold it.
    private final class Slab: Sendable {
        private let memory: LockedMemory

        init(count: Int) { memory = LockedMemory(count: count) }

        func slot(at offset: Int) -> SecretSlot { unsafe SecretSlot(base: memory.base + offset) }
    }
}

/// Where a slot lies. Whoever took it from its pool, and nobody else, may touch it until it goes back.
@safe
struct SecretSlot: @unchecked Sendable {
    // Sendable: an address in memory that stays mapped; see above for who may use it.
    let base: UnsafeMutableRawPointer
}

/// Memory of one secret: a slot of a pool, or a mapping of its own with pages that fault on either side.
@safe
@usableFromInline
struct SecretRoom: ~Copyable, @unchecked Sendable {
    // Sendable: one owner; whoever holds the value holds the memory.

    @usableFromInline let base: UnsafeMutableRawPointer
    @usableFromInline let count: Int
    private let mapping: LockedMemory?

    /// Zeroed room for `count` bytes, at least 1.
    init(count: Int) {
        self.count = count
        if count <= SecretPool.largestBytes {
            mapping = nil
            unsafe base = SecretPool.serving(count).take().base
        } else {
            let memory = LockedMemory(count: count)
            unsafe base = memory.base
            mapping = consume memory
        }
    }

    deinit {
        // A mapping wipes itself.
        if count <= SecretPool.largestBytes {
            unsafe SecretPool.serving(count).release(SecretSlot(base: base))
        }
    }

    /// The memory for the length of `body`.
    mutating func withMutableBytes<Result: ~Copyable, Failure: Error>(
        _ body: (inout MutableRawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var span = unsafe UnsafeMutableRawBufferPointer(start: base, count: count).mutableBytes
        return try body(&span)
    }
}
