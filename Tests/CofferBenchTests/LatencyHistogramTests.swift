import Testing

@testable import CofferBench

struct LatencyHistogramTests {
    @Test func `a percentile is right within a 64th, at every magnitude`() {
        for magnitude in stride(from: 0, through: 60, by: 5) {
            var histogram = LatencyHistogram()
            let step = UInt64(1) << UInt64(magnitude) / 100 + 1
            for index in 1...1000 { histogram.record(UInt64(index) * step) }
            for share in [0.01, 0.5, 0.99, 0.999] {
                let exact = Double((share * 1000).rounded(.up)) * Double(step)
                let told = Double(histogram.percentile(share))
                #expect(abs(told - exact) <= exact / 64 + 1, "\(share) of 1000 by \(step)")
            }
            #expect(histogram.percentile(1) <= histogram.maximumNanoseconds)
        }
    }

    @Test func `the ends of the range have a place, and nothing recorded has no latency`() {
        var histogram = LatencyHistogram()
        #expect(histogram.latency == nil && histogram.percentile(0.5) == 0)
        histogram.record(0)
        histogram.record(.max)
        histogram.record(5, times: 0)
        #expect(histogram.count == 2 && histogram.percentile(0.5) == 0)
        #expect(histogram.maximumNanoseconds == .max)
    }

    @Test func `histograms add up`() {
        var (one, other, both) = (LatencyHistogram(), LatencyHistogram(), LatencyHistogram())
        for value in 1...500 as ClosedRange<UInt64> {
            one.record(value)
            other.record(value * 1000, times: 3)
            both.record(value)
            both.record(value * 1000, times: 3)
        }
        one.add(other)
        #expect(one == both)
        #expect(one.latency?.maximum == 500)
    }
}
