internal import CofferBlock
internal import CofferCatalog
internal import CofferCrypto
internal import CofferSecrets
public import CofferShapes
internal import CofferSnapshot
internal import Logging

/// What `copySnapshot` makes.
public struct CopySnapshotRequest: Sendable {
    /// The snapshot: an id, the beginning of one, or a name.
    public var source: String
    /// nil: the source's own key.
    public var key: KeyReference?
    /// The Name tag, as the command line gives it: refused where another snapshot has it.
    public var name: String?
    /// At most 255 characters.
    public var description: String
    public var tags: [Tag]

    public init(
        source: String,
        key: KeyReference? = nil,
        name: String? = nil,
        description: String = "",
        tags: [Tag] = []
    ) {
        (self.source, self.key, self.name) = (source, key, name)
        (self.description, self.tags) = (description, tags)
    }
}

extension VolumeService {
    /// Copies a snapshot, which is `pending` while that goes on; it ends with this process. Under the same KMS key a copy
    /// names the same blocks and costs next to nothing. Under another one it gets a volume key of its own, and every
    /// block is encrypted anew: who has the old KMS key alone reads nothing of it. (`CopySnapshot`)
    public func copySnapshot(
        _ request: CopySnapshotRequest,
        isDryRun: Bool = false,
        caller: Caller
    ) async throws -> Snapshot {
        let source = try await permittedSnapshot(
            request.source,
            to: "ec2:CopySnapshot",
            on: [wildcard("snapshot", caller)],
            caller: caller
        )
        let tags = request.tags.named(request.name)
        try SnapshotRules.check(name: request.name, description: request.description, tags)
        try requireCompleted(source)
        var target: ARN?
        if let key = request.key {
            target = try await usableKey(key, caller: caller.through(.ebs)).arn
        }
        if isDryRun { throw AWSError.dryRunSucceeds }
        var record = SnapshotRecord(
            id: SnapshotID(random: SystemByteSource()),
            volume: nil,
            sizeBytes: source.sizeBytes,
            region: source.region,
            kmsKeyARN: target ?? source.kmsKeyARN,
            isEncrypted: source.isEncrypted || target != nil,
            description: request.description,
            started: clock.now
        )
        record.tags = tags
        try catalog.insert(record, namesApart: request.name != nil)
        copying.insert(record.id)
        afterwards { [record] in await self.finishCopy(of: source, as: record, caller) }
        return try describe([record])[0]
    }

    private func finishCopy(of source: SnapshotRecord, as record: SnapshotRecord, _ caller: Caller) async {
        defer { copying.remove(record.id) }
        do {
            if record.kmsKeyARN == source.kmsKeyARN {
                try await copyUnderSameKey(source, record, caller)
            } else {
                try await copyUnderOtherKey(source, record, caller)
            }
            // Whoever looked before it had a folder may have taken it for one that was interrupted.
            try catalog.change(record.id) {
                ($0.stage, $0.failure, $0.completed) = (.completed, nil, clock.now)
            }
            note(resource: record.id.text, record.region, "copySnapshot", "succeeded", cause: "")
            logger.info("copied snapshot", metadata: ["snapshot": "\(record.id)", "source": "\(source.id)"])
        } catch {
            let error = (error as? SnapshotError)?.awsError ?? error
            let cause = Self.cause(error, record.kmsKeyARN)
            _ = try? catalog.change(record.id) { ($0.stage, $0.failure) = (.failed, cause) }
            note(resource: record.id.text, record.region, "copySnapshot", "failed", cause: cause)
        }
    }

    /// The same volume key, wrapped for the copy; KMS moves it from the one context to the other.
    private func copyUnderSameKey(
        _ source: SnapshotRecord,
        _ record: SnapshotRecord,
        _ caller: Caller
    ) async throws {
        let opened = try await openSnapshot(source.id, caller: caller)
        let old = opened.manifest.header.keySlot.wrapped
        let context = EncryptionContext.snapshot(record.id)
        let reference = KeyReference(old.keyARN.description)
        let answer = try await keys.service(of: old.keyARN).reEncrypt(
            old.blob,
            sourceKey: reference,
            sourceContext: old.context,
            destinationKey: reference,
            destinationContext: context,
            caller: caller.through(.ebs)
        )
        guard let wrapped = WrappedVolumeKey(keyARN: answer.keyARN, blob: answer.blob, context: context)
        else {
            throw AWSError(.internalError, "the wrapped volume key does not fit a manifest")
        }
        let key = opened.manifest.header.key.rewrapped(wrapped, created: clock.now)
        let header = try Self.header(of: record, like: opened.manifest.header, key)
        let store = SnapshotStore(try openSnapshots())
        try await Self.offTheActor {
            _ = try store.copy(opened.manifest, as: header, header.macKey(from: opened.volumeKey))
        }
    }

    private func copyUnderOtherKey(
        _ source: SnapshotRecord,
        _ record: SnapshotRecord,
        _ caller: Caller
    ) async throws {
        let opened = try await openSnapshot(source.id, caller: caller)
        let context = EncryptionContext.snapshot(record.id)
        let service = caller.through(.ebs)
        let made = try await keys.kms.generateDataKeyWithoutPlaintext(
            count: VolumeKey.count,
            key: KeyReference(record.kmsKeyARN.description),
            context: context,
            caller: service
        )
        let fresh = try await unwrap(made.blob, key: made.keyARN, context: context, caller: service)
        guard let wrapped = WrappedVolumeKey(keyARN: made.keyARN, blob: made.blob, context: context) else {
            throw AWSError(.internalError, "the wrapped volume key does not fit a manifest")
        }
        let random = SystemByteSource()
        let key = SnapshotKey(
            wrapped: wrapped,
            uuid: random.bytes(16),
            salt: random.bytes(32),
            keyEpoch: 0,
            created: clock.now
        )
        let header = try Self.header(of: record, like: opened.manifest.header, key)
        let target = FreshKey(fresh)
        let folder = try openSnapshots()
        try await Self.offTheActor {
            _ = try SnapshotStore(folder).reencrypt(
                SnapshotReader(opened.manifest, in: folder),
                opened.volumeKey,
                as: header,
                target.value,
                to: LineageWriter(header.lineage, in: folder)
            )
        }
    }

    private static func header(
        of record: SnapshotRecord,
        like source: ManifestHeader,
        _ key: SnapshotKey
    ) throws(SnapshotError) -> ManifestHeader {
        try ManifestHeader(
            snapshotID: record.id,
            volumeID: nil,
            parent: nil,
            volumeBytes: source.geometry.volumeBytes,
            dataUnitBytes: source.geometry.dataUnitBytes,
            cipher: source.geometry.cipher,
            key: key,
            created: source.created
        )
    }

    /// Long work on files: others are answered meanwhile.
    private static func offTheActor(_ body: @escaping @Sendable () throws -> Void) async throws {
        try await Task.detached { try body() }.value
    }
}

/// A volume key that another thread uses.
private final class FreshKey: Sendable {
    let value: VolumeKey

    init(_ value: consuming VolumeKey) { self.value = value }
}
