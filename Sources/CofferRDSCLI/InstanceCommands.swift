internal import ArgumentParser
internal import CofferCatalog
internal import CofferRDS
internal import CofferShapes
internal import CofferTerminal
internal import Foundation

struct CreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a database instance on an encrypted volume of its own, and start it.",
        discussion: """
            Prints its connection string. SQLite is a file that programs open themselves; PostgreSQL listens on this host and \
            has a master user, who is no superuser, as on RDS.
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var instance: InstanceArgument
    @Option(help: "sqlite or postgres.")
    var engine: DatabaseEngineKind = .sqlite
    @Option(
        help: ArgumentHelp("The engine's version. (default: the one that is installed)", valueName: "version")
    )
    var engineVersion: String?
    @Option(help: "How much room it has: whole GiB. It can grow, and takes up what is used.")
    var size = ByteCount(gibibytes: 20)
    @Option(
        help: ArgumentHelp("The KMS key: an id, ARN or alias. (default: alias/aws/rds)", valueName: "key")
    )
    var key: String?
    @Option(help: "PostgreSQL's master user.")
    var masterUser = "postgres"
    @OptionGroup var password: PasswordOptions
    @Option(help: "A database to make with it.")
    var databaseName: String?
    @Option(help: "PostgreSQL's port. (default: the first free one from 5432 on)")
    var port: Int?
    @Option(help: "For how many days automated snapshots and the log archive are kept; 0: none are made.")
    var backupRetention = 1
    @Option(
        help: ArgumentHelp(
            "When the automated snapshot is made, UTC. (default: 03:00-03:30)",
            valueName: "hh:mm-hh:mm"
        )
    )
    var backupWindow: String?
    @Option(help: ArgumentHelp("A parameter group. (default: the engine's)", valueName: "name"))
    var parameterGroup: String?
    @Option(name: .customLong("parameter"), help: "A parameter of the engine; may be repeated.")
    var parameters: [ParameterPair] = []
    @Flag(help: "Refuse its deletion until this is taken away.")
    var deletionProtection = false
    @Option(name: .customLong("tag"), help: "A tag, key=value; may be repeated.")
    var tags: [TagPair] = []
    @OptionGroup var waiting: WaitOptions

    func run() async throws {
        let desk = try await global.openDatabases()
        var request = CreateDatabaseRequest(identifier: instance.name, engine: engine)
        request.engineVersion = engineVersion
        request.allocatedGiB = try size.wholeGibibytes()
        request.key = key.map { KeyReference($0) }
        request.masterUser = engine == .postgres ? masterUser : nil
        (request.databaseName, request.port) = (databaseName, port)
        (request.backupRetentionDays, request.backupWindow) = (backupRetention, backupWindow)
        (request.parameterGroup, request.parameters) = (parameterGroup, try parameters.dictionary())
        (request.isProtected, request.tags) = (deletionProtection, tags.map(\.tag))
        let secret = try engine == .postgres ? password.password() : nil
        let begun = try await desk.databases.createDBInstance(
            request,
            password: secret?.password,
            caller: desk.caller
        )
        let made = try await desk.reach(begun, waiting) { $0.status.isUsable }
        if let shown = secret?.shown {
            Terminal.error("The master user is \(masterUser), and its password, shown this once: \(shown)")
        }
        try DatabaseShape.show(made, global.output)
    }
}

struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "ls", abstract: "List database instances.")

    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let desk = try await global.openDatabases()
        let databases = try await desk.databases.describeDBInstances(caller: desk.caller)
        switch global.output {
        case .json: try Terminal.json(databases.map { DatabaseShape($0) })
        case .table:
            Terminal.table(
                ["NAME", "ENGINE", "STATUS", "SIZE", "KEY", "URL", "NOTE"],
                databases.map { database in
                    [
                        database.identifier.text,
                        "\(database.record.engine.rawValue) \(database.record.engineVersion)",
                        database.status.rawValue, "\(database.record.allocatedGiB) GiB",
                        database.record.kmsKeyARN.keyID?.description ?? "-", database.url ?? "-",
                        database.statusReason ?? "",
                    ]
                }
            )
        }
    }
}

struct ShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show all about an instance."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var instance: InstanceArgument

    func run() async throws {
        let desk = try await global.openDatabases()
        let database = try await desk.databases.describeDBInstances(instance.name, caller: desk.caller)[0]
        switch global.output {
        case .json: try Terminal.json(DatabaseShape(database))
        case .table: Terminal.list(DatabaseShape(database).pairs)
        }
    }
}

struct StartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start",
        abstract: "Start a stopped instance, or all that were running when the machine went down.",
        discussion: """
            An instance that was stopped because its KMS key could not be used is started the same way, once the key is back.
            """
    )

    @OptionGroup var global: GlobalOptions
    @Argument(help: ArgumentHelp("The instance's name.", valueName: "name"))
    var name: String?
    @Flag(help: "Start every instance that was running when its supervisor ended.")
    var all = false
    @OptionGroup var waiting: WaitOptions

    func validate() throws {
        if all == (name != nil) { throw ValidationError("Name an instance, or give --all.") }
    }

    func run() async throws {
        let desk = try await global.openDatabases()
        let begun: [Database]
        if let name {
            begun = [try await desk.databases.startDBInstance(name, caller: desk.caller)]
        } else {
            begun = try await desk.databases.resumeDBInstances()
        }
        for database in begun {
            try DatabaseShape.show(
                try await desk.reach(database, waiting) { $0.status.isUsable },
                global.output
            )
        }
    }
}

struct StopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Stop an instance: its engine ends, its volume is unmounted, its key forgotten.",
        discussion: """
            It stays stopped until somebody starts it. With --all, before the machine goes down, all that run are stopped; \
            `coffer-rds start --all` starts the same ones again.
            """
    )

    @OptionGroup var global: GlobalOptions
    @Argument(help: ArgumentHelp("The instance's name.", valueName: "name"))
    var name: String?
    @Flag(help: "Stop every instance that runs, to be started again with start --all.")
    var all = false
    @Option(help: ArgumentHelp("A snapshot to make first.", valueName: "name"))
    var snapshot: String?
    @OptionGroup var waiting: WaitOptions

    func validate() throws {
        if all == (name != nil) { throw ValidationError("Name an instance, or give --all.") }
    }

    func run() async throws {
        let desk = try await global.openDatabases()
        guard let name else { return try await desk.databases.suspendDBInstances() }
        let begun = try await desk.databases.stopDBInstance(
            name,
            snapshot: snapshot,
            caller: desk.caller
        )
        _ = try await desk.reach(begun, waiting) { $0.status == .stopped }
    }
}

struct RestartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart",
        abstract: "End the engine and start it again, with the parameters that waited for it."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var instance: InstanceArgument
    @OptionGroup var waiting: WaitOptions

    func run() async throws {
        let desk = try await global.openDatabases()
        let before = try await desk.databases.describeDBInstances(instance.name, caller: desk.caller)[0]
        let begun = try await desk.databases.rebootDBInstance(instance.name, caller: desk.caller)
        _ = try await desk.reach(begun, waiting) { now in
            now.status.isUsable && now.startCount > before.startCount
        }
    }
}

struct DeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete an instance, after a last snapshot or without.",
        discussion:
            "Its automated snapshots and its log archive go with it; snapshots that were made by hand stay."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var instance: InstanceArgument
    @Option(help: ArgumentHelp("The last snapshot's name.", valueName: "name"))
    var finalSnapshot: String?
    @Flag(help: "Make no last snapshot.")
    var skipFinalSnapshot = false
    @Flag(help: "Keep automated snapshots and the log archive.")
    var keepBackups = false
    @Flag(help: "Do not ask.")
    var yes = false

    func run() async throws {
        guard yes || Terminal.confirms("Delete the database instance \(instance.name) for good?") else {
            throw AWSError(
                .invalidParameterValue,
                "nothing was deleted",
                hint: "give --yes to delete without being asked"
            )
        }
        let desk = try await global.openDatabases()
        var request = DeleteDatabaseRequest(
            identifier: instance.name,
            finalSnapshot: finalSnapshot,
            skipsFinalSnapshot: skipFinalSnapshot
        )
        request.deletesAutomatedBackups = !keepBackups
        let begun = try await desk.databases.deleteDBInstance(request, caller: desk.caller)
        try await desk.databases.finishDeletion(of: begun.record.id, keepsBackups: keepBackups)
    }
}

extension DatabaseDesk {
    /// Waits until an instance is as it should be, and says on a terminal what is being done.
    func reach(
        _ database: Database,
        _ waiting: WaitOptions,
        until isReached: @Sendable (Database) -> Bool
    ) async throws -> Database {
        guard !waiting.doesNotWait else { return database }
        defer { Terminal.endProgress() }
        return try await databases.wait(
            for: database.record.id,
            progress: { Terminal.step($0) },
            until: isReached
        )
    }
}
