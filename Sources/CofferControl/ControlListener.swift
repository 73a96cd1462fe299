internal import Glibc

/// Where a daemon listens for requests: a Unix socket that only its owner may reach. The loop that accepts is the
/// caller's.
public struct ControlListener: ~Copyable, Sendable {
    public let path: String
    private let descriptor: Int32

    /// Listens at `path`, mode 0700. A socket that a dead daemon left there is replaced: whoever comes this far holds
    /// the volume's lock, so none that lives is listening. Changes the process's umask for a moment.
    public init(path: String) throws(ControlError) {
        let address = try UnixAddress(path)
        let descriptor = try UnixAddress.streamSocket()
        do throws(ControlError) {
            unsafe unlink(path)  // it may not be there; bind reports whatever else is wrong
            let mask = umask(0o077)
            defer { umask(mask) }
            try address.bind(descriptor)
            guard listen(descriptor, 16) == 0 else { throw .system(errno: errno, call: "listen") }
        } catch {
            close(descriptor)
            throw error
        }
        (self.path, self.descriptor) = (path, descriptor)
    }

    deinit { close(descriptor) }

    /// The next caller's channel, or nil when none came in time.
    public borrowing func accept(timeoutMilliseconds: Int) throws(ControlError) -> ControlChannel? {
        let deadline = Deadline(milliseconds: timeoutMilliseconds)
        while try waitUntilReady(descriptor, for: POLLIN, by: deadline) {
            let peer = Glibc.accept(descriptor, nil, nil)
            if peer >= 0 {
                _ = fcntl(peer, F_SETFD, FD_CLOEXEC)
                return ControlChannel(adopting: peer)
            }
            // A caller that left while it waited is no error of ours.
            guard errno == EINTR || errno == ECONNABORTED else { throw .system(errno: errno, call: "accept") }
        }
        return nil
    }
}
