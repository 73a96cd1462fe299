internal import ArgumentParser
internal import CofferBench
internal import CofferShapes
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
        help: ArgumentHelp("Files that benches wrote with --save.", valueName: "file")
    )
    var files: [String]

    func validate() throws {
        guard page.hasSuffix(".html"), URL(fileURLWithPath: page).lastPathComponent != ".html" else {
            throw ValidationError("the page's name ends in .html")
        }
    }

    func run() throws {
        let data = String(page.dropLast(".html".count)) + ".json"
        // A JSON without its page is somebody's measurements.
        let files = FileManager.default
        guard files.fileExists(atPath: page) || !files.fileExists(atPath: data) else {
            throw AWSError(
                .validation,
                "\(data) is there already and belongs to no page",
                hint: "name another page: the JSON of all measurements is written beside it"
            )
        }
        let measurements = try self.files.flatMap { file in
            let contents = try ByteFile.read(file, limit: SavedMeasurements.limitBytes)
            return try SavedMeasurements.decode(Data(contents), name: file)
        }
        try replace(page, ReportPage(measurements).html)
        try replace(data, SavedMeasurements.encode(measurements))
        print(page)
    }

    private func replace(_ path: String, _ contents: Data) throws {
        do {
            try contents.write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw AWSError(
                .validation,
                "cannot write \(path): \(error.localizedDescription)",
                hint: "name a page in a folder that you may write to"
            )
        }
    }
}
