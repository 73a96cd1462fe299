public import CofferSecrets

/// A key wrapped under another for storage: nonce (12) ‖ ciphertext ‖ tag (16), AES-256-GCM, with words that bind it to
/// its place as additional data.
public enum WrappedKey {
    /// Wraps `key` under `wrappingKey` (32 bytes) with a fresh nonce.
    public static func wrap(
        _ key: borrowing SecretBytes,
        under wrappingKey: borrowing SecretBytes,
        boundTo place: [UInt8],
        random: some ByteSource = SystemByteSource()
    ) throws(CryptoError) -> [UInt8] {
        let nonce = random.bytes(AEAD.nonceCount)
        return nonce + (try AEAD.seal(key, key: wrappingKey, nonce: nonce, additionalData: place))
    }

    /// Unwraps what `wrap` gave for the same place.
    public static func unwrap(
        _ record: [UInt8],
        under wrappingKey: borrowing SecretBytes,
        boundTo place: [UInt8]
    ) throws(CryptoError) -> SecretBytes {
        guard record.count > AEAD.nonceCount + AEAD.tagCount else { throw .authenticationFailed }
        return try AEAD.open(
            Array(record.dropFirst(AEAD.nonceCount)),
            key: wrappingKey,
            nonce: Array(record.prefix(AEAD.nonceCount)),
            additionalData: place
        )
    }
}
