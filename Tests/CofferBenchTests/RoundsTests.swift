import CofferShapes
import Testing

@testable import CofferBench

struct RoundsTests {
    private let lines = ["a", "b", "c"].map { Rounds.Line($0, unit: "IOPS") }

    @Test func `every round runs everything once, and another goes first in each`() throws {
        var seen: [[String]] = []
        var shares: [Double] = []
        let rounds = Rounds(3, lines: lines, subjects: ["x", "y"])
        _ = try rounds.run(progress: { share, _ in shares.append(share) }) { line, subject in
            if seen.last?.count ?? 6 == 6 { seen.append([]) }
            seen[seen.count - 1].append("\(line)\(subject)")
            return .init(value: 1)
        }
        #expect(seen.map(\.first) == ["00", "11", "20"])
        #expect(seen.allSatisfy { Set($0).count == 6 })
        // The subjects of a line follow each other.
        #expect(seen[1] == ["11", "10", "21", "20", "01", "00"])
        #expect(shares.first == 0 && shares == shares.sorted() && shares.allSatisfy { $0 < 1 })
    }

    @Test func `cells have a value a round, latencies of all rounds, and medians of details`() throws {
        var round = 0.0
        let rounds = Rounds(3, lines: [lines[0]], subjects: ["x", "absent"])
        let rows = try rounds.run(progress: { _, _ in }) { _, subject in
            guard subject == 0 else { return nil }
            round += 1
            var latency = LatencyHistogram()
            latency.record(UInt64(round) * 1000)
            return .init(value: round * 10, latency: latency, details: [("flushes", round)])
        }
        let cell = try #require(rows[0].cells[0])
        #expect(cell.values == [10, 20, 30] && cell.spread.median == 20)
        #expect(cell.latency?.maximum == 3)
        #expect(cell.details == [.init("flushes", "2.00")])
        #expect(rows[0].cells[1] == nil && rows[0].ratio(to: 1) == nil)
    }

    @Test(arguments: [0, -1, .nan, .infinity])
    func `a run that gives no rate ends the bench`(value: Double) {
        let rounds = Rounds(1, lines: [lines[0]], subjects: ["x"])
        #expect(throws: AWSError.self) {
            try rounds.run(progress: { _, _ in }) { _, _ in .init(value: value) }
        }
    }

    @Test func `a spread has the median between its ends, whatever the order`() {
        let spread = Spread([3, 9, 1, 7, 5])
        #expect((spread.minimum, spread.median, spread.maximum) == (1, 5, 9))
        #expect(Spread([8, 1, 4, 2]).median == 3)
        let one = Spread([2])
        #expect((one.minimum, one.median, one.maximum) == (2, 2, 2))
    }

    @Test func `a ratio is taken within a round`() throws {
        let row = Measurement.Row(
            load: "a",
            unit: "IOPS",
            higherIsBetter: true,
            cells: [.init(values: [100, 300, 900]), .init(values: [200, 400, 800])]
        )
        let ratio = try #require(row.ratio(to: 1))
        #expect((ratio.minimum, ratio.median, ratio.maximum) == (0.5, 0.75, 1.125))
    }
}
