import CofferTesting
import Foundation
import Testing

/// fsync means durable, seen from outside by strace. The kills show less, that a daemon's death loses nothing it
/// acknowledged: the page cache of the backing file survives it.
@Suite(.serialized, .mounts, .mountable)
struct DurabilityTests {
    @Test func `a sync that fails makes the volume faulted until it is attached again`() throws {
        let coffer = try CofferProgram()
        let id = try coffer.succeed("volume", "create", "--size", "4MiB")
        let exposed = try coffer.succeed("volume", "attach", id)
        let daemon = try #require(Daemons.processID(volume: id))
        let tracer = try Tracer(
            process: daemon,
            ["-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=1"]
        )
        let file = try RawFile(exposed)
        try file.write(Array(repeating: 1, count: 4096), at: 0)
        #expect(throws: RawFile.Failure(errno: EIO)) { try file.sync() }
        try tracer.end()
        // The fault stays although the store would sync again.
        #expect(throws: RawFile.Failure(errno: EIO)) {
            try file.write(Array(repeating: 2, count: 4096), at: 4096)
        }
        #expect(throws: RawFile.Failure(errno: EIO)) { try file.sync() }
        #expect(try file.read(4096, at: 0) == Array(repeating: 1, count: 4096), "reads go on")
        #expect(try coffer.succeed("volume", "show", id).contains("faulted"))
        #expect(try coffer.succeed("volume", "ls").contains("faulted"))
        withExtendedLifetime(file) {}
        let undone = try coffer.run("volume", "unmount", id, "--force")
        #expect(undone.code == 1 && undone.errors.contains("may be lost"), "a loss is told")
        #expect(try coffer.succeed("volume", "ls").contains("available"))
        let again = try coffer.succeed("volume", "attach", id)
        try RawFile(again).write(Array(repeating: 3, count: 4096), at: 4096)
        try RawFile(again).sync()
        _ = try coffer.succeed("volume", "detach", id)
    }

    @Test func `an unmount whose last sync fails says that writes may be lost`() throws {
        let coffer = try CofferProgram()
        let mount = coffer.folder.path("mnt")
        let id = try coffer.succeed("volume", "create", "--size", "16MiB")
        _ = try coffer.succeed("volume", "mount", id, mount)
        let daemon = try #require(Daemons.processID(volume: id))
        // In memory until the unmount writes it.
        try Data("x".utf8).write(to: URL(fileURLWithPath: "\(mount)/file"))
        let tracer = try Tracer(
            process: daemon,
            ["-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO"]
        )
        let undone = try coffer.run("volume", "unmount", id)
        #expect(undone.code == 1 && undone.errors.contains("may be lost"))
        try tracer.end()
        #expect(try coffer.succeed("volume", "ls").contains("available"))
        #expect(try coffer.run("volume", "unmount", id).code == 0, "told once")
    }

    @Test func `a write with O_DSYNC is answered only after an fdatasync of the backing file`() throws {
        let coffer = try CofferProgram()
        let id = try coffer.succeed("volume", "create", "--size", "4MiB")
        let exposed = try coffer.succeed("volume", "attach", id)
        let daemon = try #require(Daemons.processID(volume: id))
        let tracer = try Tracer(
            process: daemon,
            ["-e", "trace=fdatasync", "-e", "inject=fdatasync:delay_exit=100000"]
        )
        do {
            let plain = try RawFile(exposed)
            let start = ContinuousClock.now
            try plain.write(Array(repeating: 1, count: 4096), at: 0)
            #expect(ContinuousClock.now - start < .milliseconds(90), "a plain write waits for no sync")
            for flags in [O_DSYNC, O_SYNC] {
                let synced = try RawFile(exposed, O_RDWR | flags)
                let start = ContinuousClock.now
                try synced.write(Array(repeating: 2, count: 4096), at: 8192)
                #expect(ContinuousClock.now - start >= .milliseconds(100))
            }
        }
        try tracer.end()
        _ = try coffer.succeed("volume", "detach", id)
    }

    @Test func `each fsync of the exposed file is answered only after an fdatasync of the backing file`()
        throws
    {
        let coffer = try CofferProgram()
        let id = try coffer.succeed("volume", "create", "--size", "4MiB")
        let exposed = try coffer.succeed("volume", "attach", id)
        let daemon = try #require(Daemons.processID(volume: id))
        let log = coffer.folder.path("strace")
        // Each fdatasync takes 100 ms longer: an fsync that did not wait for it would be answered sooner.
        let tracer = try Tracer(
            process: daemon,
            ["-e", "trace=fdatasync", "-e", "inject=fdatasync:delay_exit=100000", "-o", log]
        )
        let file = try RawFile(exposed)
        for round in 0..<5 {
            try file.write(Array(repeating: UInt8(round), count: 4096), at: round * 4096)
            let start = ContinuousClock.now
            try file.sync()
            #expect(ContinuousClock.now - start >= .milliseconds(100))
        }
        try tracer.end()
        let calls = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
        #expect(calls.count { $0.contains("fdatasync(4") && $0.contains("= 0") } >= 5)
        _ = file
        _ = try coffer.succeed("volume", "unmount", id, "--force")
    }

    @Test func `kill -9 of the daemon under a syncing writer loses no synced block, round after round`()
        throws
    {
        let coffer = try CofferProgram()
        let id = try coffer.succeed("volume", "create", "--size", "16MiB")
        var generator = SeededGenerator(seed: 8)
        for round in 1...5 {
            let exposed = try coffer.succeed("volume", "attach", id)
            let daemon = try #require(Daemons.processID(volume: id))
            let writer = SyncingWriter(path: exposed, seed: UInt64(round))
            writer.start()
            usleep(UInt32.random(in: 100_000...300_000, using: &generator))
            Daemons.signal(daemon, SIGKILL)
            let synced = writer.wait()
            #expect(synced.count > 0, "the writer must have got somewhere")
            _ = try coffer.succeed("volume", "unmount", id)
            let again = try coffer.succeed("volume", "attach", id, "--read-only")
            let file = try RawFile(again, O_RDONLY)
            for (block, content) in synced { #expect(try file.read(4096, at: block * 4096) == content) }
            _ = file
            _ = try coffer.run("volume", "unmount", id, "--force")
        }
    }

    @Test func `fio finds every block that it wrote, on the exposed file and on a mounted ext4`() throws {
        let coffer = try CofferProgram()
        let mount = coffer.folder.path("mnt")
        let id = try coffer.succeed("volume", "create", "--size", "192MiB")
        let exposed = try coffer.succeed("volume", "attach", id)
        try fio(exposed, "--rw=randrw", "--bs=4k", "--iodepth=16")
        try fio(exposed, "--rw=write", "--bs=1m", "--iodepth=4")
        _ = try coffer.succeed("volume", "detach", id)
        let other = try coffer.succeed("volume", "create", "--size", "192MiB")
        _ = try coffer.succeed("volume", "mount", other, mount)
        try fio("\(mount)/file", "--rw=randrw", "--bs=4k", "--iodepth=16")
        _ = try coffer.succeed("volume", "unmount", other)
    }

    private func fio(_ path: String, _ options: String...) throws {
        let outcome = try CofferProgram.execute(
            "/usr/bin/fio",
            options + [
                "--name=verify", "--filename=\(path)", "--direct=1", "--ioengine=libaio", "--size=128m",
                "--verify=crc32c", "--verify_fatal=1", "--verify_state_save=0", "--do_verify=1", "--minimal",
            ],
            limitSeconds: 120
        )
        #expect(outcome.code == 0, "\(outcome.errors)")
    }
}

