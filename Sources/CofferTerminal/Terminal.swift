internal import Foundation
internal import Glibc

/// What reaches the screen: results on standard output, everything else on standard error.
package enum Terminal {
    /// A line on standard error.
    package static func error(_ line: String) { say(line + "\n") }

    /// Text on standard error, which may be closed or full: then nobody hears it, and nothing else changes.
    private static func say(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }

    /// Columns under headings on a terminal; elsewhere the same cells separated by tabs, one row a line, for scripts.
    package static func table(_ headings: [String], _ rows: [[String]]) {
        guard isatty(STDOUT_FILENO) == 1 else {
            for row in rows { print(row.joined(separator: "\t")) }
            return
        }
        let widths = headings.indices.map { column in
            ([headings] + rows).map { $0[column].count }.max() ?? 0
        }
        for row in [headings] + rows {
            let cells = zip(row, widths).map { cell, width in
                cell.padding(toLength: width, withPad: " ", startingAt: 0)
            }
            print(cells.joined(separator: "  ").replacing(#/ +$/#, with: ""))
        }
    }

    /// Labels and values, one a line.
    package static func list(_ pairs: [(label: String, value: String)]) {
        guard isatty(STDOUT_FILENO) == 1 else {
            for pair in pairs { print("\(pair.label)\t\(pair.value)") }
            return
        }
        let width = pairs.map(\.label.count).max() ?? 0
        for pair in pairs {
            print("\(pair.label.padding(toLength: width, withPad: " ", startingAt: 0))  \(pair.value)")
        }
    }

    /// Pretty JSON with sorted keys and unescaped slashes.
    package static func json(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    /// JSON on one line.
    package static func jsonLine(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    /// Asks before something that cannot be undone. Without a terminal the answer is no.
    package static func confirms(_ question: String) -> Bool {
        guard isatty(STDIN_FILENO) == 1 else { return false }
        say("\(question) [y/N] ")
        return ["y", "yes"].contains(readLine()?.lowercased() ?? "")
    }

    /// Draws the share done (0 to 1) over the last such line; only on a terminal.
    package static func progress(_ share: Double, _ words: String) {
        guard isatty(STDERR_FILENO) == 1 else { return }
        let width = 30
        let full = min(width, max(0, Int(share * Double(width))))
        let bar = String(repeating: "#", count: full) + String(repeating: "-", count: width - full)
        say("\r\u{1B}[K[\(bar)] \(Int(share * 100)) % \(words)")
    }

    /// Says over the last such line what is being done that nobody knows the length of; only on a terminal.
    package static func step(_ words: String) {
        guard isatty(STDERR_FILENO) == 1 else { return }
        say("\r\u{1B}[K\(words) …")
    }

    package static func endProgress() {
        guard isatty(STDERR_FILENO) == 1 else { return }
        say("\r\u{1B}[K")
    }
}
