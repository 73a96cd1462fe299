internal import CofferBlock
internal import CofferCatalog
internal import CofferSecrets
public import CofferShapes
internal import CofferSnapshot
internal import Logging

/// What an imported snapshot is called.
public struct ImportSnapshotRequest: Sendable {
    /// The Name tag, as the command line gives it: refused where another snapshot has it.
    public var name: String?
    /// At most 255 characters.
    public var description: String
    public var tags: [Tag]

    public init(name: String? = nil, description: String = "", tags: [Tag] = []) {
        (self.name, self.description, self.tags) = (name, description, tags)
    }
}

/// Told how far a transfer is, from 0 to 1, by the thread that does it.
public typealias TransferProgress = @Sendable (Double) -> Void

// A snapshot from one home to another: self-contained, authenticated, and encrypted all the way. Whoever has the stream
// and no leave to use its KMS key has noise.
extension VolumeService {
    /// Writes a whole snapshot to a file, pipe or socket (docs/format.md, "The export stream"). The caller needs
    /// `kms:Decrypt` with its key: that the blocks are whole is proved on the way. The descriptor stays the caller's.
    public func exportSnapshot(
        _ reference: String,
        to descriptor: Int32,
        onProgress: @escaping TransferProgress = { _ in },
        caller: Caller
    ) async throws {
        let record = try await permittedSnapshot(reference, to: "ebs:GetSnapshotBlock", caller: caller)
        try requireCompleted(record)
        let opened = try await openSnapshot(record.id, caller: caller)
        let folder = try openSnapshots()
        let control = Self.control(onProgress)
        do {
            try await Self.offTheActor {
                let macKey = try opened.manifest.header.macKey(from: opened.volumeKey)
                try SnapshotReader(opened.manifest, in: folder).export(
                    to: descriptor,
                    macKey,
                    control: control
                )
            }
        } catch let error as SnapshotError {
            throw error.awsError.context("exporting snapshot \(record.label)")
        }
        note(resource: record.id.text, record.region, "exportSnapshot", "succeeded", cause: "")
    }

    /// Makes a snapshot of an exported one: all of it, or nothing. It gets an id of its own, and KMS moves its volume key
    /// to that one's context; the caller needs `kms:Decrypt` and `kms:ReEncrypt*` with the key that the stream names.
    /// What was changed or cut short on the way is refused.
    public func importSnapshot(
        from descriptor: Int32,
        _ request: ImportSnapshotRequest = ImportSnapshotRequest(),
        onProgress: @escaping TransferProgress = { _ in },
        caller: Caller
    ) async throws -> Snapshot {
        try await requirePermission("ec2:ImportSnapshot", on: [wildcard("snapshot", caller)], caller: caller)
        let tags = request.tags.named(request.name)
        try await requireTagging(tags, of: "snapshot", by: "ImportSnapshot", caller)
        try SnapshotRules.check(name: request.name, description: request.description, tags)
        let id = SnapshotID(random: SystemByteSource())
        let incoming: SnapshotImport
        do {
            incoming = try await Self.offTheActor { try SnapshotImport(from: descriptor, naming: id) }
        } catch let error as SnapshotError { throw error.awsError.context("importing a snapshot") }
        let key = incoming.header.keySlot.wrapped.keyARN
        var record = SnapshotRecord(
            id: id,
            volume: nil,
            sizeBytes: incoming.header.geometry.volumeBytes,
            region: region(of: caller),
            kmsKeyARN: key,
            isEncrypted: !key.isAWSOwnedKey,
            description: request.description,
            started: clock.now
        )
        record.tags = tags
        let imported = try await rewrapped(incoming.header, as: id, caller)
        // Held while it is stored, so that an import under way is told from one that a crash cut short.
        let lock = try runtime.lock(id)
        defer { runtime.giveUp(lock, of: id) }
        try catalog.insert(record, namesApart: request.name != nil)
        copying.insert(id)
        defer { copying.remove(id) }
        do {
            try await store(incoming, as: imported, Self.control(onProgress))
        } catch {
            // Nobody was told of it.
            try? discard(id)
            throw (error as? AWSError)?.context("importing a snapshot") ?? error
        }
        let now = try catalog.change(id) {
            ($0.stage, $0.failure, $0.completed) = (.completed, nil, clock.now)
        }
        note(resource: id.text, record.region, "importSnapshot", "succeeded", cause: "")
        logger.info("imported snapshot", metadata: ["snapshot": "\(id)"])
        return try describe([now ?? record])[0]
    }

    private func store(
        _ incoming: SnapshotImport,
        as imported: RewrappedManifest,
        _ control: JobControl
    ) async throws {
        let folder = try openSnapshots()
        try await Self.offTheActor {
            do throws(SnapshotError) {
                _ = try incoming.store(
                    as: imported.header,
                    imported.header.macKey(from: imported.volumeKey),
                    to: LineageWriter(imported.header.lineage, in: folder),
                    in: SnapshotStore(folder),
                    control: control
                )
            } catch { throw error.awsError }
        }
    }

    private static func control(_ onProgress: @escaping TransferProgress) -> JobControl {
        JobControl { progress in
            onProgress(Double(progress.blocksDone) / Double(max(1, progress.blocksTotal)))
        }
    }
}
