internal import ArgumentParser
internal import CofferTerminal

/// `coffer-rds`: databases on encrypted volumes. Results go to standard output, everything else to standard error.
@main
enum Main {
    static func main() async {
        CommandProgram.harden()
        await CommandProgram.run(RDSCommand.self, name: "coffer-rds")
    }
}

struct RDSCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coffer-rds",
        abstract: "Databases whose every byte at rest is under a KMS key: SQLite and PostgreSQL.",
        discussion: """
            A first use:
              coffer-rds create app
              coffer-rds connect app

            Exit codes: 0 done, 1 refused or failed, 2 usage, 3 access denied, 4 not found, 5 wrong state.
            """,
        version: "0.1.0",
        subcommands: [
            CreateCommand.self, ListCommand.self, ShowCommand.self, StartCommand.self, StopCommand.self,
            RestartCommand.self, ConnectCommand.self, ModifyCommand.self, SnapshotCommand.self,
            RestoreCommand.self, DeleteCommand.self, LogCommand.self, EventsCommand.self, TopCommand.self,
            SuperviseCommand.self,
        ]
    )
}
