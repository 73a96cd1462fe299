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
    /// Where it is; nil: the caller's region.
    public var sourceRegion: Region?
    /// nil: as the source is, or as the region encrypts by default.
    public var isEncrypted: Bool?
    /// nil: the source's own key, or the region's default key for one that comes from another region or is not encrypted.
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
        isEncrypted = key == nil ? nil : true
    }
}

extension VolumeService {
    /// Copies a snapshot, which is `pending` while that goes on; it ends with this process. Under the same KMS key a copy
    /// names the same blocks and costs next to nothing. Under another one it gets a volume key of its own, and every
    /// block is encrypted anew: who has the old KMS key alone reads nothing of it. A KMS key that cannot be used is
    /// refused.
    public func copySnapshot(_ request: CopySnapshotRequest, caller: Caller) async throws -> Snapshot {
        if let key = request.key { _ = try await usableKey(key, caller: caller.through(orKeeping: .ebs)) }
        return try await beginCopySnapshot(request, caller: caller)
    }

    /// As `copySnapshot`, but as on AWS a KMS key that cannot be used shows in the copy, which is in `error` then.
    /// (`CopySnapshot`)
    public func beginCopySnapshot(
        _ request: CopySnapshotRequest,
        isDryRun: Bool = false,
        caller: Caller
    ) async throws -> Snapshot {
        let source = try await permittedSnapshot(
            request.source,
            in: request.sourceRegion,
            to: "ec2:CopySnapshot",
            on: [wildcard("snapshot", caller)],
            caller: caller
        )
        let tags = request.tags.named(request.name)
        try await requireTagging(tags, of: "snapshot", by: "CopySnapshot", caller)
        try SnapshotRules.check(name: request.name, description: request.description, tags)
        try requireCompleted(source)
        let target = try targetKey(of: request, source, caller)
        if isDryRun { throw AWSError.dryRunSucceeds }
        var record = SnapshotRecord(
            id: SnapshotID(random: SystemByteSource()),
            volume: nil,
            sizeBytes: source.sizeBytes,
            region: region(of: caller),
            kmsKeyARN: try await target.foreseenARN(self, caller),
            isEncrypted: target.isEncrypted,
            description: request.description,
            started: clock.now
        )
        record.tags = tags
        // Held while it is copied, so that a copy under way is told from one that a crash cut short.
        let lock = try runtime.lock(record.id)
        do {
            try catalog.insert(record, namesApart: request.name != nil)
        } catch {
            runtime.giveUp(lock, of: record.id)
            throw error
        }
        copying.insert(record.id)
        afterwards { [record] in
            await self.finishCopy(of: source, as: record, target, caller)
            await self.runtime.giveUp(lock, of: record.id)
        }
        return try describe([record])[0]
    }

    /// The key of a copy. (EBS user guide, "Encryption and snapshot copying".)
    private func targetKey(
        of request: CopySnapshotRequest,
        _ source: SnapshotRecord,
        _ caller: Caller
    ) throws -> CopyKey {
        let region = region(of: caller)
        let defaults = try catalog.encryptionDefaults(of: region)
        guard request.isEncrypted != false || !source.isEncrypted else {
            throw AWSError(
                .invalidParameterValue,
                "Snapshot '\(source.id)' is encrypted, and so is every copy of it."
            )
        }
        guard source.isEncrypted || request.isEncrypted == true || defaults.isByDefault else {
            guard request.key == nil else {
                throw AWSError(
                    .invalidParameterDependency,
                    "The parameter KmsKeyId requires the parameter Encrypted to be set."
                )
            }
            return .same(source)
        }
        if let key = request.key { return .other(key) }
        if source.isEncrypted && source.region == region { return .same(source) }
        return .other(defaults.key.map { KeyReference($0.description) })
    }

    /// The KMS key of a copy.
    private enum CopyKey: Sendable {
        case same(SnapshotRecord)
        /// nil: the AWS managed key.
        case other(KeyReference?)

        var isEncrypted: Bool {
            switch self {
            case .same(let source): source.isEncrypted
            case .other: true
            }
        }

        /// The key's ARN, or what is known of it where KMS does not tell.
        func foreseenARN(_ service: isolated VolumeService, _ caller: Caller) async throws -> ARN {
            switch self {
            case .same(let source): return source.kmsKeyARN
            case .other(let key):
                if let found = try? await service.usableKey(key, caller: caller.through(orKeeping: .ebs)) {
                    return found.arn
                }
                return try NewVolume.keyARN(
                    key,
                    region: service.region(of: caller),
                    account: service.identity.account
                )
            }
        }
    }

