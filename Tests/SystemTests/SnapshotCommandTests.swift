internal import CofferTesting
internal import Foundation
internal import Testing

/// Snapshots as a user of the command line has them, on real mounts.
@Suite(.serialized, .mounts, .mountable) struct SnapshotCommandTests {
    private static let megabyte = 1 << 20

    private func blocks(below folder: String) throws -> Int {
        let outcome = try CofferProgram.execute("/usr/bin/du", ["-sk", folder])
        return Int(outcome.output.split(separator: "\t").first ?? "") ?? -1
    }

    private func digest(_ path: String) throws -> String {
        let outcome = try CofferProgram.execute("/usr/bin/sha256sum", [path])
        return String(outcome.output.prefix(64))
    }

    @Test func `a snapshot of a mounted volume restores to what was there, and costs what changed`() throws {
        let coffer = try CofferProgram()
        let folder = try TemporaryFolder()
        defer { for name in ["data", "back"] { _ = try? coffer.run("volume", "unmount", name, "--force") } }
        _ = try coffer.succeed("key", "create", "--alias", "app")
        _ = try coffer.succeed("volume", "create", "--name", "data", "--size", "256MiB", "--key", "alias/app")
        _ = try coffer.succeed("volume", "mount", "data", folder.path("data"))
        let file = folder.path("data/file")
        _ = try CofferProgram.execute("/usr/bin/dd", ["if=/dev/urandom", "of=\(file)", "bs=1M", "count=64"])
        let before = try digest(file)
        let first = try coffer.succeed("snapshot", "create", "data", "--name", "first")
        let firstCost = try blocks(below: "\(coffer.home)/snapshots")
        #expect(firstCost > 64 << 10)
        // Ten blocks of 512 KiB change in the file; the filesystem changes a few of its own.
        _ = try CofferProgram.execute(
            "/usr/bin/dd",
            ["if=/dev/urandom", "of=\(file)", "bs=512K", "count=10", "seek=20", "conv=notrunc,fsync"]
        )
        let after = try digest(file)
        _ = try coffer.succeed("snapshot", "create", "data", "--name", "second")
        let secondCost = try blocks(below: "\(coffer.home)/snapshots") - firstCost
        #expect(secondCost >= 10 * 512 && secondCost <= 14 * 512 + 16, "\(secondCost) KiB")

        // What the first has alone goes with it; what the second needs stays.
        _ = try coffer.succeed("volume", "create", "--name", "back", "--snapshot", "first")
        _ = try coffer.succeed("volume", "mount", "back", folder.path("back"))
        #expect(try digest(folder.path("back/file")) == before)
        _ = try coffer.succeed("volume", "unmount", "back")
        _ = try coffer.succeed("volume", "rm", "back", "--yes")
        _ = try coffer.succeed("snapshot", "rm", first, "--yes")
        _ = try coffer.succeed(
            "volume",
            "create",
            "--name",
            "back",
            "--snapshot",
            "second",
            "--size",
            "512MiB"
        )
        _ = try coffer.succeed("volume", "mount", "back", folder.path("back"))
        #expect(try digest(folder.path("back/file")) == after)
        // The filesystem has grown with the volume.
        let size = try CofferProgram.execute("/usr/bin/df", ["--output=size", "-k", folder.path("back")])
        let grown = size.output.split(separator: "\n").last.flatMap { Int($0.filter(\.isNumber)) }
        #expect((grown ?? 0) > 400 << 10)
        // What is filled from it may go: the volume has what it needs.
        _ = try coffer.succeed("snapshot", "rm", "second", "--yes")
        #expect(try digest(folder.path("back/file")) == after)
        _ = try coffer.succeed("volume", "unmount", "back")
        _ = try coffer.succeed("volume", "mount", "back", folder.path("back"))
        #expect(try digest(folder.path("back/file")) == after)
        _ = try coffer.succeed("volume", "unmount", "back")
        _ = try coffer.succeed("volume", "rm", "back", "--yes")
        _ = try coffer.succeed("volume", "unmount", "data")
        #expect(try blocks(below: "\(coffer.home)/snapshots") < 64)
    }

