public import CofferSecrets

/// Key material on its way from one place to another under an RSA key, as AWS KMS `ImportKeyMaterial` takes it.
///
/// ```
/// oaep          RSAES-OAEP(material)
/// aesKeyWrap    RSAES-OAEP(AES-256 key), as long as the modulus ‖ RFC 5649(AES-256 key, material)
/// ```
public enum KeyTransport {
    public enum Scheme: Hashable, Sendable {
        /// For material that is short.
        case oaep(OAEPHash)
        /// For material of up to `AESKeyWrap.maximumCount` bytes, such as an RSA key.
        case aesKeyWrap(OAEPHash)
    }

    /// The material. Whatever is wrong with the blob, the error is `.decryptionFailed`.
    public static func unwrap(
        _ blob: [UInt8],
        with key: PrivateKey,
        scheme: Scheme
    ) throws(KeyPairError) -> SecretBytes {
        switch scheme {
        case .oaep(let hash):
            return try key.decrypt(blob, oaep: hash)
        case .aesKeyWrap(let hash):
            guard let modulusBits = key.kind.modulusBits else { throw .unsuitableKey }
            let wrappingKey = try key.decrypt(Array(blob.prefix(modulusBits / 8)), oaep: hash)
            do {
                return try AESKeyWrap.unwrap(Array(blob.dropFirst(modulusBits / 8)), under: wrappingKey)
            } catch {
                // A wrapping key of another length comes here as well.
                throw .decryptionFailed
            }
        }
    }

    /// The other direction, for whoever sends material.
    public static func wrap(
        _ material: borrowing SecretBytes,
        for key: PublicKey,
        scheme: Scheme,
        random: some ByteSource = SystemByteSource()
    ) throws(KeyPairError) -> [UInt8] {
        switch scheme {
        case .oaep(let hash):
            return try key.encrypt(material, oaep: hash)
        case .aesKeyWrap(let hash):
            guard material.count <= AESKeyWrap.maximumCount else {
                throw .plaintextTooLong(maximum: AESKeyWrap.maximumCount)
            }
            let wrappingKey = SecretBytes(random: 32, from: random)
            let head = try key.encrypt(wrappingKey, oaep: hash)
            do {
                return head + (try AESKeyWrap.wrap(material, under: wrappingKey))
            } catch {
                throw .engine
            }
        }
    }
}
