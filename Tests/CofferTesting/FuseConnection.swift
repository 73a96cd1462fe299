internal import CLinux
internal import Glibc

/// The kernel's side of a FUSE mount, by its number. To abort it is the one way to free whoever waits for a daemon
/// that hangs: such a process cannot even be killed.
public enum FuseConnection {
    private static let folder = "/sys/fs/fuse/connections"

    /// Why mounts cannot be tested here, or nil.
    public static let obstacle: String? = {
        guard unsafe access("/dev/fuse", R_OK | W_OK) == 0 else { return "/dev/fuse is missing or denied" }
        return nil
    }()

    /// Ends every request of the connection with an error. Nothing happens when the connection is gone.
    public static func abort(_ number: UInt32) {
        if unsafe access("\(folder)/\(number)", F_OK) != 0 && geteuid() == 0 {
            // Where fusectl is mounted already this fails, and the connection is gone.
            unsafe mount("none", folder, "fusectl", 0, nil)
        }
        let descriptor = unsafe open("\(folder)/\(number)/abort", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        unsafe write(descriptor, "1", 1)
        close(descriptor)
    }

    public static func exists(_ number: UInt32) -> Bool {
        unsafe access("\(folder)/\(number)", F_OK) == 0
    }
}
