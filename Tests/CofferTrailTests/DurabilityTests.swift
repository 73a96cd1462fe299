internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import Glibc
internal import Synchronization
internal import Testing

@testable internal import CofferTrail

@Suite struct DurabilityTests {
    private let home: TrailHome
    private let file = "trail/2026-11-18.jsonl"

    init() throws { home = try TrailHome() }

    @Test func `a line of .soon is in the file at once, and its head follows within a second`() throws {
        let trail = try home.open()
        try trail.append(TrailHome.record("A"), durability: .soon)
        #expect(try home.names() == ["A"])
        #expect(try waited(milliseconds: 5000) { try home.head.load()?.sequence == 1 })
        // And again after the thread has had nothing to do.
        try trail.append(TrailHome.record("B"), durability: .soon)
        #expect(try waited(milliseconds: 5000) { try home.head.load()?.sequence == 2 })
    }

    @Test func `flush stores the head, and so do close and the end of the trail`() throws {
        do {
            let trail = try home.open()
            try trail.append(TrailHome.record("A"), durability: .soon)
            try trail.flush()
            #expect(try home.head.load()?.sequence == 1)
            try trail.append(TrailHome.record("B"), durability: .soon)
        }
        #expect(try home.head.load()?.sequence == 2)
        let trail = try home.open()
        try trail.append(TrailHome.record("C"), durability: .soon)
        try trail.close()
        #expect(try home.head.load()?.sequence == 3)
        #expect(throws: TrailError.closed) { try trail.append(TrailHome.record("D"), durability: .soon) }
        #expect(throws: TrailError.closed) { try trail.append(TrailHome.record("D")) }
        #expect(try trail.verify() == .intact(3))
    }

    @Test func `lines of .soon share a sync`() throws {
        let trail = try home.open()
        for _ in 0..<200 { try trail.append(TrailHome.record("A"), durability: .soon) }
        try trail.close()
        #expect(home.head.storeCount.load(ordering: .relaxed) < 20)
        #expect(try home.head.load()?.sequence == 200)
    }

    @Test func `after a power cut within the second the trail is whole and shorter`() throws {
        let trail = try home.open()
        try trail.append(TrailHome.record("A"))
        let head = try home.head.load()
        for name in ["B", "C"] { try trail.append(TrailHome.record(name), durability: .soon) }
        try trail.close()
        // Half of the unsynced bytes reached the medium, and the head did not.
        let lines = try home.lines("2026-11-18.jsonl")
        try home.folder.write(lines[0] + lines[1] + lines[2].prefix(70), to: file)
        home.head.setBack(to: head)
        let next = try home.open()
        #expect(try next.verify() == .intact(2))
        try next.append(TrailHome.record("D"), durability: .soon)
        #expect(try next.verify() == .intact(4))
        #expect(try home.names() == ["A", "B", "TornLine", "D"])
    }

    @Test func `a line of .soon that was synced and is cut off is found`() throws {
        let trail = try home.open()
        for name in ["A", "B"] { try trail.append(TrailHome.record(name), durability: .soon) }
        try trail.close()
        try home.folder.write(home.lines("2026-11-18.jsonl")[0], to: file)
        #expect(try home.open().verify().finding == .cut(last: 1, expected: 2))
    }

    @Test func `while the head cannot be stored, appends fail, and go on when it can`() throws {
        let trail = try home.open()
        home.head.isBroken.store(true, ordering: .relaxed)
        try trail.append(TrailHome.record("A"), durability: .soon)
        #expect(
            try waited(milliseconds: 5000) {
                do {
                    try trail.append(TrailHome.record("B"), durability: .soon)
                    return false
                } catch is MemoryHead.Broken {
                    return true
                }
            }
        )
        home.head.isBroken.store(false, ordering: .relaxed)
        #expect(
            try waited(milliseconds: 5000) {
                (try? trail.append(TrailHome.record("C"), durability: .soon)) != nil
            }
        )
        try trail.close()
        #expect(try home.open().verify().finding == .intact)
    }

    @Test func `after a sync that failed, every append fails with its error`() throws {
        // What has no medium cannot be synced, as a medium that is gone cannot.
        let sync = TrailSync(head: home.head)
        let written = TrailEnd.Written(
            first: 1,
            file: try TrailEnd.File(OpenFile("/proc/self/status", .read)),
            position: TrailPosition(sequence: 1, mac: [])
        )
        sync.wrote(written)
        for _ in 0..<2 { #expect(throws: FileError("syncing", code: EINVAL)) { try sync.sync(through: 1) } }
        #expect(throws: FileError("syncing", code: EINVAL)) { try sync.check() }
        #expect(throws: FileError("syncing", code: EINVAL)) { try sync.flush() }
        #expect(try home.head.load() == nil)
    }

    @Test(.enabled(if: geteuid() == 0, "a tmpfs is mounted by root only"))
    func `on a full filesystem an append fails, and goes on when there is room`() throws {
        let disk = home.folder.path("disk")
        #expect(unsafe mkdir(disk, 0o700) == 0)
        #expect(unsafe mount("tmpfs", disk, "tmpfs", 0, "size=64k") == 0)
        // Detached: the trail's files may be open for a moment longer.
        defer { _ = unsafe umount2(disk, Int32(MNT_DETACH)) }
        let trail = try Trail(
            folder: disk + "/trail",
            key: SecretBytes(copying: [UInt8](repeating: 3, count: 32)),
            head: home.head,
            clock: home.clock
        )
        try trail.append(TrailHome.record("A"))
        var long = TrailHome.record("Long")
        long.requestParameters = ["x": .text(String(repeating: "x", count: 9000))]
        var failure: FileError?
        for _ in 0..<20 where failure == nil {
            do { try trail.append(long, durability: Trail.Durability.soon) } catch {
                failure = error as? FileError
            }
        }
        #expect(failure?.isFull == true)
        #expect(throws: FileError.self) { try trail.append(long) }
        #expect(unsafe mount("tmpfs", disk, "tmpfs", UInt(MS_REMOUNT), "size=1m") == 0)
        try trail.append(TrailHome.record("B"))
        #expect(try trail.verify().finding == .intact)
        let names = try trail.records(limit: 100).map(\.record.eventName)
        #expect(names.first == "A" && names.last == "B")
        #expect(names.filter { $0 == "TornLine" }.count <= 2)
        try trail.close()
    }

    /// Whether `condition` holds within a time.
    private func waited(milliseconds: Int, _ condition: () throws -> Bool) throws -> Bool {
        let clock = ContinuousClock()
        let deadline = clock.now + .milliseconds(milliseconds)
        while clock.now < deadline {
            if try condition() { return true }
            usleep(2000)
        }
        return try condition()
    }
}
