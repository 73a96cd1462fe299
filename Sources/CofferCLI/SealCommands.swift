internal import ArgumentParser
internal import Coffer
internal import CofferKMS
internal import CofferShapes

struct SealCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seal",
        abstract: "How the home's root key is protected.",
        subcommands: [SealStatus.self, SealMigrate.self]
    )
}

struct SealStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Say which seal the root key is under, and what it protects against."
    )

    @OptionGroup var global: GlobalOptions

    private struct Shape: Encodable {
        let Seal: String
        let Protects: String
    }

    func run() async throws {
        let home = try global.openHome()
        let (name, words): (String, String) =
            switch try SealStore(folder: home.keysFolder).state() {
            case nil: ("none", "there is no root key yet: the first command that uses a key makes one")
            case .file:
                (
                    "file",
                    "the root key lies in kms/root.key, readable by its owner alone: it protects volumes that are stolen "
                        + "or copied without it, and nothing from whoever reads the whole home"
                )
            case .passphrase:
                (
                    "passphrase",
                    "the root key is wrapped under a passphrase (scrypt): whoever reads the whole home has to guess it"
                )
            }
        if global.output == .json { return try Terminal.json(Shape(Seal: name, Protects: words)) }
        Terminal.list([("Seal", name), ("Protects", words)])
    }
}

struct SealMigrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Move the root key under another seal, or change the passphrase.",
        discussion: "The passphrase of the seal in place is asked for, or read from --passphrase-file."
    )

    @OptionGroup var global: GlobalOptions
    @Option(help: "The new seal: file or passphrase.")
    var to: SealKind
    @Option(
        help: ArgumentHelp(
            "A file whose first line is the new passphrase; else it is asked for.",
            valueName: "file"
        )
    )
    var newPassphraseFile: String?

    func run() async throws {
        let home = try global.openHome()
        let store = SealStore(folder: home.keysFolder)
        // The root key must exist before it can move.
        if try store.state() == nil { _ = try await home.keyManagement() }
        let current = PassphraseSource(file: global.passphraseFile)
        let new = PassphraseSource(file: newPassphraseFile)
        try await store.migrate(
            to: to,
            current: { try current.read() },
            new: { try new.readTwice() }
        )
    }
}