    @Test func `an exported snapshot is carried whole or not at all`() throws {
        let coffer = try CofferProgram()
        let folder = try TemporaryFolder()
        defer {
            for name in ["data", "twin", "back"] { _ = try? coffer.run("volume", "detach", name, "--force") }
        }
        _ = try coffer.succeed("volume", "create", "--name", "data", "--size", "16MiB")
        let file = try coffer.succeed("volume", "attach", "data")
        _ = try CofferProgram.execute(
            "/usr/bin/dd",
            ["if=/dev/urandom", "of=\(file)", "bs=1M", "count=8", "conv=notrunc,fsync"]
        )
        let before = try digest(file)
        _ = try coffer.succeed("snapshot", "create", "data", "--name", "first")
        _ = try coffer.succeed("volume", "clone", "data", "--name", "twin")
        _ = try CofferProgram.execute(
            "/usr/bin/dd",
            ["if=/dev/zero", "of=\(file)", "bs=4K", "count=1", "seek=300", "conv=notrunc,fsync"]
        )
        #expect(try digest(try coffer.succeed("volume", "attach", "twin")) == before)
        _ = try coffer.succeed("snapshot", "create", "data", "--name", "second")
        #expect(try coffer.succeed("snapshot", "diff", "first", "second") == "2\t1048576\tchanged")
        // What the clone was made of is not seen.
        #expect(try coffer.succeed("snapshot", "ls").split(separator: "\n").count == 2)

        let exported = folder.path("first.snapshot")
        _ = try coffer.succeed("snapshot", "export", "first", exported)
        #expect(try coffer.run("snapshot", "export", "first", exported).code != 0)
        let whole = try Data(contentsOf: URL(fileURLWithPath: exported))
        _ = try coffer.succeed("snapshot", "import", exported, "--name", "carried")
        _ = try coffer.succeed("snapshot", "restore", "carried", "--name", "back")
        #expect(try digest(try coffer.succeed("volume", "attach", "back")) == before)
        let count = try coffer.succeed("snapshot", "ls").split(separator: "\n").count
        var torn = whole
        torn[whole.count / 2] ^= 1
        for (bad, name) in [(whole.prefix(whole.count - 1), "short"), (torn, "torn"), (Data(), "empty")] {
            let path = folder.path(name)
            try bad.write(to: URL(fileURLWithPath: path))
            let outcome = try coffer.run("snapshot", "import", path)
            #expect(outcome.code != 0 && outcome.errors.contains("snapshot"), "\(name): \(outcome.errors)")
        }
        #expect(try coffer.succeed("snapshot", "ls").split(separator: "\n").count == count)
        #expect(try coffer.run("snapshot", "import", "/dev/zero").code != 0)
    }

    @Test func `a copy under another key outlives the first key, and the original does not`() throws {
        let coffer = try CofferProgram()
        for alias in ["a", "b"] { _ = try coffer.succeed("key", "create", "--alias", alias) }
        _ = try coffer.succeed("volume", "create", "--name", "data", "--size", "16MiB", "--key", "alias/a")
        let path = try coffer.succeed("volume", "attach", "data")
        let marker = Data(repeating: 0x5A, count: 1 << 20)
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try handle.write(contentsOf: marker)
        try handle.close()
        _ = try coffer.succeed("volume", "detach", "data")
        _ = try coffer.succeed("snapshot", "create", "data", "--name", "original")
        _ = try coffer.succeed("snapshot", "copy", "original", "--name", "cheap")
        _ = try coffer.succeed("snapshot", "copy", "original", "--name", "other", "--key", "alias/b")
        _ = try coffer.succeed("key", "disable", "alias/a")
        for name in ["original", "cheap"] {
            let refused = try coffer.run("volume", "create", "--snapshot", name)
            #expect(refused.code == 5 && refused.errors.contains("DisabledException"), "\(refused.errors)")
        }
        _ = try coffer.succeed("volume", "create", "--name", "back", "--snapshot", "other")
        let back = try coffer.succeed("volume", "attach", "back")
        let read = try FileHandle(forReadingFrom: URL(fileURLWithPath: back)).read(upToCount: marker.count)
        #expect(read == marker)
        _ = try coffer.succeed("volume", "detach", "back")
    }

    @Test func `a daemon that is killed while it makes a snapshot leaves an error, and the next is right`()
        throws
    {
        let coffer = try CofferProgram()
        let volume = try coffer.succeed("volume", "create", "--name", "data", "--size", "1GiB")
        let path = try coffer.succeed("volume", "attach", "data")
        let words = ["if=/dev/urandom", "of=\(path)", "bs=1M", "count=700", "conv=notrunc"]
        _ = try CofferProgram.execute("/usr/bin/dd", words)
        let id = try coffer.succeed("snapshot", "create", "data", "--no-wait")
        let shown = try coffer.succeed("volume", "show", volume, "--output", "json")
        let process = try #require(shown.firstMatch(of: #/"ProcessId" : (\d+)/#)?.output.1)
        _ = try CofferProgram.execute("/usr/bin/kill", ["-9", String(process)])
        // It takes a moment to die.
        let isOver = waits(seconds: 20) {
            guard let state = try? coffer.succeed("snapshot", "show", id, "--output", "json") else {
                return false
            }
            return state.contains("\"State\" : \"error\"") || state.contains("\"State\" : \"completed\"")
        }
        #expect(isOver)
        _ = try coffer.run("volume", "unmount", "data", "--force")
        let next = try coffer.succeed("snapshot", "create", "data")
        _ = try coffer.succeed("volume", "create", "--name", "back", "--snapshot", next)
        let (first, second) = (
            try coffer.succeed("volume", "attach", "data"), try coffer.succeed("volume", "attach", "back")
        )
        #expect(try CofferProgram.execute("/usr/bin/cmp", [first, second]).code == 0)
        for name in ["data", "back"] { _ = try coffer.succeed("volume", "detach", name) }
        _ = try coffer.succeed("snapshot", "rm", id, "--yes")
    }

