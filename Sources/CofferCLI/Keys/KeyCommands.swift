internal import ArgumentParser
internal import CofferKMS
internal import CofferShapes
internal import CofferTerminal
internal import Foundation

struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "KMS keys: make, name, allow, rotate, use, destroy.",
        discussion:
            "A KMS key is named by its id, its ARN, an alias or an alias ARN. It never leaves the KMS.",
        subcommands: [
            KeyCreate.self, KeyList.self, KeyShow.self, KeyUpdate.self, KeyEnable.self, KeyDisable.self,
            KeyDelete.self, KeyUndelete.self, KeyRotate.self, KeyRotationCommand.self,
            KeyPolicyCommand.self, KeyAliasCommand.self, KeyTagCommand.self, KeyGrantCommand.self,
            KeyEncrypt.self, KeyDecrypt.self, KeyDataKey.self, KeyReEncrypt.self, KeyImportCommand.self,
            KeyStoreCommand.self,
        ]
    )
}

struct KeyCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a KMS key; prints its id.",
        discussion: "What a key is, and what for, is fixed for its life."
    )

    @OptionGroup var global: GlobalOptions
    @Option(help: "An alias for it, with or without `alias/` in front.")
    var alias: String?
    @Option(help: "What it is for, in words.")
    var description: String = ""
    @Option(help: "What its material is: SYMMETRIC_DEFAULT, HMAC_256, RSA_3072, ECC_NIST_P256 and so on.")
    var spec: KeySpec = .symmetricDefault
    @Option(help: "What it is for: ENCRYPT_DECRYPT, SIGN_VERIFY, GENERATE_VERIFY_MAC or KEY_AGREEMENT.")
    var usage: KeyUsage?
    @Flag(help: "Make it without material, which `coffer key import` brings.")
    var external = false
    @Option(help: ArgumentHelp("Make it inside this custom key store.", valueName: "id or name"))
    var store: String?
    @Flag(help: "Let it be replicated to other regions.")
    var multiRegion = false
    @Option(name: .customLong("tag"), help: ArgumentHelp("A tag; may be repeated.", valueName: "key=value"))
    var tags: [TagPair] = []
    @Option(help: ArgumentHelp("A key policy, JSON; - is standard input.", valueName: "file"))
    var policyFile: String?
    @Flag(help: "Take a policy although it would not let you change it later.")
    var bypassLockoutCheck = false

    func validate() throws {
        if external, store != nil { throw ValidationError("a custom key store makes its keys itself") }
    }

    func run() async throws {
        // A name that cannot be is refused before a key is made for it.
        let name = try alias.map {
            try AliasName($0.hasPrefix(AliasName.prefix) ? $0 : AliasName.prefix + $0)
        }
        if let name, name.isReserved {
            throw AWSError(.notAuthorized, "", hint: "names below alias/aws/ are those of AWS managed keys")
        }
        let policy = try policyFile.map(PolicyFile.read)
        let desk = try await global.openKeys()
        if let name, try await desk.aliases().contains(where: { $0.name == name && $0.target != nil }) {
            throw AWSError(
                .alreadyExists,
                "an alias with the name \(name) exists already",
                hint: "choose another name, or point it elsewhere with `coffer key alias set`"
            )
        }
        let key = try await desk.keys.createKey(try await order(policy, desk), caller: desk.caller)
        if let name {
            try await desk.keys.createAlias(name.text, target: .id(key.keyID), caller: desk.caller)
        }
        switch global.output {
        case .json: try Terminal.json(["KeyMetadata": KeyShape(key)])
        case .table: print(key.keyID)
        }
    }

    private func order(_ policy: String?, _ desk: KeyDesk) async throws -> KeyOrder {
        var order = KeyOrder(description: description)
        (order.spec, order.usage) = (spec, usage ?? (spec.usages.count == 1 ? spec.usages.first : nil))
        (order.policy, order.bypassesPolicyLockoutSafetyCheck) = (policy, bypassLockoutCheck)
        (order.tags, order.isMultiRegion) = (tags.map(\.tag), multiRegion)
        if external { order.origin = .external }
        if let store {
            order.origin = .awsCloudHSM
            order.customKeyStoreID = try await desk.keyStore(store).id
        }
        return order
    }
}

