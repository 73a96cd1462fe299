internal import CofferBlock
internal import CofferCatalog
internal import CofferCrypto
internal import CofferSecrets
public import CofferShapes
internal import CofferSnapshot
internal import CofferSystem
internal import Glibc
internal import Logging

extension VolumeService {
    /// Makes an encrypted volume: a sparse file whose header holds the volume key, wrapped by the KMS key. Returns when
    /// it is there; what goes wrong is thrown and leaves nothing. (`CreateVolume`)
    public func createVolume(_ request: CreateVolumeRequest, caller: Caller) async throws -> Volume {
        switch try await beginCreation(request, isDryRun: false, caller: caller) {
        case .made(let id): return try describe(existing(id))
        case .begun(let plan):
            defer { plan.lock.giveUp() }
            do {
                try await finish(plan)
            } catch {
                unsafe unlink(paths.file(plan.record.id))
                unsafe unlink(paths.fillMap(plan.record.id))
                // The first error is the one to tell.
                try? catalog.removeVolume(plan.record.id, forgettingToken: true)
                runtime.remove(plan.record.id)
                note(plan.record, "createVolume", "failed", cause: Self.cause(error, plan.record.kmsKeyARN))
                throw error
            }
            return try describe(existing(plan.record.id))
        }
    }

    /// As `createVolume`, but answers at once: the volume is `creating`, and then `available` or `error`. As on AWS a
    /// KMS key that cannot be used shows only then, with an event that names it.
    public func beginCreateVolume(
        _ request: CreateVolumeRequest,
        isDryRun: Bool = false,
        caller: Caller
    ) async throws -> Volume {
        switch try await beginCreation(request, isDryRun: isDryRun, caller: caller) {
        case .made(let id): return try describe(existing(id))
        case .begun(var plan):
            if plan.record.isEncrypted, let key = try? await usableKey(plan) {
                plan.record.kmsKeyARN = key.arn
                try catalog.change(plan.record.id) { $0.kmsKeyARN = key.arn }
            }
            let volume = try describe(existing(plan.record.id))
            afterwards { [plan] in await self.finishUnwatched(plan) }
            return volume
        }
    }

    func existing(_ id: VolumeID) throws -> VolumeRecord {
        guard let record = try catalog.volume(id: id) else {
            throw AWSError(.volumeNotFound, "The volume '\(id)' does not exist.")
        }
        return record
    }

    // MARK: - Steps

    /// A volume that is on the index and nowhere else yet.
    struct CreationPlan: Sendable {
        var record: VolumeRecord
        let geometry: Geometry
        /// nil: the AWS managed key.
        let key: KeyReference?
        /// Held while the volume is made, so that a creation under way is told from one that a crash cut short.
        let lock: OperationLock
        /// What the volume begins with.
        var origin: SnapshotOrigin?
        let caller: Caller
    }

    enum CreationBeginning {
        case begun(CreationPlan)
        /// The same request made it before.
        case made(VolumeID)
    }

    private func beginCreation(
        _ request: CreateVolumeRequest,
        isDryRun: Bool,
        caller: Caller
    ) async throws -> CreationBeginning {
        let region = region(of: caller)
        let defaults = try catalog.encryptionDefaults(of: region)
        let origin = try await origin(of: request, caller)
        var request = request
        if let origin { try origin.complete(&request) }
        try await requireCreation(
            request,
            isEncrypted: request.isEncrypted == true || defaults.isByDefault,
            caller
        )
        let isEncrypted = try NewVolume.isEncrypted(request, defaults)
        // The token is of what was asked for.
        let token = try NewVolume.token(request, region: region)
        if request.key == nil { request.key = defaults.key.map { KeyReference($0.description) } }
        return try insert(
            request,
            isEncrypted: isEncrypted,
            token: token,
            origin: origin,
            isDryRun: isDryRun,
            caller
        ) { record in
            record.snapshot = origin?.record.id
            // Whatever filesystem the snapshot has.
            record.awaitsFilesystemGrowth =
                origin.map { record.sizeBytes > $0.geometry.volumeBytes } ?? false
        }
    }

