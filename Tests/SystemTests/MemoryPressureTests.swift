import CofferTesting
import Foundation
import Testing

/// A daemon under a block device must not deadlock in reclaim. It does when it shares a memory-limited group of version 1
/// with the writer above it, and its store is in the page cache: reclaim for the daemon's page waits for the writeback
/// of the writer's pages, and that waits for the daemon.
@Suite(
    .serialized,
    .mounts,
    .mountable,
    .enabled(if: LimitedGroup.isPossible, "no memory groups of version 1 to make")
)
struct MemoryPressureTests {
    /// Six times the group's limit, through the filesystem and to the medium.
    private static func fill(
        _ mount: String,
        in group: LimitedGroup,
        limitSeconds: Int
    ) throws -> CofferProgram.Outcome {
        try group.run(
            "dd if=/dev/zero of='\(mount)/filled' bs=1M count=400 conv=fsync",
            limitSeconds: limitSeconds
        )
    }

    @Test func `a volume that is mounted from a limited group is served from outside of it`() throws {
        let group = try LimitedGroup(megabytes: 64)
        let coffer = try CofferProgram()
        let id = try coffer.succeed("volume", "create", "--size", "600MiB")
        let mount = coffer.folder.path("mnt")
        let mounted = try group.run(
            "'\(CofferProgram.programs)/coffer' volume mount \(id) '\(mount)' --home '\(coffer.home)'"
        )
        #expect(mounted.code == 0, "\(mounted.errors)")
        let daemon = try #require(Daemons.processID(volume: id))
        #expect(!group.processes.contains(daemon))
        #expect(try coffer.succeed("volume", "show", id).contains("cached"))
        let filled = try Self.fill(mount, in: group, limitSeconds: 60)
        #expect(filled.code == 0, "\(filled.errors)")
        _ = try coffer.succeed("volume", "unmount", id)
    }

    @Test func `with direct I/O to its file a daemon in the writer's own limited group goes on`() throws {
        let group = try LimitedGroup(megabytes: 64)
        let coffer = try CofferProgram()
        let id = try coffer.succeed("volume", "create", "--size", "600MiB")
        let mount = coffer.folder.path("mnt")
        _ = try coffer.succeed("volume", "mount", id, mount, "--backing-io", "direct")
        #expect(try coffer.succeed("volume", "show", id).contains("direct"))
        try group.add(try #require(Daemons.processID(volume: id)))
        let filled = try Self.fill(mount, in: group, limitSeconds: 60)
        #expect(filled.code == 0, "\(filled.errors)")
        _ = try coffer.succeed("volume", "unmount", id)
    }

    /// The deadlock itself, made by force. Whether it comes is the kernel's affair; that one command gets out of it is
    /// ours.
    @Test func `a daemon that deadlocks with its writer is undone by force, and the volume mounts again`()
        throws
    {
        let group = try LimitedGroup(megabytes: 64)
        let coffer = try CofferProgram()
        let id = try coffer.succeed("volume", "create", "--size", "600MiB")
        let mount = coffer.folder.path("mnt")
        _ = try coffer.succeed("volume", "mount", id, mount, "--backing-io", "cached")
        try group.add(try #require(Daemons.processID(volume: id)))
        do {
            let filled = try Self.fill(mount, in: group, limitSeconds: 12)
            print("memory pressure: no deadlock came; the writer ended with \(filled.code)")
        } catch is TimeLimitExceeded {
            print("memory pressure: the deadlock came")
        }
        let undone = try coffer.run("volume", "unmount", id, "--force", limitSeconds: 60)
        #expect(waits(seconds: 20) { Daemons.processID(volume: id) == nil }, "\(undone.errors)")
        #expect(try coffer.run("volume", "unmount", id, "--force").code == 0)
        _ = try coffer.succeed("volume", "mount", id, mount)
        _ = try coffer.succeed("volume", "unmount", id)
    }
}

/// A memory group of version 1 with a limit, gone at the end.
private final class LimitedGroup {
    private static let base = "/sys/fs/cgroup/memory"
    private let folder: String

    static let isPossible: Bool = {
        guard geteuid() == 0, FileManager.default.fileExists(atPath: "\(base)/memory.limit_in_bytes") else {
            return false
        }
        return (try? LimitedGroup(megabytes: 64)) != nil
    }()

    init(megabytes: Int) throws {
        folder = "\(Self.base)/coffer-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        try Self.write("\(megabytes << 20)", to: "\(folder)/memory.limit_in_bytes")
    }

    deinit {
        // Whoever is left goes to the root group, so that the folder can go.
        for process in processes { try? Self.write("\(process)", to: "\(Self.base)/cgroup.procs") }
        unsafe rmdir(folder)
    }

    var processes: [Int32] {
        ((try? String(contentsOfFile: "\(folder)/cgroup.procs", encoding: .utf8)) ?? "")
            .split(separator: "\n").compactMap { Int32($0) }
    }

    func add(_ process: Int32) throws { try Self.write("\(process)", to: "\(folder)/cgroup.procs") }

    /// Runs a line of shell within the group.
    func run(_ line: String, limitSeconds: Int = 60) throws -> CofferProgram.Outcome {
        try CofferProgram.execute(
            "/bin/bash",
            ["-c", "echo $$ > '\(folder)/cgroup.procs' && exec \(line)"],
            limitSeconds: limitSeconds
        )
    }

    private static func write(_ text: String, to path: String) throws {
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        defer { try? handle.close() }
        try handle.write(contentsOf: Data(text.utf8))
    }
}