struct KeyList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "ls", abstract: "List KMS keys.")

    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let desk = try await global.openKeys()
        var keys: [KeyMetadata] = []
        for entry in try await desk.all({ try await desk.keys.listKeys(page: $0, caller: desk.caller) }) {
            keys.append(try await desk.keys.describeKey(.id(entry.id), caller: desk.caller))
        }
        if global.output == .json { return try Terminal.json(["Keys": keys.map { KeyShape($0) }]) }
        let aliases = try await desk.aliases()
        Terminal.table(
            ["KEY", "ALIASES", "STATE", "MANAGER", "SPEC", "DESCRIPTION"],
            keys.map { key in
                let names = aliases.filter { $0.target == key.keyID }.map(\.name.text)
                return [
                    key.keyID.description, names.isEmpty ? "-" : names.joined(separator: ","),
                    key.state.rawValue, key.manager.rawValue, key.spec.rawValue,
                    key.description.isEmpty ? "-" : key.description,
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
        let desk = try await global.openKeys()
        let metadata = try await desk.keys.describeKey(key.reference, caller: desk.caller)
        if global.output == .json { return try Terminal.json(["KeyMetadata": KeyShape(metadata)]) }
        let aliases = try await desk.aliases().filter { $0.target == metadata.keyID }.map(\.name.text)
        var pairs = [
            ("Key", metadata.keyID.description),
            ("ARN", metadata.arn.description),
            ("Aliases", aliases.isEmpty ? "-" : aliases.joined(separator: ", ")),
            ("Description", metadata.description.isEmpty ? "-" : metadata.description),
            ("State", metadata.state.rawValue),
            ("Manager", metadata.manager.rawValue),
            ("Spec", "\(metadata.spec.rawValue), \(metadata.usage.rawValue)"),
            ("Origin", metadata.origin.rawValue),
            ("Created", metadata.created.iso8601),
        ]
        if let date = metadata.deletionDate { pairs.append(("Destroyed after", date.iso8601)) }
        if let store = metadata.customKeyStoreID { pairs.append(("Custom key store", store)) }
        if let date = metadata.validTo { pairs.append(("Material expires", date.iso8601)) }
        if let material = metadata.currentKeyMaterialID { pairs.append(("Current material", material)) }
        if let regions = metadata.multiRegion {
            pairs.append(("Primary region", regions.primary.region.name))
            let replicas = regions.replicas.map(\.region.name).joined(separator: ", ")
            pairs.append(("Replicas", replicas.isEmpty ? "-" : replicas))
        }
        Terminal.list(pairs)
    }
}

struct KeyUpdate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update",
        abstract: "Change the description of a KMS key."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var key: KeyArgument
    @Option(help: "What it is for, in words.")
    var description: String

    func run() async throws {
        let desk = try await global.openKeys()
        let key = try await desk.resolve(key.text)
        try await desk.keys.updateKeyDescription(key, to: description, caller: desk.caller)
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
        let desk = try await global.openKeys()
        try await desk.keys.enableKey(try await desk.resolve(key.text), caller: desk.caller)
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
        let desk = try await global.openKeys()
        try await desk.keys.disableKey(try await desk.resolve(key.text), caller: desk.caller)
    }
}

struct KeyDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Destroy a KMS key after a waiting period; prints the date.",
        discussion: """
            In the waiting period the key cannot be used, and `coffer key undelete` calls its destruction off. After it, \
            everything that was ever encrypted under the key is lost: volumes, snapshots, databases, objects.
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var key: KeyArgument
    @Option(help: ArgumentHelp("How long to wait: 7 to 30 days.", valueName: "days"))
    var wait = DayCount(argument: "30")!  // a number
    @Flag(help: "Do not ask.")
    var yes = false

    func run() async throws {
        let desk = try await global.openKeys()
        let metadata = try await desk.keys.describeKey(key.reference, caller: desk.caller)
        let question =
            "Destroy \(key.text) (\(metadata.keyID)) in \(wait.days) days, and with it all that it encrypted?"
        guard yes || Terminal.confirms(question) else {
            throw AWSError(
                .invalidParameterValue,
                "not destroyed: nobody confirmed it",
                hint: "say --yes to destroy it without being asked"
            )
        }
        let answer = try await desk.keys.scheduleKeyDeletion(
            .id(metadata.keyID),
            pendingWindowInDays: wait.days,
            caller: desk.caller
        )
        switch global.output {
        case .json:
            try Terminal.json([
                "DeletionDate": answer.deletionDate?.iso8601, "KeyId": answer.keyARN.description,
                "KeyState": answer.state.rawValue,
            ])
        case .table: print(answer.deletionDate?.iso8601 ?? "after its replicas")
        }
    }
}

struct KeyUndelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "undelete",
        abstract: "Call off the destruction of a KMS key; it is disabled then.",
        discussion: "`coffer key enable` lets it be used again."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var key: KeyArgument

    func run() async throws {
        let desk = try await global.openKeys()
        _ = try await desk.keys.cancelKeyDeletion(try await desk.resolve(key.text), caller: desk.caller)
    }
}

extension KeyDesk {
    /// All aliases, also those that are reserved for keys not made yet.
    func aliases() async throws -> [AliasEntry] {
        try await all { try await keys.listAliases(page: $0, caller: caller) }
    }
}
