internal import CofferCrypto
internal import CofferSecrets
internal import CofferShapes
internal import CofferTrail
internal import FoundationEssentials

/// `kms/seal.json`: which seal protects the root key, and what that seal needs to know. Parsed as hostile
/// input.
///
/// ```
/// {"kind":"file","version":1}
/// {"kind":"passphrase","passphrase":{"blockSize":8,"cost":131072,"parallelism":1,"salt":"<64 hex>",
///  "wrappedRootKey":"<120 hex>"},"version":1}
/// ```
struct SealDocument: Codable, Equatable {
    static let fileName = "seal.json"
    static let currentVersion = 1
    private static let maximumBytes = 4096

    var version = currentVersion
    var kind: String
    var passphrase: Passphrase?

    struct Passphrase: Codable, Equatable {
        var salt: String
        var cost: UInt64
        var blockSize: UInt64
        var parallelism: UInt64
        /// The root key under the key that scrypt gives, bound to salt and cost.
        var wrappedRootKey: String
    }

    /// The version alone, read first: a later version may spell everything else differently.
    private struct Versioned: Codable { var version: Int }

    /// nil where there is none. Throws `Coffer.Damaged`, or `Coffer.Sealed` for a newer version.
    static func load(from folder: String) throws -> SealDocument? {
        guard AtomicFile.exists(fileName, in: folder) else { return nil }
        let path = "\(folder)/\(fileName)"
        let file = try OpenFile(path, .read)
        let size = try file.status().sizeBytes
        guard size <= maximumBytes else { throw AWSError(.damaged, "\(path) is larger than any seal") }
        let data = Data(try file.bytes(at: 0, count: size))
        guard let version = try? JSONDecoder().decode(Versioned.self, from: data).version else {
            throw AWSError(.damaged, "\(path) is not a seal's description")
        }
        guard version == currentVersion else {
            throw AWSError(
                .sealed,
                "\(path) has version \(version), and this program knows \(currentVersion) only"
            )
        }
        guard let document = try? JSONDecoder().decode(SealDocument.self, from: data) else {
            throw AWSError(.damaged, "\(path) is not a seal's description")
        }
        return document
    }

    func store(in folder: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let bytes = Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
        unsafe try AtomicFile.store(bytes.span.bytes, as: Self.fileName, in: folder)
    }
}
