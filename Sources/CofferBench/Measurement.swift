public import Foundation

/// What one bench found on one machine: tables of rates, each cell measured in several interleaved rounds. It is what
/// `--save` writes and `coffer bench report` reads.
public struct Measurement: Codable, Sendable {
    /// The bench's verb, such as `volume`.
    public var bench: String
    public var date: Date
    public var machine: Machine
    /// How it was measured, as label and value, in the order they are shown.
    public var settings: [Labelled]
    public var tables: [Table]

    public init(bench: String, date: Date, machine: Machine, settings: [Labelled], tables: [Table]) {
        (self.bench, self.date, self.machine) = (bench, date, machine)
        (self.settings, self.tables) = (settings, tables)
    }

    public struct Labelled: Codable, Sendable, Hashable {
        public var label: String
        public var value: String

        public init(_ label: String, _ value: String) { (self.label, self.value) = (label, value) }
    }

    /// Where it was measured.
    public struct Machine: Codable, Sendable, Hashable {
        public var processor: String
        public var processorCount: Int
        public var memoryBytes: UInt64
        public var kernel: String
        /// Programs that took part, with their versions.
        public var versions: [Labelled]

        public init(
            processor: String,
            processorCount: Int,
            memoryBytes: UInt64,
            kernel: String,
            versions: [Labelled]
        ) {
            (self.processor, self.processorCount, self.memoryBytes) = (processor, processorCount, memoryBytes)
            (self.kernel, self.versions) = (kernel, versions)
        }
    }

    /// Loads of one kind, as rows, for the same subjects.
    public struct Table: Codable, Sendable {
        public var title: String
        /// Who was measured; the first is Coffer as it serves, which all others are compared with.
        public var subjects: [String]
        public var rows: [Row]

        public init(title: String, subjects: [String], rows: [Row]) {
            (self.title, self.subjects, self.rows) = (title, subjects, rows)
        }
    }

    public struct Row: Codable, Sendable {
        /// Such as "random read, 4 KiB, depth 16".
        public var load: String
        /// Such as "MiB/s".
        public var unit: String
        /// False where less is better, as for a time.
        public var higherIsBetter: Bool
        /// One for each subject of the table; nil for one that has no such load.
        public var cells: [Cell?]

        public init(load: String, unit: String, higherIsBetter: Bool, cells: [Cell?]) {
            (self.load, self.unit, self.higherIsBetter, self.cells) = (load, unit, higherIsBetter, cells)
        }

        /// The first subject's values against those of `subject`, each ratio taken within a round; nil without both.
        public func ratio(to subject: Int) -> Spread? { ratios(to: subject).map(Spread.init) }

        /// One for each round.
        func ratios(to subject: Int) -> [Double]? {
            guard let own = cells[0], let other = cells[subject], own.values.count == other.values.count
            else {
                return nil
            }
            return zip(own.values, other.values).map { $0 / $1 }
        }
    }

    public struct Cell: Codable, Sendable, Hashable {
        /// One for each round, in the row's unit, in the order of the rounds. At least one, all above 0.
        public var values: [Double]
        /// Of all rounds together; nil where single operations were not timed.
        public var latency: Latency?
        /// Other figures of the same runs, such as the processor's seconds for a GiB, or flushes for a commit.
        public var details: [Labelled]

        public init(values: [Double], latency: Latency? = nil, details: [Labelled] = []) {
            (self.values, self.latency, self.details) = (values, latency, details)
        }

        public var spread: Spread { Spread(values) }
    }

    /// Microseconds an operation.
    public struct Latency: Codable, Sendable, Hashable {
        public var median: Double
        public var percentile99: Double
        public var percentile999: Double
        public var maximum: Double

        public init(median: Double, percentile99: Double, percentile999: Double, maximum: Double) {
            (self.median, self.percentile99) = (median, percentile99)
            (self.percentile999, self.maximum) = (percentile999, maximum)
        }
    }
}
