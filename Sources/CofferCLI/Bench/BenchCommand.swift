internal import ArgumentParser

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure how fast this machine is at what Coffer does.",
        subcommands: [
            BenchCrypto.self, BenchKMS.self, BenchVolume.self, BenchFilesystem.self, BenchDatabase.self,
            BenchPeers.self, BenchReport.self,
        ]
    )
}
