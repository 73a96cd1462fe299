import CofferTesting
import Foundation
import Testing

/// The benches of files for real, as short as they go: they must measure, and leave nothing behind.
@Suite(.serialized, .mounts, .mountable)
struct BenchCommandTests {
    private static let program = "\(CofferProgram.programs)/coffer"
    private static let short = ["--rounds", "1", "--seconds", "1", "--size", "16", "--own-engine"]

    @Test func `bench volume measures all three subjects and the cost, and leaves nothing behind`() throws {
        let (backing, results) = (try TemporaryFolder(), try TemporaryFolder())
        let outcome = try CofferProgram.execute(
            Self.program,
            ["bench", "volume", "--backing", backing.path, "--load", "randread-4k-d16", "--load", "cost"]
                + ["--save", results.path("volume.json")] + Self.short,
            limitSeconds: 120
        )
        #expect(outcome.code == 0, "\(outcome.errors)")
        let rows = outcome.output.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
        #expect(rows.map { $0[0] }.first == "random read, 4 KiB, depth 16")
        #expect(rows.count == 5)
        for row in rows { #expect(try #require(Double(row[2])) > 0, "\(row)") }
        let saved = try JSONSerialization.jsonObject(with: Data(results.bytes("volume.json")))
        let tables = try #require((saved as? [[String: Any]])?.first?["tables"] as? [[String: Any]])
        #expect(tables.map { ($0["subjects"] as? [String])?.count } == [3, 2])
        try expectNothing(in: backing)
    }

    @Test(.enabled(if: geteuid() == 0, "only root mounts ext4 on a loop device"))
    func `bench filesystem and database measure both filesystems, and leave nothing behind`() throws {
        let backing = try TemporaryFolder()
        for (bench, load) in [("filesystem", "randwrite-4k-buffered-fsync"), ("database", "insert-each")] {
            let outcome = try CofferProgram.execute(
                Self.program,
                ["bench", bench, "--backing", backing.path, "--load", load] + Self.short,
                limitSeconds: 120
            )
            #expect(outcome.code == 0, "\(outcome.errors)")
            let cells = outcome.output.split(separator: "\t")
            #expect(try #require(Double(cells[2])) > 0)
            #expect(try #require(Double(cells[3])) > 0)
            try expectNothing(in: backing)
        }
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func `a bench that is asked to stop ends as that signal ends a program, and leaves nothing`(
        signal: Int32
    ) throws {
        let backing = try TemporaryFolder()
        let process = try Self.start(in: backing)
        defer { if process.isRunning { process.terminate() } }
        // Into the middle of the set-up the first time, of a run the second.
        if signal == SIGTERM { usleep(1_500_000) }
        kill(process.processIdentifier, signal)
        try #require(waits(seconds: 40) { !process.isRunning })
        #expect(process.terminationReason == .exit && process.terminationStatus == 128 + signal)
        try expectNothing(in: backing)
    }

    @Test func `a server that dies ends the bench, and its mount goes`() throws {
        let backing = try TemporaryFolder()
        let process = try Self.start(in: backing)
        defer { if process.isRunning { process.terminate() } }
        let servers = Self.processes(mentioning: backing.path).filter { $0 != process.processIdentifier }
        #expect(!servers.isEmpty)
        for server in servers { kill(server, SIGKILL) }
        try #require(waits(seconds: 60) { !process.isRunning })
        #expect(process.terminationStatus == 1)
        try expectNothing(in: backing)
    }

    @Test func `what cannot be measured is refused with what to do`() throws {
        for (arguments, words) in [
            (["volume", "--load", "none"], "name some of"),
            (["volume", "--backing", "/nonexistent"], "--backing"),
            (["filesystem", "--load", "cost"], "name some of"),
        ] {
            let outcome = try CofferProgram.execute(Self.program, ["bench"] + arguments)
            #expect(outcome.code == 2 && outcome.errors.contains("hint: "), "\(outcome.errors)")
            #expect(outcome.errors.contains(words))
        }
        #expect(try CofferProgram.execute(Self.program, ["bench", "volume", "--rounds", "0"]).code == 2)
    }

    /// A bench that does not end by itself, with its first mount there.
    private static func start(in backing: TemporaryFolder) throws -> Process {
        let process = Process()
        // Whoever runs the tests in the background has them ignore SIGINT, and a bench heeds that.
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            [
                "--default-signal=INT,TERM", program, "bench", "volume", "--backing", backing.path,
                "--rounds", "1000", "--size", "16",
            ]
            + ["--load", "randread-4k-d16"]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        #expect(waits(seconds: 30) { MountTable.text().contains("\(backing.path)/coffer-bench.") })
        return process
    }

    /// No file, no mount, no loop device, no process.
    private func expectNothing(in folder: TemporaryFolder) throws {
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
        #expect(!MountTable.text().contains(folder.path))
        let loops = try CofferProgram.execute("/sbin/losetup", ["--all"])
        #expect(!loops.output.contains(folder.path), "\(loops.output)")
        #expect(Self.processes(mentioning: folder.path) == [])
    }

    private static func processes(mentioning words: String) -> [Int32] {
        let numbers = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return numbers.compactMap(Int32.init).filter { number in
            let line = (try? Data(contentsOf: URL(fileURLWithPath: "/proc/\(number)/cmdline"))) ?? Data()
            return String(decoding: line, as: UTF8.self).contains(words)
        }
    }
}