    private func finishCopy(
        of source: SnapshotRecord,
        as record: SnapshotRecord,
        _ target: CopyKey,
        _ caller: Caller
    ) async {
        defer { copying.remove(record.id) }
        var record = record
        do {
            if case .other(let key) = target {
                record.kmsKeyARN = try await usableKey(key, caller: caller.through(orKeeping: .ebs)).arn
            }
            if record.kmsKeyARN == source.kmsKeyARN {
                try await copyUnderSameKey(source, record, caller)
            } else {
                try await copyUnderOtherKey(source, record, caller)
            }
            // Whoever looked before it had a folder may have taken it for one that was interrupted.
            try catalog.change(record.id) {
                ($0.stage, $0.failure, $0.completed) = (.completed, nil, clock.now)
                $0.kmsKeyARN = record.kmsKeyARN
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

    /// The same volume key, wrapped for the copy.
    private func copyUnderSameKey(
        _ source: SnapshotRecord,
        _ record: SnapshotRecord,
        _ caller: Caller
    ) async throws {
        let opened = try await openSnapshot(source.id, caller: caller)
        let copy = try await rewrapped(opened.manifest.header, as: record.id, caller)
        let store = SnapshotStore(try openSnapshots())
        try await Self.offTheActor {
            _ = try store.copy(
                opened.manifest,
                as: copy.header,
                copy.header.macKey(from: copy.volumeKey)
            )
        }
    }

    /// The header of a snapshot that has another one's blocks, and their key: KMS moves that from the one context to the
    /// other.
    func rewrapped(
        _ source: ManifestHeader,
        as id: SnapshotID,
        _ caller: Caller
    ) async throws -> RewrappedManifest {
        let old = source.keySlot.wrapped
        let context = EncryptionContext.snapshot(id)
        let reference = KeyReference(old.keyARN.description)
        let answer = try await keys.service(of: old.keyARN).reEncrypt(
            old.blob,
            sourceKey: reference,
            sourceContext: old.context,
            destinationKey: reference,
            destinationContext: context,
            caller: caller.through(orKeeping: .ebs)
        )
        guard let wrapped = WrappedVolumeKey(keyARN: answer.keyARN, blob: answer.blob, context: context)
        else {
            throw AWSError(.internalError, "the wrapped volume key does not fit a manifest")
        }
        let volumeKey = try await unwrap(
            wrapped.blob,
            key: wrapped.keyARN,
            context: context,
            caller: caller.through(orKeeping: .ebs)
        )
        let key = source.key.rewrapped(wrapped, created: clock.now)
        do {
            return RewrappedManifest(try Self.header(of: id, like: source, key), volumeKey)
        } catch { throw error.awsError }
    }

    private func copyUnderOtherKey(
        _ source: SnapshotRecord,
        _ record: SnapshotRecord,
        _ caller: Caller
    ) async throws {
        var reader = caller
        reader.region = source.region
        let opened = try await openSnapshot(source.id, caller: reader)
        let (wrapped, target) = try await makeVolumeKey(
            under: record.kmsKeyARN,
            context: .snapshot(record.id),
            caller: caller
        )
        let key = SnapshotKey(fresh: wrapped, created: clock.now, random: SystemByteSource())
        let header = try Self.header(of: record.id, like: opened.manifest.header, key)
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
        of id: SnapshotID,
        like source: ManifestHeader,
        _ key: SnapshotKey
    ) throws(SnapshotError) -> ManifestHeader {
        try ManifestHeader(
            snapshotID: id,
            volumeID: nil,
            parent: nil,
            volumeBytes: source.geometry.volumeBytes,
            dataUnitBytes: source.geometry.dataUnitBytes,
            cipher: source.geometry.cipher,
            key: key,
            created: source.created
        )
    }
}

/// A header that names another snapshot's blocks, with the volume key that they are under.
final class RewrappedManifest: Sendable {
    let header: ManifestHeader
    let volumeKey: VolumeKey

    init(_ header: ManifestHeader, _ volumeKey: consuming VolumeKey) {
        self.header = header
        self.volumeKey = volumeKey
    }
}
