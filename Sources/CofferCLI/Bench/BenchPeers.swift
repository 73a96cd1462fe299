internal import ArgumentParser
internal import CofferBench
internal import CofferTerminal

struct BenchPeers: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peers",
        abstract: "Measure a volume beside other ways to encrypt files and disks.",
        discussion: """
            A volume, qemu's LUKS export, nbdkit's LUKS filter, gocryptfs, cryfs and securefs all serve a file of random \
            bytes from the backing folder at the same time, and are loaded in turn. SQLCipher on a plain disk is measured \
            beside SQLite on a volume, which needs root. Who is not installed is named and left out. The processor's time \
            is that of the processes that serve.

            Loads: \(PeersBench.loadNames.joined(separator: ", ")).
            """
    )

    @OptionGroup var options: BenchOptions
    @Option(help: ArgumentHelp("Where the files are made; /dev/shm keeps the disk out.", valueName: "folder"))
    var backing: String = "/dev/shm"
    @Flag(help: "First get the peers that are missing, by apt-get.")
    var install = false

    func run() throws {
        let settings = try options.settings(backing: backing, loadNames: PeersBench.loadNames)
        let program = try OwnProgram.path()
        try options.perform { voice in
            if install { try PeerPackages.install(notice: voice.notice) }
            return try PeersBench(settings, program: program, voice: voice).run()
        }
    }
}
