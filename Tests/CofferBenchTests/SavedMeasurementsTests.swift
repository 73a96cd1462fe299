import CofferShapes
import Foundation
import Testing

@testable import CofferBench

/// A measurement's file may come from anybody.
struct SavedMeasurementsTests {
    private func decode(_ text: String) throws -> [CofferBench.Measurement] {
        try SavedMeasurements.decode(Data(text.utf8), name: "f.json")
    }

    /// The message of the refusal.
    private func refusal(_ text: String) -> String? {
        do {
            _ = try decode(text)
            return nil
        } catch {
            return (error as? AWSError).flatMap {
                $0.code == .validation && $0.hint != nil ? $0.message : nil
            }
        }
    }

    @Test func `one alone and an array are read alike`() throws {
        let text = SampleMeasurement.json()
        #expect(try decode(text).count == 1)
        #expect(try decode(" \n[\(text), \(text)]").count == 2)
        let again = try SavedMeasurements.encode(try decode(text))
        #expect(try SavedMeasurements.encode(SavedMeasurements.decode(again, name: "f")) == again)
    }

    @Test(arguments: [
        ("", "valid JSON"), ("{}", "'bench' is missing"), ("[]", "0 measurements"), ("null", "another kind"),
        ("{\"bench\":NaN}", "valid JSON"), ("\u{0}", "valid JSON"),
    ])
    func `what is no measurement is refused`(text: String, words: String) throws {
        #expect(try #require(refusal(text)).contains(words))
    }

    @Test(arguments: [
        ("\"values\":[1", "\"values\":[0", "not above 0"),
        ("\"values\":[1", "\"values\":[-1", "not above 0"),
        ("\"values\":[1", "\"values\":[1e300", "out of range"),
        ("\"values\":[1", "\"values\":[1e999", "out of range"),
        ("\"values\":[1", "\"values\":[NaN", "valid JSON"),
        ("\"values\":[1", "\"values\":[\"1\"", "another kind"),
        ("\"values\":[1,2]", "\"values\":[]", "number of rounds"),
        ("\"values\":[1,2]", "\"values\":[1]", "number of rounds"),
        ("\"subjects\":[\"Coffer\",", "\"subjects\":[", "cells for 1 subjects"),
        ("\"subjects\":[\"Coffer\",\"other\"]", "\"subjects\":[\"other\",\"other\"]", "twice"),
        ("\"processorCount\":2", "\"processorCount\":-2", "nothing"),
        ("\"memoryBytes\":1024", "\"memoryBytes\":-1", "out of range"),
        ("2026-11-27T17:00:00Z", "yesterday", "out of range"),
        ("\"median\":3", "\"median\":-3", "latency"),
        ("\"unit\":\"IOPS\",", "", "'unit' is missing"),
    ])
    func `what no bench writes is refused, and told where it is`(
        part: String,
        replacement: String,
        words: String
    ) throws {
        let text = SampleMeasurement.json()
        try #require(text.contains(part))
        let message = try #require(refusal(text.replacing(part, with: replacement, maxReplacements: 1)))
        #expect(message.hasPrefix("f.json") && message.contains(words), "\(message)")
    }

    @Test func `endless texts, tables and files are refused`() throws {
        #expect(refusal(SampleMeasurement.json(subject: String(repeating: "x", count: 501))) != nil)
        // A character of many scalars is long, too.
        #expect(
            refusal(SampleMeasurement.json(subject: "x" + String(repeating: "\u{301}", count: 500))) != nil
        )
        let rows = Array(repeating: SampleMeasurement.row, count: 257).joined(separator: ",")
        let many = SampleMeasurement.json().replacing(SampleMeasurement.row, with: rows)
        #expect(try #require(refusal(many)).contains("257 rows"))
        let huge = Data(repeating: UInt8(ascii: " "), count: SavedMeasurements.limitBytes + 1)
        #expect(throws: AWSError.self) { try SavedMeasurements.decode(huge, name: "f") }
        #expect(refusal(String(repeating: "[", count: 100_000)) != nil)
    }
}

/// A file of a small measurement, to spoil.
enum SampleMeasurement {
    static let row = """
        {"load":"random read","unit":"IOPS","higherIsBetter":true,"cells":[
        {"values":[1,2],"latency":{"median":3,"percentile99":4,"percentile999":5,"maximum":6},"details":[]},
        {"values":[4,4],"details":[{"label":"processor s/GiB","value":"1.00"}]}]}
        """

    static func json(bench: String = "peers", subject: String = "other") -> String {
        """
        {"bench":"\(bench)","date":"2026-11-27T17:00:00Z","machine":{"processor":"p","processorCount":2,\
        "memoryBytes":1024,"kernel":"Linux","versions":[]},"settings":[{"label":"rounds","value":"2"}],"tables":[\
        {"title":"t","subjects":["Coffer","\(subject)"],"rows":[\(row)]}]}
        """
    }
}