    /// Puts a new volume on the index, `creating`, unless its token has made one before. `fill` adds what the request does
    /// not say.
    func insert(
        _ request: CreateVolumeRequest,
        isEncrypted: Bool,
        token: ClientToken?,
        origin: SnapshotOrigin?,
        isDryRun: Bool,
        _ caller: Caller,
        _ fill: (inout VolumeRecord) -> Void
    ) throws -> CreationBeginning {
        let region = region(of: caller)
        let geometry = try NewVolume.geometry(request)
        try NewVolume.check(request, region: region)
        let shape = try VolumeLimits.shape(
            request.type,
            sizeBytes: geometry.volumeBytes,
            iops: request.iops,
            throughput: request.throughput
        )
        if isDryRun { throw AWSError.dryRunSucceeds }
        let id = VolumeID(random: SystemByteSource())
        var record = VolumeRecord(
            id: id,
            sizeBytes: geometry.volumeBytes,
            dataUnitBytes: geometry.dataUnitBytes,
            cipherName: geometry.cipher.name,
            kmsKeyARN: try NewVolume.keyARN(request.key, region: region, account: identity.account),
            created: clock.now,
            region: region
        )
        (record.type, record.iops, record.throughput) = (shape.type, shape.iops, shape.throughput)
        record.isEncrypted = isEncrypted
        record.tags = NewVolume.tags(request)
        fill(&record)
        let lock = try runtime.lock(id)
        do {
            if let made = try catalog.insert(record, token: token, namesApart: request.name != nil) {
                runtime.remove(id)
                return .made(made)
            }
        } catch {
            runtime.remove(id)
            throw error
        }
        let plan = CreationPlan(
            record: record,
            geometry: geometry,
            key: request.key,
            lock: lock,
            origin: origin,
            caller: caller
        )
        return .begun(plan)
    }

    func requireCreation(
        _ request: CreateVolumeRequest,
        isEncrypted: Bool,
        by name: String = "CreateVolume",
        _ caller: Caller
    ) async throws {
        var action = ActionRequest("ec2:\(name)", on: [wildcard("volume", caller)])
        action.facts = [
            "ec2:VolumeSize": ["\(VolumeLimits.gibibytes(request.sizeBytes))"],
            "ec2:VolumeType": [request.type.rawValue],
            "ec2:Encrypted": ["\(isEncrypted)"],
            "ec2:AvailabilityZone": [region(of: caller).zone],
        ]
        if let iops = request.iops { action.facts["ec2:VolumeIops"] = ["\(iops)"] }
        if let throughput = request.throughput { action.facts["ec2:VolumeThroughput"] = ["\(throughput)"] }
        if let key = request.key { action.facts["ec2:KmsKeyId"] = [key.description] }
        let tags = NewVolume.tags(request)
        action.add(requestTags: tags)
        try await authoriser.require(action, caller: caller)
        try await requireTagging(tags, of: "volume", by: name, caller)
    }

    private func finishUnwatched(_ plan: CreationPlan) async {
        defer { plan.lock.giveUp() }
        do {
            try await finish(plan)
        } catch {
            let cause = Self.cause(error, plan.record.kmsKeyARN)
            giveUp(plan, cause: cause)
        }
    }

    /// Leaves a volume whose creation failed in `error`, with nothing but its record.
    func giveUp(_ plan: CreationPlan, cause: String) {
        unsafe unlink(paths.file(plan.record.id))
        unsafe unlink(paths.fillMap(plan.record.id))
        note(plan.record, "createVolume", "failed", cause: cause)
        do {
            try catalog.change(plan.record.id) { ($0.stage, $0.failure) = (.failed, cause) }
        } catch {
            // Without the lock, it counts as a creation that was interrupted.
            logger.error("a failed creation was not noted", metadata: ["error": "\(error)"])
        }
    }

