internal import ArgumentParser
internal import Coffer
internal import CofferEBS
internal import CofferShapes
internal import CofferTerminal

struct SnapshotTagCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tag",
        abstract: "Add or change tags of a snapshot, or list them.",
        discussion: "The Name tag is the snapshot's name."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var snapshot: SnapshotArgument
    @Argument(help: ArgumentHelp("The tags; without any they are listed.", valueName: "key=value"))
    var tags: [TagPair] = []

    func run() async throws {
        let home = try global.openHome()
        let caller = try await global.caller(of: home)
        let service = try await global.volumes(of: home)
        let found = try await service.describeSnapshots([snapshot.reference], caller: caller)[0]
        let desk = TagDesk(service: service, caller: caller, id: found.id.text)
        try await desk.put(tags, present: found.tags, global.output)
    }
}

struct SnapshotUntag: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "untag",
        abstract: "Take tags of a snapshot away."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var snapshot: SnapshotArgument
    @Argument(help: ArgumentHelp("The keys of the tags.", valueName: "tag key"))
    var tagKeys: [String]

    func run() async throws {
        let home = try global.openHome()
        let caller = try await global.caller(of: home)
        let service = try await global.volumes(of: home)
        let found = try await service.describeSnapshots([snapshot.reference], caller: caller)[0]
        try await TagDesk(service: service, caller: caller, id: found.id.text).remove(tagKeys)
    }
}
