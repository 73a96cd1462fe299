internal import COpenSSL
public import CofferSecrets
internal import Synchronization

/// Makes libcrypto allocate in locked memory, all of it: key schedules, HMAC states and what key derivation leaves
/// behind lie on the ordinary heap otherwise, where a core file, swap and a debugger find them.
///
/// For a process that does little else with libcrypto, such as the daemon of one volume: the room is fixed, and
/// an allocation that does not fit fails inside libcrypto, whose callers report `.engine` or `.kernel`.
public enum LibcryptoMemory {
    /// Room by default. Serving one volume with 16 threads takes less than a quarter (see the tests).
    public static let defaultCapacityBytes = 2 << 20

    /// Why libcrypto's memory could not be moved. `description` is one sentence for people.
    public enum InstallError: Error, Equatable, Sendable, CustomStringConvertible {
        /// libcrypto has allocated before, so some of its memory would stay outside.
        case tooLate
        case alreadyInstalled

        public var description: String {
            switch self {
            case .tooLate: "libcrypto was used before its memory could be locked"
            case .alreadyInstalled: "libcrypto's memory is locked already"
            }
        }
    }

    /// What the arena holds, bytes; all zero where none is installed.
    public struct Usage: Sendable, Equatable {
        public var capacityBytes = 0
        public var presentBytes = 0
        public var peakBytes = 0
        /// Allocations that did not fit.
        public var failureCount = 0
        public var protection: LockedMemory.Protection?
    }

    /// The arena once it is installed. It stays to the end of the process, as libcrypto's own clean-up uses it.
    private static let arena = Mutex<LockedArena?>(nil)

    public static var usage: Usage { arena.withLock { $0?.usage ?? Usage() } }

    /// Moves libcrypto's memory into an arena of `capacityBytes`. To be called before anything else of libcrypto's.
    public static func install(capacityBytes: Int = defaultCapacityBytes) throws(InstallError) {
        let isFresh = arena.withLock { arena in
            guard arena == nil else { return false }
            arena = LockedArena(capacityBytes: capacityBytes)
            return true
        }
        guard isFresh else { throw .alreadyInstalled }
        let isInstalled = unsafe CRYPTO_set_mem_functions(
            { count, _, _ in unsafe LibcryptoMemory.allocate(count) },
            { pointer, count, _, _ in unsafe LibcryptoMemory.reallocate(pointer, count) },
            { pointer, _, _ in unsafe LibcryptoMemory.free(pointer) }
        )
        guard isInstalled == 1 else {
            arena.withLock { $0 = nil }
            throw .tooLate
        }
    }

    // The three with libcrypto's rules: no bytes are no memory, and a null pointer is nothing to free.

    private static func allocate(_ count: Int) -> UnsafeMutableRawPointer? {
        unsafe arena.withLock { arena in unsafe Address(arena?.allocate(count)) }.pointer
    }

    private static func reallocate(
        _ pointer: UnsafeMutableRawPointer?,
        _ count: Int
    ) -> UnsafeMutableRawPointer? {
        guard let pointer = unsafe pointer else { return unsafe allocate(count) }
        let old = unsafe Address(pointer)
        guard count > 0 else {
            unsafe free(pointer)
            return nil
        }
        return unsafe arena.withLock { arena in
            guard let pointer = unsafe old.pointer else { return unsafe Address(nil) }
            return unsafe Address(arena?.reallocate(pointer, count))
        }.pointer
    }

    private static func free(_ pointer: UnsafeMutableRawPointer?) {
        let old = unsafe Address(pointer)
        arena.withLock { arena in
            if let pointer = unsafe old.pointer { unsafe arena?.free(pointer) }
        }
    }

    /// A pointer on its way into or out of the lock; it points to memory of the arena, which stays.
    @safe
    private struct Address: @unchecked Sendable {
        let pointer: UnsafeMutableRawPointer?

        init(_ pointer: UnsafeMutableRawPointer?) { unsafe self.pointer = pointer }
    }
}
