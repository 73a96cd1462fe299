internal import Foundation

/// The numbers of a table's charts, to read and to copy.
struct ReportTables {
    let table: Measurement.Table

    /// Loads down, the other subjects across: how far the first is ahead of each. Nothing where that is no table.
    var overview: Markup {
        guard table.subjects.count > 2, table.rows.count > 1 else { return "" }
        let others = table.subjects.indices.dropFirst()
        return """
            <div class="scroll" role="region" aria-label="Leads, \(table.title)" tabindex="0">
            <table class="overview"><caption>Lead of \(table.subjects[0]) over each</caption>
            <thead><tr><th scope="col">Load</th>\
            \(others.map { "<th scope=\"col\">\(table.subjects[$0])</th>" as Markup })</tr></thead>
            <tbody>
            \(table.rows.map { row in
            """
            <tr><th scope="row">\(row.load)</th>\(others.map { Self.leadCell(row.lead(over: $0)) })</tr>

            """ as Markup
            })</tbody></table></div>

            """
    }

    private static func leadCell(_ lead: Spread?) -> Markup {
        guard let lead else { return "<td>–</td>" }
        let look = lead.median >= 1 ? "ahead" : "behind"
        return """
            <td class="\(look)"><b>\(ReportNumbers.ratio(lead.median))</b> \
            <small>\(ReportNumbers.ratioRange(lead))</small></td>
            """
    }

    /// Everything that was measured.
    var numbers: Markup {
        let cells = table.rows.flatMap(\.cells).compactMap(\.self)
        let columns = Columns(
            hasLead: table.subjects.count > 1,
            hasLatency: cells.contains { $0.latency != nil },
            hasDetails: cells.contains { !$0.details.isEmpty }
        )
        return """
            <div class="scroll" role="region" aria-label="Numbers, \(table.title)" tabindex="0">
            <table class="numbers\(columns.hasDetails ? " detailed" : "")"><caption>All numbers</caption>
            <thead><tr>\(columns.headings.map { "<th scope=\"col\">\($0)</th>" as Markup })</tr></thead>
            \(table.rows.map { body($0, columns) })</table></div>

            """
    }

    private struct Columns {
        let hasLead: Bool
        let hasLatency: Bool
        let hasDetails: Bool

        var headings: [String] {
            ["Subject", "Median", "Lowest–highest"] + (hasLead ? ["Lead", "Range of it"] : [])
                + (hasLatency ? ["p50", "p99", "p99.9", "Longest"] : []) + (hasDetails ? ["Besides"] : [])
        }
    }

    private func body(_ row: Measurement.Row, _ columns: Columns) -> Markup {
        """
        <tbody><tr><th scope="rowgroup" colspan="\(columns.headings.count)">\(row.load)\
        <small>\(row.unit)\(row.higherIsBetter ? "" : ", less is better")</small></th></tr>
        \(table.subjects.indices.map { line(row, $0, columns) })</tbody>

        """
    }

    private func line(_ row: Measurement.Row, _ subject: Int, _ columns: Columns) -> Markup {
        let name = table.subjects[subject]
        let look = subject == 0 ? "own" : "other"
        guard let cell = row.cells[subject] else {
            return """
                <tr class="\(look)"><th scope="row">\(name)</th>\
                <td colspan="\(columns.headings.count - 1)" class="absent">not measured</td></tr>

                """
        }
        var markup: Markup = """
            <tr class="\(look)"><th scope="row">\(name)</th><td>\(ReportNumbers.text(cell.spread.median))</td>\
            <td>\(ReportNumbers.range(cell.spread))\
            \(cell.spread.isWide ? "<small class=\"warning\">too wide</small>" as Markup : "")</td>
            """
        if columns.hasLead {
            let lead = subject == 0 ? nil : row.lead(over: subject)
            markup += """
                <td>\(lead.map { ReportNumbers.ratio($0.median) } ?? "")</td>\
                <td>\(lead.map(ReportNumbers.ratioRange) ?? "")</td>
                """
        }
        if columns.hasLatency {
            let times = cell.latency.map { [$0.median, $0.percentile99, $0.percentile999, $0.maximum] }
            for index in 0..<4 {
                markup += "<td>\(times.map { ReportNumbers.duration($0[index]) } ?? "–")</td>"
            }
        }
        if columns.hasDetails {
            markup += """
                <td class="details">\(cell.details.map { "<span>\($0.label) <b>\($0.value)</b></span> " as Markup })</td>
                """
        }
        markup += "</tr>\n"
        return markup
    }
}
