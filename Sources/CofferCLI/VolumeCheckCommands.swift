internal import ArgumentParser
internal import Coffer
internal import CofferEBS
internal import CofferShapes
internal import CofferTerminal

/// The volume that is looked at, or all of the home.
struct CheckedVolume: ParsableArguments {
    @Argument(
        help: ArgumentHelp("The volume: its id, the beginning of one, or its name.", valueName: "volume")
    )
    var reference: String?
    @Flag(help: "Everything in the home: index, files, headers, snapshots, and what commands left behind.")
    var all = false

    mutating func validate() throws {
        guard all != (reference != nil) else { throw ValidationError("name a volume, or give --all") }
    }
}

struct VolumeCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Verify a volume's header, or with --all the whole home, and say what was found.",
        discussion: "Exit code 0 when all is well, 1 when something was found. Changes nothing."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var volume: CheckedVolume
    @OptionGroup var read: QuickOption

    func run() async throws {
        guard let reference = volume.reference else {
            return try await HomeChecks.check(
                .all,
                quick: read.quick,
                repair: "coffer volume repair --all",
                global
            )
        }
        let home = try global.openHome()
        let check = try await global.volumes(of: home).checkVolume(
            reference,
            caller: try await global.caller(of: home)
        )
        try CheckOutput.print(check, global.output)
        if !check.isClean {
            if check.findings.contains(where: \.canBeRepaired) {
                Terminal.error("hint: mend it with `coffer volume repair \(reference)`")
            }
            if check.findings.contains(where: { $0.code == "reencryptionUnfinished" }) {
                Terminal.error("hint: go on with `coffer volume reencrypt \(reference)`")
            }
            throw ExitCode(1)
        }
    }
}

struct VolumeRepair: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair",
        abstract: "Mend a damaged copy of a volume's header from the good one; with --all clean up the home.",
        discussion: """
            With --all it ends or removes what was cut short and can be ended or removed without loss, says each thing that it \
            does, and touches nothing that it does not know.
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var volume: CheckedVolume

    func run() async throws {
        guard let reference = volume.reference else { return try await HomeChecks.repair(.all, global) }
        let home = try global.openHome()
        let service = try await global.volumes(of: home)
        let before = try await service.repairVolume(reference, caller: try await global.caller(of: home))
        let after = try await service.checkVolume(reference, caller: try await global.caller(of: home))
        for finding in before.findings where finding.canBeRepaired {
            Terminal.error("coffer: mended: \(finding.sentence)")
        }
        try CheckOutput.print(after, global.output)
        if !after.isClean { throw ExitCode(1) }
    }
}

struct VolumeHeaderCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "header",
        abstract: "Keep a volume's header elsewhere, and put it back.",
        subcommands: [VolumeHeaderSave.self, VolumeHeaderRestore.self]
    )
}

struct VolumeHeaderSave: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "save",
        abstract: "Write the header to a new file; it holds no key but the wrapped one."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var volume: VolumeArgument
    @Argument(help: "The file to make; - is standard output.")
    var file: String

    func run() async throws {
        let home = try global.openHome()
        let bytes = try await global.volumes(of: home).saveHeader(
            volume.reference,
            caller: try await global.caller(of: home)
        )
        try ByteFile.write(bytes, to: file)
    }
}

struct VolumeHeaderRestore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Put a saved header back in place of a volume's own."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var volume: VolumeArgument
    @Argument(help: "The file that `save` made; - is standard input.")
    var file: String
    @Flag(help: "Accept a header of an older volume key.")
    var acceptRollback = false
    @Flag(help: "Do not ask.")
    var yes = false

    func run() async throws {
        let bytes = try ByteFile.read(file, limit: 1 << 20)
        guard yes || Terminal.confirms("Replace the header of volume \(volume.reference)?") else {
            throw AWSError(.validation, "the header is replaced only with --yes or a yes at the terminal")
        }
        let home = try global.openHome()
        try await global.volumes(of: home).restoreHeader(
            volume.reference,
            from: bytes,
            acceptsRollback: acceptRollback,
            caller: try await global.caller(of: home)
        )
    }
}
