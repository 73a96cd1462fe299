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
