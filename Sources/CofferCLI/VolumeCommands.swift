internal import ArgumentParser
internal import Coffer
internal import CofferCatalog
internal import CofferControl
internal import CofferEBS
internal import CofferShapes
internal import Foundation

struct VolumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "volume",
        abstract: "Encrypted volumes: make, attach, mount, check.",
        discussion: "A volume is named by its id, the unambiguous beginning of one, or its name.",
        subcommands: [
            VolumeCreate.self, VolumeList.self, VolumeShow.self, VolumeAttach.self, VolumeDetach.self,
            VolumeMount.self, VolumeUnmount.self, VolumeCheckCommand.self, VolumeRepair.self,
            VolumeHeaderCommand.self, VolumeAdopt.self, VolumeRemove.self,
        ]
    )
}

/// The volume that a command is about.
struct VolumeArgument: ParsableArguments {
    @Argument(
        help: ArgumentHelp("The volume: its id, the beginning of one, or its name.", valueName: "volume")
    )
    var reference: String
}

struct VolumeCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make an encrypted volume; prints its id."
    )

    @OptionGroup var global: GlobalOptions
    @Option(help: "A name to call it by.")
    var name: String?
    @Option(help: "Its size: 1 MiB to 64 TiB, such as 10GiB.")
    var size: ByteCount
    @Option(help: "The KMS key that wraps its key: id, ARN or alias. (default: alias/aws/ebs)")
    var key: String?
    @Option(help: "The data unit, bytes: 4096 or 512.")
    var dataUnit: Int = 4096
    @Option(help: "The cipher: aes-256-xts or aes-128-xts.")
    var cipher: String = "aes-256-xts"

    func run() async throws {
        let home = try global.openHome()
        let request = CreateVolumeRequest(
            name: name,
            sizeBytes: size.bytes,
            key: key.map { KeyReference($0) },
            dataUnitBytes: dataUnit,
            cipherName: cipher
        )
        let volume = try await global.volumes(of: home).createVolume(
            request,
            caller: try await global.caller(of: home)
        )
        switch global.output {
        case .json: try Terminal.json(VolumeShape(volume, region: home.identity.region))
        case .table: print(volume.id)
        }
    }
}

struct VolumeAdopt: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adopt",
        abstract: "Take a volume's file that was made elsewhere into this home; prints its id.",
        discussion: """
            The file stays where it is and gets a second name in the home. To attach it you need leave to use its KMS key: in \
            this home, or in the KMS that --kms-endpoint names.
            """
    )

    @OptionGroup var global: GlobalOptions
    @Argument(help: ArgumentHelp("The volume's file.", valueName: "file"))
    var file: String
    @Option(help: "A name to call it by.")
    var name: String?

    func run() async throws {
        let home = try global.openHome()
        let volume = try await global.volumes(of: home).adoptVolume(file: file, name: name)
        switch global.output {
        case .json: try Terminal.json(VolumeShape(volume, region: home.identity.region))
        case .table: print(volume.id)
        }
    }
}

struct VolumeList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List volumes and what they are doing."
    )

    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let home = try global.openHome()
        let volumes = try await global.volumes(of: home).describeVolumes()
        if global.output == .json {
            return try Terminal.json([
                "Volumes": volumes.map { VolumeShape($0, region: home.identity.region) }
            ])
        }
        Terminal.table(
            ["VOLUME", "NAME", "SIZE", "STATE", "WHERE", "REASON"],
            volumes.map { volume in
                [
                    volume.id.text, volume.name ?? "-", ByteCount.text(volume.sizeBytes),
                    volume.state.rawValue,
                    volume.mountDirectory ?? volume.exposedFile ?? "-", volume.stateReason ?? "-",
                ]
            }
        )
    }
}

