internal import ArgumentParser
internal import CofferKMS
internal import CofferSecrets
internal import CofferShapes
internal import CofferTerminal

struct KeyStoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store",
        abstract: "Custom key stores: KMS keys that live in an HSM, behind PKCS #11.",
        subcommands: [
            StoreCreate.self, StoreConnect.self, StoreDisconnect.self, StoreUpdate.self, StoreList.self,
            StoreRemove.self,
        ]
    )
}

struct StoreCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a custom key store over a token; prints its id.",
        discussion:
            "The token's user PIN is asked for at the terminal, or read from a file; it is kept sealed."
    )

    @OptionGroup var global: GlobalOptions
    @Argument(help: "Its name.")
    var name: String
    @Option(help: ArgumentHelp("The PKCS #11 module.", valueName: "file"))
    var module: String
    @Option(help: "The token's label.")
    var token: String
    @Option(help: ArgumentHelp("A file whose first line is the token's user PIN.", valueName: "file"))
    var tokenPinFile: String?

    func run() async throws {
        let pin = try readTokenPIN(tokenPinFile, prompt: "User PIN of the token \(token): ")
        let desk = try await global.openKeys()
        let order = CustomKeyStoreOrder(
            name: name,
            tokenLabel: token,
            module: module,
            trustAnchorCertificate: nil,
            pin: pin
        )
        let id = try await desk.keys.createCustomKeyStore(order, caller: desk.caller)
        switch global.output {
        case .json: try Terminal.json(["CustomKeyStoreId": id])
        case .table: print(id)
        }
    }
}

/// From the file that `--token-pin-file` names, or the terminal.
private func readTokenPIN(_ file: String?, prompt: String) throws -> SecretBytes {
    try PassphraseSource(file: file, name: "PIN", option: "--token-pin-file").read(prompt: prompt)
}

struct StoreConnect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connect",
        abstract: "Log in to the token, so that its keys can be used."
    )

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The store: id or name.")
    var store: String

    func run() async throws {
        let desk = try await global.openKeys()
        try await desk.keys.connectCustomKeyStore(try await desk.keyStore(store).id, caller: desk.caller)
        // A login that fails is no error of the call: the state tells of it.
        let found = try await desk.keyStore(store)
        guard found.state != .failed else { throw Self.refusal(found) }
    }

    private static func refusal(_ store: CustomKeyStore) -> AWSError {
        let code = store.connectionErrorCode ?? ""
        let words =
            switch code {
            case "INVALID_CREDENTIALS": "the token refused the PIN"
            case "USER_LOCKED_OUT": "the token's PIN is locked"
            case "CLUSTER_NOT_FOUND": "no token is labelled \(store.tokenLabel), or its module is not there"
            case "NETWORK_ERRORS": "the token does not answer"
            default: "the token or its module fails"
            }
        return AWSError(
            .customKeyStoreInvalidState,
            "the custom key store \(store.name) cannot be connected: \(words) (\(code))",
            hint: "disconnect it with `coffer key store disconnect`, mend the cause, then connect it again"
        )
    }
}

struct StoreDisconnect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disconnect",
        abstract: "Log out of the token: its keys are unavailable until it is connected again."
    )

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The store: id or name.")
    var store: String

    func run() async throws {
        let desk = try await global.openKeys()
        try await desk.keys.disconnectCustomKeyStore(try await desk.keyStore(store).id, caller: desk.caller)
    }
}

struct StoreUpdate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update",
        abstract: "Change a custom key store's name, or its token's label or PIN.",
        discussion: "For another label or PIN the store has to be disconnected first."
    )

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The store: id or name.")
    var store: String
    @Option(help: "Its new name.")
    var name: String?
    @Option(help: "The token's label.")
    var token: String?
    @Flag(help: "Ask for the token's user PIN anew.")
    var newPin = false
    @Option(help: ArgumentHelp("A file whose first line is the token's new user PIN.", valueName: "file"))
    var tokenPinFile: String?

    func validate() throws {
        guard name != nil || token != nil || newPin || tokenPinFile != nil else {
            throw ValidationError("Say what to change: --name, --token, --new-pin or --token-pin-file.")
        }
    }

    func run() async throws {
        var pin: SecretBytes?
        if newPin || tokenPinFile != nil {
            pin = try readTokenPIN(tokenPinFile, prompt: "User PIN of the token: ")
        }
        let desk = try await global.openKeys()
        let change = CustomKeyStoreChange(newName: name, tokenLabel: token, pin: pin)
        try await desk.keys.updateCustomKeyStore(
            try await desk.keyStore(store).id,
            change,
            caller: desk.caller
        )
    }
}

struct StoreList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "ls", abstract: "List custom key stores.")

    @OptionGroup var global: GlobalOptions

    private struct Shape: Encodable {
        let CloudHsmClusterId: String
        let ConnectionErrorCode: String?
        let ConnectionState: String
        let CreationDate: String
        let CustomKeyStoreId: String
        let CustomKeyStoreName: String
    }

    func run() async throws {
        let stores = try await global.openKeys().keyStores()
        if global.output == .json {
            return try Terminal.json([
                "CustomKeyStores": stores.map {
                    Shape(
                        CloudHsmClusterId: $0.tokenLabel,
                        ConnectionErrorCode: $0.connectionErrorCode,
                        ConnectionState: $0.state.rawValue,
                        CreationDate: $0.created.iso8601,
                        CustomKeyStoreId: $0.id,
                        CustomKeyStoreName: $0.name
                    )
                }
            ])
        }
        Terminal.table(
            ["STORE", "NAME", "TOKEN", "STATE", "ERROR"],
            stores.map { [$0.id, $0.name, $0.tokenLabel, $0.state.rawValue, $0.connectionErrorCode ?? "-"] }
        )
    }
}

struct StoreRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm",
        abstract: "Forget a custom key store that is disconnected and holds no KMS keys."
    )

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The store: id or name.")
    var store: String

    func run() async throws {
        let desk = try await global.openKeys()
        try await desk.keys.deleteCustomKeyStore(try await desk.keyStore(store).id, caller: desk.caller)
    }
}

extension KeyDesk {
    func keyStores() async throws -> [CustomKeyStore] {
        try await all { try await keys.describeCustomKeyStores(page: $0, caller: caller) }
    }

    /// The custom key store of an id or a name.
    func keyStore(_ text: String) async throws -> CustomKeyStore {
        let stores = try await keyStores()
        guard let store = stores.first(where: { $0.id == text || $0.name == text }) else {
            throw AWSError(
                .customKeyStoreNotFound,
                "there is no custom key store \(text)",
                hint: "`coffer key store ls` lists those that there are"
            )
        }
        return store
    }
}
