internal import ArgumentParser
internal import Coffer
internal import CofferEBS
internal import CofferShapes
internal import CofferTerminal

struct SnapshotCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot",
        abstract: "Snapshots of volumes: make, look at, restore, copy, carry, remove.",
        discussion: "A snapshot is named by its id, the unambiguous beginning of one, or its name.",
        subcommands: [
            SnapshotCreate.self, SnapshotList.self, SnapshotShow.self, SnapshotRestore.self,
            SnapshotCopy.self, SnapshotDiff.self, SnapshotExport.self, SnapshotImportCommand.self,
            SnapshotShare.self, SnapshotTagCommand.self, SnapshotUntag.self, SnapshotRemove.self,
            SnapshotCheckCommand.self, SnapshotRepairCommand.self,
        ]
    )
}

/// The snapshot that a command is about.
struct SnapshotArgument: ParsableArguments {
    @Argument(
        help: ArgumentHelp("The snapshot: its id, the beginning of one, or its name.", valueName: "snapshot")
    )
    var reference: String
}

/// What a new snapshot is called.
struct SnapshotWords: ParsableArguments {
    @Option(help: "A name to call it by: its Name tag.")
    var name: String?
    @Option(help: "What it is for, at most 255 characters.")
    var description: String = ""
    @Option(name: .customLong("tag"), help: ArgumentHelp("A tag; may be repeated.", valueName: "key=value"))
    var tags: [TagPair] = []
}

struct SnapshotCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Keep a volume's content of this moment; prints the snapshot's id.",
        discussion: """
            The volume may be in use: what is written after the moment is not in the snapshot. A filesystem that `coffer volume \
            mount` mounted is held still for the moment, so that it is clean. What an earlier snapshot of the volume has is not \
            stored again. The blocks are copied in the background, which goes on if this command is ended.
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var volume: VolumeArgument
    @OptionGroup var words: SnapshotWords
    @Flag(help: "Return once the content is fixed, and do not wait until it is stored.")
    var noWait = false

    func run() async throws {
        let home = try global.openHome()
        let service = try await global.volumes(of: home)
        let caller = try await global.caller(of: home)
        let request = CreateSnapshotRequest(
            volume: volume.reference,
            name: words.name,
            description: words.description,
            tags: words.tags.map(\.tag)
        )
        var snapshot = try await service.createSnapshot(request, caller: caller)
        if !noWait { snapshot = try await SnapshotWait.end(of: snapshot, service, caller) }
        try SnapshotShape.show(made: snapshot, global.output)
    }
}

/// Waits for a snapshot that is being made.
enum SnapshotWait {
    /// The snapshot once it is complete; throws why it failed.
    static func end(
        of snapshot: Snapshot,
        _ service: VolumeService,
        _ caller: Caller
    ) async throws -> Snapshot {
        var now = snapshot
        defer { Terminal.endProgress() }
        while now.state == .pending {
            Terminal.progress(Double(now.progress) / 100, "\(now.id)")
            try await Task.sleep(for: .milliseconds(20))
            now = try await service.describeSnapshots([snapshot.id.text], caller: caller)[0]
        }
        guard now.state == .completed else {
            throw AWSError(
                .internalError,
                "snapshot \(now.id) came to nothing: \(now.stateReason ?? "")",
                hint: "remove it with `coffer snapshot rm \(now.id)`, then try again"
            )
        }
        return now
    }
}

struct SnapshotList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List snapshots.",
        discussion: """
            A filter is one of the EC2 API's, such as volume-id=vol-…, status=completed or tag:env=prod*, with * for any \
            characters, ? for one, and commas between values of which any will do.
            """
    )

    @OptionGroup var global: GlobalOptions
    @Option(
        name: .customLong("filter"),
        help: ArgumentHelp("Only snapshots that fit; may be repeated.", valueName: "name=value")
    )
    var filters: [FilterArgument] = []

    func run() async throws {
        let home = try global.openHome()
        let snapshots = try await global.volumes(of: home).describeSnapshots(
            ResourceQuery(filters: filters.map(\.filter)),
            caller: try await global.caller(of: home)
        ).items
        if global.output == .json {
            return try Terminal.json(["Snapshots": snapshots.map { SnapshotShape($0) }])
        }
        Terminal.table(
            ["SNAPSHOT", "NAME", "VOLUME", "SIZE", "STARTED", "STATE", "REASON"],
            snapshots.map { snapshot in
                [
                    snapshot.id.text, snapshot.name ?? "-", snapshot.volumeText,
                    ByteCount.text(snapshot.sizeBytes), snapshot.started.iso8601, Self.state(snapshot),
                    snapshot.stateReason ?? "-",
                ]
            }
        )
    }

    private static func state(_ snapshot: Snapshot) -> String {
        snapshot.state == .pending ? "pending \(snapshot.progress)%" : snapshot.state.rawValue
    }
}

struct SnapshotShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show all about one snapshot."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var snapshot: SnapshotArgument

    func run() async throws {
        let home = try global.openHome()
        let snapshot = try await global.volumes(of: home).describeSnapshots(
            [snapshot.reference],
            caller: try await global.caller(of: home)
        )[0]
        if global.output == .json { return try Terminal.json(SnapshotShape(snapshot)) }
        Terminal.list(
            [
                ("Snapshot", snapshot.id.text), ("Name", snapshot.name ?? "-"),
                ("Description", snapshot.description.isEmpty ? "-" : snapshot.description),
                ("Volume", snapshot.volumeText), ("Size", ByteCount.text(snapshot.sizeBytes)),
                ("State", snapshot.state.rawValue), ("Progress", "\(snapshot.progress)%"),
                ("Reason", snapshot.stateReason ?? "-"), ("Started", snapshot.started.iso8601),
                ("Completed", snapshot.completed?.iso8601 ?? "-"),
                ("KMS key", snapshot.kmsKeyARN.description),
            ] + snapshot.tags.map { ("Tag \($0.key)", $0.value) }
        )
    }
}

struct SnapshotCopy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "copy",
        abstract: "Copy a snapshot, under another KMS key if you like; prints the copy's id.",
        discussion: """
            Under the same KMS key a copy costs next to nothing. Under another one every block is encrypted anew under a volume \
            key of the copy's own: who has the old KMS key alone reads nothing of it.
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var snapshot: SnapshotArgument
    @Option(help: "The KMS key of the copy: id, ARN or alias. (default: the snapshot's)")
    var key: String?
    @OptionGroup var words: SnapshotWords

    func run() async throws {
        let home = try global.openHome()
        let service = try await global.volumes(of: home)
        let caller = try await global.caller(of: home)
        let request = CopySnapshotRequest(
            source: snapshot.reference,
            key: key.map { KeyReference($0) },
            name: words.name,
            description: words.description,
            tags: words.tags.map(\.tag)
        )
        let begun = try await service.copySnapshot(request, caller: caller)
        let copy = try await SnapshotWait.end(of: begun, service, caller)
        try SnapshotShape.show(made: copy, global.output)
    }
}

