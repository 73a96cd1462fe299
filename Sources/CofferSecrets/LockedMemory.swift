internal import CLinux
internal import Glibc

/// Zeroed memory for secrets, with one owner: where the kernel has memfd_secret(2) even root's debugger cannot read
/// it; elsewhere it is locked against swap and left out of core dumps. A page that faults lies on either side, and
/// everything is wiped before it goes back. A child that goes on after fork(2) has none of it: with memfd_secret(2) no
/// mapping, so that a touch ends it; elsewhere zeroes.
@safe
public struct LockedMemory: ~Copyable, @unchecked Sendable {
    // Sendable: one owner; whoever holds the value holds the mapping.

    /// How well the memory is hidden.
    public enum Protection: String, Sendable {
        /// memfd_secret(2): out of reach of core dumps, /proc/PID/mem and swap.
        case secretMapping = "memfd_secret"
        /// mlock(2) and MADV_DONTDUMP.
        case locked = "mlock"
        /// MADV_DONTDUMP alone, because the limit on locked memory is used up.
        case undumped = "dontdump"
    }

    private let mapping: UnsafeMutableRawPointer
    private let mappingBytes: Int
    /// The first byte, at the start of a page.
    public let base: UnsafeMutableRawPointer
    /// Usable length, bytes: what was asked for.
    public let count: Int
    /// What the kernel granted.
    public let protection: Protection

    /// Maps room for `count` bytes. Traps when there is no memory at all: a process that cannot hold a key must not run.
    public init(count: Int) {
        let page = Int(getpagesize())
        let room = (count + page - 1) / page * page
        mappingBytes = room + 2 * page
        let fence = unsafe mmap(nil, mappingBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let fence = unsafe fence, unsafe fence != MAP_FAILED else {
            fatalError("no memory for a secret")
        }
        unsafe mapping = fence
        unsafe base = fence + page
        self.count = count
        protection = unsafe Self.fill(base, room)
    }

    deinit {
        unsafe explicit_bzero(base, count)
        unsafe munmap(mapping, mappingBytes)
    }

    /// The memory for the length of `body`.
    public mutating func withMutableBytes<Result: ~Copyable, Failure: Error>(
        _ body: (inout MutableRawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var span = unsafe UnsafeMutableRawBufferPointer(start: base, count: count).mutableBytes
        return try body(&span)
    }

    /// Puts pages under `base`, the best protected that the kernel gives.
    private static func fill(_ base: UnsafeMutableRawPointer, _ room: Int) -> Protection {
        let readWrite = PROT_READ | PROT_WRITE
        let descriptor = clinux_memfd_secret()
        if descriptor >= 0 {
            defer { close(descriptor) }
            // Such a mapping is shared by its nature: a child that inherited it would read the parent's secrets, and
            // wipe them.
            if ftruncate(descriptor, room) == 0,
                unsafe mmap(base, room, readWrite, MAP_SHARED | MAP_FIXED, descriptor, 0) != MAP_FAILED,
                unsafe madvise(base, room, Int32(CLINUX_MADV_DONTFORK)) == 0
            {
                return .secretMapping
            }
        }
        guard
            unsafe mmap(base, room, readWrite, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED
        else { fatalError("no memory for a secret") }
        // A child gets zeroes, a core file gets nothing. Refusals are tolerated: older kernels know fewer of these.
        unsafe madvise(base, room, Int32(CLINUX_MADV_DONTDUMP))
        unsafe madvise(base, room, Int32(CLINUX_MADV_WIPEONFORK))
        return unsafe mlock(base, room) == 0 ? .locked : .undumped
    }
}
