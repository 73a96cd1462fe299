internal import CofferCrypto
internal import CofferSecrets
internal import CofferShapes
internal import CofferTrail
internal import FoundationEssentials

/// `kms/seal.json`: which seal protects the root key, and what that seal needs to know. Nothing in it is secret. Parsed
/// as hostile input, in as much as others can write it, and refused where they can: it names code to load.
///
/// ```
/// {"kind":"file","version":1}
/// {"kind":"passphrase","passphrase":{"blockSize":8,"cost":131072,"parallelism":1,"salt":"<64 hex>",
///  "wrappedRootKey":"<120 hex>"},"version":1}
/// {"kind":"pkcs11","pkcs11":{"keyLabel":"coffer root","module":"/usr/lib/….so","tokenLabel":"office",
///  "wrappedRootKey":"<120 hex>"},"version":1}
/// {"aws-kms":{"ciphertextBlob":"<base64>","endpoint":"https://…","key":"arn:aws:kms:…:key/…","region":"…"},
///  "kind":"aws-kms","version":1}
/// ```
struct SealDocument: Codable, Equatable {
    static let fileName = "seal.json"
    static let currentVersion = 1
    /// The longest ciphertext blob in base64, and room for the rest.
    private static let maximumBytes = 16_384

    var version = currentVersion
    var kind: String
    var passphrase: Passphrase?
    var pkcs11: HardwareSealRecord?
    var awsKMS: AWSKMS?

    struct Passphrase: Codable, Equatable {
        var salt: String
        var cost: UInt64
        var blockSize: UInt64
        var parallelism: UInt64
        /// The root key under the key that scrypt gives, bound to salt and cost.
        var wrappedRootKey: String
    }

    struct AWSKMS: Codable, Equatable {
        /// The KMS key's ARN.
        var key: String
        /// What `Encrypt` gave for the root key. In base64, as `aws kms decrypt --ciphertext-blob` takes it.
        var ciphertextBlob: Data
        /// As they were given when the seal was made, or absent.
        var endpoint: String?
        var region: String?
    }

    enum CodingKeys: String, CodingKey {
        case version, kind, passphrase, pkcs11
        case awsKMS = "aws-kms"
    }

    /// The version alone, read first: a later version may spell everything else differently.
    private struct Versioned: Codable { var version: Int }

    /// nil where there is none. Throws `Coffer.Damaged`, or `Coffer.Sealed` for a newer version and for a file that
    /// others may have written.
    static func load(from folder: String) throws -> SealDocument? {
        guard AtomicFile.exists(fileName, in: folder) else { return nil }
        let path = "\(folder)/\(fileName)"
        let file = try OpenFile(path, .read)
        let status = try file.status()
        guard status.permissions & 0o022 == 0 else {
            throw AWSError(
                .sealed,
                "\(path) can be written by others, so it may lead to another root key or to code of theirs",
                hint: "if you trust everybody who had access, run `chmod 600 \(path)`"
            )
        }
        guard status.sizeBytes <= maximumBytes else {
            throw AWSError(.damaged, "\(path) is larger than any seal")
        }
        let data = Data(try file.bytes(at: 0, count: status.sizeBytes))
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

    /// What the document leads to, checked. Throws `Coffer.Damaged`, or `Coffer.Sealed` for a kind that this program
    /// does not know.
    func target(in folder: String) throws(AWSError) -> SealTarget {
        let path = "\(folder)/\(Self.fileName)"
        guard let kind = SealKind(rawValue: kind) else {
            throw AWSError(.sealed, "the root key is under a seal of the unknown kind \"\(self.kind)\"")
        }
        guard let target = target(of: kind) else {
            throw AWSError(.damaged, "\(path) describes no \(kind.rawValue) seal")
        }
        if let fault = target.fault { throw AWSError(.damaged, "\(path) \(fault)") }
        return target
    }

    private func target(of kind: SealKind) -> SealTarget? {
        switch kind {
        case .file: return .file
        case .passphrase: return passphrase == nil ? nil : .passphrase
        case .pkcs11:
            guard let pkcs11 else { return nil }
            return .pkcs11(module: pkcs11.module, token: pkcs11.tokenLabel, keyLabel: pkcs11.keyLabel)
        case .awsKMS:
            guard let awsKMS, let arn = ARN(awsKMS.key), let id = arn.keyID,
                (1...CiphertextBlob.maximumCount).contains(awsKMS.ciphertextBlob.count)
            else { return nil }
            let region = awsKMS.region.flatMap { Region($0) }
            guard region?.name == awsKMS.region else { return nil }
            return .awsKMS(key: .keyARN(arn, id), endpoint: awsKMS.endpoint, region: region)
        }
    }

    func store(in folder: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let bytes = Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
        unsafe try AtomicFile.store(bytes.span.bytes, as: Self.fileName, in: folder)
    }
}
