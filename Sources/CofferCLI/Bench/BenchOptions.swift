internal import ArgumentParser
internal import CofferBench
internal import CofferShapes
internal import CofferTerminal
internal import Foundation

/// Options of the benches that load files.
struct BenchOptions: ParsableArguments {
    @Option(help: "Measured rounds; more of them tell more about the spread.")
    var rounds: Int = 5
    @Option(help: "How long a run lasts.")
    var seconds: Int = 2
    @Option(help: ArgumentHelp("Size of the files under load, MiB.", valueName: "mib"))
    var size: Int = 512
    @Option(
        name: .customLong("load"),
        help: ArgumentHelp("A load to run, by its name; may be repeated. (default: all)", valueName: "name")
    )
    var loads: [String] = []
    @Flag(help: "Make the loads by this program's own engine, also where fio is installed.")
    var ownEngine = false
    @Option(help: ArgumentHelp("Keep the figures in this file, as JSON.", valueName: "file"))
    var save: String?
    @Option(help: "How results are printed.")
    var output: OutputFormat = .table

    func validate() throws {
        guard (1...1000).contains(rounds), (1...3600).contains(seconds) else {
            throw ValidationError("rounds are 1 to 1000, of 1 to 3600 seconds a run")
        }
        guard (16...1 << 20).contains(size) else { throw ValidationError("a size is 16 to 1048576 MiB") }
    }

    func settings(backing: String, loadNames: [String]) throws -> BenchSettings {
        for name in loads where !loadNames.contains(name) {
            throw AWSError(
                .validation,
                "there is no load '\(name)'",
                hint: "name some of: \(loadNames.joined(separator: ", "))"
            )
        }
        return BenchSettings(
            rounds: rounds,
            seconds: seconds,
            backing: backing,
            sizeBytes: size << 20,
            loadNames: loads,
            usesOwnEngine: ownEngine
        )
    }

    /// Runs a bench, shows what it found and keeps it where that is wanted.
    func perform(_ bench: (BenchVoice) throws -> CofferBench.Measurement) throws {
        let measurement = try BenchStage.perform(bench)
        let json = try SavedMeasurements.encode([measurement])
        if let save { try SavedFile.replace(save, json) }
        switch output {
        case .json: print(String(decoding: json, as: UTF8.self))
        case .table: MeasurementTable.show(measurement)
        }
    }
}

/// Where benches run: heard on standard error, and ended in order.
enum BenchStage {
    /// A bench that is asked to stop undoes what it has set up, and ends as a program does that the signal ended.
    static func perform<Result>(_ bench: (BenchVoice) throws -> Result) throws -> Result {
        Interruption.watch()
        defer { Terminal.endProgress() }
        let voice = BenchVoice(
            progress: { share, words in Terminal.progress(share, words) },
            notice: { words in
                Terminal.endProgress()
                Terminal.error("coffer: \(words)")
            }
        )
        do {
            return try bench(voice)
        } catch let stop as Interrupted {
            throw ExitCode(stop.exitCode)
        }
    }
}
