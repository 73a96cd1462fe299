internal import CofferCrypto
internal import CofferSecrets
internal import CofferShapes

/// From the root key down to a backing key. Pure: what is stored comes in and goes out as arguments.
///
/// ```
/// root key
///   ├─ "coffer/kms/root-wrap/1"   wraps each KMS key's own wrapping key, bound to the key's id
///   │     └─ wraps each of its backing keys, bound to key id and material id
///   ├─ "coffer/kms/root-check/1"  32 bytes that the store keeps to know its root key by
///   └─ "coffer/trail/1"           the trail's key
/// ```
/// The root key itself only derives (HKDF-SHA-256, no salt), so that no key serves two purposes.
struct KeyHierarchy: ~Copyable, Sendable {
    private let rootWrappingKey: SecretBytes
    /// Says nothing about the root key, and is the same for the same root key.
    let rootCheck: [UInt8]
    private let random: any ByteSource

    init(rootKey: borrowing SecretBytes, random: any ByteSource) throws(CryptoError) {
        let rootCheck = try Self.derive(rootKey, "coffer/kms/root-check/1").withBytes { $0.array() }
        rootWrappingKey = try Self.derive(rootKey, "coffer/kms/root-wrap/1")
        self.rootCheck = rootCheck
        self.random = random
    }

    static func trailKey(of rootKey: borrowing SecretBytes) throws(CryptoError) -> SecretBytes {
        try derive(rootKey, "coffer/trail/1")
    }

    /// A new KMS key's two secrets, as they are stored.
    func makeKey(
        _ id: KeyID,
        materialID: [UInt8]
    ) throws(CryptoError) -> (wrappedWrappingKey: [UInt8], wrappedBackingKey: [UInt8]) {
        let wrappingKey = SecretBytes(count: AEAD.keyCount) { span in random.fill(&span) }
        let backingKey = SecretBytes(count: AEAD.keyCount) { span in random.fill(&span) }
        return (
            try WrappedKey.wrap(wrappingKey, under: rootWrappingKey, boundTo: Self.place(id), random: random),
            try WrappedKey.wrap(
                backingKey,
                under: wrappingKey,
                boundTo: Self.place(id, materialID),
                random: random
            )
        )
    }

    func unwrapBackingKey(_ stored: StoredBackingKey) throws(CryptoError) -> SecretBytes {
        let wrappingKey = try WrappedKey.unwrap(
            stored.wrappedWrappingKey,
            under: rootWrappingKey,
            boundTo: Self.place(stored.keyID)
        )
        return try WrappedKey.unwrap(
            stored.wrapped,
            under: wrappingKey,
            boundTo: Self.place(stored.keyID, stored.materialID)
        )
    }

    private static func place(_ id: KeyID) -> [UInt8] { Array("coffer/kms/wrapping-key/1".utf8) + id.bytes }

    private static func place(_ id: KeyID, _ materialID: [UInt8]) -> [UInt8] {
        Array("coffer/kms/backing-key/1".utf8) + id.bytes + materialID
    }

    private static func derive(
        _ rootKey: borrowing SecretBytes,
        _ info: String
    ) throws(CryptoError) -> SecretBytes {
        try KeyDerivation.hkdf(rootKey, salt: [], info: Array(info.utf8), count: AEAD.keyCount)
    }
}
