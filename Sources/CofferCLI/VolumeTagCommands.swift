internal import ArgumentParser
internal import Coffer
internal import CofferEBS
internal import CofferShapes

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
        guard tags.isEmpty else {
            return try await service.createTags(tags.map(\.tag), on: [found.id.text], caller: caller)
        }
        try TagOutput.print(found.tags, global.output)
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
        try await service.deleteTags(
            tagKeys.map { VolumeService.TagSelector(key: $0) },
            from: [found.id.text],
            caller: caller
        )
    }
}

/// The tags of a resource, as commands list them.
enum TagOutput {
    static func print(_ tags: [Tag], _ output: OutputFormat) throws {
        if output == .json {
            return try Terminal.json(
                ["Tags": tags.map { VolumeShape.TagShape(Key: $0.key, Value: $0.value) }]
            )
        }
        Terminal.table(["TAG", "VALUE"], tags.map { [$0.key, $0.value] })
    }
}
