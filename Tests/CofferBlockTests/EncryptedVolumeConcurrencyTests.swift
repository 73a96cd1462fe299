internal import CofferBlock
internal import CofferTesting
internal import CofferXTS
internal import Dispatch
internal import Glibc
internal import Synchronization
internal import Testing

@Suite struct EncryptedVolumeConcurrencyTests {
    /// Threads with a worker each over one volume.
    private func inParallel(
        _ threads: Int,
        _ volume: EncryptedVolume<FileBlockStore>,
        _ test: TestVolume,
        _ body: @Sendable (Int, inout EncryptedVolumeWorker<FileBlockStore>) throws -> Void
    ) {
        DispatchQueue.concurrentPerform(iterations: threads) { index in
            do {
                var worker = volume.makeWorker(cipher: try test.cipher())
                try body(index, &worker)
            } catch { Issue.record(error) }
        }
    }

    @Test func `partial writes by several threads never tear their neighbours in the same unit`() throws {
        let test = try TestVolume(bytes: 2 << 20)
        let volume = EncryptedVolume(
            store: try FileBlockStore(path: test.backingPath, .readWrite),
            geometry: test.geometry,
            punchesHoles: true
        )
        // Four threads own a quarter each of the same units, and write, discard and check only their own bytes.
        inParallel(4, volume, test) { index, worker in
            var generator = SeededGenerator(seed: UInt64(index))
            var own = [[UInt8]](repeating: [UInt8](repeating: 0, count: 1024), count: 4)
            for round in 0..<500 {
                let unit = Int.random(in: 0..<4, using: &generator)
                let offset = unit * 4096 + index * 1024
                if round % 7 == 6 {
                    try worker.discard(at: UInt64(offset), count: 1024)
                    own[unit] = [UInt8](repeating: 0, count: 1024)
                } else {
                    own[unit] = generator.bytes(1024)
                    #expect(try EncryptedVolumeTests.write(&worker, own[unit], at: offset) == 1024)
                }
                let check = Int.random(in: 0..<4, using: &generator)
                let read = try EncryptedVolumeTests.read(&worker, 1024, at: check * 4096 + index * 1024)
                #expect(read == own[check], "thread \(index), round \(round)")
            }
        }
    }

    @Test func `a partial write beside a discard of whole units keeps what it wrote and nothing older`()
        throws
    {
        let test = try TestVolume(bytes: 4 << 20)
        let volume = EncryptedVolume(
            store: try FileBlockStore(path: test.backingPath, .readWrite),
            geometry: test.geometry,
            punchesHoles: true
        )
        for round in 0..<150 {
            var setup = volume.makeWorker(cipher: try test.cipher())
            _ = try EncryptedVolumeTests.write(&setup, [UInt8](repeating: 0xAA, count: 8192), at: 0)
            inParallel(2, volume, test) { index, worker in
                if index == 0 {
                    try worker.discard(at: 0, count: 4 << 20)
                } else {
                    _ = try EncryptedVolumeTests.write(&worker, [UInt8](repeating: 0xBB, count: 100), at: 50)
                }
            }
            let unit = try EncryptedVolumeTests.read(&setup, 4096, at: 0)
            // Either order is right: all zero after the discard, or the write over a hole.
            let isDiscarded = unit.allSatisfy { $0 == 0 }
            let isWritten = unit[50..<150].allSatisfy { $0 == 0xBB } && unit[150...].allSatisfy { $0 == 0 }
            #expect(isDiscarded || isWritten, "round \(round): old bytes came back")
        }
    }

    @Test func `syncs that wait share one, and none reports success beside one that failed`() throws {
        let test = try TestVolume(bytes: 1 << 20)
        let store = MemoryStore()
        let volume = EncryptedVolume(store: store, geometry: test.geometry, punchesHoles: true)
        store.syncMicroseconds = 2000
        let failures = Atomic<Int>(0)
        let done = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: 8) { index in
            for round in 0..<10 {
                if index == 0 && round == 5 { store.nextError = .system(errno: EIO, call: .sync) }
                let before = volume.isFaulted
                do throws(BlockError) {
                    try volume.sync()
                    #expect(!before, "a success after a failure")
                } catch { failures.wrappingAdd(1, ordering: .relaxed) }
                done.wrappingAdd(1, ordering: .relaxed)
            }
        }
        #expect(failures.load(ordering: .relaxed) > 0)
        #expect(done.load(ordering: .relaxed) == 80)
        #expect(store.syncsAtOnce == 1)
        #expect(store.syncCount < 80)
    }
}
