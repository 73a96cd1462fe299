public import CofferSecrets
public import CofferShapes

/// The KMS's ciphertext blob: self-describing, bound to its encryption context, and committing to its key.
///
/// ```
/// offset  size  field
///      0     1  version, 1
///      1     1  flags, 0
///      2    16  KMS key id
///     18    32  material id: which backing key
///     50    16  salt
///     66    12  nonce
///     78    32  commitment
///    110   n+16 AES-256-GCM ciphertext and tag
/// ```
/// HKDF-SHA-256(backing key, salt, "coffer/kms/1" ‖ key id ‖ material id) gives 64 bytes: the AES key of this blob alone
/// and the commitment, which is compared before anything is decrypted, so that no blob opens under two keys. Additional
/// data: everything before the ciphertext, then the context's canonical bytes.
public struct Envelope: Sendable, Equatable {
    public static let headerCount = 110
    public static let overheadCount = headerCount + AEAD.tagCount
    static let version: UInt8 = 1

    public let keyID: KeyID
    /// 32 bytes.
    public let materialID: [UInt8]
    private let header: [UInt8]
    private let sealed: [UInt8]

    /// Reads a blob's header. nil for bytes that no version of this format can be.
    public init?(_ blob: CiphertextBlob) {
        let bytes = blob.bytes
        guard bytes.count > Self.overheadCount, bytes.count <= CiphertextBlob.maximumCount,
            bytes[0] == Self.version, bytes[1] == 0
        else { return nil }
        header = Array(bytes.prefix(Self.headerCount))
        sealed = Array(bytes.dropFirst(Self.headerCount))
        keyID = KeyID(bytes: Array(header[2..<18]))
        materialID = Array(header[18..<50])
    }

    /// Decrypts. Throws `.authenticationFailed` for another backing key, another context, or any changed bit.
    public func open(
        backingKey: borrowing SecretBytes,
        context: EncryptionContext
    ) throws(CryptoError) -> SecretBytes {
        let derived = try Self.derive(backingKey, salt: Array(header[50..<66]), keyID, materialID)
        let commitment = Array(header[78..<110])
        guard derived.part(at: 32, count: 32).withBytes({ constantTimeEqual($0, commitment) }) else {
            throw .authenticationFailed
        }
        return try AEAD.open(
            sealed,
            key: derived.part(at: 0, count: 32),
            nonce: Array(header[66..<78]),
            additionalData: header + context.canonicalBytes
        )
    }

    /// Encrypts 1 to 4096 bytes under a backing key.
    public static func seal(
        _ plaintext: borrowing SecretBytes,
        backingKey: borrowing SecretBytes,
        keyID: KeyID,
        materialID: [UInt8],
        context: EncryptionContext,
        random: some ByteSource = SystemByteSource()
    ) throws(CryptoError) -> CiphertextBlob {
        precondition(materialID.count == 32, "a material id has 32 bytes")
        let salt = random.bytes(16)
        let nonce = random.bytes(AEAD.nonceCount)
        let derived = try derive(backingKey, salt: salt, keyID, materialID)
        let commitment = derived.withBytes { Array($0.extracting(32..<64).array()) }
        let header = [version, 0] + keyID.bytes + materialID + salt + nonce + commitment
        let sealed = try AEAD.seal(
            plaintext,
            key: derived.part(at: 0, count: 32),
            nonce: nonce,
            additionalData: header + context.canonicalBytes
        )
        return CiphertextBlob(header + sealed)
    }

    private static func derive(
        _ backingKey: borrowing SecretBytes,
        salt: [UInt8],
        _ keyID: KeyID,
        _ materialID: [UInt8]
    ) throws(CryptoError) -> SecretBytes {
        try KeyDerivation.hkdf(
            backingKey,
            salt: salt,
            info: Array("coffer/kms/1".utf8) + keyID.bytes + materialID,
            count: 64
        )
    }
}
