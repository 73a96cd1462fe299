internal import CofferBlock
internal import CofferControl
internal import CofferCrypto
internal import CofferSecrets
internal import CofferShapes
internal import CofferSnapshot
internal import CofferXTS
internal import Glibc

/// What a volume that was made from a snapshot needs besides its own key: the snapshot, under its key.
enum Filling {
    /// Opens the snapshot and the fill map. Throws where either cannot be believed: nothing is served then.
    static func open(
        _ parameters: FillParameters,
        _ volumeID: VolumeID,
        uuid: [UInt8],
        snapshotKey: borrowing VolumeKey,
        store: FileBlockStore,
        _ geometry: Geometry,
        isReadOnly: Bool,
        key: borrowing SecretBytes
    ) throws -> LazyFill {
        guard let snapshotID = SnapshotID(parameters.snapshotID), parameters.snapshotsFolder.hasPrefix("/"),
            parameters.mapPath.hasPrefix("/")
        else { throw StartFailure("the starter sent a snapshot that there cannot be") }
        let folder = try SnapshotFolder(path: parameters.snapshotsFolder)
        let snapshot = try SnapshotManifest.kept(snapshotID, in: folder).authenticated(by: snapshotKey)
        let own = snapshot.header.geometry
        guard own.dataUnitBytes == geometry.dataUnitBytes, own.cipher == geometry.cipher,
            own.volumeBytes <= geometry.volumeBytes
        else { throw StartFailure("snapshot \(snapshotID) is not one that this volume was made from") }
        let identity = FillMap.Identity(
            volumeID: volumeID,
            uuid: uuid,
            snapshotID: snapshotID,
            blockCount: Int(SnapshotBlock.count(ofVolume: own.volumeBytes))
        )
        guard let map = try FillMap(path: parameters.mapPath, identity, isReadOnly: isReadOnly) else {
            throw StartFailure(
                "the fill map \(parameters.mapPath) is damaged, so that what is the snapshot's and what is the volume's own "
                    + "cannot be told apart",
                hint: "make the volume from snapshot \(snapshotID) anew"
            )
        }
        let reader = SnapshotReader(snapshot, in: folder)
        let cipher = try XTSCipher(key: snapshot.header.xtsKey(from: snapshotKey))
        return LazyFill(
            map,
            from: SnapshotFillSource(reader, cipher: cipher),
            to: store,
            geometry,
            cipher: try XTSCipher(key: key)
        )
    }
}

/// A volume's blocks for a snapshot, as they were at its moment; those that are another snapshot's still are filled first.
final class LiveSource: SnapshotSource {
    private let volume: EncryptedVolume<FileBlockStore>
    private let source: VolumeSource
    private let old: OldContent

    init(_ volume: EncryptedVolume<FileBlockStore>, _ geometry: Geometry, _ old: OldContent) {
        (self.volume, self.old) = (volume, old)
        source = VolumeSource(volume.store, geometry)
    }

    func readBlock(_ index: UInt64, into span: inout MutableRawSpan) throws(BlockError) -> BlockContent {
        try volume.fillBlock(Int(index))
        return try old.readBlock(index, into: &span, from: source)
    }

    /// A block that had data at the snapshot's moment has it on the store still, or has had it put aside before it was
    /// discarded: so the store is looked at first.
    func nextBlock(from index: UInt64) throws(BlockError) -> UInt64? {
        if volume.isFilling { return index }
        let stored = try source.nextBlock(from: index)
        guard let aside = old.nextBlock(from: index) else { return stored }
        return stored.map { min($0, aside) } ?? aside
    }
}
