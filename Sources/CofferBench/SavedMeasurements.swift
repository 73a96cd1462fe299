internal import CofferShapes
public import Foundation

/// Measurements in a file, as `--save` writes and `coffer bench report` reads them: a JSON array, or one of them alone.
public enum SavedMeasurements {
    /// The longest file that is read, bytes. A bench of many rounds writes some 100 KiB.
    public static let limitBytes = 16 << 20

    /// Pretty, with dates of ISO 8601.
    public static func encode(_ measurements: [Measurement]) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        return try encoder.encode(measurements)
    }

    /// Reads the contents of the file `name`, which anybody may have made. ValidationException where they are too long,
    /// no such JSON, or hold what no bench finds: a number that is none, a cell too many, a text without end.
    public static func decode(_ contents: Data, name: String) throws -> [Measurement] {
        guard contents.count <= limitBytes else {
            throw flawed(name, "it is longer than \(limitBytes >> 20) MiB")
        }
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        let isArray = contents.first { !" \t\r\n".utf8.contains($0) } == UInt8(ascii: "[")
        let measurements: [Measurement]
        do {
            measurements =
                isArray
                ? try decoder.decode([Measurement].self, from: contents)
                : [try decoder.decode(Measurement.self, from: contents)]
        } catch let error as DecodingError {
            throw flawed(name, Self.words(error))
        }
        guard (1...MeasurementLimits.measurements).contains(measurements.count) else {
            throw flawed(name, "it holds \(measurements.count) measurements")
        }
        for (index, measurement) in measurements.enumerated() {
            if let flaw = measurement.flaw {
                throw flawed(name, isArray ? "measurement \(index + 1), \(flaw)" : flaw)
            }
        }
        return measurements
    }

    private static func flawed(_ name: String, _ why: String) -> AWSError {
        AWSError(
            .validation,
            "\(name) holds no measurement that can be reported: \(why)",
            hint: "make it anew with a bench's --save, such as `coffer bench crypto --save FILE`"
        )
    }

    /// Where in the JSON, and what is wrong there. Only our own names and numbers of places, nothing of the file's text.
    private static func words(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, let context): "\(place(context))'\(key.stringValue)' is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            "\(place(context))a value of another kind is needed"
        // Foundation tells the place of some such values only.
        case .dataCorrupted(let context):
            "\(place(context))it is not valid JSON, or a number or date in it is out of range"
        @unknown default: "it cannot be read"
        }
    }

    private static func place(_ context: DecodingError.Context) -> String {
        guard !context.codingPath.isEmpty else { return "" }
        let steps = context.codingPath.map { step in
            step.intValue.map { "item \($0 + 1)" } ?? step.stringValue
        }
        return "at \(steps.joined(separator: ", ")): "
    }
}

/// More than any bench writes, and few enough for a page.
enum MeasurementLimits {
    static let measurements = 32
    static let tables = 32
    static let rows = 256
    static let subjects = 32
    static let rounds = 10_000
    static let labels = 128
    static let textLength = 500
    static let number = 1e15
}

extension Measurement {
    /// What no bench would have written, nil where all is well.
    fileprivate var flaw: String? {
        let texts = [bench, machine.processor, machine.kernel]
        guard texts.allSatisfy(\.isShort) else { return "the machine: a text is too long" }
        guard settings.areFew, machine.versions.areFew else {
            return "settings or versions: too many, or too long"
        }
        guard machine.processorCount > 0, machine.memoryBytes > 0 else { return "the machine has nothing" }
        // What a calendar of four digits can show.
        guard (0..<253_402_300_800).contains(date.timeIntervalSince1970) else {
            return "the date is out of range"
        }
        guard (1...MeasurementLimits.tables).contains(tables.count) else { return "\(tables.count) tables" }
        for (index, table) in tables.enumerated() {
            if let flaw = table.flaw { return "table \(index + 1): \(flaw)" }
        }
        return nil
    }
}

extension Measurement.Table {
    fileprivate var flaw: String? {
        guard title.isShort, subjects.allSatisfy(\.isShort) else { return "a title or subject is too long" }
        guard (1...MeasurementLimits.subjects).contains(subjects.count) else {
            return "\(subjects.count) subjects"
        }
        guard Set(subjects).count == subjects.count else { return "a subject stands in it twice" }
        guard (1...MeasurementLimits.rows).contains(rows.count) else { return "\(rows.count) rows" }
        for (index, row) in rows.enumerated() {
            if let flaw = row.flaw(subjectCount: subjects.count) { return "row \(index + 1): \(flaw)" }
        }
        return nil
    }
}

extension Measurement.Row {
    fileprivate func flaw(subjectCount: Int) -> String? {
        guard load.isShort, unit.isShort else { return "its load or unit is too long" }
        guard cells.count == subjectCount else { return "\(cells.count) cells for \(subjectCount) subjects" }
        let measured = cells.compactMap(\.self)
        guard let first = measured.first else { return "nothing in it was measured" }
        guard measured.allSatisfy({ $0.values.count == first.values.count }) else {
            return "its cells differ in their number of rounds"
        }
        guard (1...MeasurementLimits.rounds).contains(first.values.count) else {
            return "\(first.values.count) rounds"
        }
        for cell in measured {
            guard
                cell.values.allSatisfy({ $0 > 1 / MeasurementLimits.number && $0 < MeasurementLimits.number })
            else { return "a value is not above 0, or out of range" }
            guard cell.latency?.isSound ?? true else { return "a latency is out of range" }
            guard cell.details.areFew else { return "its details are too many or too long" }
        }
        return nil
    }
}

extension Measurement.Latency {
    fileprivate var isSound: Bool {
        [median, percentile99, percentile999, maximum].allSatisfy {
            (0..<MeasurementLimits.number).contains($0)
        }
    }
}

extension [Measurement.Labelled] {
    fileprivate var areFew: Bool {
        count <= MeasurementLimits.labels && allSatisfy { $0.label.isShort && $0.value.isShort }
    }
}

extension String {
    /// In bytes: a single character may have any number of them.
    fileprivate var isShort: Bool { utf8.count <= MeasurementLimits.textLength }
}
