internal import ArgumentParser
internal import CofferTerminal

/// `coffer-rds`: databases on encrypted volumes.
@main
enum Main {
    static func main() async {
        CommandProgram.harden()
        await CommandProgram.run(RDSCommand.self, name: "coffer-rds")
    }
}

struct RDSCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "coffer-rds")
}
