internal import CofferBlock
internal import CofferCatalog
public import CofferShapes
internal import CofferSnapshot
internal import Logging

/// What `copyVolumes` makes. The copy is under the KMS key that its source is under, with a volume key of its own.
public struct CopyVolumeRequest: Sendable {
    /// The volume: an id, the beginning of one, or a name.
    public var source: String
    /// The Name tag, as the command line gives it: refused where another volume has it.
    public var name: String?
    /// Never less than the source's; nil: the same.
    public var sizeBytes: UInt64?
    public var type: VolumeType = .gp3
    public var iops: Int?
    /// MiB/s.
    public var throughput: Int?
    public var tags: [Tag] = []
    /// Refused: a volume has one attachment.
    public var isMultiAttach = false
    /// The same again makes nothing: at most 64 ASCII characters.
    public var clientToken: String?

    public init(source: String, name: String? = nil) { (self.source, self.name) = (source, name) }
}

extension VolumeService {
    /// Makes a copy of a volume as it is at this moment, attached or not, and answers at once: it is `creating` while the
    /// moment's blocks are brought to safety, then `available`. It is of a snapshot that nobody sees afterwards, whose
    /// blocks stay until the copy has all of them under its own key. (`CopyVolumes`)
    public func copyVolume(
        _ request: CopyVolumeRequest,
        isDryRun: Bool = false,
        caller: Caller
    ) async throws -> Volume {
        let source = try await permitted(request.source, to: "ec2:CopyVolumes", caller: caller)
        try await requireCreation(
            creation(of: source, request),
            isEncrypted: source.isEncrypted,
            by: "CopyVolumes",
            caller
        )
        // A daemon that has just completed a snapshot is in nobody's way.
        let view = await settledView(source)
        try VolumeLifecycle.require(.snapshot, situation(source, view, isChanging: false))
        var plan: CreationPlan
        switch try beginCopy(of: source, request, isDryRun: isDryRun, caller) {
        case .made(let id): return try describe(existing(id))
        case .begun(let begun): plan = begun
        }
        do {
            let words = "Made for volume \(plan.record.id), a copy of \(source.id)."
            let snapshot = try await beginSnapshot(of: source.id, description: words, for: caller)
            plan.record = try catalog.change(plan.record.id) { $0.snapshot = snapshot.id }
            guard snapshot.sizeBytes <= plan.geometry.volumeBytes else {
                throw AWSError(
                    .incorrectState,
                    "volume \(source.label) has grown meanwhile",
                    hint: "try again"
                )
            }
        } catch {
            // The first error is the one to tell.
            try? catalog.removeVolume(plan.record.id, forgettingToken: true)
            discardSnapshot(of: plan.record)
            runtime.remove(plan.record.id)
            plan.lock.giveUp()
            throw error
        }
        afterwards { [plan] in await self.finishCopy(plan) }
        return try describe(plan.record)
    }

    private func beginCopy(
        of source: VolumeRecord,
        _ request: CopyVolumeRequest,
        isDryRun: Bool,
        _ caller: Caller
    ) throws -> CreationBeginning {
        let creation = creation(of: source, request)
        guard creation.sizeBytes >= source.sizeBytes else {
            throw AWSError(
                .invalidParameterValue,
                "The copy would have \(creation.sizeBytes) bytes, and volume '\(source.id)' has \(source.sizeBytes): a "
                    + "copy is at least as large."
            )
        }
        return try insert(
            creation,
            isEncrypted: source.isEncrypted,
            token: try NewVolume.token(creation, copying: source.id, region: source.region),
            origin: nil,
            isDryRun: isDryRun,
            caller
        ) { record in
            (record.sourceVolume, record.filesystem) = (source.id, source.filesystem)
            record.awaitsFilesystemGrowth = record.sizeBytes > source.sizeBytes
        }
    }

    /// The copy as a new volume that is asked for.
    private func creation(of source: VolumeRecord, _ request: CopyVolumeRequest) -> CreateVolumeRequest {
        var creation = CreateVolumeRequest(
            name: request.name,
            sizeBytes: request.sizeBytes ?? source.sizeBytes,
            isEncrypted: source.isEncrypted,
            key: KeyReference(source.kmsKeyARN.description),
            dataUnitBytes: source.dataUnitBytes,
            cipherName: source.cipherName
        )
        (creation.type, creation.iops, creation.throughput) = (request.type, request.iops, request.throughput)
        (creation.tags, creation.isMultiAttach) = (request.tags, request.isMultiAttach)
        creation.clientToken = request.clientToken
        return creation
    }

    /// Removes the snapshot that a copy of a volume was to begin with, where it is still there: nobody else has any use for
    /// it. What cannot be removed now is removed with the copy.
    func discardSnapshot(of copy: VolumeRecord) {
        guard copy.sourceVolume != nil, let id = copy.snapshot,
            (try? catalog.snapshot(id: id)) != nil
        else { return }
        do {
            try discard(id)
        } catch {
            logger.error("a copy's snapshot was not removed", metadata: ["error": "\(error)"])
        }
    }

    private func finishCopy(_ plan: CreationPlan) async {
        defer { plan.lock.giveUp() }
        guard let snapshot = plan.record.snapshot else { return }
        var plan = plan
        do {
            plan.origin = try await completedOrigin(snapshot)
            try await finish(plan)
        } catch {
            let error = (error as? SnapshotError)?.awsError ?? error
            giveUp(plan, cause: Self.cause(error, plan.record.kmsKeyARN))
        }
        discardSnapshot(of: plan.record)
    }

    /// The snapshot once it is complete.
    private func completedOrigin(_ id: SnapshotID) async throws -> SnapshotOrigin {
        while true {
            guard let record = try catalog.snapshot(id: id) else {
                throw AWSError(.snapshotNotFound, "The snapshot '\(id)' does not exist.")
            }
            let now = try describe([record])[0]
            switch now.state {
            case .completed:
                let manifest = try SnapshotStore(try openSnapshots()).manifest(id)
                return SnapshotOrigin(record: record, geometry: manifest.header.geometry)
            case .error:
                throw AWSError(.internalError, "the copying came to nothing: \(now.stateReason ?? "")")
            case .pending: try await Task.sleep(for: .milliseconds(20))
            }
        }
    }
}
