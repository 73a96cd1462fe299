internal import Glibc
internal import Synchronization

/// A bench was asked to stop: whoever sees it undoes what it has set up on its way out.
public struct Interrupted: Error {
    public let signal: Int32
    /// As a shell has it for a program that a signal ended.
    public var exitCode: Int32 { 128 + signal }
}

/// SIGINT, SIGTERM and SIGHUP, noted and not obeyed at once: mounts and servers are taken down first, in order.
public enum Interruption {
    private static let signal = Atomic<Int32>(0)

    /// From here on the signals are noted. One that whoever started us has us ignore, as nohup(1) does, stays ignored.
    public static func watch() {
        // Made before a handler can want it: making it there would take a lock.
        signal.store(0, ordering: .relaxed)
        for number in [SIGINT, SIGTERM, SIGHUP] {
            var old = sigaction()
            unsafe sigaction(number, nil, &old)
            guard unsafe unsafeBitCast(old.__sigaction_handler.sa_handler, to: Int.self) != ignored else {
                continue
            }
            var action = sigaction()
            unsafe action.__sigaction_handler.sa_handler = { Interruption.note($0) }
            action.sa_flags = SA_RESTART
            unsafe sigaction(number, &action, nil)
            // A starter's thread may have had it blocked, which would be ours then.
            var one = sigset_t()
            unsafe sigemptyset(&one)
            unsafe sigaddset(&one, number)
            unsafe pthread_sigmask(SIG_UNBLOCK, &one, nil)
        }
    }

    /// SIG_IGN, a cast that Swift does not import.
    private static let ignored = 1

    private static func note(_ number: Int32) { signal.store(number, ordering: .relaxed) }

    static var isAsked: Bool { signal.load(ordering: .relaxed) != 0 }

    /// Throws `Interrupted` once a signal has come.
    static func check() throws {
        let number = signal.load(ordering: .relaxed)
        if number != 0 { throw Interrupted(signal: number) }
    }
}
