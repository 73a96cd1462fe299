internal import ArgumentParser
internal import CofferKMS
internal import CofferShapes
internal import CofferTerminal

struct KeyImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Bring your own material into a KMS key that was made with --external.",
        discussion: """
            First `parameters` writes an RSA public key and an import token, both good for 24 hours; wrap the material with \
            the public key (openssl pkeyutl -encrypt, OAEP with SHA-256); then `material` brings both back.
            """,
        subcommands: [ImportParametersCommand.self, ImportMaterialCommand.self, ImportDelete.self]
    )
}

struct ImportParametersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parameters",
        abstract: "Write a public key to wrap material with, and an import token."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var key: KeyArgument
    @Option(help: ArgumentHelp("The file to make for the public key (DER).", valueName: "file"))
    var publicKeyFile: String
    @Option(help: ArgumentHelp("The file to make for the import token.", valueName: "file"))
    var tokenFile: String
    @Option(help: "How the material will be wrapped.")
    var algorithm: WrappingAlgorithm = .rsaesOAEPSHA256
    @Option(help: "The size of the public key.")
    var spec: WrappingKeySpec = .rsa4096

    func run() async throws {
        let desk = try await global.openKeys()
        let answer = try await desk.keys.getParametersForImport(
            try await desk.resolve(key.text),
            algorithm: algorithm,
            spec: spec,
            caller: desk.caller
        )
        try ByteFile.write(answer.publicKey, to: publicKeyFile)
        try ByteFile.write(answer.importToken, to: tokenFile)
        switch global.output {
        case .json: try Terminal.json(["ParametersValidTo": answer.validTo.iso8601])
        case .table: print(answer.validTo.iso8601)
        }
    }
}

struct ImportMaterialCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "material",
        abstract: "Bring wrapped material into a KMS key."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var key: KeyArgument
    @Option(help: ArgumentHelp("The wrapped material's file.", valueName: "file"))
    var materialFile: String
    @Option(help: ArgumentHelp("The import token's file.", valueName: "file"))
    var tokenFile: String
    @Option(
        help: ArgumentHelp("When it expires: RFC 3339, or 30d from now. (default: never)", valueName: "time")
    )
    var expires: Moment?
    @Flag(help: "New material beside what the key has: it becomes current at the next `coffer key rotate`.")
    var new = false

    func run() async throws {
        var material = MaterialImport(
            importToken: try ByteFile.read(tokenFile, limit: 6144),
            encryptedKeyMaterial: try ByteFile.read(materialFile, limit: 6144)
        )
        (material.validTo, material.expirationModel) = (
            expires?.after, expires == nil ? .doesNotExpire : .expires
        )
        if new { material.importType = .new }
        let desk = try await global.openKeys()
        let answer = try await desk.keys.importKeyMaterial(
            material,
            into: try await desk.resolve(key.text),
            caller: desk.caller
        )
        switch global.output {
        case .json:
            try Terminal.json(["KeyId": answer.keyARN.description, "KeyMaterialId": answer.materialID])
        case .table: if let id = answer.materialID { print(id) }
        }
    }
}

struct ImportDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Forget imported material: nothing decrypts until the same is imported again."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var key: KeyArgument
    @Option(help: "Which material. (default: the current)")
    var material: String?
    @Flag(help: "Do not ask.")
    var yes = false

    func run() async throws {
        guard yes || Terminal.confirms("Forget the material of \(key.text)?") else {
            throw AWSError(
                .invalidParameterValue,
                "not forgotten: nobody confirmed it",
                hint: "say --yes to forget it without being asked"
            )
        }
        let desk = try await global.openKeys()
        _ = try await desk.keys.deleteImportedKeyMaterial(
            try await desk.resolve(key.text),
            materialID: material,
            caller: desk.caller
        )
    }
}
