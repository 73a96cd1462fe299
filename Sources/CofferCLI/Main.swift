internal import ArgumentParser
internal import CofferTerminal
internal import Glibc

/// `coffer`: parses, calls one verb of a service, prints. Results go to standard output, everything else to standard
/// error. Called as mount.coffer it is mount(8)'s helper.
@main
enum Main {
    static func main() async {
        CommandProgram.harden()
        if MountHelper.isMeant { exit(await MountHelper.run(Array(CommandLine.arguments.dropFirst()))) }
        await CommandProgram.run(CofferCommand.self, name: "coffer")
    }
}

struct CofferCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coffer",
        abstract: "Encryption at rest as AWS does it, on machines you own.",
        discussion: """
            A first use:
              coffer key create --alias app
              coffer volume create --name data --size 10GiB --key alias/app
              coffer volume mount data /mnt/data

            Exit codes: 0 done, 1 refused or failed, 2 usage, 3 access denied, 4 not found, 5 wrong state.
            """,
        version: "0.1.0",
        subcommands: [
            KeyCommand.self, VolumeCommand.self, SnapshotCommand.self, UserCommand.self, TrailCommand.self,
            ServeCommand.self,
            HomeCommand.self, SealCommand.self, BenchCommand.self, DoctorCommand.self,
        ]
    )
}
