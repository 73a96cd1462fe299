internal import CofferTesting
internal import Foundation
internal import Testing

@testable internal import CofferSecrets

@Suite struct SecretPoolTests {
    private static let sizes = [1, 32, 63, 64, 65, 128, 129, 1024, 1025, 2047, 2048, 2049, 4096, 70_000]

    @Test(arguments: sizes) func `a secret of any size is zero at first and keeps what is put in`(
        _ count: Int
    ) {
        let secret = SecretBytes(count: count) { span in
            #expect(span.bytes.array() == [UInt8](repeating: 0, count: count))
            unsafe span.copy([UInt8](repeating: 7, count: count).span.bytes, at: 0)
        }
        #expect(secret.count == count)
        #expect(secret.withBytes { $0.array() } == [UInt8](repeating: 7, count: count))
    }

    @Test func `a count is served by the smallest slots that hold it`() {
        for (count, slotBytes) in [(1, 64), (64, 64), (65, 128), (128, 128), (129, 256), (2048, 2048)] {
            #expect(SecretPool.serving(count).slotBytes == slotBytes, "\(count) bytes")
        }
    }

    @Test func `a slot is wiped whole before it is handed out again`() {
        // Other tests make secrets at the same time: a pool of this test's own cannot be had, but a slot that comes
        // back at once is the last one released, unless another thread was faster.
        var reused = 0
        for _ in 0..<200 {
            let pool = SecretPool.serving(2048)
            let slot = pool.take()
            let bytes = unsafe UnsafeMutableRawBufferPointer(start: slot.base, count: 2048)
            #expect(unsafe bytes.allSatisfy { $0 == 0 })
            for index in bytes.indices { unsafe bytes[index] = 0xA5 }
            pool.release(slot)
            let next = pool.take()
            if unsafe next.base == slot.base { reused += 1 }
            #expect(unsafe UnsafeRawBufferPointer(start: next.base, count: 2048).allSatisfy { $0 == 0 })
            pool.release(next)
        }
        #expect(reused > 0)
    }

    @Test func `slots that are held at once never overlap`() {
        let pool = SecretPool.serving(64)
        let slots = (0..<2000).map { _ in pool.take() }
        let addresses = slots.map { unsafe UInt(bitPattern: $0.base) }.sorted()
        #expect(zip(addresses, addresses.dropFirst()).allSatisfy { $1 - $0 >= 64 })
        slots.forEach(pool.release)
    }

    @Test func `threads that make and drop secrets never see each other's`() {
        let problems = inParallel(4) { thread in
            var generator = SeededGenerator(seed: UInt64(thread))
            for round in 0..<60 {
                var held = Held()
                for _ in 0..<20 {
                    let count = Int.random(in: 1...2200, using: &generator)
                    held.add(count, mark: UInt8.random(in: 1...255, using: &generator))
                }
                guard held.isIntact else { return "round \(round)" }
            }
            return nil
        }
        #expect(problems.isEmpty)
    }

    @Test func `a child does not inherit a secret`() throws {
        let address = SecretBytes(random: 32).withBytes { span in
            unsafe span.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
        }
        // proc_pid_smaps(5): "dc" is not copied on fork, "wf" is wiped.
        // The kernel gives a page of it at a time.
        let file = try #require(FileHandle(forReadingAtPath: "/proc/self/smaps"))
        let maps = String(decoding: try #require(try file.readToEnd()), as: UTF8.self)
        var isInside = false
        for line in maps.split(separator: "\n") {
            let bounds = line.prefix { $0 != " " }.split(separator: "-").compactMap { UInt($0, radix: 16) }
            if bounds.count == 2 { isInside = bounds[0] <= address && address < bounds[1] }
            guard isInside, line.hasPrefix("VmFlags:") else { continue }
            #expect(line.contains(" dc") || line.contains(" wf"))
            return
        }
        Issue.record("the secret's mapping is not listed")
    }
}

/// Secrets, each full of its own mark.
private struct Held: ~Copyable {
    private var first: Node?

    /// A list, as no array holds what has one owner.
    private final class Node {
        let secret: SecretBytes
        let mark: UInt8
        let next: Node?

        init(_ count: Int, _ mark: UInt8, _ next: Node?) {
            secret = SecretBytes(count: count) { span in
                unsafe span.copy([UInt8](repeating: mark, count: count).span.bytes, at: 0)
            }
            (self.mark, self.next) = (mark, next)
        }
    }

    mutating func add(_ count: Int, mark: UInt8) { first = Node(count, mark, first) }

    var isIntact: Bool {
        var node = first
        while let current = node {
            let expected = [UInt8](repeating: current.mark, count: current.secret.count)
            guard current.secret.withBytes({ $0.array() }) == expected else { return false }
            node = current.next
        }
        return true
    }
}
