internal import ArgumentParser
internal import Coffer
internal import CofferKMS
internal import CofferShapes

struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "KMS keys: make, name, enable, use.",
        discussion:
            "A KMS key is named by its id, its ARN, an alias or an alias ARN. It never leaves the KMS.",
        subcommands: [
            KeyCreate.self, KeyList.self, KeyShow.self, KeyEnable.self, KeyDisable.self, KeyAliasCommand.self,
            KeyEncrypt.self, KeyDecrypt.self, KeyDataKey.self, KeyReEncrypt.self,
        ]
    )
}

/// The KMS key that a command is about.
struct KeyArgument: ParsableArguments {
    @Argument(help: ArgumentHelp("The KMS key: id, ARN, alias or alias ARN.", valueName: "key"))
    var text: String

    func reference() throws -> KeyReference { try KeyReference(text) }
}

extension KeyManagementService {
    /// The id of the key that any of its names names. EnableKey and its like take no alias, as on AWS; people do.
    fileprivate func resolve(_ text: String, caller: Caller) throws -> KeyReference {
        .id(try describeKey(try KeyReference(text), caller: caller).keyID)
    }
}

struct KeyCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a symmetric KMS key; prints its id."
    )

    @OptionGroup var global: GlobalOptions
    @Option(help: "An alias for it, with or without `alias/` in front.")
    var alias: String?
    @Option(help: "What it is for.")
    var description: String = ""

    func run() async throws {
        // A name that cannot be is refused before a key is made for it.
        let name = try alias.map {
            try AliasName($0.hasPrefix(AliasName.prefix) ? $0 : AliasName.prefix + $0)
        }
        if let name, name.isReserved {
            throw AWSError(.notAuthorized, "", hint: "names below alias/aws/ are those of AWS managed keys")
        }
        let home = try global.openHome()
        let keys = try await home.keyManagement()
        if let name, try await keys.listAliases(caller: home.root).contains(where: { $0.name == name }) {
            throw AWSError(
                .alreadyExists,
                "an alias with the name \(name) exists already",
                hint: "choose another name, or point it elsewhere with `coffer key alias set`"
            )
        }
        let key = try await keys.createKey(description: description, caller: home.root)
        if let name { try await keys.createAlias(name, target: .id(key.keyID), caller: home.root) }
        switch global.output {
        case .json: try Terminal.json(["KeyMetadata": KeyShape(key)])
        case .table: print(key.keyID)
        }
    }
}

struct KeyList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "ls", abstract: "List KMS keys.")

    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let home = try global.openHome()
        let service = try await home.keyManagement()
        let keys = try await service.listKeys(caller: home.root)
        let aliases = try await service.listAliases(caller: home.root)
        if global.output == .json { return try Terminal.json(["Keys": keys.map { KeyShape($0) }]) }
        Terminal.table(
            ["KEY", "ALIASES", "STATE", "MANAGER", "DESCRIPTION"],
            keys.map { key in
                let names = aliases.filter { $0.target == key.keyID }.map(\.name.text)
                return [
                    key.keyID.description, names.isEmpty ? "-" : names.joined(separator: ","),
                    key.state.rawValue, key.manager.rawValue, key.description.isEmpty ? "-" : key.description,
                ]
            }
        )
    }
}

struct KeyShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show all about one KMS key."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var key: KeyArgument

    func run() async throws {
        let home = try global.openHome()
        let service = try await home.keyManagement()
        let metadata = try await service.describeKey(try key.reference(), caller: home.root)
        if global.output == .json { return try Terminal.json(["KeyMetadata": KeyShape(metadata)]) }
        let aliases = try await service.listAliases(caller: home.root)
            .filter { $0.target == metadata.keyID }.map(\.name.text)
        Terminal.list([
            ("Key", metadata.keyID.description),
            ("ARN", metadata.arn.description),
            ("Aliases", aliases.isEmpty ? "-" : aliases.joined(separator: ", ")),
            ("Description", metadata.description.isEmpty ? "-" : metadata.description),
            ("State", metadata.state.rawValue),
            ("Manager", metadata.manager.rawValue),
            ("Spec", "SYMMETRIC_DEFAULT, ENCRYPT_DECRYPT"),
            ("Created", metadata.created.iso8601),
            ("Current material", metadata.currentKeyMaterialID),
        ])
    }
}

