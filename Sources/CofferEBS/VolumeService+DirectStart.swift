internal import CofferBlock
internal import CofferCatalog
internal import CofferCrypto
internal import CofferSecrets
public import CofferShapes
internal import CofferSnapshot
internal import Logging

extension VolumeService {
    /// Begins a snapshot whose blocks the caller will write; it is `pending` until `completeSnapshot`. A parent gives it
    /// the blocks that are not written, and its key. (`StartSnapshot`)
    public func startSnapshot(
        _ request: StartSnapshotRequest,
        caller: Caller
    ) async throws -> StartedSnapshot {
        expireUploads()
        let parent = try await permittedStart(request, caller)
        let defaults = try catalog.encryptionDefaults(of: region(of: caller))
        try DirectRules.check(request, parent: parent, isEncryptedByDefault: defaults.isByDefault)
        let token = DirectRules.token(request, region: region(of: caller))
        if let token, let id = try catalog.snapshot(madeBy: token), let made = try catalog.snapshot(id: id) {
            return StartedSnapshot(snapshot: try describe([made])[0], parent: parent?.id)
        }
        try uploads.reserve()
        defer { uploads.release() }
        return try await begin(request, after: parent, defaults, token, caller)
    }

    /// Tags need leave to tag, as on AWS. (Service authorization reference, "Amazon Elastic Block Store".)
    private func permittedStart(
        _ request: StartSnapshotRequest,
        _ caller: Caller
    ) async throws -> SnapshotRecord? {
        var facts = ["ebs:VolumeSize": ["\(request.volumeSizeGiB)"]]
        if !request.description.isEmpty { facts["ebs:Description"] = [request.description] }
        if let parent = request.parent { facts["ebs:ParentSnapshot"] = [parent] }
        var start = ActionRequest("ebs:StartSnapshot", on: [wildcard("snapshot", caller)], facts: facts)
        start.add(requestTags: request.tags)
        var parent: SnapshotRecord?
        if let reference = request.parent {
            parent = try await permittedDirect(
                reference,
                to: start.action,
                on: start.resources,
                facts: start.facts,
                caller: caller
            )
        } else {
            try await authoriser.require(start, caller: caller)
        }
        try await requireTagging(request.tags, of: "snapshot", by: "StartSnapshot", caller)
        guard let parent else { return nil }
        guard try describe([parent])[0].state == .completed else {
            throw DirectError.validation(
                .invalidSnapshotID,
                "The parent snapshot '\(parent.id)' is not completed."
            )
        }
        return parent
    }

    private func begin(
        _ request: StartSnapshotRequest,
        after parent: SnapshotRecord?,
        _ defaults: EncryptionDefaults,
        _ token: ClientToken?,
        _ caller: Caller
    ) async throws -> StartedSnapshot {
        let id = SnapshotID(random: SystemByteSource())
        let plan: UploadPlan
        if let parent {
            plan = try await self.plan(id, after: parent, caller)
        } else {
            plan = try await self.plan(id, request, defaults, caller)
        }
        let now = clock.now
        let header: ManifestHeader
        do {
            header = try ManifestHeader(
                snapshotID: id,
                volumeID: nil,
                parent: parent?.id,
                volumeBytes: UInt64(request.volumeSizeGiB) << 30,
                dataUnitBytes: plan.dataUnitBytes,
                cipher: plan.cipher,
                key: plan.key,
                created: now
            )
        } catch { throw error.awsError }
        var record = SnapshotRecord(
            id: id,
            volume: nil,
            sizeBytes: header.geometry.volumeBytes,
            region: region(of: caller),
            kmsKeyARN: plan.key.wrapped.keyARN,
            isEncrypted: plan.isEncrypted,
            description: request.description,
            started: now
        )
        record.tags = request.tags
        // Held until it has a folder, so that it is told from one that a crash cut short.
        let lock = try runtime.lock(id)
        defer { runtime.giveUp(lock, of: id) }
        if let made = try catalog.insert(record, token: token) {
            // The same request, sent twice at once.
            guard let other = try catalog.snapshot(id: made) else { throw DirectError.notFound(made.text) }
            return StartedSnapshot(snapshot: try describe([other])[0], parent: parent?.id)
        }
        copying.insert(id)
        defer { copying.remove(id) }
        do {
            let content = try await Self.content(header, after: plan.parent, in: openSnapshots())
            uploads.insert(
                SnapshotUpload(
                    id,
                    in: record.region,
                    content,
                    timeoutMinutes: request.timeoutMinutes,
                    now: clock.now
                )
            )
        } catch {
            // Nobody was told of it.
            try? discard(id)
            throw error
        }
        keepExpiringUploads()
        logger.info("began snapshot", metadata: ["snapshot": "\(id)", "key": "\(record.kmsKeyARN)"])
        return StartedSnapshot(snapshot: try describe([record])[0], parent: parent?.id)
    }

    /// Where the blocks go: at once to where they belong where nobody else has that key, else to a place of their own, as
    /// other snapshots with the parent's key go on being made.
    private static func content(
        _ header: ManifestHeader,
        after parent: AuthenticManifest?,
        in folder: SnapshotFolder
    ) async throws -> any SnapshotContent {
        do {
            return try await offTheActor {
                let store = SnapshotStore(folder)
                if let parent { return try SnapshotStaging(header, after: parent, in: store) }
                let writer = try LineageWriter(header.lineage, in: folder)
                return try SnapshotAssembly(header, after: nil, to: writer, in: store)
            }
        } catch let error as SnapshotError { throw error.awsError }
    }

    // MARK: - Keys

    /// What the blocks of a new snapshot will be under.
    private struct UploadPlan: Sendable {
        let key: SnapshotKey
        let isEncrypted: Bool
        var dataUnitBytes = 4096
        var cipher = Geometry.Cipher.aes256XTS
        var parent: AuthenticManifest?
    }

    /// A volume key of its own. That the caller may use it too shows now, and not at the first block.
    private func plan(
        _ id: SnapshotID,
        _ request: StartSnapshotRequest,
        _ defaults: EncryptionDefaults,
        _ caller: Caller
    ) async throws -> UploadPlan {
        let isEncrypted = request.isEncrypted ?? defaults.isByDefault
        let service = caller.through(orKeeping: .ebs)
        let key: KeyMetadata
        if isEncrypted {
            let reference = request.key ?? defaults.key.map { KeyReference($0.description) }
            do {
                key = try await usableKey(reference, caller: service)
            } catch let error as AWSError where error.code == .invalidParameterValue {
                throw DirectError.validation(.invalidCustomerKey, error.message)
            }
        } else {
            key = try await keys.owned.awsManagedKey(of: .ebs, caller: service)
        }
        let made = try await makeVolumeKey(under: key.arn, context: .snapshot(id), caller: caller)
        let fresh = SnapshotKey(fresh: made.wrapped, created: clock.now, random: SystemByteSource())
        return UploadPlan(key: fresh, isEncrypted: isEncrypted)
    }

    /// The parent's volume key, wrapped for the child.
    private func plan(
        _ id: SnapshotID,
        after parent: SnapshotRecord,
        _ caller: Caller
    ) async throws -> UploadPlan {
        let opened = try await openDirect(parent, caller: caller).opened
        let child = try await rewrapped(opened.manifest.header, as: id, caller).header
        return UploadPlan(
            key: child.key,
            isEncrypted: parent.isEncrypted,
            dataUnitBytes: child.geometry.dataUnitBytes,
            cipher: child.geometry.cipher,
            parent: opened.manifest
        )
    }
}
