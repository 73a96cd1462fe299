public import Foundation

/// What benches found, as one HTML page that needs nothing from elsewhere: no script, no font, no picture.
public struct ReportPage: Sendable {
    private let measurements: [Measurement]

    /// Takes at least one, within the limits that `SavedMeasurements.decode` keeps to.
    public init(_ measurements: [Measurement]) { self.measurements = measurements }

    /// UTF-8.
    public var html: Data { Data(page.text.utf8) }

    private var page: Markup {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>Coffer, measured</title>
        <style>\(ReportStyle.sheet)</style>
        </head>
        <body>
        <header>
        <h1>Coffer, measured</h1>
        <p class="where">\(machines.map { "<span>\($0)</span>" as Markup })</p>
        <nav aria-label="Benches"><ul>
        \(measurements.indices.map { index in
        "<li><a href=\"#bench-\(index)\">\(BenchWords(measurements[index].bench).title)</a></li>\n" as Markup
        })</ul></nav>
        \(reading)</header>
        <main>
        \(measurements.indices.map(section))</main>
        </body>
        </html>

        """
    }

    /// Each machine once, in the order of the benches.
    private var machines: [String] {
        var lines: [String] = []
        for measurement in measurements {
            let machine = measurement.machine
            let processors =
                machine.processorCount == 1 ? "1 processor" : "\(machine.processorCount) processors"
            let line = [
                machine.processor, processors, ReportNumbers.bytes(machine.memoryBytes), machine.kernel,
            ]
            if !lines.contains(line.joined(separator: " · ")) { lines.append(line.joined(separator: " · ")) }
        }
        return lines
    }

    /// How to read the page, and whether to.
    private var reading: Markup {
        """
        <div class="reading">
        <p>A bar is the <b>median</b> of the rounds, the line across its end reaches from the lowest round to the highest. \
        <b>Lead</b> is how far the first subject, in colour, is ahead: the median of the ratios taken within each round, \
        where all follow each other. Above 1 it is the better one, whichever way the unit counts. It need not be the ratio \
        of the medians.</p>
        \(doubt)</div>

        """
    }

    private var doubt: Markup {
        let cells = measurements.flatMap(\.tables).flatMap(\.rows).flatMap(\.cells).compactMap(\.self)
        let wide = cells.count { $0.spread.isWide }
        let single = cells.count { $0.values.count < 3 }
        var markup: Markup = ""
        if wide > 0 {
            markup += """
                <p class="warning">* In \(wide) of \(cells.count) figures the rounds differ by more than half: something \
                else had a part in them, and they say little. Each is marked.</p>

                """
        }
        if single > 0 {
            markup += """
                <p class="warning">\(single) of \(cells.count) figures come from fewer than three rounds: \
                how far they can be trusted is not known.</p>

                """
        }
        return markup
    }

    private func section(_ index: Int) -> Markup {
        let measurement = measurements[index]
        let words = BenchWords(measurement.bench)
        return """
            <section id="bench-\(index)">
            <h2>\(words.title)</h2>
            <p class="lede">\(words.lede)</p>
            \(measurement.tables.indices.map { table(measurement.tables[$0], id: "chart-\(index)-\($0)") })\
            <h3 class="how">How it was measured</h3>
            <dl>
            \(facts(measurement).map { "<div><dt>\($0.label)</dt><dd>\($0.value)</dd></div>\n" as Markup })</dl>
            </section>

            """
    }

    private func table(_ table: Measurement.Table, id: String) -> Markup {
        let tables = ReportTables(table: table)
        return """
            <h3>\(table.title)</h3>
            \(tables.overview)<div class="charts">
            \(table.rows.indices.map { ReportChart(table: table, row: table.rows[$0], id: "\(id)-\($0)").markup })</div>
            \(tables.numbers)
            """
    }

    private func facts(_ measurement: Measurement) -> [Measurement.Labelled] {
        let machine = measurement.machine
        return [
            Measurement.Labelled("command", "coffer bench \(measurement.bench)"),
            Measurement.Labelled("date", measurement.date.formatted(.iso8601)),
            Measurement.Labelled("processor", "\(machine.processor), \(machine.processorCount)"),
            Measurement.Labelled("memory", ReportNumbers.bytes(machine.memoryBytes)),
            Measurement.Labelled("kernel", machine.kernel),
        ] + measurement.settings + machine.versions
    }
}

/// What a bench is called on the page, and what it asks.
private struct BenchWords {
    let title: String
    let lede: String

    init(_ bench: String) {
        switch bench {
        case "crypto":
            title = "The sector cipher"
            lede = "How fast AES-XTS runs in memory, with no file and no mount around it."
        case "volume":
            title = "The path of a byte"
            lede = "A volume's exposed file, beside the same path without the cipher and beside the raw file."
        case "filesystem":
            title = "A filesystem on a volume"
            lede = "ext4 on a volume, beside ext4 on a loop device over a raw file."
        case "database":
            title = "A database on a volume"
            lede = "The same database on a volume, and on a disk without encryption."
        case "peers":
            title = "Beside others"
            lede = "Other ways to encrypt a file or a disk without a kernel module, on the same backing disk."
        default:
            title = bench
            lede = ""
        }
    }
}
