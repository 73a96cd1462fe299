internal import CofferBlock
internal import CofferSecrets
internal import CofferTesting
internal import Glibc
internal import Testing

/// The file under a volume, with and without the page cache between.
@Suite struct FileBlockStoreTests {
    private static let bytes: [UInt8] = {
        var generator = SeededGenerator(seed: 5)
        return generator.bytes(256 << 10)
    }()

    @Test func `a read that is not to wait gives every byte, or nothing`() throws {
        let folder = try TemporaryFolder()
        try folder.write(Self.bytes, to: "file")
        let store = try FileBlockStore(path: folder.path("file"), .readWrite)
        #expect(try Self.read(store, waits: false) == Self.bytes, "it was just written")
        try store.sync()
        #expect(posix_fadvise(store.descriptor, 64 << 10, 64 << 10, POSIX_FADV_DONTNEED) == 0)
        do {
            // A filesystem in memory, or one that cannot tell, reads all the same.
            #expect(try Self.read(store, waits: false) == Self.bytes)
        } catch {
            #expect(error as? BlockError == .wouldWait)
        }
        #expect(try Self.read(store, waits: true) == Self.bytes)
        #expect(try Self.read(store, waits: false) == Self.bytes, "and now it is in the page cache")
    }

    @Test func `direct I-O always waits`() throws {
        let folder = try TemporaryFolder()
        try folder.write(Self.bytes, to: "file")
        let descriptor = unsafe open(folder.path("file"), O_RDWR | O_CLOEXEC)
        let store = try FileBlockStore(adoptingForDirectIO: descriptor, unitBytes: 4096)
        #expect(throws: BlockError.wouldWait) { try Self.read(store, waits: false) }
    }

    private static func read(_ store: FileBlockStore, waits: Bool) throws -> [UInt8] {
        var buffer = PageBuffer(count: bytes.count)
        let count = try buffer.withMutableBytes(at: 0, count: bytes.count) { (span) throws(BlockError) in
            try store.read(into: &span, at: 0, waits: waits)
        }
        return buffer.withBytes(at: 0, count: count) { $0.array() }
    }
}