    func finish(_ plan: CreationPlan) async throws {
        let id = plan.record.id
        let key = try await usableKey(plan)
        // The header's code needs the key once.
        let (wrapped, volumeKey) = try await makeVolumeKey(
            under: key.arn,
            context: .volume(id),
            caller: plan.caller
        )
        if let origin = plan.origin {
            // Whoever may not read the snapshot gets no volume of it, and one that is damaged shows now.
            _ = try await openSnapshot(origin.record.id, caller: plan.caller)
        }
        try writeNewVolume(id, plan.geometry, wrapped, volumeKey.value, origin: plan.origin)
        if let origin = plan.origin {
            // Whoever removed it a moment ago did not see that it is needed; from now on everybody does.
            do {
                _ = try SnapshotManifest.kept(origin.record.id, in: try openSnapshots())
            } catch let error as SnapshotError { throw error.awsError }
        }
        try catalog.change(id) { ($0.stage, $0.kmsKeyARN) = (.ready, wrapped.keyARN) }
        note(plan.record, "createVolume", "available")
        logger.info("created volume", metadata: ["volume": "\(id)", "key": "\(key.arn)"])
    }

    private func usableKey(_ plan: CreationPlan) async throws -> KeyMetadata {
        let service = plan.caller.through(orKeeping: .ebs)
        guard plan.record.isEncrypted else {
            return try await keys.owned.awsManagedKey(of: .ebs, caller: service)
        }
        return try await usableKey(plan.key, caller: service)
    }

    /// The metadata of a KMS key that can wrap volume keys; nil stands for the AWS managed key. Its state is KMS's to
    /// judge, at its use.
    func usableKey(_ reference: KeyReference?, caller: Caller) async throws -> KeyMetadata {
        let key =
            if let reference {
                try await keys.kms.describeKey(reference, caller: caller)
            } else {
                try await keys.kms.awsManagedKey(of: .ebs, caller: caller)
            }
        guard key.spec.isSymmetricEncryption, key.usage == .encryptDecrypt else {
            throw AWSError(
                .invalidParameterValue,
                "The KMS key \(key.arn) is of the spec \(key.spec.rawValue): EBS takes symmetric encryption keys only."
            )
        }
        return key
    }

    private func writeNewVolume(
        _ id: VolumeID,
        _ geometry: Geometry,
        _ wrapped: WrappedVolumeKey,
        _ volumeKey: borrowing VolumeKey,
        origin: SnapshotOrigin?
    ) throws {
        let path = paths.file(id)
        let store: FileBlockStore
        let mark: RollbackMark
        do {
            store = try FileBlockStore(path: path, .create)
        } catch {
            throw Self.error(error, "making \(path)")
        }
        do {
            let made = try VolumeImage.create(
                in: store,
                VolumePlan(
                    volumeID: id,
                    geometry: geometry,
                    wrapped: wrapped,
                    parentSnapshot: origin?.record.id,
                    isUnfilled: origin != nil
                ),
                volumeKey: volumeKey,
                clock: clock
            )
            mark = made.header.mark
            if let origin {
                try FillMap.create(path: paths.fillMap(id), origin.fillIdentity(id, uuid: made.header.uuid))
            }
        } catch let error as BlockError {
            throw Self.error(error, "making the fill map of volume \(id)")
        } catch let error as HeaderError {
            throw error.awsError.context("making volume \(id)")
        }
        try paths.syncVolumesFolder()
        try catalog.setMark(mark, of: id)
    }

    /// Why something failed, in an event's words: the KMS key is always named, and its state called as EC2 does.
    /// (EBS user guide, "Amazon EventBridge events for Amazon EBS".)
    static func cause(_ error: any Error, _ key: ARN) -> String {
        guard let error = error as? AWSError else { return "\(error)" }
        let words = error.message.isEmpty ? error.code.name : error.message
        // KMS's codes end so, and EC2's do not.
        guard error.code.name.hasSuffix("Exception") else { return words }
        let isKeyState = [.disabled, .kmsInvalidState, .notFound].contains(error.code)
        return (isKeyState ? "Client.InvalidKmsKey.InvalidKeyState: " : "") + words
            + (words.contains(key.description) ? "" : " (KMS key \(key))")
    }
}
