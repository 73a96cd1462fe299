internal import ArgumentParser
internal import CofferBench
internal import CofferTerminal

struct BenchFilesystem: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "filesystem",
        abstract: "Measure ext4 on a volume beside ext4 on a loop device over a bare file. Needs root.",
        discussion: """
            Both lie in the backing folder, on the same disk, under loop devices with direct I/O. Caches are dropped \
            before each run, so that reads miss them; what is written counts once it is durable. The disk's flushes are \
            counted where each write waits for one.

            Loads: \(FilesystemBench.loadNames.joined(separator: ", ")).
            """
    )

    @OptionGroup var options: BenchOptions
    @Option(
        help: ArgumentHelp("Where the files are made: a folder on the disk to measure.", valueName: "folder")
    )
    var backing: String = "/var/tmp"

    func run() throws {
        let settings = try options.settings(backing: backing, loadNames: FilesystemBench.loadNames)
        let program = try OwnProgram.path()
        try options.perform { voice in try FilesystemBench(settings, program: program, voice: voice).run() }
    }
}
