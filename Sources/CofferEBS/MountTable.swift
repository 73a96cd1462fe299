internal import Glibc

/// One line of /proc/self/mountinfo (proc(5)).
struct MountEntry: Sendable, Equatable {
    /// Device of the mounted filesystem.
    let deviceMajor: UInt32
    let deviceMinor: UInt32
    let mountPoint: String
    let filesystemType: String
    let source: String
}

/// What is mounted where, as this process sees it: the kernel's word, which no record of ours replaces.
enum MountTable {
    static func current() -> [MountEntry] {
        parse(TextFile.contents("/proc/self/mountinfo") ?? "")
    }

    static func parse(_ text: String) -> [MountEntry] {
        text.split(separator: "\n").compactMap { line in
            let halves = line.split(separator: " - ", maxSplits: 1)
            guard halves.count == 2 else { return nil }
            let left = halves[0].split(separator: " ")
            let right = halves[1].split(separator: " ")
            guard left.count >= 5, right.count >= 2 else { return nil }
            let device = left[2].split(separator: ":").compactMap { UInt32($0) }
            guard device.count == 2 else { return nil }
            return MountEntry(
                deviceMajor: device[0],
                deviceMinor: device[1],
                mountPoint: unescape(left[4]),
                filesystemType: String(right[0]),
                source: unescape(right[1])
            )
        }
    }

    /// Undoes the octal escapes of space, tab, newline and backslash.
    private static func unescape(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3,
                digits.allSatisfy({ (0x30...0x37).contains($0) })
            {
                bytes.append(digits.reduce(0) { $0 &* 8 &+ ($1 - 0x30) })
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Small text files of the kernel and of the runtime folder.
enum TextFile {
    /// The whole of a file of at most 1 MiB, nil where it cannot be read.
    static func contents(_ path: String) -> String? {
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
}
