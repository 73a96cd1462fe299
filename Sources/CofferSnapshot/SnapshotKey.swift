public import CofferBlock
public import CofferSecrets
public import CofferShapes

/// A volume key that snapshots are under, as it is stored: wrapped, with its uuid and salt. Not secret.
public struct SnapshotKey: Sendable, Equatable {
    /// As it stands in a manifest.
    let slot: KeySlot

    /// A key with the uuid (16 bytes) and salt (32) that were drawn with it, wrapped at `created`. Traps on other
    /// lengths.
    public init(
        wrapped: WrappedVolumeKey,
        uuid: [UInt8],
        salt: [UInt8],
        keyEpoch: UInt64,
        created: Timestamp
    ) {
        precondition(keyEpoch < ManifestLayout.counterLimit, "an epoch that no key has")
        slot = KeySlot(active: wrapped, created: created, keyEpoch: keyEpoch, uuid: uuid, salt: salt)
    }

    /// A key that nothing is under yet.
    public init(fresh wrapped: WrappedVolumeKey, created: Timestamp, random: some ByteSource) {
        self.init(
            wrapped: wrapped,
            uuid: random.bytes(16),
            salt: random.bytes(32),
            keyEpoch: 0,
            created: created
        )
    }

    /// That of a slot as it stands, in a volume's header or in a manifest.
    public init(_ slot: KeySlot) {
        self.init(
            wrapped: slot.wrapped,
            uuid: slot.uuid,
            salt: slot.salt,
            keyEpoch: slot.keyEpoch,
            created: slot.created
        )
    }

    public var wrapped: WrappedVolumeKey { slot.wrapped }
    public var uuid: [UInt8] { slot.uuid }
    public var salt: [UInt8] { slot.salt }
    public var keyEpoch: UInt64 { slot.keyEpoch }
    public var lineage: LineageID { LineageID(uuid: uuid) }

    /// The same key, wrapped anew: for another context or under another KMS key.
    public func rewrapped(_ wrapped: WrappedVolumeKey, created: Timestamp) -> SnapshotKey {
        SnapshotKey(wrapped: wrapped, uuid: uuid, salt: salt, keyEpoch: keyEpoch, created: created)
    }
}
