internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import Synchronization
internal import Testing

@testable internal import CofferTrail

@Suite struct TrailTests {
    private let home: TrailHome
    private let file = "2026-11-18.jsonl"

    init() throws { home = try TrailHome() }

    private func record(_ name: String) -> TrailRecord { TrailHome.record(name) }

    private func lines() throws -> [[UInt8]] { try home.lines(file) }

    private func bytes() throws -> [UInt8] { try home.folder.bytes("trail/\(file)") }

    private func rewrite(_ lines: [[UInt8]]) throws {
        try home.folder.write(lines.flatMap { $0 }, to: "trail/\(file)")
    }

    /// A trail of `count` records, A, B, C and so on.
    private func filled(_ count: Int) throws -> Trail {
        let trail = try home.open()
        for index in 0..<count {
            try trail.append(record(String(UnicodeScalar(UInt8(ascii: "A") + UInt8(index)))))
        }
        return trail
    }

    private func brokenLine(_ trail: Trail) throws -> Int? {
        guard case .broken(let place) = try trail.verify().finding else { return nil }
        return place.line
    }

    @Test func `records come back in order, numbered and timed`() throws {
        let trail = try filled(3)
        let entries = try trail.records(limit: 10)
        #expect(entries.map(\.record) == [record("A"), record("B"), record("C")])
        #expect(entries.map(\.sequence) == [1, 2, 3])
        #expect(entries[0].eventTime == home.clock.now.iso8601)
        #expect(try trail.records(limit: 2).map(\.record.eventName) == ["B", "C"])
        #expect(try trail.verify() == TrailVerification.intact(3))
    }

    @Test func `an empty trail verifies and has no records`() throws {
        #expect(try home.open().verify() == TrailVerification.intact(0))
        #expect(try Trail.records(folder: home.folder.path("nowhere"), limit: 5).isEmpty)
    }

    @Test func `a day has its file, and a clock set back does not reorder lines`() throws {
        let trail = try filled(1)
        home.clock.advance(seconds: 86_400)
        try trail.append(record("B"))
        home.clock.advance(seconds: -5 * 86_400)
        try trail.append(record("C"))
        #expect(try home.files() == ["2026-11-18.jsonl", "2026-11-19.jsonl"])
        #expect(try trail.records(limit: 10).map(\.record.eventName) == ["A", "B", "C"])
        #expect(try trail.verify() == TrailVerification.intact(3))
    }

