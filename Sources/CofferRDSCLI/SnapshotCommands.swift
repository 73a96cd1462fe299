internal import ArgumentParser
internal import CofferCatalog
internal import CofferRDS
internal import CofferShapes
internal import CofferTerminal

struct SnapshotCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot",
        abstract: "Snapshots of instances: make, list, copy under another key, share, delete.",
        subcommands: [
            SnapshotCreate.self, SnapshotList.self, SnapshotShow.self, SnapshotCopy.self, SnapshotShare.self,
            SnapshotRemove.self,
        ]
    )
}

/// The snapshot that a command is about.
struct SnapshotArgument: ParsableArguments {
    @Argument(help: ArgumentHelp("The snapshot's name.", valueName: "snapshot"))
    var name: String
}

struct SnapshotCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Fix an instance's content of this moment; prints the snapshot's name.",
        discussion: "The instance goes on meanwhile. Only what changed since its last snapshot is stored."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var instance: InstanceArgument
    @OptionGroup var snapshot: SnapshotArgument
    @Option(name: .customLong("tag"), help: "A tag, key=value; may be repeated.")
    var tags: [TagPair] = []
    @OptionGroup var waiting: WaitOptions

    func run() async throws {
        let desk = try await global.openDatabases()
        let begun = try await desk.databases.createDBSnapshot(
            of: instance.name,
            named: snapshot.name,
            tags: tags.map(\.tag),
            caller: desk.caller
        )
        try DatabaseSnapshotShape.show(
            waiting.doesNotWait ? begun : try await desk.complete(begun),
            global.output
        )
    }
}

struct SnapshotList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "ls", abstract: "List snapshots.")

    @OptionGroup var global: GlobalOptions
    @Argument(help: ArgumentHelp("Only those of this instance.", valueName: "name"))
    var instance: String?

    func run() async throws {
        let desk = try await global.openDatabases()
        let snapshots = try await desk.databases.describeDBSnapshots(of: instance, caller: desk.caller)
        switch global.output {
        case .json: try Terminal.json(snapshots.map { DatabaseSnapshotShape($0) })
        case .table:
            Terminal.table(
                ["NAME", "INSTANCE", "TYPE", "STATUS", "TIME", "KEY", "NOTE"],
                snapshots.map { snapshot in
                    let record = snapshot.record
                    return [
                        record.identifier.text, record.source.identifier.text, record.kind.rawValue,
                        snapshot.status == .creating
                            ? "creating \(snapshot.progress) %" : snapshot.status.rawValue,
                        record.originalTime.iso8601, record.kmsKeyARN.keyID?.description ?? "-",
                        snapshot.statusReason ?? "",
                    ]
                }
            )
        }
    }
}

struct SnapshotShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show all about a snapshot."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var snapshot: SnapshotArgument

    func run() async throws {
        let desk = try await global.openDatabases()
        let found = try await desk.databases.describeDBSnapshots(snapshot.name, caller: desk.caller)[0]
        switch global.output {
        case .json: try Terminal.json(DatabaseSnapshotShape(found))
        case .table: Terminal.list(DatabaseSnapshotShape(found).pairs)
        }
    }
}

struct SnapshotCopy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "copy",
        abstract: "Copy a snapshot, under another KMS key where one is named; prints the copy's name.",
        discussion:
            "Under another key every block is encrypted anew: who has only the old key reads nothing of it."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var snapshot: SnapshotArgument
    @Argument(help: "The copy's name.")
    var copy: String
    @Option(help: ArgumentHelp("The KMS key: an id, ARN or alias. (default: the same)", valueName: "key"))
    var key: String?
    @Option(name: .customLong("tag"), help: "A tag, key=value; may be repeated.")
    var tags: [TagPair] = []

    func run() async throws {
        let desk = try await global.openDatabases()
        let begun = try await desk.databases.copyDBSnapshot(
            snapshot.name,
            to: copy,
            key: key.map { KeyReference($0) },
            tags: tags.map(\.tag),
            caller: desk.caller
        )
        // It ends with this process.
        try DatabaseSnapshotShape.show(try await desk.complete(begun), global.output)
    }
}

struct SnapshotShare: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "share",
        abstract: "Say which accounts may restore a snapshot; prints those that may.",
        discussion: "One under the AWS managed key cannot be shared: copy it under a key of your own first."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var snapshot: SnapshotArgument
    @Option(name: .customLong("with"), help: "An account to share with; may be repeated.")
    var added: [String] = []
    @Option(name: .customLong("not-with"), help: "An account to take it from; may be repeated.")
    var removed: [String] = []

    func run() async throws {
        let desk = try await global.openDatabases()
        let shared = try await desk.databases.shareDBSnapshot(
            snapshot.name,
            adding: added,
            removing: removed,
            caller: desk.caller
        )
        switch global.output {
        case .json: try Terminal.json(shared.record.sharedWith)
        case .table: shared.record.sharedWith.forEach { print($0) }
        }
    }
}

struct SnapshotRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "rm", abstract: "Delete a snapshot.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var snapshot: SnapshotArgument
    @Flag(help: "Do not ask.")
    var yes = false

    func run() async throws {
        guard yes || Terminal.confirms("Delete the snapshot \(snapshot.name) for good?") else {
            throw AWSError(
                .invalidParameterValue,
                "nothing was deleted",
                hint: "give --yes to delete without being asked"
            )
        }
        let desk = try await global.openDatabases()
        _ = try await desk.databases.deleteDBSnapshot(snapshot.name, caller: desk.caller)
    }
}

extension DatabaseDesk {
    /// Waits until a snapshot is complete, with a bar on a terminal.
    func complete(_ snapshot: DatabaseSnapshot) async throws -> DatabaseSnapshot {
        defer { Terminal.endProgress() }
        return try await databases.awaitCompletion(of: snapshot.record) { percent in
            Terminal.progress(Double(percent) / 100, "copying blocks")
        }
    }
}
