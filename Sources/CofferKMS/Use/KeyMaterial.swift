internal import CofferCrypto
internal import CofferSecrets

/// A material unwrapped, in locked memory: what cryptography is done with.
enum KeyMaterial: Sendable {
    /// An AES or HMAC key.
    case secret(SecretBox)
    case keyPair(PrivateKey)
}

/// A secret with several users: a key's material, or what is on its way to or from an HSM, which works on threads
/// of its own.
final class SecretBox: Sendable {
    let secret: SecretBytes

    init(_ secret: consuming SecretBytes) { self.secret = secret }
}
