internal import CofferBench
internal import CofferTerminal
internal import Foundation

/// A measurement on the screen: medians of the rounds with their range, and Coffer against each other subject.
enum MeasurementTable {
    static func show(_ measurement: CofferBench.Measurement) {
        for table in measurement.tables {
            Terminal.error(table.title)
            Terminal.table(headings(table.subjects), table.rows.map { cells($0, table.subjects) })
        }
        warn(measurement)
    }

    private static func headings(_ subjects: [String]) -> [String] {
        let ratios = subjects.dropFirst().map { "\(subjects[0]) / \($0)" }
        return (["load", "unit"] + subjects + ratios + ["details"]).map { $0.uppercased() }
    }

    private static func cells(_ row: CofferBench.Measurement.Row, _ subjects: [String]) -> [String] {
        let rates = row.cells.map { cell in cell.map { text($0.spread) } ?? "-" }
        let ratios = subjects.indices.dropFirst().map { subject in row.ratio(to: subject).map(text) ?? "-" }
        return [row.load, row.unit] + rates + ratios + [details(row, subjects)]
    }

    /// Where the rounds of a cell differ by more than half, it says nothing.
    private static func warn(_ measurement: CofferBench.Measurement) {
        let cells = measurement.tables.flatMap(\.rows).flatMap(\.cells).compactMap(\.self)
        let wide = cells.count(where: \.spread.isWide)
        guard wide > 0 else { return }
        Terminal.error(
            "warning: the rounds of \(wide) of \(cells.count) cells differ by more than half, too wide to say anything: "
                + "something else used the machine, or more --rounds and --seconds are needed"
        )
    }

    private static func details(_ row: CofferBench.Measurement.Row, _ subjects: [String]) -> String {
        let texts = zip(subjects, row.cells).flatMap { subject, cell in
            (cell?.details ?? []).map { "\(subject): \($0.value) \($0.label)" }
        }
        return texts.isEmpty ? "-" : texts.joined(separator: "; ")
    }

    private static func text(_ spread: Spread) -> String {
        spread.minimum == spread.maximum
            ? number(spread.median)
            : "\(number(spread.median)) (\(number(spread.minimum))-\(number(spread.maximum)))"
    }

    /// Three digits or more.
    private static func number(_ value: Double) -> String {
        String(format: value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : value >= 0.1 ? "%.2f" : "%.4f", value)
    }
}
