import CofferShapes
import CofferTesting
import Foundation
import Testing

@testable import CofferBench

struct OwnEngineTests {
    private static let sizeBytes = 8 << 20

    @Test(arguments: Load.ofFile + Load.ofDevice.filter { $0.depth < 64 })
    func `every load moves what it says`(load: Load) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("file")
        try Noise.fill(path, sizeBytes: Self.sizeBytes)
        let before = try folder.bytes("file")
        let result = try OwnEngine().run(
            load,
            on: LoadTarget(path: path, sizeBytes: Self.sizeBytes),
            // Without a warm-up each thread's first request counts, however long a busy disk takes for it.
            for: RunTime(milliseconds: 50, warmUpMilliseconds: 0)
        )
        #expect(result.byteCount == result.operationCount * UInt64(load.blockBytes))
        #expect(result.rate(of: load) > 0 && result.latency.count == result.operationCount)
        // A pass over the file comes by no block twice.
        if load.isOnePass { #expect(result.byteCount <= UInt64(Self.sizeBytes)) }
        let after = try folder.bytes("file")
        #expect(after.count == Self.sizeBytes && (after == before) == (load.direction == .read))
    }

    @Test func `a file that is missing, too small or refuses is an error`() throws {
        let folder = try TemporaryFolder()
        let read = Load(.sequential, .read, blockBytes: 1 << 20, depth: 1)
        let time = RunTime(milliseconds: 20)
        #expect(throws: AWSError.self) {
            try OwnEngine().run(
                read,
                on: LoadTarget(path: folder.path("none"), sizeBytes: 1 << 20),
                for: time
            )
        }
        try Noise.fill(folder.path("file"), sizeBytes: 1 << 20)
        for sizeBytes in [4096, 2 << 20] {
            #expect(throws: AWSError.self) {
                try OwnEngine().run(
                    read,
                    on: LoadTarget(path: folder.path("file"), sizeBytes: sizeBytes),
                    for: time
                )
            }
        }
    }

    @Test(arguments: [1, 2, 3, 10, 1000, 4096])
    func `at random each block comes once before any comes again`(count: Int) {
        let cursor = BlockCursor(first: 7, count: count, isRandom: true, repeats: true)
        for _ in 0..<2 {
            #expect(Set((0..<count).compactMap { _ in cursor.next() }) == Set(7..<7 + count))
        }
        let pass = BlockCursor(first: 0, count: count, isRandom: false, repeats: false)
        #expect((0..<count).map { _ in pass.next() } == Array(0..<count))
        #expect(pass.next() == nil)
    }

    @Test func `a file without direct I/O is loaded through the page cache, and at depth 1 alone`() throws {
        let one = Load(.random, .read, blockBytes: 4096, depth: 1, clients: 2)
        var buffered = one
        buffered.isDirect = false
        #expect(one.onFile(takesDirect: true) == one && one.onFile(takesDirect: false) == buffered)
        let deep = Load(.random, .read, blockBytes: 4096, depth: 16)
        #expect(deep.onFile(takesDirect: true) == deep && deep.onFile(takesDirect: false) == nil)
        let sync = try #require(Load.ofFile.last)
        #expect(sync.onFile(takesDirect: false) == sync)
    }

    @Test func `direct I/O is granted to a file on a disk, and refused by files of the kernel`() throws {
        let folder = try TemporaryFolder()
        try Noise.fill(folder.path("file"), sizeBytes: 4096)
        #expect(LoadTarget(path: folder.path("file"), sizeBytes: 4096).takesDirect)
        #expect(!LoadTarget(path: "/proc/self/comm", sizeBytes: 4096).takesDirect)
    }

    @Test func `names and titles of loads are told apart`() {
        for loads in [Load.ofDevice, Load.ofFile] {
            #expect(Set(loads.map(\.name)).count == loads.count)
            #expect(Set(loads.map(\.title)).count == loads.count)
        }
        #expect(Load.ofDevice.map(\.name).contains("randread-4k-d16-c2"))
        #expect(Load.ofDevice[0].title == "sequential read, 1 MiB, depth 4")
    }
}
