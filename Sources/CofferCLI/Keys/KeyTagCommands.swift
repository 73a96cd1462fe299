internal import ArgumentParser
internal import CofferKMS
internal import CofferShapes
internal import CofferTerminal

struct KeyTagCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tag",
        abstract: "Tags of a KMS key.",
        subcommands: [TagSet.self, TagRemove.self, TagList.self]
    )
}

struct TagSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "set", abstract: "Add or change tags.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var key: KeyArgument
    @Argument(help: ArgumentHelp("The tags.", valueName: "key=value"))
    var tags: [TagPair]

    func run() async throws {
        let desk = try await global.openKeys()
        let key = try await desk.resolve(key.text)
        try await desk.keys.tagResource(key, tags.map(\.tag), caller: desk.caller)
    }
}

struct TagRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "rm", abstract: "Take tags away.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var key: KeyArgument
    @Argument(help: ArgumentHelp("The keys of the tags.", valueName: "tag key"))
    var tagKeys: [String]

    func run() async throws {
        let desk = try await global.openKeys()
        try await desk.keys.untagResource(try await desk.resolve(key.text), tagKeys, caller: desk.caller)
    }
}

struct TagList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "ls", abstract: "List the tags.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var key: KeyArgument

    private struct Shape: Encodable {
        let TagKey: String
        let TagValue: String
    }

    func run() async throws {
        let desk = try await global.openKeys()
        let key = try await desk.resolve(key.text)
        let tags = try await desk.all { page in
            try await desk.keys.listResourceTags(key, page: page, caller: desk.caller)
        }
        if global.output == .json {
            return try Terminal.json(["Tags": tags.map { Shape(TagKey: $0.key, TagValue: $0.value) }])
        }
        Terminal.table(["TAG", "VALUE"], tags.map { [$0.key, $0.value] })
    }
}
