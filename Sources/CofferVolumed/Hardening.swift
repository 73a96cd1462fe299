internal import CLinux
internal import CofferCrypto
internal import CofferXTS
internal import Glibc
internal import Logging

/// What this process gives up so that its key stays where it is.
enum Hardening {
    /// Before anything else, and before the key: no files for others, no core, no debugger of the same user, no signal
    /// that ends the process for a write to a closed socket or past a limit.
    static func beforeTheKey() throws {
        umask(0o077)
        // What else was handed down is nobody's business here, and would be held open as long as the volume is.
        closefrom(5)
        // No folder is kept busy by a daemon that was started in it.
        _ = unsafe chdir("/")
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        raiseLockLimit()
        guard clinux_set_undumpable() == 0 else {
            throw StartFailure("this process cannot be made undumpable")
        }
        _ = signal(SIGPIPE, SIG_IGN)
        _ = signal(SIGXFSZ, SIG_IGN)
        try requireNoBacktraces()
        try LibcryptoMemory.install()
        try XTSKernel.preferred.selfTest()
    }

    /// For the request buffers, which are locked as far as the limit goes. Where it cannot be raised it stays.
    private static func raiseLockLimit() {
        var limit = rlimit(rlim_cur: rlim_t.max, rlim_max: rlim_t.max)
        if unsafe setrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &limit) == 0 { return }
        guard unsafe getrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        unsafe setrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &limit)
    }

    /// Swift's backtracer prints registers and the memory that they point to: key bytes, here. It is set up before
    /// `main`, so that only whoever starts this process can turn it off.
    private static func requireNoBacktraces() throws {
        let settings = unsafe getenv("SWIFT_BACKTRACE").map { unsafe String(cString: $0) } ?? ""
        guard settings.split(separator: ",").contains(where: { $0 == "enable=no" || $0 == "enable=off" })
        else {
            throw StartFailure(
                "a crash would print memory that holds keys, as Swift's backtraces are not turned off",
                hint: "start coffer-volumed with SWIFT_BACKTRACE=enable=no"
            )
        }
    }

    /// Reclaim in the threads to come must not wait for I/O that they would have to serve. It takes a capability that
    /// not every root has.
    static func becomeFlusher(_ log: Logger) {
        if clinux_set_io_flusher() != 0 {
            log.notice("PR_SET_IO_FLUSHER is refused: errno \(errno)")
        }
    }

    /// After the mount, before the threads, which inherit it: root keeps what unmounting takes and nothing else. Other
    /// users have nothing to give up, and need their helper's set-user-ID bit to unmount.
    static func afterTheMount() throws {
        guard geteuid() == 0 else { return }
        // CAP_SYS_ADMIN unmounts; CAP_DAC_READ_SEARCH reaches a folder that lies below another user's.
        let kept: UInt64 = 1 << 21 | 1 << 2
        guard clinux_keep_capabilities(kept) == 0, clinux_set_no_new_privileges() == 0 else {
            throw StartFailure("this process cannot give up its privileges: errno \(errno)")
        }
    }
}
