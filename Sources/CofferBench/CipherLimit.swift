internal import CCipherLimit
internal import Dispatch
internal import Synchronization

/// What no AES-256 cipher of this processor can go beyond: its AES units busy in every cycle, with nothing to load, store
/// or work out besides. Measured and not looked up, as neither the clock nor the model of a virtual machine is known.
enum CipherLimit {
    /// Whether the processor has AES instructions.
    static let isKnown = cipherlimit_lanes() > 0

    /// GB/s of all threads together, and the clock of a thread, GHz.
    static func measure(threadCount: Int, milliseconds: Int) -> (speed: Double, clock: Double) {
        let rounds: UInt64 = 100_000
        // FIPS 197: 14 rounds of AES-256 for a block of 16 bytes.
        let bytes = Double(rounds) * Double(CIPHERLIMIT_VECTORS) * Double(cipherlimit_lanes()) * 16 / 14
        let cycles: UInt64 = 1_000_000
        return (
            speed: rate(threadCount, milliseconds) { _ = cipherlimit_rounds(rounds) } * bytes / 1e9,
            clock: rate(threadCount, milliseconds) { _ = cipherlimit_cycles(cycles) } * Double(cycles) / 1e9
                / Double(threadCount)
        )
    }

    /// How often `body` runs in a second, all threads together.
    private static func rate(
        _ threadCount: Int,
        _ milliseconds: Int,
        _ body: @Sendable () -> Void
    ) -> Double {
        let clock = ContinuousClock()
        let count = Atomic<Int>(0)
        let start = clock.now
        let deadline = start + .milliseconds(milliseconds)
        DispatchQueue.concurrentPerform(iterations: threadCount) { _ in
            var own = 0
            while clock.now < deadline {
                body()
                own += 1
            }
            count.wrappingAdd(own, ordering: .relaxed)
        }
        return Double(count.load(ordering: .relaxed)) / ((clock.now - start) / .seconds(1))
    }
}
