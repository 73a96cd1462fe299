public import CofferSecrets

/// Opens tokens of hardware security modules. (PKCS #11 v2.40)
public protocol HardwareTokenConnector: Sendable {
    /// Throws `.tokenNotFound` or `.moduleNotFound` unless a module has a token with this label. Needs no PIN. Blocks.
    func find(module: String, tokenLabel: String) throws(HardwareTokenError)

    /// Logs in to the token with this label in a module. Blocks.
    func connect(
        module: String,
        tokenLabel: String,
        pin: borrowing SecretBytes
    ) throws(HardwareTokenError) -> any HardwareToken
}

/// A token that is logged in to: it holds keys that never leave it. All verbs block on the device and may be called
/// from several threads at once.
public protocol HardwareToken: Sendable {
    /// Makes a 256-bit AES key, not extractable, known by `label` (bytes, unique).
    func generateKey(label: [UInt8]) throws(HardwareTokenError)
    func hasKey(label: [UInt8]) throws(HardwareTokenError) -> Bool
    func deleteKey(label: [UInt8]) throws(HardwareTokenError)

    /// Encrypts a short secret (1...4096 bytes) under a key in the token with AES-GCM, a fresh 12-byte IV:
    /// IV ‖ ciphertext ‖ tag.
    func wrap(
        _ secret: borrowing SecretBytes,
        keyLabel: [UInt8],
        additionalData: [UInt8]
    ) throws(HardwareTokenError) -> [UInt8]
    func unwrap(
        _ wrapped: [UInt8],
        keyLabel: [UInt8],
        additionalData: [UInt8]
    ) throws(HardwareTokenError) -> SecretBytes

    /// Whether the token still answers.
    func check() throws(HardwareTokenError)
    /// Logs out and closes; later calls throw `.gone`.
    func close()
}

public enum HardwareTokenError: Error, Equatable, Sendable {
    /// There is no file at this path.
    case moduleNotFound(String)
    /// No token in the module has this label.
    case tokenNotFound(String)
    case wrongPIN
    /// The token takes no PIN any more, after too many wrong ones.
    case pinLocked
    /// The token does not answer, or it was closed.
    case gone
    case keyNotFound
    /// What was to be unwrapped was changed, or wrapped under another key or with other additional data.
    case authenticationFailed
    /// The module or the token cannot do, or will not do, what is needed: a sentence.
    case unsupported(String)
    /// A function of the module failed with this code (`CKR_…`), which none of the other cases stands for.
    case failed(function: String, code: UInt)
}
