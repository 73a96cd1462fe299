internal import ArgumentParser
internal import CofferKMS
internal import CofferShapes
internal import CofferTerminal

struct KeyAliasCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alias",
        abstract: "Names of KMS keys.",
        subcommands: [AliasCreate.self, AliasSet.self, AliasList.self, AliasRemove.self]
    )
}

struct AliasCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "create", abstract: "Give a KMS key a name.")

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The name: alias/…")
    var name: String
    @Option(help: "The KMS key: id, ARN or alias.")
    var key: String

    func run() async throws {
        let desk = try await global.openKeys()
        try await desk.keys.createAlias(name, target: try await desk.resolve(key), caller: desk.caller)
    }
}

struct AliasSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Point a name at another KMS key: rotation by hand.",
        discussion:
            "What was encrypted under the old key still decrypts: a blob names its key, not the alias."
    )

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The name: alias/…")
    var name: String
    @Option(help: "The KMS key: id, ARN or alias.")
    var key: String

    func run() async throws {
        let desk = try await global.openKeys()
        try await desk.keys.updateAlias(name, target: try await desk.resolve(key), caller: desk.caller)
    }
}

struct AliasList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List names and what they point at.",
        discussion: "Names below alias/aws/ point at nothing until their service is first used."
    )

    @OptionGroup var global: GlobalOptions

    private struct Shape: Encodable {
        let AliasName: String
        let AliasArn: String
        let TargetKeyId: String?
        let CreationDate: String?
    }

    func run() async throws {
        let aliases = try await global.openKeys().aliases()
        if global.output == .json {
            return try Terminal.json([
                "Aliases": aliases.map {
                    Shape(
                        AliasName: $0.name.text,
                        AliasArn: $0.arn.description,
                        TargetKeyId: $0.target?.description,
                        CreationDate: $0.created?.iso8601
                    )
                }
            ])
        }
        Terminal.table(["ALIAS", "KEY"], aliases.map { [$0.name.text, $0.target?.description ?? "-"] })
    }
}

struct AliasRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm",
        abstract: "Take a name away; its KMS key stays."
    )

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The name: alias/…")
    var name: String

    func run() async throws {
        let desk = try await global.openKeys()
        try await desk.keys.deleteAlias(name, caller: desk.caller)
    }
}
