/// One line of /proc/self/mountinfo (proc(5)).
package struct MountEntry: Sendable, Equatable {
    /// Device of the mounted filesystem.
    package let deviceMajor: UInt32
    package let deviceMinor: UInt32
    /// Which folder of the filesystem is mounted; `/` is all of it.
    package let root: String
    package let mountPoint: String
    package let filesystemType: String
    package let source: String
    /// The filesystem's own options, separated by commas.
    package let options: String

    /// Whether both are the same mount. Its options change while it lasts: a filesystem with an error turns read-only.
    package static func == (one: MountEntry, other: MountEntry) -> Bool {
        one.deviceMajor == other.deviceMajor && one.deviceMinor == other.deviceMinor && one.root == other.root
            && one.mountPoint == other.mountPoint && one.filesystemType == other.filesystemType
            && one.source == other.source
    }
}

/// What is mounted where, as this process sees it: the kernel's word, which no record of ours replaces.
package enum MountTable {
    package static func current() -> [MountEntry] {
        parse(TextFile.contents("/proc/self/mountinfo") ?? "")
    }

    package static func parse(_ text: String) -> [MountEntry] {
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
                root: unescape(left[3]),
                mountPoint: unescape(left[4]),
                filesystemType: String(right[0]),
                source: unescape(right[1]),
                options: right.count > 2 ? String(right[2]) : ""
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
