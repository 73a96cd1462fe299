public import CofferSecrets
public import CofferShapes

/// The KMS's ciphertext blob: self-describing, bound to its encryption context, and committing to its key.
///
/// ```
/// offset  size  field
///      0     1  version, 1
///      1     1  flags: bit 0, the key id is a multi-Region key's; bit 1, a wrapped key is carried
///      2    16  KMS key id
///     18    32  material id: which backing key
///     50    16  salt
///     66    12  nonce
///     78    32  commitment
///    110   2+m  with bit 1: the length m of the wrapped key, big-endian, and the wrapped key
///      …   n+16 AES-256-GCM ciphertext and tag
/// ```
/// HKDF-SHA-256(backing key, salt, "coffer/kms/1" ‖ key id ‖ material id) gives 64 bytes: the AES key of this blob alone
/// and the commitment, which is compared before anything is decrypted, so that no blob opens under two keys. Additional
/// data: everything before the ciphertext, then the context's canonical bytes. A blob of a key that lies in an HSM
/// carries its backing key, made for this blob alone and wrapped by the HSM.
public struct Envelope: Sendable, Equatable {
    public static let headerCount = 110
    public static let overheadCount = headerCount + AEAD.tagCount
    static let version: UInt8 = 1
    private static let label = Array("coffer/kms/1".utf8)

    public let keyID: KeyID
    /// 32 bytes.
    public let materialID: [UInt8]
    /// The backing key of this blob, as an HSM wrapped it; nil where the KMS has the backing key itself.
    public let carried: [UInt8]?
    /// Everything before the ciphertext.
    private let header: [UInt8]
    private let sealed: [UInt8]

    private static let multiRegionFlag: UInt8 = 1
    private static let carryingFlag: UInt8 = 2
    private static let maximumCarriedCount = 512

    /// Reads a blob's header. nil for bytes that no version of this format can be.
    public init?(_ blob: CiphertextBlob) {
        let bytes = blob.bytes
        guard bytes.count > Self.overheadCount, bytes.count <= CiphertextBlob.maximumCount,
            bytes[0] == Self.version, bytes[1] & ~(Self.multiRegionFlag | Self.carryingFlag) == 0
        else { return nil }
        var headerCount = Self.headerCount
        if bytes[1] & Self.carryingFlag != 0 {
            let count = Int(bytes[headerCount]) << 8 | Int(bytes[headerCount + 1])
            let start = headerCount + 2
            guard (1...Self.maximumCarriedCount).contains(count),
                bytes.count > start + count + AEAD.tagCount
            else { return nil }
            carried = Array(bytes[start..<start + count])
            headerCount = start + count
        } else {
            carried = nil
        }
        header = Array(bytes.prefix(headerCount))
        sealed = Array(bytes.dropFirst(headerCount))
        keyID = KeyID(
            bytes: Array(header[2..<18]),
            isMultiRegion: bytes[1] & Self.multiRegionFlag != 0
        )
        materialID = Array(header[18..<50])
    }

    /// Decrypts. Throws `.authenticationFailed` for another backing key, another context, or any changed bit.
    public func open(
        backingKey: borrowing SecretBytes,
        context: EncryptionContext
    ) throws(CryptoError) -> SecretBytes {
        let derived = try Self.derive(backingKey, salt: Array(header[50..<66]), keyID, materialID)
        let commitment = Array(header[78..<110])
        return try derived.withBytes { (derived) throws(CryptoError) in
            guard constantTimeEqual(derived.extracting(32..<64), commitment) else {
                throw .authenticationFailed
            }
            return try AEAD.open(
                sealed,
                key: derived.extracting(0..<32),
                nonce: Array(header[66..<78]),
                additionalData: header + context.canonicalBytes
            )
        }
    }

    /// Encrypts 1 to 4096 bytes under a backing key; `carrying` is that key as an HSM wrapped it, at most 512 bytes.
    public static func seal(
        _ plaintext: borrowing SecretBytes,
        backingKey: borrowing SecretBytes,
        keyID: KeyID,
        materialID: [UInt8],
        context: EncryptionContext,
        carrying carried: [UInt8]? = nil,
        random: some ByteSource = SystemByteSource()
    ) throws(CryptoError) -> CiphertextBlob {
        precondition(carried.map { (1...maximumCarriedCount).contains($0.count) } ?? true, "no wrapped key")
        precondition(materialID.count == 32, "a material id has 32 bytes")
        // Salt and nonce lie side by side: one draw serves both.
        let drawn = random.bytes(16 + AEAD.nonceCount)
        let salt = Array(drawn[..<16])
        let derived = try derive(backingKey, salt: salt, keyID, materialID)
        let flags =
            (keyID.isMultiRegion ? multiRegionFlag : 0) | (carried == nil ? 0 : carryingFlag)
        var blob: [UInt8] = [version, flags]
        blob.reserveCapacity(overheadCount + plaintext.count)
        blob += keyID.bytes
        blob += materialID
        blob += drawn
        blob += derived.withBytes { $0.extracting(32..<64).array() }
        if let carried { blob += [UInt8(carried.count >> 8), UInt8(carried.count & 0xFF)] + carried }
        blob += try derived.withBytes { (derived) throws(CryptoError) in
            try AEAD.seal(
                plaintext,
                key: derived.extracting(0..<32),
                nonce: Array(drawn[16...]),
                additionalData: blob + context.canonicalBytes
            )
        }
        return CiphertextBlob(blob)
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
            info: label + keyID.bytes + materialID,
            count: 64
        )
    }
}
