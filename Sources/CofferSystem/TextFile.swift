internal import Glibc

/// Small text files, the kernel's above all.
package enum TextFile {
    /// The whole of a file of at most 1 MiB, nil where it cannot be read.
    package static func contents(_ path: String) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 65536)
        while bytes.count < 1 << 20 {
            let got = unsafe read(descriptor, &room, room.count)
            if got < 0 && errno == EINTR { continue }
            guard got > 0 else { break }
            bytes += room.prefix(got)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The last 256 KiB of a file, nil where it cannot be read.
    package static func lastContents(_ path: String) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let end = lseek(descriptor, 0, SEEK_END)
        var room = [UInt8](repeating: 0, count: 256 << 10)
        let got = unsafe pread(descriptor, &room, room.count, max(0, end - off_t(room.count)))
        return got < 0 ? nil : String(decoding: room.prefix(got), as: UTF8.self)
    }
}
