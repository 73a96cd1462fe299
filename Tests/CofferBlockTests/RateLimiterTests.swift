internal import CofferTesting
internal import Testing

@testable internal import CofferBlock

/// A volume with a rate is as fast as that, and no faster.
@Suite(.serialized) struct RateLimiterTests {
    private static func bucket(_ perSecond: Double, _ capacity: Double) -> VolumeRate.Bucket {
        VolumeRate.Bucket(perSecond: perSecond, capacity: capacity)
    }

    private static func seconds(_ body: () throws -> Void) rethrows -> Double {
        let duration = try ContinuousClock().measure { try body() }
        return Double(duration.components.attoseconds) / 1e18 + Double(duration.components.seconds)
    }

    @Test func `operations beyond what a bucket holds wait for their turn`() throws {
        let limiter = RateLimiter()
        limiter.set(VolumeRate(operationBytes: 4096, operations: [Self.bucket(200, 10)], bytes: []))
        let burst = try Self.seconds { for _ in 0..<10 { try limiter.pass(4096, waits: true) } }
        #expect(burst < 0.04)
        let rest = try Self.seconds { for _ in 0..<40 { try limiter.pass(4096, waits: true) } }
        #expect(rest > 0.17, "40 operations at 200 a second took \(rest) s")
    }

    @Test func `a large request counts as several operations, and bytes have a bucket of their own`() throws {
        let limiter = RateLimiter()
        limiter.set(VolumeRate(operationBytes: 4096, operations: [Self.bucket(100, 1)], bytes: []))
        #expect(try Self.seconds { for _ in 0..<2 { try limiter.pass(40_960, waits: true) } } > 0.17)
        limiter.set(
            VolumeRate(operationBytes: 1 << 20, operations: [], bytes: [Self.bucket(1_048_576, 65_536)])
        )
        #expect(try Self.seconds { for _ in 0..<5 { try limiter.pass(1 << 16, waits: true) } } > 0.23)
    }

    @Test func `all buckets have to be passed: credits for a while, the rate afterwards`() throws {
        let limiter = RateLimiter()
        let buckets = [Self.bucket(50, 100), Self.bucket(1000, 10)]
        limiter.set(VolumeRate(operationBytes: 4096, operations: buckets, bytes: []))
        let credits = try Self.seconds { for _ in 0..<100 { try limiter.pass(1, waits: true) } }
        #expect(credits > 0.08 && credits < 1, "\(credits)")
        #expect(try Self.seconds { for _ in 0..<10 { try limiter.pass(1, waits: true) } } > 0.1)
    }

    @Test func `who must not wait is told so and takes nothing, and without a rate nobody waits`() throws {
        let limiter = RateLimiter()
        #expect(try Self.seconds { for _ in 0..<1000 { try limiter.pass(1 << 20, waits: false) } } < 0.1)
        limiter.set(VolumeRate(operationBytes: 4096, operations: [Self.bucket(1, 1)], bytes: []))
        for _ in 0..<5 { #expect(throws: BlockError.wouldWait) { try limiter.pass(1, waits: false) } }
        #expect(try Self.seconds { try limiter.pass(1, waits: true) } < 0.1)
        limiter.set(nil)
        #expect(try Self.seconds { try limiter.pass(1 << 30, waits: true) } < 0.1)
    }
}
