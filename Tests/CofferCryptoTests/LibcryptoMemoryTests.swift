internal import CofferTesting
internal import Testing

@testable internal import CofferCrypto

@Suite struct LibcryptoMemoryTests {
    private static let granule = LockedArena.granuleBytes

    @Test func `runs never overlap, are zero at first, keep what was written and are zero again`() {
        var arena = LockedArena(capacityBytes: 256 << 10)
        var generator = SeededGenerator(seed: 9)
        var live: [(pointer: UnsafeMutableRawPointer, count: Int, mark: UInt8)] = unsafe []
        var expected = 0
        for step in 0..<20_000 {
            let mark = UInt8(truncatingIfNeeded: step) | 1
            if unsafe !live.isEmpty, Bool.random(using: &generator) {
                let index = unsafe Int.random(in: 0..<live.count, using: &generator)
                let (pointer, count, mark) = unsafe live.remove(at: index)
                let bytes = unsafe UnsafeRawBufferPointer(start: pointer, count: count)
                #expect(unsafe bytes.allSatisfy { $0 == mark }, "step \(step)")
                unsafe arena.free(pointer)
                // The memory stays mapped: the next owner finds nothing of the last.
                #expect(unsafe bytes.allSatisfy { $0 == 0 }, "step \(step)")
                expected -= (count + Self.granule - 1) / Self.granule * Self.granule
            } else {
                let count = Int.random(in: 1...3000, using: &generator)
                guard let pointer = unsafe arena.allocate(count) else { continue }
                let bytes = unsafe UnsafeMutableRawBufferPointer(start: pointer, count: count)
                #expect(unsafe bytes.allSatisfy { $0 == 0 }, "step \(step)")
                #expect(UInt(bitPattern: pointer).isMultiple(of: 64))
                for index in bytes.indices { unsafe bytes[index] = mark }
                unsafe live.append((pointer, count, mark))
                expected += (count + Self.granule - 1) / Self.granule * Self.granule
            }
            #expect(arena.usage.presentBytes == expected)
        }
        #expect(arena.usage.failureCount > 0, "the arena was full at times")
        #expect(arena.usage.peakBytes > 200 << 10)
    }

    @Test func `an arena that is full gives nothing, and all of it again after a free`() throws {
        var arena = LockedArena(capacityBytes: 10 * Self.granule + 63)
        #expect(arena.usage.capacityBytes == 10 * Self.granule)
        var pointers: [UnsafeMutableRawPointer] = unsafe []
        for _ in 0..<10 {
            guard let pointer = unsafe arena.allocate(1) else { break }
            unsafe pointers.append(pointer)
        }
        #expect(unsafe pointers.count == 10)
        #expect(unsafe arena.allocate(1) == nil)
        #expect(arena.usage.failureCount == 1)
        // Neighbours freed in any order join.
        for index in [3, 5, 4] { unsafe arena.free(pointers[index]) }
        #expect(unsafe arena.allocate(4 * Self.granule) == nil)
        #expect(unsafe arena.allocate(3 * Self.granule) == pointers[3])
        #expect(unsafe arena.allocate(Int.max) == nil)
        #expect(unsafe arena.allocate(0) == nil)
    }

    @Test func `a run that grows keeps its bytes, and its old place is wiped`() throws {
        var arena = LockedArena(capacityBytes: 64 * Self.granule)
        guard let first = unsafe arena.allocate(100), let wall = unsafe arena.allocate(10) else {
            Issue.record("no room")
            return
        }
        for offset in 0..<100 {
            unsafe first.storeBytes(of: UInt8(offset), toByteOffset: offset, as: UInt8.self)
        }
        #expect(unsafe arena.reallocate(first, 120) == first, "it fits where it is")
        guard let moved = unsafe arena.reallocate(first, 1000) else {
            Issue.record("no room")
            return
        }
        #expect(unsafe moved != first)
        for offset in 0..<100 {
            #expect(unsafe moved.load(fromByteOffset: offset, as: UInt8.self) == UInt8(offset))
            #expect(unsafe first.load(fromByteOffset: offset, as: UInt8.self) == 0)
        }
        #expect(unsafe arena.reallocate(moved, 1 << 20) == nil, "then the old stays")
        #expect(unsafe moved.load(fromByteOffset: 99, as: UInt8.self) == 99)
        unsafe arena.free(moved)
        unsafe arena.free(wall)
        #expect(arena.usage.presentBytes == 0)
    }

    @Test func `a pointer that is freed twice or is not the arena's ends the process`() async {
        await #expect(processExitsWith: .failure) {
            var arena = LockedArena(capacityBytes: 1 << 16)
            if let pointer = unsafe arena.allocate(100) {
                unsafe arena.free(pointer)
                unsafe arena.free(pointer)
            }
        }
        await #expect(processExitsWith: .failure) {
            var arena = LockedArena(capacityBytes: 1 << 16)
            if let pointer = unsafe arena.allocate(100) { unsafe arena.free(pointer + 64) }
        }
    }

    @Test func `in a fresh process libcrypto allocates in the arena, and later it is refused`() async {
        await #expect(processExitsWith: .success) {
            try LibcryptoMemory.install(capacityBytes: 1 << 20)
            #expect(throws: LibcryptoMemory.InstallError.alreadyInstalled) { try LibcryptoMemory.install() }
            #expect(SHA256.digest([1, 2, 3]).count == 32)
            let usage = LibcryptoMemory.usage
            precondition(usage.peakBytes > 0 && usage.failureCount == 0 && usage.protection != nil)
        }
        await #expect(processExitsWith: .success) {
            _ = SHA256.digest([1, 2, 3])
            #expect(throws: LibcryptoMemory.InstallError.tooLate) { try LibcryptoMemory.install() }
            precondition(LibcryptoMemory.usage.capacityBytes == 0)
        }
    }
}
