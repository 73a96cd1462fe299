internal import ArgumentParser
internal import Coffer
internal import CofferEBS
internal import CofferShapes
internal import CofferTerminal

struct VolumeDefaultsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "defaults",
        abstract: "Show or set what the region's new volumes are encrypted with.",
        discussion: """
            Volumes made here are always encrypted under a KMS key. Encryption by default is for clients of the EC2 API that \
            do not ask for encryption.
            """
    )

    @OptionGroup var global: GlobalOptions
    @Option(help: "Encrypt under a KMS key what does not ask for it: on or off.")
    var encryptionByDefault: Switch?
    @Option(help: "The KMS key of volumes that name none: id, ARN or alias.")
    var key: String?
    @Flag(help: "Back to the AWS managed key, alias/aws/ebs.")
    var resetKey = false

    func validate() throws {
        if resetKey, key != nil { throw ValidationError("--key sets the key, and --reset-key takes it back") }
    }

    private struct Shape: Encodable {
        let EbsEncryptionByDefault: Bool
        let KmsKeyId: String
    }

    func run() async throws {
        let home = try global.openHome()
        let caller = try await global.caller(of: home)
        let service = try await global.volumes(of: home)
        switch encryptionByDefault {
        case .on: _ = try await service.enableEbsEncryptionByDefault(caller: caller)
        case .off: _ = try await service.disableEbsEncryptionByDefault(caller: caller)
        case nil: break
        }
        if let key { _ = try await service.modifyEbsDefaultKmsKeyId(KeyReference(key), caller: caller) }
        if resetKey { _ = try await service.resetEbsDefaultKmsKeyId(caller: caller) }
        guard encryptionByDefault == nil, key == nil, !resetKey else { return }
        let isEnabled = try await service.getEbsEncryptionByDefault(caller: caller).isEnabled
        let defaultKey = try await service.getEbsDefaultKmsKeyId(caller: caller)
        if global.output == .json {
            return try Terminal.json(Shape(EbsEncryptionByDefault: isEnabled, KmsKeyId: defaultKey))
        }
        Terminal.list([("Encryption by default", isEnabled ? "on" : "off"), ("Default KMS key", defaultKey)])
    }
}

/// `on` or `off`.
enum Switch: String, ExpressibleByArgument, CaseIterable {
    case on, off
}
