internal import CofferShapes
internal import CofferTesting
internal import Glibc
internal import Testing

@testable internal import CofferTrail

@Suite struct RotationTests {
    private let home: TrailHome

    init() throws { home = try TrailHome() }

    /// Files of two lines each.
    private func filled(_ count: Int) throws -> Trail {
        let trail = try home.open(fileSizeLimit: 700)
        for number in 1...count { try trail.append(TrailHome.record("E\(number)"), durability: .soon) }
        try trail.flush()
        return trail
    }

    @Test func `names order as files were begun, and only canonical ones count`() throws {
        let names = ["2026-11-18.jsonl", "2026-11-18.1.jsonl", "2026-11-18.2.jsonl", "2026-11-18.10.jsonl"]
        let all = names + ["2026-11-19.jsonl", "2027-01-01.3.jsonl"]
        #expect(all.compactMap(TrailFileName.init).sorted().map(\.text) == all)
        let others = [
            "2026-11-18.0.jsonl", "2026-11-18.01.jsonl", "2026-11-18.+1.jsonl", "2026-11-18..jsonl",
            "2026-11-18.1.1.jsonl", "2026-11-18.1234567890.jsonl", "2026-11-18.jsonl.gz", "x026-11-18.jsonl",
            "2026-11-18", ".jsonl", "", "2026-11-18.1.json",
        ]
        for other in others { #expect(TrailFileName(other) == nil, "\(other)") }
    }

    @Test func `a file past its size is followed by another, and is read-only then`() throws {
        let trail = try filled(25)
        #expect(
            try trail.end.folder.files().map(\.text)
                == ["2026-11-18.jsonl"] + (1...12).map { "2026-11-18.\($0).jsonl" }
        )
        #expect(try trail.verify() == .intact(25))
        #expect(try home.names() == (1...25).map { "E\($0)" })
        #expect(try home.names(3) == ["E23", "E24", "E25"])
        let finished = try #require(try FileStatus(path: home.path + "/2026-11-18.11.jsonl"))
        #expect(finished.permissions == 0o400)
        let newest = try #require(try FileStatus(path: home.path + "/2026-11-18.12.jsonl"))
        #expect(newest.permissions == 0o600)
    }

    @Test func `a day begins its own parts, and a clock set back goes on with the newest`() throws {
        let trail = try filled(3)
        home.clock.advance(seconds: 86_400)
        for name in ["A", "B", "C"] { try trail.append(TrailHome.record(name), durability: .soon) }
        home.clock.advance(seconds: -86_400)
        for name in ["D", "E"] { try trail.append(TrailHome.record(name), durability: .soon) }
        #expect(
            try trail.end.folder.files().map(\.text) == [
                "2026-11-18.jsonl", "2026-11-18.1.jsonl", "2026-11-19.jsonl", "2026-11-19.1.jsonl",
                "2026-11-19.2.jsonl",
            ]
        )
        #expect(try home.names() == ["E1", "E2", "E3", "A", "B", "C", "D", "E"])
        #expect(try trail.verify() == .intact(8))
    }

    @Test func `a process that remembers a file sees that another has finished it`() throws {
        let (one, other) = (try home.open(), try home.open())
        try one.append(TrailHome.record("A"))
        // The other's clock is a day ahead for once: the file that the first remembers is as it left it.
        home.clock.advance(seconds: 86_400)
        try other.append(TrailHome.record("B"))
        home.clock.advance(seconds: -86_400)
        try one.append(TrailHome.record("C"))
        #expect(try one.verify() == .intact(3))
        #expect(try home.files() == ["2026-11-18.jsonl", "2026-11-19.jsonl"])
    }

    @Test func `a crash after a file was finished and before the next was begun is no fault`() throws {
        _ = try filled(1)
        #expect(unsafe chmod(home.path + "/2026-11-18.jsonl", 0o400) == 0)
        let trail = try home.open()
        try trail.append(TrailHome.record("B"))
        #expect(try trail.verify() == .intact(2))
        #expect(try home.files() == ["2026-11-18.1.jsonl", "2026-11-18.jsonl"])
        // And one right after the next was begun.
        try home.folder.write([], to: "trail/2026-11-18.2.jsonl")
        try home.open().append(TrailHome.record("C"))
        #expect(try trail.verify() == .intact(3))
        #expect(try home.lines("2026-11-18.2.jsonl").count == 1)
    }

    @Test(arguments: [60, 400]) func `a torn end of a finished file is closed in the next`(_ kept: Int) throws
    {
        _ = try filled(1)
        let line = try home.lines("2026-11-18.jsonl")[0]
        let torn = Array(line.prefix(min(kept, line.count - 10)))
        try home.folder.write(line + torn, to: "trail/2026-11-18.jsonl")
        #expect(unsafe chmod(home.path + "/2026-11-18.jsonl", 0o400) == 0)
        let trail = try home.open()
        try trail.append(TrailHome.record("B"))
        #expect(try trail.verify() == .intact(3))
        #expect(try home.names() == ["E1", "TornLine", "B"])
    }

    @Test func `with the first files gone, the trail verifies from a line on, and says so`() throws {
        let trail = try filled(9)
        for file in ["2026-11-18.jsonl", "2026-11-18.1.jsonl"] {
            #expect(unsafe rename("\(home.path)/\(file)", home.folder.path(file)) == 0)
        }
        let result = try trail.verify()
        #expect(result == TrailVerification(finding: .intact, verifiedCount: 5, firstSequence: 5))
        try home.open(fileSizeLimit: 700).append(TrailHome.record("After"))
        #expect(try trail.verify().verifiedCount == 6)
        #expect(try home.names() == ["E5", "E6", "E7", "E8", "E9", "After"])
    }

    @Test func `with the first files gone, no byte of the first line can be changed, and later ones neither`()
        throws
    {
        let trail = try filled(6)
        let first = "2026-11-18.1.jsonl"
        #expect(unsafe unlink(home.path + "/2026-11-18.jsonl") == 0)
        #expect(unsafe chmod(home.path + "/" + first, 0o600) == 0)
        let good = try home.folder.bytes("trail/" + first)
        #expect(try trail.verify().firstSequence == 3)
        for offset in good.indices {
            var bad = good
            bad[offset] ^= 1
            try home.folder.write(bad, to: "trail/" + first)
            #expect(try trail.verify().finding != .intact, "byte \(offset)")
        }
        // Nor can the first line go: the next is no beginning.
        let lines = good.split(separator: UInt8(ascii: "\n"))
        try home.folder.write(Array(lines[1]) + [UInt8(ascii: "\n")], to: "trail/" + first)
        #expect(try trail.verify().finding == .broken(.init(file: first, line: 1)))
        try home.folder.write(good, to: "trail/" + first)
        #expect(try trail.verify().finding == .intact)
    }

    @Test func `a file that is missing in the middle is named by the one after it`() throws {
        let trail = try filled(8)
        #expect(unsafe unlink(home.path + "/2026-11-18.1.jsonl") == 0)
        let result = try trail.verify()
        #expect(result.finding == .broken(.init(file: "2026-11-18.2.jsonl", line: 1)))
        #expect(result.verifiedCount == 2)
    }

    @Test func `the newest files gone are a cut`() throws {
        let trail = try filled(8)
        #expect(unsafe unlink(home.path + "/2026-11-18.3.jsonl") == 0)
        #expect(try trail.verify().finding == .cut(last: 6, expected: 8))
    }
}
