internal import ArgumentParser
internal import Coffer
internal import CofferKMS
internal import CofferSecrets
internal import CofferShapes
internal import CofferTerminal
internal import Foundation

/// An encryption context on the command line.
struct ContextOptions: ParsableArguments {
    @Option(
        name: .customLong("context"),
        help: ArgumentHelp("A pair of the encryption context; may be repeated.", valueName: "name=value")
    )
    var pairs: [ContextPair] = []

    func context() throws -> EncryptionContext { try pairs.context() }
}

struct KeyEncrypt: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encrypt",
        abstract: "Encrypt 1 to 4096 bytes under a KMS key.",
        discussion: """
            The ciphertext blob is printed in base64, or written as it is where a file is named.
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var key: KeyArgument
    @OptionGroup var encryption: ContextOptions
    @Option(help: "The file to encrypt; - is standard input.")
    var plaintextFile: String = "-"
    @Option(help: "The file to make for the blob; - is standard output. (default: base64 on standard output)")
    var ciphertextFile: String?

    func run() async throws {
        let reference = key.reference
        let context = try encryption.context()
        let plaintext = try ByteFile.readSecret(plaintextFile, limit: 4096)
        let home = try global.openHome()
        let answer = try await home.keyManagement().encrypt(
            plaintext,
            key: reference,
            context: context,
            caller: try await global.caller(of: home)
        )
        try BlobOutput.print(answer, to: ciphertextFile, global.output)
    }
}

struct KeyDecrypt: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decrypt",
        abstract: "Decrypt a ciphertext blob; it names its KMS key itself.",
        discussion:
            "The blob may be base64 or as it is. The plaintext goes to a file or a pipe, to a terminal only when asked."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var encryption: ContextOptions
    @Option(help: "The blob's file; - is standard input.")
    var ciphertextFile: String = "-"
    @Option(help: "The file to make for the plaintext; - is standard output.")
    var plaintextFile: String = "-"
    @Option(help: "The KMS key that must have done it.")
    var key: String?
    @Flag(help: "Print the plaintext although standard output is a terminal.")
    var plaintext = false

    func run() async throws {
        try PlaintextOutput.check(plaintextFile, isAllowed: plaintext)
        let context = try encryption.context()
        let blob = try BlobInput.read(ciphertextFile)
        let home = try global.openHome()
        let answer = try await home.keyManagement().decrypt(
            blob,
            key: key.map { KeyReference($0) },
            context: context,
            caller: try await global.caller(of: home)
        )
        try answer.plaintext.withBytes { try ByteFile.write($0, to: plaintextFile) }
    }
}

struct KeyDataKey: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data-key",
        abstract: "Make a data key: wrapped under a KMS key, and in plaintext where asked.",
        discussion: """
            The wrapped key is printed in base64, or written as it is where a file is named. The plaintext is written only \
            where --plaintext-file names a place for it.
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var key: KeyArgument
    @OptionGroup var encryption: ContextOptions
    @Option(help: "Its length, 1 to 1024 bytes.")
    var bytes: Int = 32
    @Option(help: "The file to make for the plaintext; - is standard output.")
    var plaintextFile: String?
    @Option(
        help:
            "The file to make for the wrapped key; - is standard output. (default: base64 on standard output)"
    )
    var ciphertextFile: String?
    @Flag(help: "Print the plaintext although standard output is a terminal.")
    var plaintext = false

    func validate() throws {
        if plaintextFile == "-", ciphertextFile == nil || ciphertextFile == "-" {
            throw ValidationError("the plaintext and the wrapped key cannot both go to standard output")
        }
    }

    func run() async throws {
        let reference = key.reference
        let context = try encryption.context()
        if let plaintextFile { try PlaintextOutput.check(plaintextFile, isAllowed: plaintext) }
        let home = try global.openHome()
        let service = try await home.keyManagement()
        guard let plaintextFile else {
            let answer = try await service.generateDataKeyWithoutPlaintext(
                count: bytes,
                key: reference,
                context: context,
                caller: try await global.caller(of: home)
            )
            return try BlobOutput.print(answer, to: ciphertextFile, global.output)
        }
        let answer = try await service.generateDataKey(
            count: bytes,
            key: reference,
            context: context,
            caller: try await global.caller(of: home)
        )
        // The wrapped half first, and out of our hands: a plaintext key without it is of use to a thief alone.
        try BlobOutput.print(answer.wrapped, to: ciphertextFile, global.output)
        try StandardOutput.flush()
        try answer.plaintext.withBytes { try ByteFile.write($0, to: plaintextFile) }
    }
}

