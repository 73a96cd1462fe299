internal import ArgumentParser
internal import Coffer
internal import CofferControl
internal import CofferEBS
internal import CofferShapes
internal import CofferTerminal

/// What a new volume is provisioned with, whatever it begins with.
struct NewVolumeOptions: ParsableArguments {
    @Option(help: "What the EC2 API calls it: gp3, gp2, io1, io2, st1, sc1 or standard.")
    var type: VolumeType = .gp3
    @Option(help: "IOPS provisioned, of gp3, io1 and io2. (default: 3000 for gp3)")
    var iops: Int?
    @Option(help: ArgumentHelp("MiB/s provisioned, of gp3. (default: 125)", valueName: "MiB/s"))
    var throughput: Int?
    @Option(name: .customLong("tag"), help: ArgumentHelp("A tag; may be repeated.", valueName: "key=value"))
    var tags: [TagPair] = []
}

struct VolumeCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make an encrypted volume; prints its id."
    )

    @OptionGroup var global: GlobalOptions
    @Option(help: "A name to call it by: its Name tag.")
    var name: String?
    @Option(help: "Its size: 1 MiB to 64 TiB, such as 10GiB. (default: the snapshot's)")
    var size: ByteCount?
    @Option(help: "The snapshot that it begins with: id, the beginning of one, or a name.")
    var snapshot: String?
    @Option(
        help:
            "The KMS key that wraps its key: id, ARN or alias. (default: the region's, alias/aws/ebs at first)"
    )
    var key: String?
    @OptionGroup var provision: NewVolumeOptions
    @Option(help: "The data unit, bytes: 4096 or 512.")
    var dataUnit: Int = 4096
    @Option(help: "The cipher: aes-256-xts or aes-128-xts.")
    var cipher: String = "aes-256-xts"

    func validate() throws {
        guard size != nil || snapshot != nil else {
            throw ValidationError("say how large: --size, or --snapshot to take it from one")
        }
    }

    func run() async throws {
        let home = try global.openHome()
        var request = CreateVolumeRequest(
            name: name,
            sizeBytes: size?.bytes ?? 0,
            key: key.map { KeyReference($0) },
            dataUnitBytes: dataUnit,
            cipherName: cipher
        )
        (request.type, request.iops) = (provision.type, provision.iops)
        request.throughput = provision.throughput
        request.tags = provision.tags.map(\.tag)
        request.snapshot = snapshot
        let volume = try await global.volumes(of: home).createVolume(
            request,
            caller: try await global.caller(of: home)
        )
        try VolumeShape.show(made: volume, global.output)
    }
}

struct VolumeList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List volumes and what they are doing.",
        discussion: """
            A filter is one of the EC2 API's, such as status=in-use, tag:env=prod* or size=10, with * for any characters, ? for \
            one, and commas between values of which any will do. A volume is listed where all filters fit.
            """
    )

    @OptionGroup var global: GlobalOptions
    @Option(
        name: .customLong("filter"),
        help: ArgumentHelp("Only volumes that fit; may be repeated.", valueName: "name=value")
    )
    var filters: [FilterArgument] = []

    func run() async throws {
        let home = try global.openHome()
        let volumes = try await global.volumes(of: home).describeVolumes(
            ResourceQuery(filters: filters.map(\.filter)),
            caller: try await global.caller(of: home)
        ).items
        if global.output == .json {
            return try Terminal.json(["Volumes": volumes.map { VolumeShape($0) }])
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

/// `tag:env=prod*,test`: a filter's name, and values of which any will do.
struct FilterArgument: ExpressibleByArgument {
    let filter: Filter

    init?(argument: String) {
        guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else { return nil }
        let values = argument[argument.index(after: equals)...].split(
            separator: ",",
            omittingEmptySubsequences: false
        )
        filter = Filter(String(argument[..<equals]), values.map(String.init))
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
        let volume = try await global.volumes(of: home).describeVolumes(
            [volume.reference],
            caller: try await global.caller(of: home)
        )[0]
        if global.output == .json { return try Terminal.json(VolumeShape(volume)) }
        var pairs: [(label: String, value: String)] = [
            ("Volume", volume.id.text),
            ("Name", volume.name ?? "-"),
            ("Size", "\(ByteCount.text(volume.sizeBytes)) (\(volume.sizeBytes) bytes)"),
            ("State", volume.state.rawValue),
            ("Attachment", volume.attachment.rawValue),
            (
                "KMS key",
                volume.isEncrypted ? volume.kmsKeyARN.description : "none asked for; one of this home's own"
            ),
            ("Cipher", "\(volume.cipherName), data unit \(volume.dataUnitBytes) bytes"),
            ("Type", Self.type(volume)),
            ("Zone", volume.region.zone),
            ("Created", volume.created.iso8601),
            ("Backing file", "\(volume.backingFile) (\(ByteCount.text(volume.allocatedBytes)) on disk)"),
        ]
        if let reason = volume.stateReason { pairs.insert(("Reason", reason), at: 4) }
        let tags = volume.tags.filter { $0.key != "Name" }
        if !tags.isEmpty {
            pairs.append(("Tags", tags.map { "\($0.key)=\($0.value)" }.joined(separator: ", ")))
        }
        if let filesystem = volume.filesystem { pairs.append(("Filesystem", filesystem)) }
        if let attachment = volume.ec2Attachment {
            pairs.append(("Device", "\(attachment.device) of \(attachment.instanceID)"))
        }
        if let file = volume.exposedFile { pairs.append(("Exposed file", file)) }
        if let loop = volume.loopDevice { pairs.append(("Loop device", loop)) }
        if let directory = volume.mountDirectory { pairs.append(("Mounted on", directory)) }
        if let daemon = volume.daemon { pairs += Self.pairs(daemon) }
        Terminal.list(pairs)
    }

    private static func type(_ volume: Volume) -> String {
        let iops = volume.iops.map { ", \($0) IOPS" } ?? ""
        let throughput = volume.throughput.map { ", \($0) MiB/s" } ?? ""
        return volume.type.rawValue + iops + throughput
    }

    private static func pairs(_ daemon: Volume.Daemon) -> [(label: String, value: String)] {
        let requests = ByteCount.text(UInt64(daemon.requestBytes))
        return [
            (
                "Daemon",
                "process \(daemon.processID), \(daemon.threadCount) threads, \(daemon.openCount) open"
            ),
            ("Transport", "/dev/fuse, connection \(daemon.fuseConnection), requests of \(requests)"),
            ("Backing I/O", daemon.backingIO.rawValue),
            ("Cipher kernel", daemon.kernel),
            ("Key memory", daemon.keyMemory),
            ("Filled from its snapshot", daemon.filledPercent.map { "\($0)%" } ?? "-"),
            ("Re-encrypted", daemon.reencryptedPercent.map { "\($0)%" } ?? "-"),
            (
                "Read, written",
                "\(ByteCount.text(daemon.bytesRead)), \(ByteCount.text(daemon.bytesWritten))"
            ),
        ]
    }
}