struct KeyEnable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enable",
        abstract: "Let a KMS key be used again."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var key: KeyArgument

    func run() async throws {
        let home = try global.openHome()
        let service = try await home.keyManagement()
        try await service.enableKey(try await service.resolve(key.text, caller: home.root), caller: home.root)
    }
}

struct KeyDisable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disable",
        abstract: "Stop all use of a KMS key, at once and until it is enabled.",
        discussion: "What is attached goes on, as on AWS; the next attach is refused."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var key: KeyArgument

    func run() async throws {
        let home = try global.openHome()
        let service = try await home.keyManagement()
        try await service.disableKey(
            try await service.resolve(key.text, caller: home.root),
            caller: home.root
        )
    }
}

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
        let home = try global.openHome()
        let service = try await home.keyManagement()
        let target = try await service.resolve(key, caller: home.root)
        try await service.createAlias(try AliasName(name), target: target, caller: home.root)
    }
}

struct AliasSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Point a name at another KMS key.",
        discussion:
            "What was encrypted under the old key still decrypts: a blob names its key, not the alias."
    )

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The name: alias/…")
    var name: String
    @Option(help: "The KMS key: id, ARN or alias.")
    var key: String

    func run() async throws {
        let home = try global.openHome()
        let service = try await home.keyManagement()
        let target = try await service.resolve(key, caller: home.root)
        try await service.updateAlias(try AliasName(name), target: target, caller: home.root)
    }
}

struct AliasList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List names and what they point at."
    )

    @OptionGroup var global: GlobalOptions

    private struct Shape: Encodable {
        let AliasName: String
        let AliasArn: String
        let TargetKeyId: String
        let CreationDate: String
    }

    func run() async throws {
        let home = try global.openHome()
        let aliases = try await home.keyManagement().listAliases(caller: home.root)
        if global.output == .json {
            return try Terminal.json([
                "Aliases": aliases.map {
                    Shape(
                        AliasName: $0.name.text,
                        AliasArn: $0.arn.description,
                        TargetKeyId: $0.target.description,
                        CreationDate: $0.created.iso8601
                    )
                }
            ])
        }
        Terminal.table(["ALIAS", "KEY"], aliases.map { [$0.name.text, $0.target.description] })
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
        let home = try global.openHome()
        try await home.keyManagement().deleteAlias(try AliasName(name), caller: home.root)
    }
}

/// A KMS key in JSON. (AWS KMS API reference, `KeyMetadata`.)
struct KeyShape: Encodable {
    let AWSAccountId: String
    let Arn: String
    let CreationDate: String
    let CurrentKeyMaterialId: String
    let CustomerMasterKeySpec = "SYMMETRIC_DEFAULT"
    let Description: String
    let Enabled: Bool
    let EncryptionAlgorithms = ["SYMMETRIC_DEFAULT"]
    let KeyId: String
    let KeyManager: String
    let KeySpec = "SYMMETRIC_DEFAULT"
    let KeyState: String
    let KeyUsage = "ENCRYPT_DECRYPT"
    let MultiRegion = false
    let Origin = "AWS_KMS"

    private enum CodingKeys: String, CodingKey {
        case AWSAccountId, Arn, CreationDate, CurrentKeyMaterialId, CustomerMasterKeySpec, Description,
            Enabled
        case EncryptionAlgorithms, KeyId, KeyManager, KeySpec, KeyState, KeyUsage, MultiRegion, Origin
    }

    init(_ key: KeyMetadata) {
        AWSAccountId = key.accountID.digits
        Arn = key.arn.description
        CreationDate = key.created.iso8601
        CurrentKeyMaterialId = key.currentKeyMaterialID
        Description = key.description
        Enabled = key.state == .enabled
        KeyId = key.keyID.description
        KeyManager = key.manager.rawValue
        KeyState = key.state.rawValue
    }
}
