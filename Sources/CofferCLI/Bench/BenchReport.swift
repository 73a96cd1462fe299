internal import ArgumentParser
internal import CofferBench
internal import CofferShapes
internal import CofferTerminal
internal import Foundation

struct BenchReport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Make one HTML page of what benches found, and a JSON of all of it beside the page.",
        discussion:
            "The page needs nothing from elsewhere. Both files are replaced where a report is there already."
    )

    @Argument(help: ArgumentHelp("The page to make: a name that ends in .html.", valueName: "page.html"))
    var page: String
    @Option(
        name: .customLong("from"),
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Files that benches wrote with --save. (default: run all benches, in short)",
            valueName: "file"
        )
    )
    var files: [String] = []

    func validate() throws {
        guard page.hasSuffix(".html"), URL(fileURLWithPath: page).lastPathComponent != ".html" else {
            throw ValidationError("the page's name ends in .html")
        }
    }

    func run() throws {
        let data = String(page.dropLast(".html".count)) + ".json"
        // A JSON without its page is somebody's measurements.
        let manager = FileManager.default
        guard manager.fileExists(atPath: page) || !manager.fileExists(atPath: data) else {
            throw AWSError(
                .validation,
                "\(data) is there already and belongs to no page",
                hint: "name another page: the JSON of all measurements is written beside it"
            )
        }
        let measurements = try files.isEmpty ? quick() : saved()
        try SavedFile.replace(page, ReportPage(measurements).html)
        try SavedFile.replace(data, SavedMeasurements.encode(measurements))
        print(page)
    }

    private func saved() throws -> [CofferBench.Measurement] {
        try files.flatMap { file in
            let contents = try ByteFile.read(file, limit: SavedMeasurements.limitBytes)
            return try SavedMeasurements.decode(Data(contents), name: file)
        }
    }

    private func quick() throws -> [CofferBench.Measurement] {
        let program = try OwnProgram.path()
        return try BenchStage.perform { try QuickBenches(program: program, voice: $0).run() }
    }
}
