/// Why an asymmetric key cannot be read or used. None tells anything of a private key.
public enum KeyPairError: Error, Equatable, Sendable {
    /// Not the DER encoding of a key, or of one that its own numbers contradict.
    case malformedKey
    /// A key, but of no kind in `KeyPairKind`.
    case unsupportedKey
    /// A key of another kind than the one asked for.
    case otherKind(KeyPairKind)
    /// A peer's key on another curve.
    case otherCurve
    /// A public key whose point is not on its curve.
    case pointNotOnCurve
    /// A key of this kind cannot do that.
    case unsuitableKey
    /// A digest whose length is not the scheme's.
    case digestCount(expected: Int)
    /// A plaintext longer than the padding leaves room for.
    case plaintextTooLong(maximum: Int)
    /// The ciphertext does not decrypt; nothing more is told.
    case decryptionFailed
    /// libcrypto refused: no memory, or an algorithm that it lacks.
    case engine
}