/// strace over every thread of a running process.
private final class Tracer {
    private let process = Process()

    /// Returns when the tracer is attached.
    init(process target: Int32, _ options: [String]) throws {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/strace")
        process.arguments = ["-f", "-q"] + options + ["-p", "\(target)"]
        process.standardError = FileHandle.nullDevice
        try process.run()
        let tracer = "TracerPid:\t\(process.processIdentifier)"
        let isAttached = waits(seconds: 10) {
            let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(target)/task")) ?? []
            return !threads.isEmpty
                && threads.allSatisfy {
                    (try? String(contentsOfFile: "/proc/\(target)/task/\($0)/status", encoding: .utf8))?
                        .contains(tracer) == true
                }
        }
        try #require(isAttached)
    }

    func end() throws {
        // Other signals stay blocked: the tracer inherits the mask of a pool's thread. Its tracees go on without it.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }
}

/// Writes blocks at random places, syncs after every 16, and remembers what was synced, until the file fails.
private final class SyncingWriter: @unchecked Sendable {
    // `synced` is written by the thread alone and read after it has ended.
    private let path: String
    private let seed: UInt64
    private var synced: [Int: [UInt8]] = [:]
    private let ended = DispatchSemaphore(value: 0)

    init(path: String, seed: UInt64) { (self.path, self.seed) = (path, seed) }

    func start() {
        Thread {
            self.run()
            self.ended.signal()
        }.start()
    }

    /// The content of each block as it was last synced, where nothing came after that sync.
    func wait() -> [Int: [UInt8]] {
        ended.wait()
        return synced
    }

    private func run() {
        var generator = SeededGenerator(seed: seed)
        do {
            let file = try RawFile(path)
            while true {
                var pending: [Int: [UInt8]] = [:]
                // What is written over is no longer known to be the synced content, until the next sync.
                for _ in 0..<16 {
                    let block = Int.random(in: 0..<4096, using: &generator)
                    let content = generator.bytes(4096)
                    synced[block] = nil
                    pending[block] = content
                    guard try file.write(content, at: block * 4096) == 4096 else { return }
                }
                try file.sync()
                synced.merge(pending) { _, new in new }
            }
        } catch {
            return  // The daemon was killed.
        }
    }
}
