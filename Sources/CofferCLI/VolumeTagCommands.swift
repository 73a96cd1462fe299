internal import ArgumentParser
internal import Coffer
internal import CofferEBS
internal import CofferShapes
internal import CofferTerminal

struct VolumeTagCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tag",
        abstract: "Add or change tags of a volume, or list them.",
        discussion:
            "The Name tag is the volume's name: `coffer volume tag data Name=archive` gives it another."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var volume: VolumeArgument
    @Argument(help: ArgumentHelp("The tags; without any they are listed.", valueName: "key=value"))
    var tags: [TagPair] = []

    func run() async throws {
        let home = try global.openHome()
        let caller = try await global.caller(of: home)
        let service = try await global.volumes(of: home)
        let found = try await service.describeVolumes([volume.reference], caller: caller)[0]
        let desk = TagDesk(service: service, caller: caller, id: found.id.text)
        try await desk.put(tags, present: found.tags, global.output)
    }
}

struct VolumeUntag: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "untag",
        abstract: "Take tags of a volume away."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var volume: VolumeArgument
    @Argument(help: ArgumentHelp("The keys of the tags.", valueName: "tag key"))
    var tagKeys: [String]

    func run() async throws {
        let home = try global.openHome()
        let caller = try await global.caller(of: home)
        let service = try await global.volumes(of: home)
        let found = try await service.describeVolumes([volume.reference], caller: caller)[0]
        try await TagDesk(service: service, caller: caller, id: found.id.text).remove(tagKeys)
    }
}

/// What the commands about tags do to a resource, of whichever kind.
struct TagDesk {
    let service: VolumeService
    let caller: Caller
    /// The resource.
    let id: String

    /// Adds tags, or lists those that there are where none are given.
    func put(_ tags: [TagPair], present: [Tag], _ output: OutputFormat) async throws {
        guard tags.isEmpty else {
            return try await service.createTags(tags.map(\.tag), on: [id], caller: caller)
        }
        if output == .json {
            return try Terminal.json(
                ["Tags": present.map { VolumeShape.TagShape(Key: $0.key, Value: $0.value) }]
            )
        }
        Terminal.table(["TAG", "VALUE"], present.map { [$0.key, $0.value] })
    }

    func remove(_ keys: [String]) async throws {
        try await service.deleteTags(
            keys.map { VolumeService.TagSelector(key: $0) },
            from: [id],
            caller: caller
        )
    }
}
