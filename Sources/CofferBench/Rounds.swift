internal import CofferShapes
internal import Foundation

/// Measures lines for subjects in interleaved rounds: within a round all runs of a line follow each other, and from
/// round to round another line and another subject go first. What else happens on the machine then falls on all alike,
/// and a ratio within a round says more than one of medians.
public struct Rounds: Sendable {
    /// A row to be.
    public struct Line: Sendable {
        public var title: String
        public var unit: String
        public var higherIsBetter: Bool

        public init(_ title: String, unit: String, higherIsBetter: Bool = true) {
            (self.title, self.unit, self.higherIsBetter) = (title, unit, higherIsBetter)
        }

        public init(_ load: Load) { self.init(load.title, unit: load.unit) }
    }

    /// One run's figures.
    public struct Sample: Sendable {
        /// In the line's unit, above 0.
        public var value: Double
        public var latency: LatencyHistogram?
        /// Other figures of the same run; a cell shows their medians, in this order.
        public var details: [(label: String, value: Double)]

        public init(
            value: Double,
            latency: LatencyHistogram? = nil,
            details: [(label: String, value: Double)] = []
        ) {
            (self.value, self.latency, self.details) = (value, latency, details)
        }

        public init(_ result: LoadResult, of load: Load) {
            self.init(value: result.rate(of: load), latency: result.latency)
        }
    }

    public let count: Int
    public let lines: [Line]
    public let subjects: [String]

    /// `count` is at least 1.
    public init(_ count: Int, lines: [Line], subjects: [String]) {
        (self.count, self.lines, self.subjects) = (count, lines, subjects)
    }

    /// Asks `measure` for every line and subject of every round. It gives nil, in all rounds, for a subject that has no
    /// such line. `progress` hears of each run before it starts, with the share done (0 to 1).
    public func run(
        progress: (_ share: Double, _ words: String) -> Void,
        measure: (_ line: Int, _ subject: Int) throws -> Sample?
    ) throws -> [Measurement.Row] {
        var samples = lines.map { _ in subjects.map { _ in [Sample]() } }
        let total = Double(count * lines.count * subjects.count)
        var done = 0.0
        for round in 0..<count {
            for line in Self.order(of: lines.count, round: round) {
                for subject in Self.order(of: subjects.count, round: round) {
                    try Interruption.check()
                    let name = "\(lines[line].title), \(subjects[subject])"
                    progress(done / total, "round \(round + 1) of \(count): \(name)")
                    done += 1
                    guard let sample = try Self.naming(name, { try measure(line, subject) }) else { continue }
                    samples[line][subject].append(sample)
                }
            }
        }
        return zip(lines, samples).map { line, samples in
            Measurement.Row(
                load: line.title,
                unit: line.unit,
                higherIsBetter: line.higherIsBetter,
                cells: samples.map(Self.cell)
            )
        }
    }

    /// A run's sample; its error says which run it was.
    private static func naming(_ name: String, _ measure: () throws -> Sample?) throws -> Sample? {
        do {
            let sample = try measure()
            guard let sample, sample.value <= 0 || !sample.value.isFinite else { return sample }
            throw AWSError(.internalError, "the run moved nothing", hint: "name more --seconds")
        } catch let error as AWSError {
            throw error.context(name)
        }
    }

    /// The indices below `count`, from another one on in each round.
    static func order(of count: Int, round: Int) -> [Int] {
        (0..<count).map { ($0 + round) % count }
    }

    static func cell(_ samples: [Sample]) -> Measurement.Cell? {
        guard let first = samples.first else { return nil }
        var latency = LatencyHistogram()
        for sample in samples { if let own = sample.latency { latency.add(own) } }
        return Measurement.Cell(
            values: samples.map(\.value),
            latency: latency.latency,
            details: first.details.map { detail in
                let values = samples.compactMap { sample in
                    sample.details.first { $0.label == detail.label }?.value
                }
                return .init(detail.label, String(format: "%.2f", Spread(values).median))
            }
        )
    }
}
