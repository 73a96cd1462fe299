internal import ArgumentParser
internal import CofferBench
internal import CofferTerminal
internal import Foundation

struct BenchKMS: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kms",
        abstract: "Measure the embedded KMS: microseconds a call, its line on the trail included.",
        discussion:
            "Works on a home of its own, which it removes. `tools/bench kms` measures the server beside another."
    )

    @Option(help: "How results are printed.")
    var output: OutputFormat = .table
    @Option(help: ArgumentHelp("Where the home is made.", valueName: "folder"))
    var folder: String = FileManager.default.temporaryDirectory.path
    @Option(help: "Measured calls of each operation.")
    var calls: Int = 5000

    private struct Shape: Encodable {
        let Operation: String
        let MedianMicroseconds: Double
        let P99Microseconds: Double
    }

    func validate() throws {
        guard (100...1_000_000).contains(calls) else { throw ValidationError("calls are 100 to 1000000") }
    }

    func run() async throws {
        let home = "\(folder)/coffer-bench-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: home) }  // Nothing of worth is in it.
        let results = try await KMSBench(folder: home, callCount: calls).run()
        if output == .json {
            return try Terminal.json([
                "Results": results.map {
                    Shape(
                        Operation: $0.operation,
                        MedianMicroseconds: $0.median,
                        P99Microseconds: $0.percentile99
                    )
                }
            ])
        }
        Terminal.table(
            ["OPERATION", "MEDIAN, µs", "P99, µs"],
            results.map { [$0.operation, Self.text($0.median), Self.text($0.percentile99)] }
        )
    }

    private static func text(_ microseconds: Double) -> String { String(format: "%.1f", microseconds) }
}
