internal import ArgumentParser
internal import Coffer
internal import CofferEBS
internal import CofferShapes
internal import CofferTerminal

struct VolumeModify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "modify",
        abstract: "Make a volume larger, or change its type or what is provisioned for it.",
        discussion: """
            A volume never shrinks. A filesystem that `coffer volume mount` made grows with it: at once where it is mounted, \
            else at its next mount.
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var volume: VolumeArgument
    @Option(help: "Its new size, such as 20GiB.")
    var size: ByteCount?
    @Option(help: "What the EC2 API calls it: gp3, gp2, io1, io2, st1, sc1 or standard.")
    var type: VolumeType?
    @Option(help: "IOPS provisioned, of gp3, io1 and io2.")
    var iops: Int?
    @Option(help: ArgumentHelp("MiB/s provisioned, of gp3.", valueName: "MiB/s"))
    var throughput: Int?

    func validate() throws {
        guard size != nil || type != nil || iops != nil || throughput != nil else {
            throw ValidationError("say what to change: --size, --type, --iops or --throughput")
        }
    }

    func run() async throws {
        let home = try global.openHome()
        let request = ModifyVolumeRequest(
            sizeBytes: size?.bytes,
            type: type,
            iops: iops,
            throughput: throughput
        )
        let modification = try await global.volumes(of: home).modifyVolume(
            volume.reference,
            request,
            caller: try await global.caller(of: home)
        )
        if let words = modification.statusMessage { Terminal.error("coffer: \(words)") }
        if global.output == .json {
            try Terminal.json(["VolumeModification": ModificationShape(modification)])
        }
    }
}

struct VolumeEvents: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "List what happened to volumes, and why something failed.",
        discussion: "A volume that is gone is named by its whole id."
    )

    @OptionGroup var global: GlobalOptions
    @Argument(help: "Only of this volume: its id, the beginning of one, or its name.")
    var volume: String?
    @Option(help: "How many of the newest to list.")
    var limit = 1000

    func run() async throws {
        let home = try global.openHome()
        let events = try await global.volumes(of: home).describeVolumeEvents(
            of: volume,
            limit: limit,
            caller: try await global.caller(of: home)
        )
        if global.output == .json { return try Terminal.json(["Events": events.map { EventShape($0) }]) }
        Terminal.table(
            ["TIME", "VOLUME", "EVENT", "RESULT", "CAUSE"],
            events.map {
                [$0.time.iso8601, $0.resource, $0.name, $0.result, $0.cause.isEmpty ? "-" : $0.cause]
            }
        )
    }
}

/// A modification in JSON. (EC2 API reference, `VolumeModification`.)
private struct ModificationShape: Encodable {
    let VolumeId: String
    let ModificationState: String
    let StatusMessage: String?
    let OriginalSize: UInt64
    let OriginalVolumeType: String
    let OriginalIops: Int?
    let OriginalThroughput: Int?
    let TargetSize: UInt64
    let TargetVolumeType: String
    let TargetIops: Int?
    let TargetThroughput: Int?
    let Progress: Int
    let StartTime: String
    let EndTime: String?

    init(_ modification: VolumeModification) {
        let (original, target) = (modification.original, modification.target)
        VolumeId = modification.volumeID.text
        ModificationState = modification.state.rawValue
        StatusMessage = modification.statusMessage
        (OriginalSize, OriginalVolumeType) = (original.sizeGiB, original.type.rawValue)
        (OriginalIops, OriginalThroughput) = (original.iops, original.throughput)
        (TargetSize, TargetVolumeType) = (target.sizeGiB, target.type.rawValue)
        (TargetIops, TargetThroughput) = (target.iops, target.throughput)
        Progress = modification.progress
        (StartTime, EndTime) = (modification.started.iso8601, modification.ended?.iso8601)
    }
}

/// An event in JSON, with the names of EventBridge's events where they have one.
private struct EventShape: Encodable {
    let Time: String
    let VolumeId: String
    let Event: String
    let Result: String
    let Cause: String

    init(_ event: VolumeEvent) {
        (Time, VolumeId, Event) = (event.time.iso8601, event.resource, event.name)
        (Result, Cause) = (event.result, event.cause)
    }
}
