internal import Testing

@testable internal import CofferSystem

@Suite struct MemoryGroupTests {
    /// A machine with 16 GiB, its mounts, and what the groups' files hold.
    private static func group(
        _ groups: String,
        _ mounts: String,
        _ files: [String: String]
    ) -> MemoryGroup? {
        MemoryGroup(
            groups: groups,
            mounts: MountTable.parse(mounts),
            memoryBytes: 16 << 30,
            contents: { files[$0] }
        )
    }

    private static let version1 = "30 25 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    private static let unified = "31 25 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n"
    private static let none = "9223372036854771712\n"

    @Test func `a limit of a version 1 group counts, and the nearest group without one is found`() {
        let found = Self.group(
            "5:memory:/a/b/c\n0::/x\n",
            Self.version1 + Self.unified,
            [
                "/sys/fs/cgroup/memory/memory.limit_in_bytes": Self.none,
                "/sys/fs/cgroup/memory/a/memory.limit_in_bytes": Self.none,
                "/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "67108864\n",
                "/sys/fs/cgroup/memory/a/b/c/memory.limit_in_bytes": "134217728\n",
            ]
        )
        #expect(found?.name == "/a/b/c" && found?.limitBytes == 64 << 20)
        #expect(found?.unlimitedFolder == "/sys/fs/cgroup/memory/a")
    }

    @Test func `a limit of a version 2 group counts, but such a group is not left`() {
        let found = Self.group(
            "0::/user.slice/app.scope\n",
            Self.unified,
            [
                "/sys/fs/cgroup/user.slice/memory.max": "max\n",
                "/sys/fs/cgroup/user.slice/app.scope/memory.max": "1073741824\n",
            ]
        )
        #expect(found?.limitBytes == 1 << 30)
        #expect(found?.leave() == false)
    }

    @Test func `no limit, one above the machine's memory, and none to be seen are no limit`() {
        #expect(Self.group("0::/a\n", Self.unified, ["/sys/fs/cgroup/a/memory.max": "max\n"]) == nil)
        #expect(Self.group("0::/a\n", Self.unified, ["/sys/fs/cgroup/a/memory.max": "17179869184\n"]) == nil)
        #expect(Self.group("5:memory:/a\n", Self.unified, [:]) == nil)
        #expect(Self.group("", "", [:]) == nil)
        #expect(Self.group("nonsense\n5:memory\n::\n", Self.version1, [:]) == nil)
    }

    /// A container sees its own group as the root of the mount, and may be told a path outside of it.
    @Test(arguments: ["/docker/c1", "/docker/c1/inner", "/../../elsewhere"])
    func `a container's group is found below what is mounted`(name: String) {
        let found = Self.group(
            "5:memory:\(name)\n",
            "30 25 0:26 /docker/c1 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
            ["/sys/fs/cgroup/memory/memory.limit_in_bytes": "536870912\n"]
        )
        #expect(found?.limitBytes == 512 << 20 && found?.unlimitedFolder == nil)
        #expect(found?.leave() == false)
    }
}
