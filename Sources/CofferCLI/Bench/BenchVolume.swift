internal import ArgumentParser
internal import CofferBench
internal import CofferTerminal

struct BenchVolume: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "volume",
        abstract: "Measure a volume with its cipher, without one, and beside a bare file.",
        discussion: """
            Serves files of its own in the backing folder, which it takes away again, and has fio load them in turn, or \
            its own engine where fio is not installed. Rates are medians of the rounds, with their range; ratios are \
            taken within a round. The server without a cipher is no part of the product: `tools/bench volume` builds it.

            Loads: \(VolumeBench.loadNames.joined(separator: ", ")).
            """
    )

    @OptionGroup var options: BenchOptions
    @Option(help: ArgumentHelp("Where the files are made; /dev/shm keeps the disk out.", valueName: "folder"))
    var backing: String = "/dev/shm"

    func run() throws {
        let settings = try options.settings(backing: backing, loadNames: VolumeBench.loadNames)
        let program = try OwnProgram.path()
        try options.perform { voice in try VolumeBench(settings, program: program, voice: voice).run() }
    }
}
