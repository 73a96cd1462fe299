internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import Glibc
internal import Synchronization
internal import Testing

@testable internal import CofferTrail

@Suite struct BatchTests {
    private let home: TrailHome

    init() throws { home = try TrailHome() }

    @Test(arguments: [Trail.Durability.now, .soon])
    func `threads at once leave one chain, each its lines in order`(_ durability: Trail.Durability) throws {
        let trail = try home.open()
        let problems = inParallel(8) { thread in
            for number in 0..<50 {
                try trail.append(TrailHome.record("T\(thread)-\(number)"), durability: durability)
            }
            return nil
        }
        #expect(problems.isEmpty)
        #expect(try trail.verify() == .intact(400))
        let names = try home.names()
        for thread in 0..<8 {
            #expect(
                names.filter { $0.hasPrefix("T\(thread)-") } == (0..<50).map { "T\(thread)-\($0)" }
            )
        }
    }

    @Test func `two processes with threads of their own, small files and both durabilities leave one chain`()
        throws
    {
        let trails = [try home.open(fileSizeLimit: 4000), try home.open(fileSizeLimit: 4000)]
        let problems = inParallel(6) { thread in
            for number in 0..<60 {
                let durability = number % 7 == 0 ? Trail.Durability.now : .soon
                try trails[thread % 2].append(
                    TrailHome.record("T\(thread)-\(number)"),
                    durability: durability
                )
            }
            return nil
        }
        #expect(problems.isEmpty)
        for trail in trails { try trail.close() }
        #expect(try home.open().verify() == .intact(360))
        #expect(Set(try home.names()).count == 360)
        #expect(try home.files().count > 10)
        #expect(try home.head.load()?.sequence == 360)
    }

    @Test func `callers that wait for the medium together have one sync, and hold up no writer`() throws {
        /// Its first `store` waits until all lines have been written.
        final class SlowHead: TrailHead {
            let storeCount = Atomic<Int>(0)
            let hasAllLines: @Sendable () throws -> Bool

            init(_ hasAllLines: @escaping @Sendable () throws -> Bool) { self.hasAllLines = hasAllLines }

            func load() throws -> TrailPosition? { nil }

            func store(_ position: TrailPosition) throws {
                if storeCount.add(1, ordering: .relaxed).newValue == 1 {
                    while try !hasAllLines() { sched_yield() }
                }
            }
        }
        let path = home.path
        let head = SlowHead { try Trail.records(folder: path, limit: 9).count == 8 }
        let trail = try home.open(head: head)
        let problems = inParallel(8) { thread in
            try trail.append(TrailHome.record("T\(thread)"))
            return nil
        }
        #expect(problems.isEmpty)
        #expect((1...2).contains(head.storeCount.load(ordering: .relaxed)))
    }

    @Test func `every line of a batch that fails, fails, and the next is written`() throws {
        struct Refused: Error {}
        let queue = AppendQueue()
        let line = EncodedRecord(TrailHome.record("A"), eventID: "id")
        let refusals = Atomic<Int>(0)
        let problems = inParallel(4) { _ in
            do {
                _ = try queue.append(line) { _ in throw Refused() }
                return "no error"
            } catch is Refused {
                refusals.add(1, ordering: .relaxed)
                return nil
            }
        }
        #expect(problems.isEmpty)
        #expect(refusals.load(ordering: .relaxed) == 4)
        #expect(try queue.append(line) { _ in 9 } == 9)
    }

    @Test func `a locked call and appends of other threads do not mix`() throws {
        let trail = try home.open()
        let problems = inParallel(6) { thread in
            for number in 0..<20 {
                if thread < 2 {
                    try trail.locked { writer in
                        try writer.append(TrailHome.record("L\(thread)-\(number)-begin"))
                        try writer.append(TrailHome.record("L\(thread)-\(number)-end"), durability: .soon)
                    }
                } else {
                    try trail.append(TrailHome.record("T\(thread)-\(number)"), durability: .soon)
                }
            }
            return nil
        }
        #expect(problems.isEmpty)
        #expect(try trail.verify() == .intact(160))
        let names = try home.names()
        for (index, name) in names.enumerated() where name.hasSuffix("begin") {
            #expect(names[index + 1] == name.replacing("begin", with: "end"))
        }
    }

    @Test func `a locked call that throws gives the lock back`() throws {
        struct Refused: Error {}
        let trail = try home.open()
        #expect(throws: Refused.self) { try trail.locked { _ in throw Refused() } }
        try trail.append(TrailHome.record("A"))
        try home.open().append(TrailHome.record("B"))
        #expect(try trail.verify() == .intact(2))
    }

    @Test func `a process reads on what another has appended, torn lines too`() throws {
        let (one, other) = (try home.open(), try home.open())
        for name in ["A", "B"] {
            try one.append(TrailHome.record(name))
            try other.append(TrailHome.record(name + "'"))
        }
        try home.folder.write(
            home.folder.bytes("trail/2026-11-18.jsonl") + Array("{\"torn".utf8),
            to: "trail/2026-11-18.jsonl"
        )
        try one.append(TrailHome.record("C"), durability: .soon)
        try other.append(TrailHome.record("D"), durability: .soon)
        #expect(try home.names() == ["A", "A'", "B", "B'", "TornLine", "C", "D"])
        #expect(try one.verify() == .intact(7))
    }

    @Test func `a line cut off a running process's trail shows, though the head does not know it`() throws {
        let trail = try home.open()
        for name in ["A", "B", "C"] { try trail.append(TrailHome.record(name), durability: .soon) }
        try trail.flush()
        home.head.setBack(to: nil)
        let lines = try home.lines("2026-11-18.jsonl")
        try home.folder.write(lines.prefix(2).flatMap { $0 }, to: "trail/2026-11-18.jsonl")
        try trail.append(TrailHome.record("D"))
        guard case .broken(let place) = try trail.verify().finding else {
            Issue.record("the cut is not seen")
            return
        }
        #expect(place.line == 3)
    }

    @Test func `a folder that another takes the place of is opened again`() throws {
        let trail = try home.open()
        try trail.append(TrailHome.record("A"))
        try trail.append(TrailHome.record("B"))
        let copy = try home.folder.bytes("trail/2026-11-18.jsonl")
        #expect(unsafe rename(home.path, home.folder.path("old")) == 0)
        _ = try home.open()
        try home.folder.write(copy, to: "trail/2026-11-18.jsonl")
        try trail.append(TrailHome.record("C"))
        #expect(try home.names() == ["A", "B", "C"])
        #expect(try trail.verify() == .intact(3))
    }
}
