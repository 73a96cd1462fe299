internal import CofferCrypto
internal import CofferSecrets
internal import CofferShapes

/// What `GetParametersForImport` gives out to be brought back: the private key that material is wrapped for,
/// sealed under the root key and bound to the KMS key, the algorithm and the end of its time. The store
/// remembers nothing of it.
///
/// ```
/// offset  size  field
///      0     1  version, 1
///      1     1  wrapping algorithm, its place in `ImportToken.algorithms`
///      2     1  the RSA key's size, its place in `ImportToken.kinds`
///      3     8  valid until, nanoseconds since 1970, big-endian
///     11     …  nonce, PKCS #8 private key, tag
/// ```
struct ImportToken {
    private static let version: UInt8 = 1
    private static let headerCount = 11
    /// The order is part of the format.
    private static let algorithms: [WrappingAlgorithm] = [
        .rsaesOAEPSHA1, .rsaesOAEPSHA256, .rsaAESKeyWrapSHA1, .rsaAESKeyWrapSHA256,
    ]

    private static let kinds: [KeyPairKind] = [.rsa2048, .rsa3072, .rsa4096]

    let key: KeyPlace
    let algorithm: WrappingAlgorithm
    let kind: KeyPairKind
    let validTo: Timestamp

    func sealed(
        _ privateKey: borrowing SecretBytes,
        _ hierarchy: borrowing KeyHierarchy
    ) throws -> [UInt8] {
        guard let index = Self.algorithms.firstIndex(of: algorithm),
            let kindIndex = Self.kinds.firstIndex(of: kind)
        else { throw KeyRecords.damaged }
        let header = [Self.version, UInt8(index), UInt8(kindIndex)] + Self.bigEndian(validTo.nanoseconds)
        return header + (try hierarchy.sealImportToken(privateKey, boundTo: Self.words(key, header)))
    }

    /// Throws InvalidImportTokenException for what is no token of ours, or is another key's.
    static func open(
        _ bytes: [UInt8],
        for key: KeyPlace,
        _ hierarchy: borrowing KeyHierarchy
    ) throws(AWSError) -> Opened {
        guard bytes.count > headerCount, bytes[0] == version, Int(bytes[1]) < algorithms.count,
            Int(bytes[2]) < kinds.count
        else {
            throw invalid
        }
        let header = Array(bytes.prefix(headerCount))
        let nanoseconds = header.dropFirst(3).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let token = ImportToken(
            key: key,
            algorithm: algorithms[Int(bytes[1])],
            kind: kinds[Int(bytes[2])],
            validTo: Timestamp(nanoseconds: nanoseconds)
        )
        do {
            let privateKey = try hierarchy.openImportToken(
                Array(bytes.dropFirst(headerCount)),
                boundTo: words(key, header)
            )
            return Opened(token: token, privateKey: privateKey)
        } catch {
            throw invalid
        }
    }

    struct Opened: ~Copyable {
        let token: ImportToken
        /// PKCS #8 in DER.
        let privateKey: SecretBytes
    }

    private static func words(_ key: KeyPlace, _ header: [UInt8]) -> [UInt8] {
        header + Array("\(key.region) \(key.id)".utf8)
    }

    private static func bigEndian(_ number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
    }

    private static let invalid = AWSError(
        .invalidImportToken,
        "The import token is not valid for this KMS key."
    )
}
