import CofferBlock
import CofferSecrets
import CofferTesting
import Glibc
import Synchronization
import Testing

@testable import CofferSnapshot

@Suite struct SnapshotFolderTests {
    private let temporary: TemporaryFolder
    private let folder: SnapshotFolder

    init() throws {
        temporary = try TemporaryFolder()
        folder = try SnapshotFolder(path: temporary.path)
        _ = try folder.makeFolder("a")
    }

    @Test func `files are made, renamed and removed by name`() throws {
        let path = StoragePath("file", in: "a")
        let file = try folder.open(path, .create)
        try file.put([1, 2, 3], at: 5, path: "file")
        try file.makeDurable(path: "file")
        #expect(throws: SnapshotError.files(errno: EEXIST, call: "opening", path: "a/file")) {
            try folder.open(path, .create)
        }
        #expect(try folder.makeFolder("a") == false)
        let target = StoragePath("other", in: "a")
        try folder.rename(path, to: target)
        try folder.syncFolder("a")
        #expect(try folder.names(in: "a") == ["other"] && folder.names(in: nil) == ["a"])
        #expect(try folder.names(in: "b") == nil)
        // What is open stays readable.
        let open = try folder.open(target, .read)
        #expect(try folder.remove(target) && !folder.remove(target))
        #expect(try open.bytes(at: 5, count: 9, path: "other") == [1, 2, 3])
        #expect(try folder.removeFolder("a") && !folder.removeFolder("a"))
        #expect(try folder.remove(target) == false)
        #expect(throws: SnapshotError.files(errno: ENOENT, call: "opening", path: "a")) {
            try folder.open(target, .create)
        }
    }

    @Test func `neither links nor pipes nor folders pass for files`() throws {
        #expect(unsafe symlink("/etc/passwd", temporary.path("a/link")) == 0)
        #expect(unsafe mkfifo(temporary.path("a/pipe"), 0o600) == 0)
        #expect(unsafe symlink("a", temporary.path("b")) == 0)
        for path in [
            StoragePath("link", in: "a"), StoragePath("pipe", in: "a"), StoragePath("a", in: nil),
            StoragePath("x", in: "b"),
        ] {
            #expect(throws: SnapshotError.self) { try folder.open(path, .read) }
        }
        #expect(throws: SnapshotError.self) { try folder.open(StoragePath("y", in: "b"), .create) }
    }

    @Test func `a lock has one holder, is seen by others, and goes with it`() throws {
        let path = StoragePath("lock", in: "a")
        #expect(try folder.isLocked(path) == false)
        do {
            let lock = try #require(try folder.tryLock(path))
            #expect(try folder.tryLock(path) == nil)
            let other = try SnapshotFolder(path: temporary.path)
            #expect(try other.tryLock(path) == nil && other.isLocked(path))
            withExtendedLifetime(lock) {}
        }
        #expect(try folder.isLocked(path) == false)
        #expect(try folder.tryLock(path) != nil)
    }

    @Test func `a writer waits out a short lock`() throws {
        let (lineage, folder) = (SnapshotSubject.lineage(), folder)
        var held: (any StorageLock)? = try LineageWriter.lock(lineage, in: folder)
        #expect(throws: SnapshotError.lineageBusy(lineage)) {
            try LineageWriter(lineage, in: folder, patience: .milliseconds(1))
        }
        let holder = Mutex(held)
        held = nil
        let problems = inParallel(2) { thread in
            if thread == 0 {
                usleep(50_000)
                holder.withLock { $0 = nil }
            } else {
                _ = try LineageWriter(lineage, in: folder, patience: .seconds(60))
            }
            return nil
        }
        #expect(problems.isEmpty)
    }
}
