internal import CofferBlock
internal import CofferCatalog
internal import CofferControl
internal import CofferShapes
internal import CofferSnapshot
internal import CofferSystem
internal import Glibc

/// A snapshot that a new volume begins with.
struct SnapshotOrigin: Sendable {
    let record: SnapshotRecord
    let geometry: Geometry

    /// Takes from the snapshot what the request leaves open, and refuses what it cannot ask for. (EC2 API reference,
    /// `CreateVolume`: "SnapshotId", "Size", "Encrypted".)
    func complete(_ request: inout CreateVolumeRequest) throws {
        if request.sizeBytes == 0 { request.sizeBytes = geometry.volumeBytes }
        guard request.sizeBytes >= geometry.volumeBytes else {
            throw AWSError(
                .invalidParameterValue,
                "The volume would have \(request.sizeBytes) bytes, and snapshot '\(record.id)' has "
                    + "\(geometry.volumeBytes): a volume is at least as large as its snapshot."
            )
        }
        if record.isEncrypted {
            guard request.isEncrypted != false else {
                throw AWSError(
                    .invalidParameterValue,
                    "Snapshot '\(record.id)' is encrypted, and so is every volume made from it."
                )
            }
            request.isEncrypted = true
            if request.key == nil { request.key = KeyReference(record.kmsKeyARN.description) }
        }
        (request.dataUnitBytes, request.cipherName) = (geometry.dataUnitBytes, geometry.cipher.name)
    }

    /// The fill map of a volume that begins with this snapshot.
    func fillIdentity(_ volume: VolumeID, uuid: [UInt8]) -> FillMap.Identity {
        FillMap.Identity(
            volumeID: volume,
            uuid: uuid,
            snapshotID: record.id,
            blockCount: Int(SnapshotBlock.count(ofVolume: geometry.volumeBytes))
        )
    }
}

/// A snapshot whose manifest is authenticated, with its volume key.
final class OpenedSnapshot: Sendable {
    let manifest: AuthenticManifest
    let volumeKey: VolumeKey

    init(_ manifest: SnapshotManifest, _ volumeKey: consuming VolumeKey) throws(SnapshotError) {
        self.manifest = try manifest.authenticated(by: volumeKey)
        self.volumeKey = volumeKey
    }
}

extension VolumeService {
    /// The snapshot that a request names, complete; nil where it names none.
    func origin(of request: CreateVolumeRequest, _ caller: Caller) async throws -> SnapshotOrigin? {
        guard let reference = request.snapshot else { return nil }
        let record = try await permittedSnapshot(
            reference,
            to: "ec2:CreateVolume",
            on: [wildcard("volume", caller)],
            caller: caller
        )
        try requireCompleted(record)
        do {
            let manifest = try SnapshotStore(try openSnapshots()).manifest(record.id)
            return SnapshotOrigin(record: record, geometry: manifest.header.geometry)
        } catch let error as SnapshotError { throw error.awsError }
    }

    /// Has KMS unwrap a snapshot's volume key, and authenticates its manifest; that of a snapshot too that was removed
    /// while a volume was filled from it.
    func openSnapshot(_ id: SnapshotID, caller: Caller) async throws -> OpenedSnapshot {
        do {
            let manifest = try SnapshotManifest.kept(id, in: try openSnapshots())
            return try OpenedSnapshot(manifest, try await volumeKey(of: manifest.header, caller: caller))
        } catch let error as SnapshotError { throw error.awsError }
    }

    /// The volume key of a snapshot, which the KMS gives the caller.
    nonisolated func volumeKey(of header: ManifestHeader, caller: Caller) async throws -> VolumeKey {
        let wrapped = header.keySlot.wrapped
        let unwrapped = try await unwrapped(
            wrapped,
            context: wrapped.context,
            ifTampered:
                "the wrapped volume key of snapshot \(header.snapshotID) does not open under its context",
            caller: caller
        )
        return unwrapped.takeVolumeKey()
    }

    /// What an attachment of a volume that is not filled needs besides its header.
    func openFill(of header: VolumeHeader, caller: Caller) async throws -> OpenedFill? {
        guard header.isUnfilled, let id = header.parentSnapshot else {
            // A daemon that was killed as it had just filled the last block leaves the map.
            if unsafe unlink(paths.fillMap(header.volumeID)) == 0 { releaseRetiredSnapshots() }
            return nil
        }
        let opened: OpenedSnapshot
        do {
            opened = try await openSnapshot(id, caller: caller)
        } catch let error as AWSError {
            throw error.context("part of the volume is snapshot \(id) still")
        }
        return OpenedFill(
            parameters: FillParameters(
                snapshotID: id.text,
                snapshotsFolder: paths.snapshotsFolder,
                mapPath: paths.fillMap(header.volumeID)
            ),
            snapshot: opened
        )
    }

    // MARK: - Snapshots that are needed still

    /// Whether a volume is filled from a snapshot, or about to be, or a snapshot is written over it, here or by another
    /// process. What cannot be told counts as yes.
    func isBeingRead(_ id: SnapshotID) throws -> Bool { try neededSnapshots().contains(id) }

    /// What is needed at this moment.
    private func neededSnapshots() throws -> NeededSnapshots {
        // A snapshot that is not made of a volume may be put over any other: who makes it alone knows.
        let putOver = try catalog.snapshots().filter { $0.stage == .pending && $0.volume == nil }.map(\.id)
        var needed = NeededSnapshots(uploads: uploads, putOver: putOver)
        // Of volumes that the index has lost their fill maps tell.
        for name in try FolderNames.sorted(in: paths.volumesFolder) where name.hasSuffix(".fill") {
            let map = "\(paths.volumesFolder)/\(name)"
            guard FolderNames.exists("\(map.dropLast(5)).coffer") else { continue }
            if let parent = try? FillMap.snapshot(ofMapAt: map) {
                needed.parents.insert(parent)
            } else {
                needed.hasUnreadableMap = true
            }
        }
        for volume in try catalog.volumes() {
            guard let snapshot = volume.snapshot else { continue }
            let exists = unsafe access(paths.fillMap(volume.id), F_OK) == 0 || errno != ENOENT
            if exists || volume.stage == .creating { needed.parents.insert(snapshot) }
        }
        return needed
    }

    /// Removes what is left of snapshots that were removed, once nothing is filled from them. What cannot be removed now
    /// is the next one's.
    func releaseRetiredSnapshots() {
        guard unsafe access(paths.snapshotsFolder, F_OK) == 0, let folder = try? openSnapshots() else {
            return
        }
        let store = SnapshotStore(folder)
        let retired = (try? store.retiredIDs()) ?? []
        guard !retired.isEmpty, let needed = try? neededSnapshots() else { return }
        for id in retired where !needed.contains(id) {
            let lineage = try? SnapshotManifest(id, in: folder, isRetired: true).header.lineage
            try? store.remove(id)
            if let lineage { try? collect(lineage, store) }
        }
    }
}

/// The snapshots that somebody still needs the blocks of.
private struct NeededSnapshots {
    let uploads: PendingUploads
    /// Snapshots that are being made, over any others.
    let putOver: [SnapshotID]
    /// What volumes are filled from.
    var parents: Set<SnapshotID> = []
    /// Whether a volume is filled from nobody knows what.
    var hasUnreadableMap = false

    func contains(_ id: SnapshotID) -> Bool {
        uploads.needs(id) || hasUnreadableMap || parents.contains(id) || putOver.contains { $0 != id }
    }
}
