public import CofferBlock
internal import CofferCrypto
public import CofferSecrets

/// The key that authenticates the manifests of one lineage: all that it takes to read and write them, and nothing that
/// decrypts a block.
public struct SnapshotMACKey: ~Copyable, Sendable {
    public let lineage: LineageID
    let bytes: SecretBytes

    /// Derives it from the volume key with that uuid and salt.
    public init(_ volumeKey: borrowing VolumeKey, uuid: [UInt8], salt: [UInt8]) throws(SnapshotError) {
        lineage = LineageID(uuid: uuid)
        do {
            bytes = try volumeKey.snapshotMACKey(salt: salt, uuid: uuid)
        } catch {
            throw .crypto
        }
    }

    /// One that was derived before, such as by a parent process: 32 bytes. nil for any other length.
    public init?(_ bytes: consuming SecretBytes, lineage: LineageID) {
        guard bytes.count == 32 else { return nil }
        self.bytes = bytes
        self.lineage = lineage
    }

    /// Another one of the same, for another owner.
    public borrowing func duplicate() -> SnapshotMACKey {
        SnapshotMACKey(lineage, bytes.part(at: 0, count: bytes.count))
    }

    private init(_ lineage: LineageID, _ bytes: consuming SecretBytes) {
        self.lineage = lineage
        self.bytes = bytes
    }

    /// Lends the bytes, to send them to the process that will need them.
    public borrowing func withBytes<Failure: Error>(_ body: (RawSpan) throws(Failure) -> Void) throws(Failure)
    {
        try bytes.withBytes(body)
    }
}
