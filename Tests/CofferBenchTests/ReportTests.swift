import Foundation
import Testing

@testable import CofferBench

struct ReportTests {
    private func page(_ json: String) throws -> String {
        let measurements = try SavedMeasurements.decode(Data(json.utf8), name: "f")
        return String(decoding: ReportPage(measurements).html, as: UTF8.self)
    }

    @Test func `a text of a file never becomes an element, an attribute or a change of direction`() throws {
        let evil = "</title><script>alert(1)</script><img src=x onerror='x'>&amp;"
        let html = try page(SampleMeasurement.json(bench: evil, subject: "\(evil)\\u202e\\u0007"))
        #expect(!html.contains("<script") && !html.contains("<img") && !html.contains("onerror='"))
        #expect(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && html.contains("&amp;amp;"))
        #expect(!html.contains("\u{202E}") && !html.contains("\u{7}"))
        #expect(html.components(separatedBy: "<title>Coffer, measured</title>").count == 2)
    }

    @Test func `the page takes nothing from elsewhere`() throws {
        let html = try page(SampleMeasurement.json())
        for word in ["http:", "https:", "//", "url(", "@import", "<link", "src="] {
            #expect(!html.contains(word), "\(word)")
        }
        #expect(html.contains("default-src 'none'"))
    }

    @Test func `every chart has a title and says in words what it shows`() throws {
        let html = try page(SampleMeasurement.json())
        #expect(html.contains("<title id=\"chart-0-0-0-title\">random read, IOPS</title>"))
        #expect(html.contains("Coffer: median 1.50, 1.00–2.00 in 2 rounds; other: median 4.00"))
        #expect(html.contains("aria-labelledby=\"chart-0-0-0-title chart-0-0-0-desc\""))
    }

    @Test func `rounds too far apart, and too few, are told in words`() throws {
        let html = try page(SampleMeasurement.json())
        #expect(html.contains("The rounds of Coffer differ by more than half"))
        #expect(html.contains("In 1 of 2 figures the rounds differ"))
        #expect(html.contains("2 of 2 figures come from fewer than three rounds"))
        let calm = try page(SampleMeasurement.json().replacing("[1,2]", with: "[2,2]"))
        #expect(!calm.contains("differ by more than half"))
    }

    @Test(arguments: [
        (0.0005, "0.0005"), (0.4702, "0.470"), (1.934, "1.93"), (15.04, "15.0"), (999.6, "1\u{202F}000"),
        (123_456.7, "123\u{202F}457"),
    ])
    func `numbers have three digits that mean something`(value: Double, text: String) {
        #expect(ReportNumbers.text(value) == text)
    }

    @Test(arguments: [
        (0.4666, "0.47×"), (0.999, "1.00×"), (1.934, "1.93×"), (15.04, "15.0×"), (0.012, "0.012×"),
    ])
    func `ratios are written as times`(value: Double, text: String) {
        #expect(ReportNumbers.ratio(value) == text)
    }

    @Test func `a lead is above 1 where the first subject is better, whichever way the unit counts`() throws {
        var row = CofferBench.Measurement.Row(
            load: "l",
            unit: "u",
            higherIsBetter: true,
            cells: [.init(values: [2, 4, 9]), .init(values: [1, 1, 3]), nil]
        )
        #expect(row.lead(over: 1).map { [$0.minimum, $0.median, $0.maximum] } == [2, 3, 4])
        row.higherIsBetter = false
        #expect(row.lead(over: 1).map { [$0.minimum, $0.median, $0.maximum] } == [0.25, 1 / 3, 0.5])
        #expect(row.lead(over: 2) == nil)
        // Each round is turned round, not the median of both.
        row.cells = [.init(values: [1, 4]), .init(values: [2, 2])]
        #expect(row.ratio(to: 1)?.median == 1.25)
        #expect(row.lead(over: 1).map { [$0.minimum, $0.median, $0.maximum] } == [0.5, 1.25, 2])
    }

    @Test func `the cipher's rows become a table for each direction`() throws {
        let rows = ["vaes512", "libcrypto"].flatMap { kernel in
            [true, false].map { encrypts in
                CryptoBench.Row(
                    kernel: kernel,
                    unitBytes: 4096,
                    threadCount: 1,
                    encrypts: encrypts,
                    speeds: kernel == "vaes512" ? [8, 9] : [4, 3],
                    ratioToLibcrypto: Spread([2]),
                    shareOfLimit: Spread([0.875]),
                    cyclesPerByte: nil
                )
            }
        }
        let bench = CryptoBench(
            kernels: [],
            unitBytes: [4096],
            threadCounts: [1],
            rounds: 2,
            roundMilliseconds: 10
        )
        let measurement = bench.measurement(rows, date: Date(timeIntervalSince1970: 0), machine: .current())
        #expect(measurement.tables.map(\.title) == ["Encryption", "Decryption"])
        for table in measurement.tables {
            #expect(table.subjects == ["vaes512", "libcrypto"] && table.rows.count == 1)
            #expect(table.rows[0].ratio(to: 1).map { [$0.minimum, $0.maximum] } == [2, 3])
            #expect(table.rows[0].cells[0]?.details.first?.value == "88 %")
        }
        let saved = try SavedMeasurements.encode([measurement])
        #expect(try SavedMeasurements.decode(saved, name: "f").count == 1)
    }
}
