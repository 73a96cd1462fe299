internal import CofferBlock
internal import CofferTesting
internal import Glibc
internal import Synchronization
internal import Testing

@Suite struct EncryptedVolumeConcurrencyTests {
    @Test func `partial writes by several threads never tear their neighbours in the same unit`() throws {
        let test = try TestVolume(bytes: 2 << 20)
        let volume = EncryptedVolume(
            store: try FileBlockStore(path: test.backingPath, .readWrite),
            geometry: test.geometry,
            punchesHoles: true
        )
        // Four threads own a quarter each of the same two units, and write, discard and check only their own bytes.
        let problems = inParallel(4) { index in
            var worker = volume.makeWorker(cipher: try test.cipher())
            var generator = SeededGenerator(seed: UInt64(index))
            var own = [[UInt8]](repeating: [UInt8](repeating: 0, count: 1024), count: 2)
            for round in 0..<1500 {
                let unit = round % 2
                let offset = unit * 4096 + index * 1024
                if round % 7 == 6 {
                    try worker.discard(at: UInt64(offset), count: 1024)
                    own[unit] = [UInt8](repeating: 0, count: 1024)
                } else {
                    own[unit] = [UInt8](repeating: UInt8.random(in: 1...255, using: &generator), count: 1024)
                    _ = try EncryptedVolumeTests.write(&worker, own[unit], at: offset)
                }
                let read = try EncryptedVolumeTests.read(&worker, 1024, at: offset)
                if read != own[unit] { return "round \(round): a neighbour was torn" }
            }
            return nil
        }
        #expect(problems == [])
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
            let problems = inParallel(2) { index in
                var worker = volume.makeWorker(cipher: try test.cipher())
                if index == 0 {
                    try worker.discard(at: 0, count: 4 << 20)
                } else {
                    _ = try EncryptedVolumeTests.write(&worker, [UInt8](repeating: 0xBB, count: 100), at: 50)
                }
                return nil
            }
            #expect(problems == [])
            let unit = try EncryptedVolumeTests.read(&setup, 4096, at: 0)
            // Either order is right: all zero after the discard, or the write over a hole.
            let isDiscarded = unit.allSatisfy { $0 == 0 }
            let isWritten = unit[50..<150].allSatisfy { $0 == 0xBB } && unit[150...].allSatisfy { $0 == 0 }
            #expect(isDiscarded || isWritten, "round \(round): old bytes came back")
        }
    }

    @Test func `syncs that wait share one, and none reports success beside one that failed`() throws {
        let test = try TestVolume(bytes: 1 << 20)
        let store = MemoryBlockStore()
        let volume = EncryptedVolume(store: store, geometry: test.geometry, punchesHoles: true)
        store.syncMicroseconds = 2000
        let failures = Atomic<Int>(0)
        let problems = inParallel(8) { index in
            for round in 0..<10 {
                if index == 0 && round == 5 { store.nextError = .system(errno: EIO, call: .sync) }
                let wasFaulted = volume.isFaulted
                do throws(BlockError) {
                    try volume.sync()
                    if wasFaulted { return "a success after a failure" }
                } catch { failures.wrappingAdd(1, ordering: .relaxed) }
            }
            return nil
        }
        #expect(problems == [])
        #expect(failures.load(ordering: .relaxed) > 0)
        #expect(store.syncsAtOnce == 1)
        #expect(store.syncCount < 40, "callers that wait share a sync")
    }
}