    @Test(arguments: [0, 1, 2]) func `any changed byte of a line is found there`(_ index: Int) throws {
        let trail = try filled(3)
        let good = try lines()
        for offset in good[index].indices {
            var bad = good
            bad[index][offset] ^= 1
            try rewrite(bad)
            // The newest line's last bytes look like a torn write; the head tells.
            #expect(try trail.verify().finding != .intact, "byte \(offset)")
        }
        var named = good
        named[index][20] ^= 1
        try rewrite(named)
        if index < 2 { #expect(try brokenLine(trail) == index + 1) }
        try rewrite(good)
        #expect(try trail.verify() == TrailVerification.intact(3))
    }

    @Test func `a removed, doubled, moved or foreign line is found`() throws {
        let trail = try filled(4)
        let good = try lines()
        try rewrite([good[0], good[2], good[3]])
        #expect(try brokenLine(trail) == 2)
        try rewrite([good[0], good[1], good[1], good[2], good[3]])
        #expect(try brokenLine(trail) == 3)
        try rewrite([good[0], good[2], good[1], good[3]])
        #expect(try brokenLine(trail) == 2)
        try rewrite([good[0], good[1], Array("junk\n".utf8), good[2], good[3]])
        #expect(try brokenLine(trail) == 3)
        try rewrite(Array(good.dropFirst()))
        #expect(try brokenLine(trail) == 1)
    }

    @Test func `another key's trail does not verify`() throws {
        _ = try filled(2)
        #expect(try brokenLine(try home.open(4)) == 1)
    }

    @Test func `a cut tail is found, and still after the trail goes on`() throws {
        let trail = try filled(4)
        let good = try lines()
        try rewrite(Array(good.prefix(2)))
        #expect(try trail.verify().finding == .cut(last: 2, expected: 4))
        try trail.append(record("E"))
        #expect(try brokenLine(trail) == 3)
        #expect(try trail.records(limit: 1).first?.sequence == 5)
    }

    @Test func `a trail removed as a whole is found`() throws {
        let trail = try filled(2)
        try rewrite([])
        #expect(try trail.verify().finding == .cut(last: 0, expected: 2))
    }

    @Test func `a line torn by a crash is closed by a record, wherever it was torn`() throws {
        let length = try lines(of: 2).map(\.count).last ?? 0
        #expect(length > 100)
        for kept in Array(stride(from: 1, to: length, by: 37)) + [length - 2] {
            let trail = try filled(3)
            var torn = try lines()
            torn[2] = Array(torn[2].prefix(kept))
            try rewrite(torn)
            // The crash came before the head was stored.
            home.head.setBack(to: TrailPosition(sequence: 2, mac: Self.mac(of: torn[1])))
            #expect(try trail.verify() == TrailVerification.intact(2))
            try home.open().append(record("D"))
            #expect(try trail.verify() == TrailVerification.intact(4))
            #expect(try trail.records(limit: 9).map(\.record.eventName) == ["A", "B", "TornLine", "D"])
            // What was torn is evidence too: it cannot be changed or removed.
            var changed = try lines()
            let fragment = changed.remove(at: 2)
            try rewrite(changed)
            #expect(try brokenLine(trail) == 3)
            changed.insert([fragment[0] ^ 1] + fragment.dropFirst(), at: 2)
            try rewrite(changed)
            #expect(try brokenLine(trail) == 3)
            try rewrite([])
            home.head.setBack(to: nil)
        }
    }

    @Test func `a line that lacks its newline alone is whole`() throws {
        let trail = try filled(2)
        try rewrite([Array(try bytes().dropLast())])
        #expect(try trail.verify() == TrailVerification.intact(2))
        #expect(try trail.records(limit: 9).count == 2)
        try trail.append(record("C"))
        #expect(try trail.verify() == TrailVerification.intact(3))
        #expect(try trail.records(limit: 9).map(\.record.eventName) == ["A", "B", "C"])
    }

    @Test func `a crash while a torn line is closed is closed in turn`() throws {
        let trail = try filled(2)
        try rewrite([try bytes(), Array("{\"torn".utf8)])
        try trail.append(record("C"))
        let closed = try lines()
        #expect(closed.count == 5)
        try rewrite(Array(closed.prefix(3)) + [Array(closed[3].prefix(50))])
        home.head.setBack(to: TrailPosition(sequence: 2, mac: Self.mac(of: closed[1])))
        try home.open().append(record("D"))
        #expect(try trail.verify() == TrailVerification.intact(4))
        #expect(try trail.records(limit: 9).map(\.record.eventName) == ["A", "B", "TornLine", "D"])
    }

    /// The lines of a trail of `count` records, which is gone afterwards.
    private func lines(of count: Int) throws -> [[UInt8]] {
        _ = try filled(count)
        defer { try? rewrite([]) }
        home.head.setBack(to: nil)
        return try lines()
    }

    private static func mac(of line: [UInt8]) -> [UInt8] {
        Hex.bytes(String(decoding: line.dropLast(3).suffix(64), as: UTF8.self)) ?? []
    }

    @Test func `a crash between line and head is no fault`() throws {
        let trail = try filled(2)
        home.head.isBroken.store(true, ordering: .relaxed)
        #expect(throws: MemoryHead.Broken.self) { try trail.append(record("C")) }
        #expect(throws: MemoryHead.Broken.self) { try trail.append(record("D")) }
        home.head.isBroken.store(false, ordering: .relaxed)
        #expect(try trail.verify() == TrailVerification.intact(4))
        try trail.append(record("E"))
        #expect(try trail.verify() == TrailVerification.intact(5))
    }

    @Test func `writers at once, each with its own trail, leave one chain`() async throws {
        let trails = try (0..<4).map { _ in try home.open() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, trail) in trails.enumerated() {
                let record = record("W\(number)")
                group.addTask { for _ in 0..<25 { try trail.append(record) } }
            }
            try await group.waitForAll()
        }
        #expect(try trails[0].verify() == TrailVerification.intact(100))
        let names = try trails[0].records(limit: 200).map(\.record.eventName)
        for number in 0..<4 { #expect(names.filter { $0 == "W\(number)" }.count == 25) }
    }

    @Test func `a folder in the file's place makes the append fail`() throws {
        let trail = try filled(1)
        home.clock.advance(seconds: 86_400)
        _ = try Trail(
            folder: home.path + "/2026-11-19.jsonl",
            key: SecretBytes(copying: [1]),
            head: home.head
        )
        #expect(throws: FileError.self) { try trail.append(record("B")) }
    }
}
