internal import CofferSecrets
internal import CofferSystem
internal import CofferTerminal
internal import CofferXTS
internal import Foundation

/// Looks at what volumes need of a machine. Changes nothing.
enum Diagnosis {
    static func all() -> [DoctorFinding] {
        let isRoot = geteuid() == 0
        var findings = [daemon(), fuse(), fusermount(isRoot: isRoot)]
        if isRoot {
            findings += [loop(), mountHelper()]
        } else {
            findings += [
                program("fuse2fs", for: "mounting without root", package: "fuse2fs", whenAbsent: .missing),
                program("e2fsck", for: "mending ext4", package: "e2fsprogs", whenAbsent: .missing),
            ]
        }
        findings += [
            program("mkfs.ext4", for: "making ext4", package: "e2fsprogs", whenAbsent: .missing),
            program("blkid", for: "telling filesystems apart", package: "util-linux", whenAbsent: .missing),
            program("mkfs.xfs", for: "making XFS", package: "xfsprogs", whenAbsent: .note),
            fuseControl(),
            cipher(),
            lockedMemory(),
            memoryLimit(),
        ]
        return findings
    }

    private static func daemon() -> DoctorFinding {
        do {
            return DoctorFinding("coffer-volumed", .ok, try DaemonProgram.path())
        } catch {
            return DoctorFinding(
                "coffer-volumed",
                .missing,
                "the daemon's program is not beside this one",
                hint: "build or install both"
            )
        }
    }

    private static func fuse() -> DoctorFinding {
        if canOpen("/dev/fuse") { return DoctorFinding("/dev/fuse", .ok, "can be opened") }
        return DoctorFinding(
            "/dev/fuse",
            .missing,
            "cannot be opened",
            hint: "load the module with `modprobe fuse`, or give this container the device"
        )
    }

    /// Root mounts by system call; others through the setuid program.
    private static func fusermount(isRoot: Bool) -> DoctorFinding {
        program(
            "fusermount3",
            for: isRoot ? "mounting without root" : "mounting",
            package: "fuse3",
            whenAbsent: isRoot ? .note : .missing
        )
    }

    private static func loop() -> DoctorFinding {
        if canOpen("/dev/loop-control") {
            return DoctorFinding("loop devices", .ok, "can be made")
        }
        return DoctorFinding(
            "loop devices",
            .missing,
            "/dev/loop-control cannot be opened",
            hint: "load the module with `modprobe loop`"
        )
    }

    /// For `mount -t coffer` and lines of fstab(5).
    private static func mountHelper() -> DoctorFinding {
        if let path = MountHelper.installed {
            return DoctorFinding(MountHelper.name, .ok, "\(path), for `mount -t coffer` and fstab")
        }
        return DoctorFinding(
            MountHelper.name,
            .note,
            "not found; for `mount -t coffer` and fstab",
            hint: "ln --symbolic \(MountHelper.program) /sbin/\(MountHelper.name)"
        )
    }

    private static func program(
        _ name: String,
        for purpose: String,
        package: String,
        whenAbsent level: DoctorFinding.Level
    ) -> DoctorFinding {
        let folders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"]
        if let folder = folders.first(where: { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }
        ) {
            return DoctorFinding(name, .ok, "\(folder)/\(name), for \(purpose)")
        }
        return DoctorFinding(name, level, "not found; for \(purpose)", hint: "apt-get install \(package)")
    }

    private static func canOpen(_ device: String) -> Bool {
        FileManager.default.isReadableFile(atPath: device)
            && FileManager.default.isWritableFile(atPath: device)
    }

    private static func fuseControl() -> DoctorFinding {
        let folder = "/sys/fs/fuse/connections"
        if MountTable.current().contains(where: { $0.mountPoint == folder }) {
            return DoctorFinding("fusectl", .ok, "mounted: a daemon that hangs can be aborted")
        }
        return DoctorFinding(
            "fusectl",
            .note,
            "not mounted: root's `unmount --force` mounts it when a daemon hangs",
            hint: "mount -t fusectl none \(folder)"
        )
    }

    private static func cipher() -> DoctorFinding {
        let kernel: XTSKernel
        do {
            kernel = try XTSKernel.preferred
        } catch {
            return DoctorFinding(
                "cipher",
                .missing,
                "\(XTSKernel.environmentName) names a kernel that this processor does not have",
                hint: "it has: \(XTSKernel.all.map(\.name).joined(separator: ", "))"
            )
        }
        do {
            try kernel.selfTest()
        } catch {
            return DoctorFinding("cipher", .missing, "the kernel \(kernel.name) failed its self-test")
        }
        let info = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let hasAES = info.contains(" aes ") || info.contains(" aes\n")
        return DoctorFinding(
            "cipher",
            hasAES ? .ok : .note,
            "kernel \(kernel.name), self-test passed"
                + (hasAES ? "" : "; this processor has no AES instructions: expect low speed")
        )
    }

    private static func lockedMemory() -> DoctorFinding {
        let memory = LockedMemory(count: 4096)
        switch memory.protection {
        case .secretMapping:
            return DoctorFinding("key memory", .ok, "memfd_secret: out of reach of dumps, swap and debuggers")
        case .locked:
            return DoctorFinding(
                "key memory",
                .note,
                "locked and left out of core dumps; this kernel offers no memfd_secret"
            )
        case .undumped:
            return DoctorFinding(
                "key memory",
                .note,
                "left out of core dumps, but it can be swapped",
                hint: "raise the limit on locked memory (`ulimit -l`)"
            )
        }
    }

    /// A daemon that shares a memory-limited group with the writers above it can deadlock with them (`MemoryGroup`).
    private static func memoryLimit() -> DoctorFinding {
        guard let group = MemoryGroup.limiting() else {
            return DoctorFinding("memory group", .ok, "no memory limit applies here")
        }
        return DoctorFinding(
            "memory group",
            .note,
            "this shell is in the memory group \(group.name), limited to \(group.limitBytes >> 20) MiB: a daemon leaves it "
                + "if it can, and otherwise uses direct I/O",
            hint: "attach volumes from outside of that group for the higher speed"
        )
    }
}
