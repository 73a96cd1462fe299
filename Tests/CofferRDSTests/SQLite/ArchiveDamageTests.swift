internal import CofferCatalog
internal import CofferShapes
internal import CofferTesting
internal import Foundation
internal import Testing

@testable internal import CofferRDS

/// What is done to an archive or to a write-ahead log: it is refused, and is never taken for data.
@Suite(.serialized) struct SQLiteDamageTests {
    /// An instance with four files in its archive, and the snapshot that they go on from.
    private func archived() async throws -> (SQLiteInstance, [String]) {
        let instance = try await SQLiteInstance()
        var engine = try await instance.create()
        try Client.sql(instance.database, "CREATE TABLE t(a)")
        try await engine.archiveNew(isLast: false)
        try instance.snapshot("snapshot")
        for number in 0..<2 {
            try await engine.stop()
            engine = try await instance.start()
            try Client.sql(instance.database, "INSERT INTO t VALUES (\(number))")
            try await engine.archiveNew(isLast: false)
        }
        try await engine.stop()
        let names = try instance.site.archive.names()
        #expect(names.count == 4)
        return (instance, names.map { instance.site.archive.path($0) })
    }

    private func refusal(_ instance: SQLiteInstance) async -> AWSError? {
        do {
            _ = try await instance.restore("snapshot", to: SystemClock().now)
            return nil
        } catch {
            return error as? AWSError
        }
    }

    @Test func `an archive as it was written is restored`() async throws {
        let (instance, _) = try await archived()
        let restored = try await instance.restore("snapshot", to: SystemClock().now)
        #expect(try Client.sql(restored, "SELECT group_concat(a) FROM t") == "0,1")
    }

    @Test(arguments: [1, 2]) func `a file that is missing is missed`(_ number: Int) async throws {
        let (instance, files) = try await archived()
        try FileManager.default.removeItem(atPath: files[number])
        #expect(await refusal(instance)?.code == .damaged)
    }

    @Test func `files that changed places are refused`() async throws {
        let (instance, files) = try await archived()
        for (from, to) in [(files[2], "x"), (files[3], files[2]), (files[2] + "x", files[3])] {
            try FileManager.default.moveItem(atPath: from, toPath: to == "x" ? files[2] + "x" : to)
        }
        #expect(await refusal(instance)?.code == .damaged)
    }

    @Test func `a changed byte anywhere in a file is refused`() async throws {
        let (instance, files) = try await archived()
        let whole = try Data(contentsOf: URL(fileURLWithPath: files[2]))
        for _ in 0..<40 {
            var bytes = whole
            let place = Int.random(in: 0..<bytes.count)
            bytes[place] ^= UInt8.random(in: 1...255)
            try bytes.write(to: URL(fileURLWithPath: files[2]))
            #expect(await refusal(instance) != nil, "byte \(place)")
        }
    }

    @Test func `a file that was cut short is refused where others follow it`() async throws {
        let (instance, files) = try await archived()
        let whole = try Data(contentsOf: URL(fileURLWithPath: files[2]))
        for count in [0, 31, 700, whole.count / 2, whole.count - 5000] where (0..<whole.count).contains(count)
        {
            try whole.prefix(count).write(to: URL(fileURLWithPath: files[2]))
            #expect(await refusal(instance) != nil, "\(count) bytes")
        }
    }

    @Test func `a write-ahead log of noise is refused, whatever its size`() {
        for _ in 0..<2000 {
            var bytes = (0..<32).map { _ in UInt8.random(in: 0...255) }
            #expect(WALHeader(bytes) == nil)
            bytes.replaceSubrange(0..<8, with: [0x37, 0x7F, 0x06, 0x82, 0, 0x2D, 0xE2, 0x18])
            #expect(WALHeader(bytes) == nil)
            #expect(WALHeader(Array(bytes.prefix(.random(in: 0..<32)))) == nil)
            #expect(ReplicationRecord((0..<Int.random(in: 0..<200)).map { _ in .random(in: 0...255) }) == nil)
        }
    }

    @Test func `a log and an index that a client spoils are refused, and nothing of them is archived`()
        async throws
    {
        let instance = try await SQLiteInstance()
        let engine = try await instance.create()
        try Client.sql(instance.database, "CREATE TABLE t(a)")
        try await engine.archiveNew(isLast: false)
        let client = try Client(Client.prompt, instance.database, "5")
        client.say("INSERT INTO t VALUES (randomblob(20000))")
        _ = client.line()
        let bytes = try Data(contentsOf: URL(fileURLWithPath: instance.database + "-wal"))
        for _ in 0..<30 {
            var noise = bytes
            for _ in 0..<50 { noise[.random(in: 2 * 4120..<noise.count)] = .random(in: 0...255) }
            try noise.write(to: URL(fileURLWithPath: folder(instance, "noise")))
            try Client.run(
                "/bin/dd",
                [
                    "if=\(folder(instance, "noise"))", "of=\(instance.database)-wal", "conv=notrunc",
                    "status=none",
                ]
            )
            await #expect(throws: AWSError.self) { try await engine.archiveNew(isLast: true) }
        }
        // The index says that there are 4 billion frames.
        try Client.run(
            "/usr/bin/python3",
            [
                "-c",
                """
                import sys
                with open(sys.argv[1] + "-shm", "r+b") as f:
                    for at in (16, 64):
                        f.seek(at)
                        f.write(b"\\xff\\xff\\xff\\xff")
                """, instance.database,
            ]
        )
        await #expect(throws: AWSError.self) { try await engine.archiveNew(isLast: true) }
        client.end()
    }

    private func folder(_ instance: SQLiteInstance, _ name: String) -> String { instance.folder.path(name) }
}