struct SnapshotRestore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Make a volume that begins with a snapshot; prints the volume's id.",
        discussion: """
            As `coffer volume create --snapshot`, which has more options. The volume can be attached at once, and follows in \
            the background.
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var snapshot: SnapshotArgument
    @Option(help: "A name to call the volume by: its Name tag.")
    var name: String?
    @Option(help: "Its size, such as 10GiB. (default: the snapshot's)")
    var size: ByteCount?
    @Option(help: "The KMS key of the volume: id, ARN or alias. (default: the snapshot's)")
    var key: String?

    func run() async throws {
        let home = try global.openHome()
        var request = CreateVolumeRequest(
            name: name,
            sizeBytes: size?.bytes ?? 0,
            isEncrypted: true,
            key: key.map { KeyReference($0) }
        )
        request.snapshot = snapshot.reference
        let volume = try await global.volumes(of: home).createVolume(
            request,
            caller: try await global.caller(of: home)
        )
        try VolumeShape.show(made: volume, global.output)
    }
}

struct SnapshotRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm",
        abstract: "Remove a snapshot for good; what other snapshots share with it stays."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var snapshot: SnapshotArgument
    @Flag(help: "Do not ask.")
    var yes = false

    func run() async throws {
        let home = try global.openHome()
        let service = try await global.volumes(of: home)
        let caller = try await global.caller(of: home)
        let found = try await service.describeSnapshots([snapshot.reference], caller: caller)[0]
        guard yes || Terminal.confirms("Remove snapshot \(found.name ?? found.id.text) for good?") else {
            throw AWSError(.validation, "a snapshot is removed only with --yes or a yes at the terminal")
        }
        try await service.deleteSnapshot(found.id.text, caller: caller)
    }
}