    @Test(arguments: [[], ["--force"]])
    func `a snapshot that is being made outlives the detach of its volume`(_ force: [String]) throws {
        let coffer = try CofferProgram()
        _ = try coffer.succeed("volume", "create", "--name", "data", "--size", "1GiB")
        let path = try coffer.succeed("volume", "attach", "data")
        let words = ["if=/dev/urandom", "of=\(path)", "bs=1M", "count=700", "conv=notrunc"]
        _ = try CofferProgram.execute("/usr/bin/dd", words)
        let id = try #require(try pendingAfterDetach(of: "data", force, with: coffer))
        #expect(try coffer.succeed("volume", "ls").contains("available"))
        let refused = try coffer.run("volume", "attach", "data")
        #expect(refused.code == 5 && refused.errors.contains("snapshot"), "\(refused.errors)")
        // Safe to repeat, and no harm to it.
        _ = try coffer.succeed("volume", "detach", "data")
        let isComplete = waits(seconds: 60) {
            (try? coffer.succeed("snapshot", "show", id, "--output", "json"))?
                .contains("\"State\" : \"completed\"") == true
        }
        #expect(isComplete)
        _ = try coffer.succeed("volume", "create", "--name", "back", "--snapshot", id)
        let (first, second) = (
            try coffer.succeed("volume", "attach", "data"), try coffer.succeed("volume", "attach", "back")
        )
        #expect(try CofferProgram.execute("/usr/bin/cmp", [first, second]).code == 0)
        for name in ["data", "back"] { _ = try coffer.succeed("volume", "detach", name) }
    }

    /// The ID of a snapshot of the attached `volume` that was still being made when the volume had been detached, nil
    /// where each of ten was complete by then. On a busy machine the copy may win the race: then there is another round.
    private func pendingAfterDetach(
        of volume: String,
        _ force: [String],
        with coffer: CofferProgram
    ) throws -> String? {
        for _ in 0..<10 {
            let id = try coffer.succeed("snapshot", "create", volume, "--no-wait")
            let detached = try CofferProgram.execute(
                "\(CofferProgram.programs)/coffer",
                ["volume", "detach", volume, "--home", coffer.home] + force
            )
            try #require(detached.code == 0, "\(detached.errors)")
            let state = try coffer.succeed("snapshot", "show", id, "--output", "json")
            if state.contains("\"State\" : \"pending\"") { return id }
            // The next one has to copy all of it again.
            _ = try coffer.succeed("snapshot", "rm", id, "--yes")
            _ = try coffer.succeed("volume", "attach", volume)
        }
        return nil
    }

    @Test(arguments: [true, false])
    func `a removal that was cut short is told, never restored from, and ended by the next one`(
        _ isNeeded: Bool
    ) throws {
        let coffer = try CofferProgram()
        _ = try coffer.succeed("volume", "create", "--name", "data", "--size", "16MiB")
        let path = try coffer.succeed("volume", "attach", "data")
        try RawFile(path).write(Array(repeating: 7, count: Self.megabyte), at: 0)
        let id = try coffer.succeed("snapshot", "create", "data")
        _ = try coffer.succeed("volume", "detach", "data")
        if isNeeded { _ = try coffer.succeed("volume", "create", "--name", "made", "--snapshot", id) }
        let killed = try coffer.run(
            "snapshot",
            "rm",
            id,
            "--yes",
            environment: ["COFFER_TEST_KILL_AFTER": "snapshotRemoved"]
        )
        #expect(killed.code == 128 + SIGKILL)
        let shown = try coffer.succeed("snapshot", "ls")
        #expect(shown.contains("error") && shown.contains("coffer snapshot rm"), "\(shown)")
        #expect(try coffer.run("volume", "create", "--snapshot", id).code == 5)
        if isNeeded {
            let place = try coffer.succeed("volume", "attach", "made")
            let content = try RawFile(place, O_RDONLY).read(Self.megabyte, at: 0)
            #expect(content == Array(repeating: 7, count: Self.megabyte))
            _ = try coffer.succeed("volume", "detach", "made")
        }
        _ = try coffer.succeed("snapshot", "rm", id, "--yes")
        if isNeeded { _ = try coffer.succeed("volume", "rm", "made", "--yes") }
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(coffer.home)/snapshots") == [])
    }
}
