import CofferTesting
import Foundation
import Testing

/// What measures the path of a byte: it must measure what it says, and the kernel without a cipher must stay in it.
@Suite(.serialized, .mounts, .mountable)
struct BenchServerTests {
    @Test(arguments: [true, false])
    func `a byte is encrypted on its way if and only if the cipher is on`(encrypts: Bool) throws {
        let server = try RunningBenchServer(encrypts: encrypts)
        var generator = SeededGenerator(seed: 7)
        let content = generator.bytes(300_000)
        let exposed = try RawFile(server.exposedPath)
        #expect(try exposed.write(content, at: 8192) == content.count)
        #expect(try exposed.read(content.count, at: 8192) == content)
        let stored = try RawFile(server.backingPath).read(content.count, at: (1 << 20) + 8192)
        #expect(stored.count == content.count && (stored == content) == !encrypts)
        // Nor does one unit of it pass through.
        #expect((stored.prefix(4096) == content.prefix(4096)) == !encrypts)
    }

    @Test func `the kernel without a cipher is in the bench server and in no program of the product`() throws
    {
        let name = Data("identity-kernel-for-measurement-only".utf8)
        for (program, has) in [("CofferBenchServer", true), ("coffer", false), ("coffer-volumed", false)] {
            let path = "\(CofferProgram.programs)/\(program)"
            let bytes = try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
            #expect((bytes.range(of: name) != nil) == has, "\(program)")
        }
    }

    @Test func `no source but the bench server's makes a cipher that was not tested`() throws {
        let sources = URL(fileURLWithPath: CofferProgram.repository).appendingPathComponent("Sources")
        var users: Set<String> = []
        for case let path as String in try #require(FileManager.default.enumerator(atPath: sources.path))
        where path.hasSuffix(".swift") {
            let text = try String(contentsOf: sources.appendingPathComponent(path), encoding: .utf8)
            if text.contains("(measuring") { users.insert(path) }
        }
        #expect(
            users == [
                "CofferXTS/XTSCipher+Measurement.swift", "CofferBenchServer/BenchServer.swift",
                "CofferBenchServer/IdentityKernel.swift",
            ]
        )
    }

    @Test func `the report takes the ratio within a round, and its median over the rounds`() throws {
        let folder = try TemporaryFolder()
        // Medians of the rates: 300 and 400. Ratios: 1/2, 3/4, 9/8.
        for (round, (on, off)) in [(100, 200), (300, 400), (900, 800)].enumerated() {
            for load in ["read", "write", "randread", "randwrite"] {
                try Self.put(on, load, "\(round).\(load).on.json", in: folder)
                try Self.put(off, load, "\(round).\(load).off.json", in: folder)
            }
        }
        let outcome = try Self.report(folder)
        #expect(outcome.code == 0, "\(outcome.errors)")
        let rows = outcome.output.split(separator: "\n").dropFirst(2)
        #expect(rows.count == 4)
        for row in rows { #expect(row.hasSuffix("| 300 | 400 | 0.750 | 0.500-1.125 | 3 |")) }
    }

    @Test func `a run that is missing, failed or moved nothing gives no report`() throws {
        let folder = try TemporaryFolder()
        #expect(try Self.report(folder).code == 1)
        for load in ["read", "write", "randread", "randwrite"] {
            for cipher in ["on", "off"] { try Self.put(1, load, "0.\(load).\(cipher).json", in: folder) }
        }
        #expect(try Self.report(folder).code == 0)
        try Self.put(1, "read", "0.read.on.json", error: 5, in: folder)
        #expect(try Self.report(folder).code == 1)
        try Self.put(0, "read", "0.read.on.json", in: folder)
        #expect(try Self.report(folder).code == 1)
        try Self.put(1, "read", "1.read.on.json", in: folder)
        #expect(try Self.report(folder).code == 1)
    }

    @Test func `a file that no volume fills is refused, and other words get the usage`() throws {
        let folder = try TemporaryFolder()
        try folder.write([UInt8](repeating: 0, count: (1 << 20) + 100), to: "backing")
        let words = [folder.path("backing"), folder.path, "--cipher", "on", "--threads", "2"]
        let unfit = try Self.run(["serve"] + words)
        #expect(unfit.code == 1 && unfit.errors.contains("whole number of data units"))
        #expect(try Self.run(["serve"] + words.map { $0 == "on" ? "none" : $0 }).code == 2)
        #expect(try Self.run(["serve"] + words.map { $0 == "2" ? "0" : $0 }).code == 2)
        #expect(try Self.run([]).code == 2)
    }

    private static func run(_ arguments: [String]) throws -> CofferProgram.Outcome {
        try CofferProgram.execute("\(CofferProgram.programs)/CofferBenchServer", arguments)
    }

    private static func report(_ folder: TemporaryFolder) throws -> CofferProgram.Outcome {
        try run(["report", folder.path])
    }

    /// Writes what fio would: rates in MiB/s and IOPS at once, on the side of the load that moves data.
    private static func put(
        _ rate: Int,
        _ load: String,
        _ name: String,
        error: Int = 0,
        in folder: TemporaryFolder
    ) throws {
        let moved = #"{ "bw_bytes": \#(rate << 20), "iops": \#(rate).0, "lat_ns": {} }"#
        let still = #"{ "bw_bytes": 0, "iops": 0.0 }"#
        let (read, written) = load.hasSuffix("read") ? (moved, still) : (still, moved)
        let text = #"{ "jobs": [ { "error": \#(error), "read": \#(read), "write": \#(written) } ] }"#
        try folder.write(Array(text.utf8), to: name)
    }
}

/// A bench server over a file of its own, which serves when `init` returns and has left when `deinit` does.
private final class RunningBenchServer {
    let folder: TemporaryFolder
    let process = Process()

    var backingPath: String { folder.path("backing") }
    var exposedPath: String { folder.path("mount/volume") }

    init(encrypts: Bool) throws {
        folder = try TemporaryFolder()
        try FileManager.default.createDirectory(
            atPath: folder.path("mount"),
            withIntermediateDirectories: false
        )
        try RawFile(folder.path("backing"), O_RDWR | O_CREAT | O_EXCL).truncate(4 << 20)
        process.executableURL = URL(fileURLWithPath: "\(CofferProgram.programs)/CofferBenchServer")
        process.arguments = [
            "serve", folder.path("backing"), folder.path("mount"), "--cipher", encrypts ? "on" : "off",
            "--threads", "2",
        ]
        try process.run()
        let deadline = ContinuousClock.now + .seconds(20)
        while !FileManager.default.fileExists(atPath: exposedPath) {
            guard process.isRunning, ContinuousClock.now < deadline else {
                throw CocoaError(.executableLoad)
            }
            usleep(2000)
        }
    }

    deinit {
        // It unmounts on SIGTERM, even while the file is open.
        process.terminate()
        process.waitUntilExit()
    }
}
