internal import ArgumentParser
internal import CofferBench
internal import CofferShapes
internal import CofferTerminal
internal import CofferXTS
internal import Foundation

struct BenchCrypto: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crypto",
        abstract: "Measure the sector cipher: AES-256-XTS over runs of 1 MiB in memory.",
        discussion: """
            Speeds in GB/s (10^9 bytes a second, all threads together): median of the rounds, and their range. Beside \
            them the ratio to libcrypto in the same rounds, the share of what this processor's AES units could do if \
            nothing else took time, and the clock cycles of a thread for a byte.
            """
    )

    @Option(help: "How results are printed.")
    var output: OutputFormat = .table
    @Option(help: ArgumentHelp("Keep the figures in this file, as JSON.", valueName: "file"))
    var save: String?
    @Option(help: "The kernel to measure. (default: all that this processor can run)")
    var kernel: String?
    @Option(
        name: .customLong("unit"),
        help: "A data unit size, bytes; may be repeated. (default: 512, 4096, 65536)"
    )
    var units: [Int] = []
    @Option(help: "A number of threads; may be repeated. (default: 1 and all processors)")
    var threads: [Int] = []
    @Option(help: "Measured rounds of each combination.")
    var rounds: Int = 5
    @Option(help: "How long a round lasts, milliseconds.")
    var milliseconds: Int = 200

    func validate() throws {
        guard (1...1000).contains(rounds), (1...60_000).contains(milliseconds) else {
            throw ValidationError("rounds are 1 to 1000, of 1 to 60000 milliseconds each")
        }
        for unit in units where unit < 16 || unit > 65536 || unit & (unit - 1) != 0 {
            throw ValidationError("a data unit is a power of two from 16 to 65536 bytes, not \(unit)")
        }
        guard threads.allSatisfy({ (1...256).contains($0) }) else {
            throw ValidationError("threads are 1 to 256")
        }
    }

    func run() throws {
        let chosen = XTSKernel.all.filter { kernel == nil || $0.name == kernel }
        guard !chosen.isEmpty else {
            let names = XTSKernel.all.map(\.name).joined(separator: ", ")
            throw AWSError(
                .validation,
                "this processor has no kernel '\(kernel ?? "")'",
                hint: "it can run: \(names)"
            )
        }
        let processors = ProcessInfo.processInfo.activeProcessorCount
        let bench = CryptoBench(
            kernels: chosen,
            unitBytes: units.isEmpty ? [512, 4096, 65536] : units,
            threadCounts: threads.isEmpty ? Array(Set([1, processors])).sorted() : threads,
            rounds: rounds,
            roundMilliseconds: milliseconds
        )
        defer { Terminal.endProgress() }
        let rows: [CryptoBench.Row]
        do {
            rows = try bench.run { share, combination in Terminal.progress(share, combination) }
        } catch {
            throw AWSError(.internalError, "the cipher failed its self-test or a run: \(error)")
        }
        Terminal.endProgress()
        if let save {
            let measurement = bench.measurement(rows, date: Date(), machine: .current())
            try SavedFile.replace(save, SavedMeasurements.encode([measurement]))
        }
        try show(rows)
    }

    private struct SpreadShape: Encodable {
        let Minimum: Double
        let Median: Double
        let Maximum: Double

        init(_ spread: Spread) {
            (Minimum, Median, Maximum) = (spread.minimum, spread.median, spread.maximum)
        }
    }

    private struct RowShape: Encodable {
        let Kernel: String
        let UnitBytes: Int
        let Threads: Int
        let Direction: String
        let GBps: SpreadShape
        let RatioToLibcrypto: SpreadShape
        let ShareOfLimit: SpreadShape?
        let CyclesPerByte: Double?
    }

    private func show(_ rows: [CryptoBench.Row]) throws {
        if output == .json {
            return try Terminal.json([
                "Rows": rows.map {
                    RowShape(
                        Kernel: $0.kernel,
                        UnitBytes: $0.unitBytes,
                        Threads: $0.threadCount,
                        Direction: Self.direction($0),
                        GBps: SpreadShape($0.speed),
                        RatioToLibcrypto: SpreadShape($0.ratioToLibcrypto),
                        ShareOfLimit: $0.shareOfLimit.map(SpreadShape.init),
                        CyclesPerByte: $0.cyclesPerByte
                    )
                }
            ])
        }
        Terminal.table(
            [
                "KERNEL", "UNIT", "THREADS", "DIRECTION", "GB/S", "RANGE", "OF LIBCRYPTO", "OF LIMIT",
                "CYCLES/BYTE",
            ],
            rows.map {
                [
                    $0.kernel, "\($0.unitBytes)", "\($0.threadCount)", Self.direction($0),
                    Self.number($0.speed.median), Self.range($0.speed),
                    Self.number($0.ratioToLibcrypto.median),
                    $0.shareOfLimit.map { Self.number($0.median) } ?? "-",
                    $0.cyclesPerByte.map { String(format: "%.3f", $0) } ?? "-",
                ]
            }
        )
        let wide = rows.filter(\.speed.isWide)
        if !wide.isEmpty {
            Terminal.error(
                "warning: the rounds of \(wide.count) rows differ by more than half: something else used the processor"
            )
        }
    }

    private static func direction(_ row: CryptoBench.Row) -> String { row.encrypts ? "encrypt" : "decrypt" }

    private static func range(_ spread: Spread) -> String {
        "\(number(spread.minimum))-\(number(spread.maximum))"
    }

    private static func number(_ value: Double) -> String { String(format: "%.2f", value) }
}
