internal import Glibc

/// The memory control group of this process, where a limit below the machine's memory applies to it.
///
/// A daemon that serves a disk must not share such a group with those who write to it. Its own group's reclaim may wait
/// for writeback of their pages, and that writeback waits for the daemon: then nothing goes on for good. (Seen with
/// groups of version 1 and a backing file in the page cache.)
package struct MemoryGroup: Sendable, Equatable {
    /// As /proc/self/cgroup names it (cgroups(7)).
    package let name: String
    /// The smallest limit of the group and of those around it, bytes.
    package let limitBytes: UInt64
    /// The folder of the nearest group around this one that no limit applies to; nil where none is in sight.
    let unlimitedFolder: String?
    private let isVersion1: Bool

    /// nil when no limit applies.
    package static func limiting() -> MemoryGroup? {
        MemoryGroup(
            groups: TextFile.contents("/proc/self/cgroup") ?? "",
            mounts: MountTable.current(),
            memoryBytes: UInt64(sysconf(Int32(_SC_PHYS_PAGES))) * UInt64(sysconf(Int32(_SC_PAGESIZE))),
            contents: TextFile.contents
        )
    }

    /// From the contents of /proc/self/cgroup, the mounts, and the files of the groups.
    init?(
        groups: String,
        mounts: [MountEntry],
        memoryBytes: UInt64,
        contents: (String) -> String?
    ) {
        guard let place = Self.place(groups, mounts) else { return nil }
        let file = place.isVersion1 ? "memory.limit_in_bytes" : "memory.max"
        // From the mount's root, the outermost group, inwards. "max", and a file that the root group lacks, set none.
        let limits = place.folders.map { folder in
            contents("\(folder)/\(file)").flatMap { UInt64($0.prefix { $0.isNumber }) }
                .flatMap { $0 < memoryBytes ? $0 : nil }
        }
        guard let smallest = limits.compactMap({ $0 }).min() else { return nil }
        (name, limitBytes, isVersion1) = (place.name, smallest, place.isVersion1)
        let outer = limits.prefix { $0 == nil }.count
        unlimitedFolder = outer > 0 ? place.folders[outer - 1] : nil
    }

    /// Moves this process into the nearest group around it that no limit applies to. False where that is not possible:
    /// no such group is in sight, it is not ours to write to, or the groups are of version 2, whose tree belongs to the
    /// service manager.
    package func leave() -> Bool {
        guard isVersion1, let unlimitedFolder else { return false }
        let descriptor = unsafe open("\(unlimitedFolder)/cgroup.procs", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        // 0 stands for the process that writes it.
        return unsafe write(descriptor, "0\n", 2) == 2
    }

    // MARK: - Where it is

    private struct Place {
        let name: String
        let isVersion1: Bool
        /// The group's folder, last, after those of the groups around it.
        let folders: [String]
    }

    /// A controller is in one hierarchy only: that of version 1, if one there has it.
    private static func place(_ groups: String, _ mounts: [MountEntry]) -> Place? {
        var unified: String?
        for line in groups.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            if parts[1].split(separator: ",").contains("memory") {
                guard
                    let mount = mounts.last(where: {
                        $0.filesystemType == "cgroup" && $0.options.split(separator: ",").contains("memory")
                    })
                else { return nil }
                return Place(
                    name: String(parts[2]),
                    isVersion1: true,
                    folders: folders(String(parts[2]), mount)
                )
            }
            if parts[0] == "0", parts[1].isEmpty { unified = String(parts[2]) }
        }
        guard let unified, let mount = mounts.last(where: { $0.filesystemType == "cgroup2" }) else {
            return nil
        }
        return Place(name: unified, isVersion1: false, folders: folders(unified, mount))
    }

    /// A group outside of what is mounted, as a container sees its own at times, is taken for the mount's root.
    private static func folders(_ name: String, _ mount: MountEntry) -> [String] {
        let (own, root) = (name.split(separator: "/"), mount.root.split(separator: "/"))
        var folders = [mount.mountPoint]
        guard own.starts(with: root), !own.contains("..") else { return folders }
        for part in own.dropFirst(root.count) { folders.append("\(folders[folders.count - 1])/\(part)") }
        return folders
    }
}
