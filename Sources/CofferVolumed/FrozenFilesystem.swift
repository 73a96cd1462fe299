internal import CLinux
internal import Glibc
internal import Logging

/// A filesystem on a volume that is held still, so that what lies on the volume is clean.
enum FrozenFilesystem {
    /// Runs `body` while the filesystem mounted at `directory` holds still, which it does once it has written all that it
    /// held back. One that cannot be frozen is left alone: then what lies on the volume is what a power cut would leave,
    /// which its journal mends.
    static func run<Failure: Error>(
        at directory: String,
        _ log: Logger,
        _ body: () throws(Failure) -> Void
    ) throws(Failure) {
        let folder = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(folder) }
        guard folder >= 0, clinux_freeze(folder) == 0 else {
            log.notice("the filesystem at \(directory) is not frozen for the snapshot: errno \(errno)")
            return try body()
        }
        // Never left frozen: whoever writes to it could not be killed.
        defer { clinux_thaw(folder) }
        try body()
    }
}
