internal import ArgumentParser
internal import Coffer
internal import CofferEBS
internal import CofferShapes
internal import CofferTerminal

struct SnapshotExport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a snapshot to a file or stream that can be carried to another machine.",
        discussion: """
            The file holds all of the snapshot, encrypted and authenticated; who reads it needs leave to use the snapshot's \
            KMS key. `coffer snapshot import` takes it in, here or in another home that reaches the key.
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var snapshot: SnapshotArgument
    @Argument(help: "The file to make; - is standard output.")
    var file: String

    func run() async throws {
        let home = try global.openHome()
        let output = try ByteFile.Output(file)
        guard !output.isTerminal else {
            throw AWSError(
                .validation,
                "an exported snapshot is not written to a terminal",
                hint: "name a file, or send the stream on: `coffer snapshot export … - | …`"
            )
        }
        defer { Terminal.endProgress() }
        do {
            try await global.volumes(of: home).exportSnapshot(
                snapshot.reference,
                to: output.descriptor,
                onProgress: { Terminal.progress($0, "exporting") },
                caller: try await global.caller(of: home)
            )
            try output.sync()
        } catch {
            output.remove()
            throw error
        }
    }
}

struct SnapshotImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Make a snapshot of an exported one; prints its id.",
        discussion: """
            It gets an id of its own. You need leave to use the KMS key that the file names, here or in the KMS that \
            --kms-endpoint names. A file that was changed or cut short makes nothing.
            """
    )

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The file that `export` made; - is standard input.")
    var file: String
    @OptionGroup var words: SnapshotWords

    func run() async throws {
        let home = try global.openHome()
        let service = try await global.volumes(of: home)
        let caller = try await global.caller(of: home)
        let input = try ByteFile.Input(file)
        defer {
            withExtendedLifetime(input) {}
            Terminal.endProgress()
        }
        let snapshot = try await service.importSnapshot(
            from: input.descriptor,
            ImportSnapshotRequest(
                name: words.name,
                description: words.description,
                tags: words.tags.map(\.tag)
            ),
            onProgress: { Terminal.progress($0, "importing") },
            caller: caller
        )
        try SnapshotShape.show(made: snapshot, global.output)
    }
}

struct SnapshotDiff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "List the blocks of 512 KiB that differ between two snapshots of a volume.",
        discussion: """
            Prints the offset of each block in bytes, and whether it was added, changed or removed. With one snapshot alone \
            all of its blocks are listed. Snapshots under two volume keys cannot be compared.
            """
    )

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The older snapshot, or the only one.")
    var first: String
    @Argument(help: "The newer snapshot.")
    var second: String?

    private struct Shape: Encodable {
        let BlockIndex: UInt64
        let Change: String
    }

    func run() async throws {
        let home = try global.openHome()
        let changes = try await global.volumes(of: home).snapshotDifference(
            from: second == nil ? nil : first,
            to: second ?? first,
            caller: try await global.caller(of: home)
        )
        if global.output == .json {
            return try Terminal.json(
                ["ChangedBlocks": changes.map { Shape(BlockIndex: $0.index, Change: $0.kind.rawValue) }]
            )
        }
        Terminal.table(
            ["BLOCK", "OFFSET", "CHANGE"],
            changes.map { ["\($0.index)", "\($0.index << 19)", $0.kind.rawValue] }
        )
    }
}
