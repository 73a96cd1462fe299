internal import Glibc

/// A path as the address of a Unix socket.
struct UnixAddress {
    private var address = sockaddr_un()

    /// The path and the zero that ends it must fit `sun_path`; a longer one would be cut by some systems.
    init(_ path: String) throws(ControlError) {
        let bytes = Array(path.utf8)
        guard !bytes.isEmpty, bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw .pathTooLong
        }
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { target in unsafe target.copyBytes(from: bytes)
        }
    }

    /// A stream socket that closes on exec.
    static func streamSocket() throws(ControlError) -> Int32 {
        let descriptor = socket(AF_UNIX, streamCloseOnExec, 0)
        guard descriptor >= 0 else { throw .system(errno: errno, call: "socket") }
        return descriptor
    }

    /// False while the listener's queue is full.
    func tryConnect(_ descriptor: Int32) throws(ControlError) -> Bool {
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        if unsafe withSocketAddress({ unsafe connect(descriptor, $0, $1) }) == 0 { return true }
        guard errno == EAGAIN || errno == EINTR else { throw .system(errno: errno, call: "connect") }
        return false
    }

    func bind(_ descriptor: Int32) throws(ControlError) {
        guard unsafe withSocketAddress({ unsafe Glibc.bind(descriptor, $0, $1) }) == 0 else {
            throw .system(errno: errno, call: "bind")
        }
    }

    private func withSocketAddress(_ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = self.address
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe call($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}

/// SOCK_STREAM | SOCK_CLOEXEC.
let streamCloseOnExec = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)

/// A moment on the monotonic clock by which something must have happened.
struct Deadline {
    private let nanoseconds: UInt64

    init(milliseconds: Int) {
        nanoseconds = Self.now + UInt64(max(0, milliseconds)) * 1_000_000
    }

    /// Milliseconds that are left, rounded up; 0 when the moment has passed.
    var remaining: Int32 {
        let now = Self.now
        guard now < nanoseconds else { return 0 }
        return Int32(clamping: (nanoseconds - now + 999_999) / 1_000_000)
    }

    private static var now: UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

/// poll(2) on one descriptor; false when the deadline passes first. A peer that closed counts as ready.
func waitUntilReady(
    _ descriptor: Int32,
    for events: Int32,
    by deadline: Deadline
) throws(ControlError) -> Bool {
    while true {
        var poll = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        let ready = unsafe Glibc.poll(&poll, 1, deadline.remaining)
        if ready > 0 { return true }
        if ready == 0 { return false }
        guard errno == EINTR else { throw .system(errno: errno, call: "poll") }
    }
}