struct KeyReEncrypt: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "re-encrypt",
        abstract: "Move a ciphertext blob to another KMS key or context; its plaintext stays in the KMS."
    )

    @OptionGroup var global: GlobalOptions
    @Argument(help: ArgumentHelp("The KMS key to move to.", valueName: "key"))
    var destination: String
    @Option(help: "The blob's file; - is standard input.")
    var ciphertextFile: String = "-"
    @Option(
        help: "The file to make for the new blob; - is standard output. (default: base64 on standard output)"
    )
    var newCiphertextFile: String?
    @Option(help: ArgumentHelp("A pair of the blob's context; may be repeated.", valueName: "name=value"))
    var sourceContext: [ContextPair] = []
    @Option(
        help: ArgumentHelp("A pair of the new blob's context; may be repeated.", valueName: "name=value")
    )
    var destinationContext: [ContextPair] = []
    @Option(help: "The KMS key that must have made the blob.")
    var sourceKey: String?

    private struct Shape: Encodable {
        let CiphertextBlob: String
        let SourceKeyId: String
        let KeyId: String
        let SourceKeyMaterialId: String?
        let DestinationKeyMaterialId: String?
    }

    func run() async throws {
        let from = try sourceContext.context()
        let to = try destinationContext.context()
        let blob = try BlobInput.read(ciphertextFile)
        let home = try global.openHome()
        let answer = try await home.keyManagement().reEncrypt(
            blob,
            sourceKey: sourceKey.map { KeyReference($0) },
            sourceContext: from,
            destinationKey: KeyReference(destination),
            destinationContext: to,
            caller: try await global.caller(of: home)
        )
        if let newCiphertextFile { return try ByteFile.write(answer.blob.bytes, to: newCiphertextFile) }
        let text = Data(answer.blob.bytes).base64EncodedString()
        guard global.output == .json else { return print(text) }
        try Terminal.json(
            Shape(
                CiphertextBlob: text,
                SourceKeyId: answer.sourceKeyARN.description,
                KeyId: answer.keyARN.description,
                SourceKeyMaterialId: answer.sourceKeyMaterialID,
                DestinationKeyMaterialId: answer.destinationKeyMaterialID
            )
        )
    }
}

/// Ciphertext blobs as files hold them.
enum BlobInput {
    /// A blob as it is begins with its version byte; anything else must be base64.
    static func read(_ path: String) throws -> CiphertextBlob {
        let bytes = try ByteFile.read(path, limit: 4 * CiphertextBlob.maximumCount)
        if bytes.first == 1 { return CiphertextBlob(bytes) }
        let text = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
        guard let decoded = Data(base64Encoded: text) else {
            throw AWSError(
                .invalidCiphertext,
                "",
                hint: "the blob is neither base64 nor a blob as KMS gives it"
            )
        }
        return CiphertextBlob(Array(decoded))
    }
}

enum BlobOutput {
    private struct Shape: Encodable {
        let CiphertextBlob: String
        let KeyId: String
        let KeyMaterialId: String?
    }

    static func print(_ answer: EncryptResponse, to path: String?, _ format: OutputFormat) throws {
        if let path { return try ByteFile.write(answer.blob.bytes, to: path) }
        let text = Data(answer.blob.bytes).base64EncodedString()
        guard format == .json else { return Swift.print(text) }
        try Terminal.json(
            Shape(CiphertextBlob: text, KeyId: answer.keyARN.description, KeyMaterialId: answer.keyMaterialID)
        )
    }
}

enum PlaintextOutput {
    /// Plaintext reaches a screen only where somebody asked for it there.
    static func check(_ path: String, isAllowed: Bool) throws {
        guard path == "-", !isAllowed, isatty(STDOUT_FILENO) == 1 else { return }
        throw AWSError(
            .validation,
            "the plaintext is not printed to a terminal unasked",
            hint: "name a file with --plaintext-file, or add --plaintext"
        )
    }
}
