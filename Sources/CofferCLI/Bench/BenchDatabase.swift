internal import ArgumentParser
internal import CofferBench
internal import CofferTerminal

struct BenchDatabase: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "database",
        abstract:
            "Measure databases on a volume beside databases on a loop device over a bare file. Needs root.",
        discussion: """
            Both lie in ext4 in the backing folder, on the same disk, under loop devices with direct I/O. The log is \
            written ahead and each commit is durable (journal_mode=WAL, synchronous=FULL); the disk's flushes a commit \
            are counted. Caches are dropped before each run of SQLite. The size is that of SQLite's rows; the databases load \
            themselves, so that --own-engine changes nothing. PostgreSQL is measured where it is installed, by pgbench, and \
            keeps what it has in memory from run to run.

            Loads: \(DatabaseBench.loadNames.joined(separator: ", ")).
            """
    )

    @OptionGroup var options: BenchOptions
    @Option(
        help: ArgumentHelp("Where the files are made: a folder on the disk to measure.", valueName: "folder")
    )
    var backing: String = "/var/tmp"

    func run() throws {
        let settings = try options.settings(backing: backing, loadNames: DatabaseBench.loadNames)
        let program = try OwnProgram.path()
        try options.perform { voice in try DatabaseBench(settings, program: program, voice: voice).run() }
    }
}
