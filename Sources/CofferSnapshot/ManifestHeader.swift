public import CofferBlock
public import CofferCrypto
public import CofferSecrets
public import CofferShapes

/// What a manifest says of its snapshot, but for the list of blocks. Values only.
///
/// One that was read is unauthenticated until `SnapshotManifest.authenticate` has passed: until then its words may be
/// shown, and its wrapped key taken to the KMS, and nothing else may rest on them.
public struct ManifestHeader: Sendable, Equatable {
    /// Where a manifest belongs: one that was put in the other's place is refused.
    enum Kind: UInt32, Sendable {
        case stored = 0
        case exported = 1
    }

    /// Kept as it was read: a newer minor version changes nothing that this reader relies on.
    let minorVersion: UInt16
    let compatibleFlags: UInt32
    var kind: Kind
    public let snapshotID: SnapshotID
    /// nil where the snapshot was made of no volume of this home: by EBS direct, or by a copy that hides it.
    public let volumeID: VolumeID?
    /// The snapshot before this one in its lineage, as the caller told. A hint: no block is looked for there.
    public let parent: SnapshotID?
    /// Size, data unit and cipher; the data offset means nothing here.
    public let geometry: Geometry
    public let keyEpoch: UInt64
    /// The instant that the snapshot shows.
    public let created: Timestamp
    /// Of the volume key, as they stand in the header of its volume.
    public let salt: [UInt8]
    public let uuid: [UInt8]
    /// The volume key as a KMS wrapped it: its context is that of the volume, or of this snapshot.
    public let keySlot: KeySlot
    /// How many blocks are no holes.
    public internal(set) var blockCount: UInt64
    var tableDigest: BlockDigest

    /// The words of a new manifest. Throws `.otherContext` where the wrapped key's context names neither the volume nor
    /// the snapshot.
    public init(
        snapshotID: SnapshotID,
        volumeID: VolumeID?,
        parent: SnapshotID?,
        volumeBytes: UInt64,
        dataUnitBytes: Int,
        cipher: Geometry.Cipher,
        key: SnapshotKey,
        created: Timestamp
    ) throws(SnapshotError) {
        guard
            let geometry = Geometry(volumeBytes: volumeBytes, dataUnitBytes: dataUnitBytes, cipher: cipher)
        else { throw .outOfRange }
        guard Self.owners(snapshotID, volumeID).contains(key.wrapped.context.pairs["aws:ebs:id"] ?? "") else {
            throw .otherContext(snapshotID)
        }
        (minorVersion, compatibleFlags, kind) = (ManifestLayout.minor, 0, .stored)
        (self.snapshotID, self.volumeID, self.parent) = (snapshotID, volumeID, parent)
        (self.geometry, self.created) = (geometry, created)
        (keyEpoch, salt, uuid) = (key.keyEpoch, key.salt, key.uuid)
        keySlot = key.slot
        (blockCount, tableDigest) = (0, .ofNothing)
    }

    /// The words of a snapshot of a volume with this header. Throws `.otherContext` where the volume has no single key
    /// at present.
    public init(
        snapshotID: SnapshotID,
        of volume: VolumeHeader,
        parent: SnapshotID?,
        created: Timestamp
    ) throws(SnapshotError) {
        guard let slot = volume.activeSlot, volume.state == .ready || volume.state == .rewrapping else {
            throw .otherContext(snapshotID)
        }
        try self.init(
            snapshotID: snapshotID,
            volumeID: volume.volumeID,
            parent: parent,
            volumeBytes: volume.geometry.volumeBytes,
            dataUnitBytes: volume.geometry.dataUnitBytes,
            cipher: volume.geometry.cipher,
            key: SnapshotKey(slot),
            created: created
        )
    }

    /// The words of a copy that names the same blocks: another id, and where `key` is given the same volume key wrapped
    /// anew. Throws `.otherContext` where the key's context names neither the copy nor the volume.
    public func copied(
        as id: SnapshotID,
        key: SnapshotKey? = nil,
        created: Timestamp
    ) throws(SnapshotError) -> ManifestHeader {
        let key = key ?? self.key
        guard key.uuid == uuid, key.salt == salt, key.keyEpoch == keyEpoch else { throw .unrelatedKey(id) }
        return try ManifestHeader(
            snapshotID: id,
            volumeID: volumeID,
            parent: nil,
            volumeBytes: geometry.volumeBytes,
            dataUnitBytes: geometry.dataUnitBytes,
            cipher: geometry.cipher,
            key: key,
            created: created
        )
    }

    public var lineage: LineageID { LineageID(uuid: uuid) }

    /// The key of the snapshot, to give to a cheap copy or to a child.
    public var key: SnapshotKey { SnapshotKey(keySlot) }

    /// XTS key 1 ‖ key 2 for the data of this snapshot.
    public func xtsKey(from volumeKey: borrowing VolumeKey) throws(CryptoError) -> SecretBytes {
        try volumeKey.xtsKey(geometry.cipher, dataUnitBytes: geometry.dataUnitBytes, salt: salt, uuid: uuid)
    }

    /// The key of the manifest's code, and of all manifests of the lineage.
    public func macKey(from volumeKey: borrowing VolumeKey) throws(SnapshotError) -> SnapshotMACKey {
        try SnapshotMACKey(volumeKey, uuid: uuid, salt: salt)
    }

    /// What may stand in the context of the wrapped key.
    static func owners(_ snapshotID: SnapshotID, _ volumeID: VolumeID?) -> [String] {
        [snapshotID.text] + (volumeID.map { [$0.text] } ?? [])
    }

    /// Length of a block that lies within the volume.
    public func length(of index: UInt64) -> Int {
        SnapshotBlock.length(of: index, inVolume: geometry.volumeBytes)
    }
}
