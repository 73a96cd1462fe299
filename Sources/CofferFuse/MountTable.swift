internal import CFuse
internal import Glibc
internal import Synchronization

/// The mounts of this process's namespace, as /proc/self/mountinfo has them (proc_pid_mountinfo(5)).
enum MountTable {
    static let helperPath = "/usr/bin/fusermount3"

    /// Whether the FUSE connection of that number is mounted on `directory`. Looks at no file of the mount, which may
    /// not answer.
    static func contains(directory: String, connection: UInt32) -> Bool {
        guard let table = unsafe fopen("/proc/self/mountinfo", "re") else { return false }
        defer { unsafe fclose(table) }
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { unsafe free(line) }
        while unsafe getline(&line, &capacity, table) > 0 {
            guard let text = unsafe line else { return false }
            let fields = unsafe String(cString: text).split(separator: " ")
            // Field 3 is major:minor, field 5 the mount point with blanks as \040.
            if fields.count > 5, fields[2] == "0:\(connection)", fields[4] == escaped(directory) {
                return true
            }
        }
        return false
    }

    /// Unmounts at once by the helper that may do so for users other than root.
    static func unmountByHelper(_ directory: String) {
        let words: [String] = [helperPath, "-u", "-q", "-z", "--", directory]
        var arguments: [UnsafeMutablePointer<CChar>?] = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { unsafe arguments.forEach { unsafe free($0) } }
        var child = pid_t()
        guard unsafe posix_spawn(&child, helperPath, nil, nil, &arguments, environ) == 0 else { return }
        var status: Int32 = 0
        while unsafe waitpid(child, &status, 0) < 0 && errno == EINTR {}
    }

    private static func escaped(_ path: String) -> String {
        var text = ""
        for character in path.unicodeScalars {
            switch character {
            case " ": text += "\\040"
            case "\t": text += "\\011"
            case "\n": text += "\\012"
            case "\\": text += "\\134"
            default: text.unicodeScalars.append(character)
            }
        }
        return text
    }
}

/// stat(2) of a path by a thread that may hang without holding anybody up.
final class MountProbe: Sendable {
    struct Found: Sendable {
        var errno: Int32 = 0
        var sizeBytes: UInt64 = 0
        /// The minor number of the file's device.
        var connection: UInt32 = 0
    }

    private let path: String
    private let found = Mutex<Found?>(nil)

    init(path: String) { self.path = path }

    /// nil when there was no answer in time, or no thread to ask with; one that waits is left to itself.
    func wait(timeoutMilliseconds: Int) -> Found? {
        var thread = pthread_t()
        let argument = unsafe Unmanaged.passRetained(self)
        let status = unsafe pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<MountProbe>.fromOpaque(argument).takeRetainedValue().look()
                return nil
            },
            argument.toOpaque()
        )
        guard status == 0 else {
            unsafe argument.release()
            return nil
        }
        pthread_detach(thread)
        for _ in 0..<max(1, timeoutMilliseconds) {
            if let found = found.withLock({ $0 }) { return found }
            usleep(1000)
        }
        return nil
    }

    private func look() {
        var status = stat()
        let result = unsafe stat(path, &status)
        let error = result == 0 ? 0 : errno
        found.withLock {
            $0 = Found(
                errno: error,
                sizeBytes: UInt64(status.st_size),
                connection: Self.minor(status.st_dev)
            )
        }
    }

    /// minor(3), a macro: the low byte, and what lies above bit 20.
    private static func minor(_ device: dev_t) -> UInt32 {
        UInt32(truncatingIfNeeded: device & 0xFF | device >> 12 & 0xFFFF_FF00)
    }
}
