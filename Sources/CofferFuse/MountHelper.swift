internal import CofferSystem

/// The helper that mounts and unmounts for users other than root.
enum MountHelper {
    static let path = "/usr/bin/fusermount3"

    /// Unmounts at once. What stays is seen by whoever looks at the mounts next.
    static func unmount(_ directory: String) {
        _ = try? ChildProcess.runBlocking(path, ["-u", "-q", "-z", "--", directory])
    }
}