struct VolumeShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show all about one volume."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var volume: VolumeArgument

    func run() async throws {
        let home = try global.openHome()
        let volume = try await global.volumes(of: home).describeVolumes([volume.reference])[0]
        if global.output == .json {
            return try Terminal.json(VolumeShape(volume, region: home.identity.region))
        }
        var pairs: [(label: String, value: String)] = [
            ("Volume", volume.id.text),
            ("Name", volume.name ?? "-"),
            ("Size", "\(ByteCount.text(volume.sizeBytes)) (\(volume.sizeBytes) bytes)"),
            ("State", volume.state.rawValue),
            ("Attachment", volume.attachment.rawValue),
            ("KMS key", volume.kmsKeyARN.description),
            ("Cipher", "\(volume.cipherName), data unit \(volume.dataUnitBytes) bytes"),
            ("Created", volume.created.iso8601),
            ("Backing file", "\(volume.backingFile) (\(ByteCount.text(volume.allocatedBytes)) on disk)"),
        ]
        if let reason = volume.stateReason { pairs.insert(("Reason", reason), at: 4) }
        if let filesystem = volume.filesystem { pairs.append(("Filesystem", filesystem)) }
        if let file = volume.exposedFile { pairs.append(("Exposed file", file)) }
        if let loop = volume.loopDevice { pairs.append(("Loop device", loop)) }
        if let directory = volume.mountDirectory { pairs.append(("Mounted on", directory)) }
        if let daemon = volume.daemon {
            pairs += [
                (
                    "Daemon",
                    "process \(daemon.processID), \(daemon.threadCount) threads, \(daemon.openCount) open"
                ),
                (
                    "Transport",
                    "/dev/fuse, connection \(daemon.fuseConnection), requests of \(ByteCount.text(UInt64(daemon.requestBytes)))"
                ),
                ("Backing I/O", daemon.backingIO.rawValue),
                ("Cipher kernel", daemon.kernel),
                ("Key memory", daemon.keyMemory),
                (
                    "Read, written",
                    "\(ByteCount.text(daemon.bytesRead)), \(ByteCount.text(daemon.bytesWritten))"
                ),
            ]
        }
        Terminal.list(pairs)
    }
}

/// Options of `attach` and `mount` alike.
struct AttachOptionGroup: ParsableArguments {
    @Flag(help: "Attach for reading only.")
    var readOnly = false
    @Flag(
        help: "Write encrypted zeroes on discard in place of giving room back, which hides what holds data."
    )
    var noDiscard = false
    @Flag(help: "Accept a header older than the newest one seen, such as that of a restored backup.")
    var acceptRollback = false
    @Option(
        help: ArgumentHelp(
            "How the volume's file is read and written: `cached` through the page cache, `direct` past it.",
            discussion:
                "`auto` is `cached`, but `direct` where the daemon cannot leave a memory-limited group."
        )
    )
    var backingIo: BackingIO = .auto
    @Option(
        help: ArgumentHelp(
            "Threads that serve at once. (default: one for each processor, 2 to 16; 16 with direct backing I/O)",
            discussion:
                "With cached backing I/O more stand by for those that wait for the disk, up to 16 in all."
        )
    )
    var threads: Int?

    func options(directory: String? = nil) throws -> AttachOptions {
        if let threads, !(1...64).contains(threads) {
            throw AWSError(.invalidParameterValue, "a daemon has 1 to 64 threads, not \(threads)")
        }
        return AttachOptions(
            directory: directory.map { URL(fileURLWithPath: $0).path },
            isReadOnly: readOnly,
            keepsDiscardedRoom: noDiscard,
            acceptsRollback: acceptRollback,
            backingIO: backingIo,
            threadCount: threads
        )
    }
}

struct VolumeAttach: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach",
        abstract: "Serve a volume as a file; prints the file's path."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var volume: VolumeArgument
    @Argument(help: "The folder to expose the file `volume` in. (default: below the runtime folder)")
    var directory: String?
    @OptionGroup var options: AttachOptionGroup

    func run() async throws {
        let home = try global.openHome()
        let attachment = try await global.volumes(of: home).attachVolume(
            volume.reference,
            options: try options.options(directory: directory),
            caller: try await global.caller(of: home)
        )
        attachment.notices.forEach { Terminal.error("coffer: \($0)") }
        switch global.output {
        case .json: try Terminal.json(["Path": attachment.exposedFile, "VolumeId": attachment.volumeID.text])
        case .table: print(attachment.exposedFile)
        }
    }
}

