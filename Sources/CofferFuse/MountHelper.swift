internal import Glibc

/// The helper that mounts and unmounts for users other than root.
enum MountHelper {
    static let path = "/usr/bin/fusermount3"

    /// Unmounts at once.
    static func unmount(_ directory: String) {
        let words: [String] = [path, "-u", "-q", "-z", "--", directory]
        var arguments: [UnsafeMutablePointer<CChar>?] = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { unsafe arguments.forEach { unsafe free($0) } }
        var child = pid_t()
        guard unsafe posix_spawn(&child, path, nil, nil, &arguments, environ) == 0 else { return }
        var status: Int32 = 0
        while unsafe waitpid(child, &status, 0) < 0 && errno == EINTR {}
    }
}
