internal import CofferSystem
internal import Foundation
internal import Glibc

/// The disk under a folder, whose flushes the kernel counts.
struct Disk {
    /// The kernel's name, such as vda.
    let name: String

    /// nil where the folder lies on no block device.
    init?(under folder: String) {
        guard let mount = Filesystem.mount(of: folder),
            var name = Self.name(of: "/sys/dev/block/\(mount.deviceMajor):\(mount.deviceMinor)")
        else { return nil }
        // Device mapper passes flushes on, and does not count them: the first device below it does.
        while let below = try? FileManager.default.contentsOfDirectory(
            atPath: "/sys/class/block/\(name)/slaves"
        )
        .sorted().first {
            name = below
        }
        // A partition's flushes count for the whole disk.
        if unsafe access("/sys/class/block/\(name)/partition", F_OK) == 0,
            let whole = Self.name(of: "/sys/class/block/\(name)/..")
        {
            name = whole
        }
        self.name = name
    }

    /// Flush requests that the disk has completed since it was found (field 16 of its line, after its three names);
    /// nil where the kernel does not count them.
    var flushCount: UInt64? { Self.flushCount(of: name, in: TextFile.contents("/proc/diskstats") ?? "") }

    static func flushCount(of name: String, in text: String) -> UInt64? {
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ")
            if fields.count > 18, fields[2] == name { return UInt64(fields[18]) }
        }
        return nil
    }

    private static func name(of link: String) -> String? {
        guard let real = unsafe realpath(link, nil) else { return nil }
        defer { unsafe free(real) }
        return unsafe String(cString: real).split(separator: "/").last.map(String.init)
    }
}

/// The disk under the backing folder, and its flushes.
struct BackingDisk {
    private let disk: Disk?

    /// Says so where there is no disk to wait for.
    init(_ folder: String, _ voice: BenchVoice) {
        disk = Disk(under: folder)
        if Filesystem.kind(of: folder) == .tmpfs {
            voice.notice(
                "\(folder) lies in memory: nothing waits for a disk; name a folder on one with --backing"
            )
        }
    }

    var flushCount: UInt64? { disk?.flushCount }
}

/// How often the disk was flushed during a run.
struct FlushCounts {
    let before: UInt64?
    let after: UInt64?

    /// The detail of a cell; none where flushes are not counted. What else flushes the disk meanwhile counts, too.
    func details(each commitCount: UInt64) -> [(label: String, value: Double)] {
        guard let before, let after, after >= before, commitCount > 0 else { return [] }
        return [("disk flushes a commit", Double(after - before) / Double(commitCount))]
    }
}