struct VolumeDetach: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detach",
        abstract: "End a volume's daemon and wipe its key; safe to repeat."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var volume: VolumeArgument
    @Flag(help: "Detach although it is in use; abort a daemon that hangs.")
    var force = false

    func run() async throws {
        let home = try global.openHome()
        try await global.volumes(of: home).detachVolume(volume.reference, force: force)
    }
}

struct VolumeMount: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mount",
        abstract: "Attach a volume, format it if it never was, and mount it.",
        discussion:
            "Root mounts ext4 or XFS through a loop device; others ext4 through fuse2fs, without a journal."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var volume: VolumeArgument
    @Argument(help: "The folder to mount on; made where it is missing.")
    var directory: String
    @Option(help: "The filesystem to make on a volume that was never formatted: ext4 or xfs.")
    var fs: FilesystemKind?
    @Option(name: .customShort("o"), help: ArgumentHelp("More options for mount(8).", valueName: "options"))
    var mountOptions: String?
    @OptionGroup var options: AttachOptionGroup

    func run() async throws {
        let home = try global.openHome()
        let attachment = try await global.volumes(of: home).mountVolume(
            volume.reference,
            on: URL(fileURLWithPath: directory).path,
            options: MountOptions(
                attach: try options.options(),
                filesystem: fs,
                mountOptions: mountOptions
            ),
            caller: try await global.caller(of: home)
        )
        attachment.notices.forEach { Terminal.error("coffer: \($0)") }
    }
}

struct VolumeUnmount: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unmount",
        abstract: "Undo all of `mount` or `attach`, also after a crash; safe to repeat."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var volume: VolumeArgument
    @Flag(help: "Unmount although files are in use; abort a daemon that hangs.")
    var force = false

    func run() async throws {
        let home = try global.openHome()
        try await global.volumes(of: home).unmountVolume(volume.reference, force: force)
    }
}

struct VolumeCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Verify a volume's header and say what was found.",
        discussion: "Exit code 0 when all is well, 1 when something was found."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var volume: VolumeArgument

    func run() async throws {
        let home = try global.openHome()
        let check = try await global.volumes(of: home).checkVolume(
            volume.reference,
            caller: try await global.caller(of: home)
        )
        try CheckOutput.print(check, global.output)
        if !check.isClean {
            if check.findings.contains(where: \.canBeRepaired) {
                Terminal.error("hint: mend it with `coffer volume repair \(volume.reference)`")
            }
            throw ExitCode(1)
        }
    }
}

struct VolumeRepair: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair",
        abstract: "Mend a damaged copy of a volume's header from the good one."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var volume: VolumeArgument

    func run() async throws {
        let home = try global.openHome()
        let service = try await global.volumes(of: home)
        let before = try await service.repairVolume(
            volume.reference,
            caller: try await global.caller(of: home)
        )
        let after = try await service.checkVolume(volume.reference, caller: try await global.caller(of: home))
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
        let bytes = try await global.volumes(of: home).saveHeader(volume.reference)
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

struct VolumeRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm",
        abstract: "Delete a volume: its header, and with it every way to its data, and its file."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var volume: VolumeArgument
    @Flag(help: "Do not ask.")
    var yes = false

    func run() async throws {
        let home = try global.openHome()
        let service = try await global.volumes(of: home)
        let found = try await service.describeVolumes([volume.reference])[0]
        guard yes || Terminal.confirms("Delete volume \(found.name ?? found.id.text) and all its data?")
        else {
            throw AWSError(.validation, "a volume is deleted only with --yes or a yes at the terminal")
        }
        try await service.deleteVolume(found.id.text)
    }
}
