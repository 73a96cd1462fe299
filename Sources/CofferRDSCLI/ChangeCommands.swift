internal import ArgumentParser
internal import CofferRDS
internal import CofferShapes
internal import CofferTerminal

struct ModifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "modify",
        abstract: "Change an instance: room, password, parameters, backups, protection.",
        discussion: """
            Storage grows while the instance runs. Parameters that need a restart wait for the next one: \
            `coffer-rds show` names them. Encryption and the KMS key are for life; the way to another key is a copy of a \
            snapshot.
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var instance: InstanceArgument
    @Option(help: "The new size: whole GiB, never less than it is.")
    var size: ByteCount?
    @OptionGroup var password: PasswordOptions
    @Flag(help: "Choose a new master password at random and show it once.")
    var newMasterPassword = false
    @Option(name: .customLong("parameter"), help: "A parameter to set; may be repeated.")
    var parameters: [ParameterPair] = []
    @Option(name: .customLong("reset-parameter"), help: "A parameter to set back; may be repeated.")
    var resets: [String] = []
    @Option(help: ArgumentHelp("Another parameter group.", valueName: "name"))
    var parameterGroup: String?
    @Option(help: "Days of automated snapshots and log archive; 0: none.")
    var backupRetention: Int?
    @Option(help: ArgumentHelp("When the automated snapshot is made, UTC.", valueName: "hh:mm-hh:mm"))
    var backupWindow: String?
    @Option(help: "PostgreSQL's port, from the next restart on.")
    var port: Int?
    @Flag(inversion: .prefixedNo, help: "Whether its deletion is refused.")
    var deletionProtection: Bool?

    func run() async throws {
        let desk = try await global.openDatabases()
        var request = ModifyDatabaseRequest()
        request.allocatedGiB = try size?.wholeGibibytes()
        (request.backupRetentionDays, request.backupWindow) = (backupRetention, backupWindow)
        (request.isProtected, request.parameterGroup, request.port) = (
            deletionProtection, parameterGroup, port
        )
        for (name, value) in try parameters.dictionary() { request.parameters[name] = .some(value) }
        for name in resets { request.parameters[name] = .some(nil) }
        let secret = try password.isGiven || newMasterPassword ? password.password() : nil
        let changed = try await desk.databases.modifyDBInstance(
            instance.name,
            request,
            password: secret?.password,
            caller: desk.caller
        )
        if let shown = secret?.shown {
            Terminal.error("The master password is now, shown this once: \(shown)")
        }
        if global.output == .json { try Terminal.json(DatabaseShape(changed)) }
    }
}

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Make a new instance of a snapshot, or of another instance as it was at a time.",
        discussion: """
            It is under the same KMS key. Restoring to a time takes the newest automated snapshot from before it and goes \
            forward from there with the log archive; `coffer-rds show` tells which times there are.
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var instance: InstanceArgument
    @Option(help: ArgumentHelp("The snapshot.", valueName: "name"))
    var snapshot: String?
    @Option(help: ArgumentHelp("The instance to restore from.", valueName: "name"))
    var from: String?
    @Option(
        help: ArgumentHelp(
            "The time, such as 2026-11-30T12:00:00Z or 10m, ten minutes ago.",
            valueName: "time"
        )
    )
    var toTime: Moment?
    @Flag(help: "The latest time that there is.")
    var toLatest = false
    @Option(help: "PostgreSQL's port. (default: the first free one from 5432 on)")
    var port: Int?
    @Option(help: ArgumentHelp("A parameter group. (default: that of the original)", valueName: "name"))
    var parameterGroup: String?
    @Flag(help: "Refuse its deletion until this is taken away.")
    var deletionProtection = false
    @Option(name: .customLong("tag"), help: "A tag, key=value; may be repeated.")
    var tags: [TagPair] = []
    @OptionGroup var waiting: WaitOptions

    func validate() throws {
        if (snapshot != nil) == (from != nil) {
            throw ValidationError("Give --snapshot, or --from with --to-time or --to-latest.")
        }
        if from != nil, (toTime != nil) == toLatest {
            throw ValidationError("Give either --to-time or --to-latest.")
        }
        if snapshot != nil, toTime != nil || toLatest {
            throw ValidationError("A snapshot shows one time: --to-time goes with --from.")
        }
    }

    func run() async throws {
        let desk = try await global.openDatabases()
        var request = RestoreDatabaseRequest(
            identifier: instance.name,
            source: snapshot.map { .snapshot($0) } ?? .time(of: from ?? "", toTime?.before)
        )
        (request.port, request.parameterGroup) = (port, parameterGroup)
        (request.isProtected, request.tags) = (deletionProtection, tags.map(\.tag))
        let begun = try await desk.databases.restoreDBInstance(request, caller: desk.caller)
        let made = try await desk.reach(begun, waiting) { $0.status.isUsable }
        try DatabaseShape.show(made, global.output)
    }
}
