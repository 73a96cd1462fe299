internal import Foundation

/// One load as horizontal bars: the median of each subject, and a whisker from its lowest to its highest round. Lengths
/// are shares of the width, so that the picture fits any page while its text keeps its size.
struct ReportChart {
    let table: Measurement.Table
    let row: Measurement.Row
    /// Distinct on the page.
    let id: String

    /// Pixels.
    private static let lineHeight = 40
    private static let headHeight = 22

    var markup: Markup {
        """
        <figure class="chart">
        <figcaption>\(row.load)\(row.higherIsBetter ? "" : " <small>less is better</small>" as Markup)</figcaption>
        <svg role="img" aria-labelledby="\(id)-title \(id)-desc" width="100%" height="\(height)">
        <title id="\(id)-title">\(row.load), \(row.unit)</title>
        <desc id="\(id)-desc">\(description)</desc>
        <svg x="100%" class="right" aria-hidden="true"><text class="head" x="-72" y="12">\(row.unit)</text>\(
            table.subjects.count > 1 ? "<text class=\"head\" x=\"0\" y=\"12\">lead</text>" as Markup : "")</svg>
        \(table.subjects.indices.map(line))</svg>
        \(warning)</figure>

        """
    }

    private var height: Int { Self.headHeight + table.subjects.count * Self.lineHeight }

    /// The length of the whole width.
    private var scale: Double {
        row.cells.compactMap { $0?.spread.maximum }.max() ?? 1  // a row has at least one cell
    }

    private func line(_ subject: Int) -> Markup {
        let name = table.subjects[subject]
        let top = Self.headHeight + subject * Self.lineHeight
        let label: Markup = "<text class=\"name\" y=\"\(top + 13)\">\(Self.short(name))</text>"
        guard let cell = row.cells[subject] else {
            return """
                <g class="\(Self.look(subject))">\(label)<svg x="100%" y="\(top)" class="right">\
                <text class="head" x="0" y="13">not measured</text></svg></g>

                """
        }
        let spread = cell.spread
        let (low, high) = (share(spread.minimum), share(spread.maximum))
        let lead: Markup =
            subject == 0
            ? ""
            : "<text class=\"lead\" x=\"0\" y=\"13\">\(row.lead(over: subject).map { ReportNumbers.ratio($0.median) } ?? "–")</text>"
        return """
            <g class="\(Self.look(subject))"><title>\(name): \(Self.words(cell))</title>\(label)\
            <svg x="100%" y="\(top)" class="right"><text class="value" x="-72" y="13">\
            \(ReportNumbers.text(spread.median))\(spread.isWide ? " *" : "")</text>\(lead)</svg>\
            <rect x="0" y="\(top + 19)" width="\(share(spread.median))" height="9"/>\
            <line x1="\(low)" x2="\(high)" y1="\(top + 23)" y2="\(top + 23)"/>\
            <line x1="\(low)" x2="\(low)" y1="\(top + 20)" y2="\(top + 27)"/>\
            <line x1="\(high)" x2="\(high)" y1="\(top + 20)" y2="\(top + 27)"/></g>

            """
    }

    /// What fits beside the numbers on a narrow page; the whole name is in the bar's title and in the tables.
    private static func short(_ name: String) -> String {
        name.count <= 28 ? name : name.prefix(27) + "…"
    }

    /// What the picture shows, in words.
    private var description: String {
        let parts = table.subjects.indices.map { subject in
            "\(table.subjects[subject]): \(row.cells[subject].map(Self.words) ?? "not measured")"
        }
        return parts.joined(separator: "; ")
    }

    private static func words(_ cell: Measurement.Cell) -> String {
        let rounds = cell.values.count == 1 ? "a single round" : "\(cell.values.count) rounds"
        return
            "median \(ReportNumbers.text(cell.spread.median)), \(ReportNumbers.range(cell.spread)) in \(rounds)"
    }

    private var warning: Markup {
        let wide = table.subjects.indices.filter { row.cells[$0]?.spread.isWide ?? false }
        guard !wide.isEmpty else { return "" }
        let names = wide.map { table.subjects[$0] }.formatted(
            .list(type: .and).locale(Locale(identifier: "en"))
        )
        return
            "<p class=\"warning\">* The rounds of \(names) differ by more than half: too much to say anything.</p>\n"
    }

    private static func look(_ subject: Int) -> String { subject == 0 ? "own" : "other" }

    /// Of the chart's width. A hair's breadth is left for the whisker's end.
    private func share(_ value: Double) -> String { String(format: "%.2f%%", value / scale * 99.7) }
}
