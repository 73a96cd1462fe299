public import CofferCrypto
public import CofferSecrets

/// The plaintext volume key: 64 random bytes from KMS. It encrypts nothing itself; every key that does is
/// derived from it, and from the fields of the header that steer decryption, so that a changed cipher, unit
/// size or uuid gives noise.
public struct VolumeKey: ~Copyable, Sendable {
    public static let count = 64

    private let bytes: SecretBytes

    /// nil for any other length: the key comes from a blob, which is input.
    public init?(_ bytes: consuming SecretBytes) {
        guard bytes.count == Self.count else { return nil }
        self.bytes = bytes
    }

    /// The key's bytes, to send them to the daemon that will serve the volume.
    public borrowing func withBytes<Failure: Error>(_ body: (RawSpan) throws(Failure) -> Void) throws(Failure)
    {
        try bytes.withBytes(body)
    }

    /// Whether both are one key; in a time that does not depend on their bytes.
    public borrowing func constantTimeEquals(_ other: borrowing VolumeKey) -> Bool {
        bytes.constantTimeEquals(other.bytes)
    }

    /// XTS key 1 ‖ key 2 for the data: HKDF-Expand "coffer/1/xts" 00 cipher (4) unit size (4) uuid (16).
    public borrowing func xtsKey(
        _ cipher: Geometry.Cipher,
        dataUnitBytes: Int,
        salt: [UInt8],
        uuid: [UInt8]
    ) throws(CryptoError) -> SecretBytes {
        var info = Array("coffer/1/xts".utf8) + [0]
        info.append(littleEndian: cipher.rawValue)
        info.append(littleEndian: UInt32(dataUnitBytes))
        return try KeyDerivation.hkdf(bytes, salt: salt, info: info + uuid, count: cipher.keyBytes)
    }

    /// The key that authenticates the header: HKDF-Expand "coffer/1/header-mac" 00 uuid, 32 bytes.
    public borrowing func headerMACKey(salt: [UInt8], uuid: [UInt8]) throws(CryptoError) -> SecretBytes {
        try macKey("coffer/1/header-mac", salt: salt, uuid: uuid)
    }

    /// The key that authenticates the manifests of the volume's snapshots: HKDF-Expand "coffer/1/snapshot-mac" 00 uuid,
    /// 32 bytes.
    public borrowing func snapshotMACKey(salt: [UInt8], uuid: [UInt8]) throws(CryptoError) -> SecretBytes {
        try macKey("coffer/1/snapshot-mac", salt: salt, uuid: uuid)
    }

    /// The key that authenticates tokens for blocks of the snapshots under this key, which EBS direct hands out:
    /// HKDF-Expand "coffer/1/direct-token" 00 uuid, 32 bytes. Nothing of it is stored, so that tokens outlive a process.
    public borrowing func directTokenKey(salt: [UInt8], uuid: [UInt8]) throws(CryptoError) -> SecretBytes {
        try macKey("coffer/1/direct-token", salt: salt, uuid: uuid)
    }

    private borrowing func macKey(
        _ purpose: String,
        salt: [UInt8],
        uuid: [UInt8]
    ) throws(CryptoError) -> SecretBytes {
        try KeyDerivation.hkdf(bytes, salt: salt, info: Array(purpose.utf8) + [0] + uuid, count: 32)
    }
}

/// A volume key that several hold, or another thread uses, or that is not always there.
package final class HeldVolumeKey: Sendable {
    package let value: VolumeKey

    package init(_ value: consuming VolumeKey) { self.value = value }
}
