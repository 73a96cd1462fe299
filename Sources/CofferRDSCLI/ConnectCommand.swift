internal import ArgumentParser
internal import CofferCatalog
internal import CofferRDS
internal import CofferShapes
internal import CofferTerminal
internal import Glibc

struct ConnectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connect",
        abstract: "Open a prompt at an instance, or print its connection string.",
        discussion: """
            The prompt is sqlite3's or psql's; what stands after -- goes to it. The connection string has no password: give it \
            to the program in its own way, such as PGPASSFILE.
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var instance: InstanceArgument
    @Flag(help: "Print the connection string alone.")
    var url = false
    @Argument(parsing: .postTerminator, help: "For sqlite3 or psql.")
    var arguments: [String] = []

    func run() async throws {
        let desk = try await global.openDatabases()
        if url {
            let database = try await desk.databases.describeDBInstances(instance.name, caller: desk.caller)[0]
            guard let text = database.url else {
                throw AWSError(
                    .invalidDatabaseState,
                    "DB instance \(database.identifier) is \(database.status.rawValue): nobody can connect",
                    hint: database.statusReason ?? "start it with `coffer-rds start \(database.identifier)`"
                )
            }
            switch global.output {
            case .json: try Terminal.json(["Url": text])
            case .table: print(text)
            }
            return
        }
        let client = try await desk.databases.client(of: instance.name, caller: desk.caller)
        try await OpenHomes.close()
        for (name, value) in client.environment { unsafe setenv(name, value, 1) }
        throw Self.become(client.program, client.arguments + arguments)
    }

    /// Has this process go on as another program. Returns only where that fails.
    private static func become(_ program: String, _ arguments: [String]) -> AWSError {
        var words = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
        // What this process ignores, the prompt may want to hear.
        signal(SIGPIPE, SIG_DFL)
        umask(0o022)
        unsafe execv(program, &words)
        return AWSError(
            .missingRequirement,
            "cannot start \(program): \(unsafe String(cString: strerror(errno)))"
        )
    }
}
