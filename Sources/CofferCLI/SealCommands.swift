internal import ArgumentParser
internal import Coffer
internal import CofferKMS
internal import CofferShapes
internal import CofferTerminal
internal import Foundation

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
        abstract: "Say which seal the root key is under, and what it protects against.",
        discussion: "Opens nothing and asks for nothing."
    )

    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let shape = SealShape(try global.openHome().seal.state())
        if global.output == .json { return try Terminal.json(shape) }
        Terminal.list(shape.lines)
    }
}

struct SealMigrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Move the root key under another seal, or change its passphrase, token or KMS key.",
        discussion: """
            The root key stays the same, so volumes stay attached and nothing is encrypted again. The seal in place is \
            opened first: its passphrase or PIN is asked for, or read from --passphrase-file or --pin-file.

              coffer seal migrate --to passphrase
              coffer seal migrate --to pkcs11 --module /usr/lib/token.so --token office
              coffer seal migrate --to aws-kms --key alias/homes --kms-region eu-west-1
              coffer seal migrate --to aws-kms --key alias/homes \\
                  --kms-endpoint https://keys.example:4566
              coffer seal migrate --to file

            A key of an HSM is made where the token has none of that label. A KMS is asked with the access key that the \
            AWS CLI would use; that key needs kms:Encrypt once and kms:Decrypt at each start. --kms-endpoint means \
            here the KMS that holds the seal's key.
            """
    )

    @OptionGroup var global: GlobalOptions

    @Option(help: ArgumentHelp("The new seal.", valueName: "seal"))
    var to: SealKind

    @Option(
        help: ArgumentHelp(
            "passphrase: a file whose first line is the new passphrase; else it is asked for, twice.",
            valueName: "file"
        )
    )
    var newPassphraseFile: String?

    @Option(help: ArgumentHelp("pkcs11: the path of the token's PKCS #11 module.", valueName: "path"))
    var module: String?

    @Option(help: ArgumentHelp("pkcs11: the token's label.", valueName: "label"))
    var token: String?

    @Option(
        help: ArgumentHelp(
            "pkcs11: the label of the key in the token. (default: \(Self.defaultKeyLabel))",
            valueName: "label"
        )
    )
    var keyLabel: String?

    @Option(
        help: ArgumentHelp(
            "pkcs11: a file whose first line is the token's PIN. (default: --pin-file, else the terminal is asked)",
            valueName: "file"
        )
    )
    var newPinFile: String?

    @Option(help: ArgumentHelp("aws-kms: the KMS key, by ARN, id or alias.", valueName: "key"))
    var key: String?

    @Option(
        help: ArgumentHelp(
            "aws-kms: the key's region. (default: that of its ARN, else the one that the AWS CLI would use)",
            valueName: "region"
        )
    )
    var kmsRegion: String?

    private static let defaultKeyLabel = "coffer root"

    func validate() throws {
        let given: [(option: String, value: String?, kind: SealKind)] = [
            ("--new-passphrase-file", newPassphraseFile, .passphrase), ("--module", module, .pkcs11),
            ("--token", token, .pkcs11), ("--key-label", keyLabel, .pkcs11),
            ("--new-pin-file", newPinFile, .pkcs11),
            ("--key", key, .awsKMS), ("--kms-region", kmsRegion, .awsKMS),
            ("--kms-endpoint", global.kmsEndpoint, .awsKMS),
        ]
        for (option, value, kind) in given where value != nil && kind != to {
            throw ValidationError(
                "\(option) belongs to --to \(kind.rawValue), and not to --to \(to.rawValue)"
            )
        }
        _ = try target()
    }

    func run() async throws {
        let seal = try global.openHome().seal
        try await seal.migrate(to: try target(), newSecrets: newSecrets)
    }

    private func target() throws -> SealTarget {
        switch to {
        case .file: return .file
        case .passphrase: return .passphrase
        case .pkcs11:
            guard let module, let token else {
                throw ValidationError("--to pkcs11 needs --module and --token")
            }
            // The seal is opened from whatever folder a later command starts in.
            let path = URL(fileURLWithPath: module).path
            return .pkcs11(module: path, token: token, keyLabel: keyLabel ?? Self.defaultKeyLabel)
        case .awsKMS:
            guard let key else { throw ValidationError("--to aws-kms needs --key") }
            let reference = KeyReference(key)
            if case .other = reference {
                throw ValidationError("'\(key)' is no KMS key's ARN, id or alias")
            }
            let region = kmsRegion.flatMap { Region($0) }
            guard region?.name == kmsRegion else {
                throw ValidationError("'\(kmsRegion ?? "")' is no region's name")
            }
            return .awsKMS(key: reference, endpoint: global.kmsEndpoint, region: region)
        }
    }

    private var newSecrets: SecretPrompts {
        let passphrase = PassphraseSource(file: newPassphraseFile, option: "--new-passphrase-file")
        let pin = PassphraseSource(file: newPinFile ?? global.pinFile, name: "PIN", option: "--new-pin-file")
        return SecretPrompts(
            passphrase: { try passphrase.readTwice() },
            pin: { token in try pin.read(prompt: "User PIN of the token \(token): ") },
            environment: ProcessInfo.processInfo.environment
        )
    }
}
