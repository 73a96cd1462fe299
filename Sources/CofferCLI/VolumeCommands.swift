internal import ArgumentParser
internal import Coffer
internal import CofferCatalog
internal import CofferControl
internal import CofferEBS
internal import CofferShapes
internal import CofferTerminal
internal import Foundation

struct VolumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "volume",
        abstract: "Encrypted volumes: make, attach, mount, change, check.",
        discussion: "A volume is named by its id, the unambiguous beginning of one, or its name.",
        subcommands: [
            VolumeCreate.self, VolumeList.self, VolumeShow.self, VolumeAttach.self, VolumeDetach.self,
            VolumeMount.self, VolumeUnmount.self, VolumeCheckCommand.self, VolumeRepair.self,
            VolumeHeaderCommand.self, VolumeAdopt.self, VolumeRemove.self, VolumeModify.self,
            VolumeRekey.self, VolumeReencrypt.self, VolumeClone.self,
            VolumeTagCommand.self, VolumeUntag.self, VolumeEvents.self, VolumeDefaultsCommand.self,
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
        let volume = try await global.volumes(of: home).adoptVolume(
            file: file,
            name: name,
            caller: try await global.caller(of: home)
        )
        try VolumeShape.show(made: volume, global.output)
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
    @Flag(help: "Leave the wrapped volume key as it is, also where its KMS key has rotated since.")
    var noRewrap = false
    @Flag(help: "Have the volume be no faster than the IOPS and throughput that are provisioned for it.")
    var enforceLimits = false
    @Option(
        help: ArgumentHelp(
            "The device name that the EC2 API knows it under. (default: the next free from /dev/sdf)",
            valueName: "name"
        )
    )
    var device: String?
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
        var options = AttachOptions(
            directory: directory.map { URL(fileURLWithPath: $0).path },
            isReadOnly: readOnly,
            keepsDiscardedRoom: noDiscard,
            acceptsRollback: acceptRollback,
            backingIO: backingIo,
            threadCount: threads
        )
        (options.keepsWrapping, options.device) = (noRewrap, device)
        options.enforcesLimits = enforceLimits
        return options
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
        try await global.volumes(of: home).detachVolume(
            volume.reference,
            force: force,
            caller: try await global.caller(of: home)
        )
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
    @Flag(help: "Refuse a volume that was never formatted.")
    var noFormat = false
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
                formats: !noFormat,
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
        try await global.volumes(of: home).unmountVolume(
            volume.reference,
            force: force,
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
        let caller = try await global.caller(of: home)
        let found = try await service.describeVolumes([volume.reference], caller: caller)[0]
        guard yes || Terminal.confirms("Delete volume \(found.name ?? found.id.text) and all its data?")
        else {
            throw AWSError(.validation, "a volume is deleted only with --yes or a yes at the terminal")
        }
        try await service.deleteVolume(found.id.text, caller: caller)
    }
}
