internal import CofferCrypto
internal import CofferSecrets
internal import CofferShapes

/// From the root key down to a key's material. Pure: what is stored comes in and goes out as arguments.
///
/// ```
/// root key
///   ├─ "coffer/kms/root-wrap/1"   wraps each KMS key's own wrapping key, bound to the key's id
///   │     └─ wraps each of its materials, bound to key id and material id
///   ├─ "coffer/kms/store-pin/1"   wraps the PINs of custom key stores
///   ├─ "coffer/kms/import/1"      seals import tokens
///   ├─ "coffer/kms/tokens/1"      authenticates grant tokens, and names imported material
///   ├─ "coffer/kms/root-check/1"  32 bytes that the store keeps to know its root key by
///   ├─ "coffer/identity/1"        the identity service's key
///   ├─ "coffer/aws-owned/ebs/1"   wraps the keys of volumes that nobody asked to have encrypted
///   └─ "coffer/trail/1"           the trail's key
/// ```
/// The root key itself only derives (HKDF-SHA-256, no salt), so that no key serves two purposes.
struct KeyHierarchy: ~Copyable, Sendable {
    private let rootWrappingKey: SecretBytes
    private let pinKey: SecretBytes
    private let importKey: SecretBytes
    private let tokenKey: SecretBytes
    /// Says nothing about the root key, and is the same for the same root key.
    let rootCheck: [UInt8]
    private let random: any ByteSource

    init(rootKey: borrowing SecretBytes, random: any ByteSource) throws(CryptoError) {
        let rootCheck = try Self.derive(rootKey, "coffer/kms/root-check/1").withBytes { $0.array() }
        let rootWrappingKey = try Self.derive(rootKey, "coffer/kms/root-wrap/1")
        let pinKey = try Self.derive(rootKey, "coffer/kms/store-pin/1")
        let importKey = try Self.derive(rootKey, "coffer/kms/import/1")
        let tokenKey = try Self.derive(rootKey, "coffer/kms/tokens/1")
        self.rootWrappingKey = rootWrappingKey
        self.pinKey = pinKey
        self.importKey = importKey
        self.tokenKey = tokenKey
        self.rootCheck = rootCheck
        self.random = random
    }

    static func trailKey(of rootKey: borrowing SecretBytes) throws(CryptoError) -> SecretBytes {
        try derive(rootKey, "coffer/trail/1")
    }

    static func identityKey(of rootKey: borrowing SecretBytes) throws(CryptoError) -> SecretBytes {
        try derive(rootKey, "coffer/identity/1")
    }

    /// A wrapping key of its own for a new KMS key, as it is stored.
    func makeWrappingKey(_ id: KeyID) throws(CryptoError) -> [UInt8] {
        let wrappingKey = SecretBytes(count: AEAD.keyCount) { span in random.fill(&span) }
        return try WrappedKey.wrap(
            wrappingKey,
            under: rootWrappingKey,
            boundTo: Self.place(id),
            random: random
        )
    }

    /// A material as it is stored, under its KMS key's wrapping key.
    func wrap(
        _ material: borrowing SecretBytes,
        id: [UInt8],
        of key: KeyID,
        wrappingKey: [UInt8]
    ) throws(CryptoError) -> [UInt8] {
        let wrappingKey = try WrappedKey.unwrap(
            wrappingKey,
            under: rootWrappingKey,
            boundTo: Self.place(key)
        )
        return try WrappedKey.wrap(
            material,
            under: wrappingKey,
            boundTo: Self.place(key, id),
            random: random
        )
    }

    func unwrap(
        _ wrapped: [UInt8],
        id: [UInt8],
        of key: KeyID,
        wrappingKey: [UInt8]
    ) throws(CryptoError) -> SecretBytes {
        let wrappingKey = try WrappedKey.unwrap(
            wrappingKey,
            under: rootWrappingKey,
            boundTo: Self.place(key)
        )
        return try WrappedKey.unwrap(wrapped, under: wrappingKey, boundTo: Self.place(key, id))
    }

    // MARK: - Custom key stores

    func wrapPIN(_ pin: borrowing SecretBytes, ofStore id: String) throws(CryptoError) -> [UInt8] {
        try WrappedKey.wrap(pin, under: pinKey, boundTo: Array("pin of \(id)".utf8), random: random)
    }

    func unwrapPIN(_ wrapped: [UInt8], ofStore id: String) throws(CryptoError) -> SecretBytes {
        try WrappedKey.unwrap(wrapped, under: pinKey, boundTo: Array("pin of \(id)".utf8))
    }

    // MARK: - Tokens

    /// An import token: the private key that material will be wrapped for, bound to what the token is for.
    func sealImportToken(
        _ privateKey: borrowing SecretBytes,
        boundTo words: [UInt8]
    ) throws(CryptoError) -> [UInt8] {
        try WrappedKey.wrap(privateKey, under: importKey, boundTo: words, random: random)
    }

    func openImportToken(_ sealed: [UInt8], boundTo words: [UInt8]) throws(CryptoError) -> SecretBytes {
        try WrappedKey.unwrap(sealed, under: importKey, boundTo: words)
    }

    /// The name of imported material: the same bytes imported into the same key again have the same, and it
    /// tells nobody without the root key anything about them.
    func importedMaterialID(_ material: borrowing SecretBytes, of key: KeyID) -> [UInt8] {
        let words = Array("coffer/kms/imported-material/1".utf8) + key.bytes
        return material.withBytes { material in
            let message = SecretBytes(count: words.count + material.byteCount) { span in
                for (offset, byte) in words.enumerated() {
                    span.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
                }
                span.copy(material, at: words.count)
            }
            return message.withBytes { SHA256.authenticationCode($0, key: tokenKey) }
        }
    }

    /// The code that shows a grant token to be one of ours.
    func grantTokenCode(_ words: [UInt8]) -> [UInt8] {
        let message = Array("coffer/kms/grant-token/1".utf8) + words
        return unsafe SHA256.authenticationCode(message.span.bytes, key: tokenKey)
    }

    private static func place(_ id: KeyID) -> [UInt8] {
        Array("coffer/kms/wrapping-key/1".utf8) + words(id)
    }

    private static func place(_ id: KeyID, _ materialID: [UInt8]) -> [UInt8] {
        Array("coffer/kms/backing-key/1".utf8) + words(id) + materialID
    }

    /// A multi-Region key never shares its words with another, whatever its digits.
    private static func words(_ id: KeyID) -> [UInt8] { id.bytes + (id.isMultiRegion ? [1] : []) }

    private static func derive(
        _ rootKey: borrowing SecretBytes,
        _ info: String
    ) throws(CryptoError) -> SecretBytes {
        try KeyDerivation.hkdf(rootKey, salt: [], info: Array(info.utf8), count: AEAD.keyCount)
    }
}
