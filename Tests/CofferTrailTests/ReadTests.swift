internal import CofferShapes
internal import CofferTesting
internal import Glibc
internal import Testing

@testable internal import CofferTrail

@Suite struct ReadTests {
    private let home: TrailHome

    init() throws { home = try TrailHome() }

    private static let id = "1234abcd-12ab-34cd-56ef-1234567890ab"
    private static let arn = "arn:aws:kms:us-east-1:123456789012:key/\(id)"
    private static let bob = "arn:aws:iam::123456789012:user/team/bob"

    // MARK: - Filters

    /// Three days: root's call on a key, bob's on an alias that is refused, and one about no key.
    private func filled() throws -> Trail {
        let trail = try home.open()
        var about = TrailHome.record("Decrypt")
        about.resources = [TrailResource(key: try #require(ARN(Self.arn)))]
        about.requestParameters = ["keyId": .text(Self.id)]
        try trail.append(about, durability: .soon)
        home.clock.advance(seconds: 86_400)
        var refused = TrailRecord(
            eventSource: "kms.amazonaws.com",
            eventName: "Encrypt",
            requestID: "2",
            caller: Caller(principal: .user("bob", path: "/team/", account: TrailHome.account))
        )
        refused.requestParameters = ["keyId": "alias/app"]
        try trail.append(refused, durability: .soon)
        home.clock.advance(seconds: 86_400)
        try trail.append(TrailHome.record("ListKeys"), durability: .soon)
        return trail
    }

    @Test(
        arguments: [
            (TrailFilter(), [1, 2, 3]),
            (TrailFilter(key: arn), [1]),
            (TrailFilter(key: id), [1]),
            (TrailFilter(key: String(id.dropFirst())), []),
            (TrailFilter(key: String(id.dropLast())), []),
            (TrailFilter(key: String(arn.dropLast())), []),
            (TrailFilter(key: ""), []),
            (TrailFilter(key: "alias/app"), [2]),
            (TrailFilter(key: "arn:aws:kms:us-east-1:123456789012:alias/app"), [2]),
            (TrailFilter(key: "app"), []),
            (TrailFilter(key: "alias/ap"), []),
            (TrailFilter(user: bob), [2]),
            (TrailFilter(user: "bob"), [2]),
            (TrailFilter(user: "ob"), []),
            (TrailFilter(user: "arn:aws:iam::123456789012:root"), [1, 3]),
            (TrailFilter(event: "Encrypt"), [2]),
            (TrailFilter(event: "encrypt"), []),
            (TrailFilter(since: Timestamp(nanoseconds: 1_795_000_000_000_000_000)), [1, 2, 3]),
            (TrailFilter(since: Timestamp(nanoseconds: 1_795_000_000_001_000_000)), [2, 3]),
            (TrailFilter(since: Timestamp(nanoseconds: 1_795_172_800_000_000_000)), [3]),
            (TrailFilter(since: Timestamp(nanoseconds: 1_795_172_801_000_000_000)), []),
            (TrailFilter(user: "bob", event: "Encrypt"), [2]),
            (TrailFilter(user: "bob", event: "Decrypt"), []),
        ] as [(TrailFilter, [UInt64])]
    )
    func `a filter gives what fits all of it`(_ filter: TrailFilter, _ expected: [UInt64]) throws {
        #expect(try filled().records(limit: 10, filter: filter).map(\.sequence) == expected)
    }

    @Test func `the limit counts what fits, and keeps the newest, across files`() throws {
        let trail = try home.open(fileSizeLimit: 5000)
        for number in 0..<300 {
            try trail.append(TrailHome.record(number % 3 == 0 ? "Wanted" : "Other"), durability: .soon)
        }
        let found = try trail.records(limit: 40, filter: TrailFilter(event: "Wanted"))
        let expected = stride(from: UInt64(181), through: 298, by: 3)
        #expect(found.map(\.sequence) == Array(expected))
        #expect(try trail.records(limit: 0).isEmpty)
    }

    // MARK: - Following

    private func append(_ trail: Trail, _ names: String...) throws {
        for name in names { try trail.append(TrailHome.record(name), durability: .soon) }
    }

    @Test func `a follower gives each entry once, across sizes and days`() throws {
        let trail = try home.open(fileSizeLimit: 700)
        try append(trail, "A", "B", "C")
        var fromEnd = try Trail.follow(folder: home.path)
        var fromStart = try Trail.follow(folder: home.path, from: .beginning)
        var after = try Trail.follow(folder: home.path, from: .after(2))
        #expect(try fromEnd.next().isEmpty)
        #expect(try fromStart.next().map(\.sequence) == [1, 2, 3])
        #expect(try after.next().map(\.sequence) == [3])
        try append(trail, "D", "E", "F")
        home.clock.advance(seconds: 86_400)
        try append(trail, "G", "H", "I")
        let expected = ["D", "E", "F", "G", "H", "I"]
        #expect(try fromEnd.next().map(\.record.eventName) == expected)
        #expect(try fromStart.next().map(\.record.eventName) == expected)
        #expect(try after.next().map(\.record.eventName) == expected)
        #expect(try fromEnd.next().isEmpty)
    }

    @Test func `a follower of no folder waits for one`() throws {
        var follower = try Trail.follow(folder: home.path)
        #expect(try follower.next().isEmpty)
        try append(try home.open(), "A")
        #expect(try follower.next().map(\.record.eventName) == ["A"])
    }

    @Test func `a follower stops at its limit and goes on from there`() throws {
        let trail = try home.open(fileSizeLimit: 2000)
        for _ in 0..<10 { try append(trail, "A", "B") }
        var follower = try Trail.follow(folder: home.path, from: .beginning, filter: TrailFilter(event: "B"))
        #expect(try follower.next(limit: 4).map(\.sequence) == [2, 4, 6, 8])
        #expect(try follower.next(limit: 4).map(\.sequence) == [10, 12, 14, 16])
        #expect(try follower.next(limit: 4).map(\.sequence) == [18, 20])
        #expect(try follower.next(limit: 4).isEmpty)
    }

    @Test func `a line that is being written is given when it is whole`() throws {
        let trail = try home.open()
        try append(trail, "A", "B")
        let file = "trail/2026-11-18.jsonl"
        let whole = try home.folder.bytes(file)
        let first = try home.lines("2026-11-18.jsonl")[0].count
        var follower = try Trail.follow(folder: home.path, from: .beginning)
        for count in [first + 1, first + 300, whole.count - 1] {
            try home.folder.write(Array(whole.prefix(count)), to: file)
            #expect(try follower.next().map(\.sequence) == (count == first + 1 ? [1] : []))
        }
        try home.folder.write(whole, to: file)
        #expect(try follower.next().map(\.sequence) == [2])
    }

    @Test func `a follower passes over torn lines, files taken away, and files put back`() throws {
        let trail = try home.open(fileSizeLimit: 700)
        try append(trail, "A", "B", "C")
        var follower = try Trail.follow(folder: home.path, from: .beginning)
        #expect(try follower.next().count == 3)
        let newest = "trail/2026-11-18.1.jsonl"
        try home.folder.write(home.folder.bytes(newest) + Array("{\"torn".utf8), to: newest)
        #expect(try follower.next().isEmpty)
        try append(trail, "D", "E")
        #expect(unsafe unlink(home.path + "/2026-11-18.jsonl") == 0)
        #expect(try follower.next().map(\.record.eventName) == ["TornLine", "D", "E"])
        try home.folder.write(home.folder.bytes(newest), to: "trail/2026-11-20.jsonl")
        #expect(try follower.next().isEmpty)
    }

    @Test func `a follower keeps up with writers`() throws {
        let trail = try home.open(fileSizeLimit: 20_000)
        var follower = try Trail.follow(folder: home.path)
        var sequences: [UInt64] = []
        let writers = try JoinableThread {
            _ = inParallel(3) { _ in
                for _ in 0..<200 { try trail.append(TrailHome.record("A"), durability: .soon) }
                return nil
            }
        }
        while sequences.count < 600 { sequences += try follower.next().map(\.sequence) }
        writers.join()
        #expect(sequences == Array(1...600))
    }
}
