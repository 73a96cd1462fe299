internal import CofferBlock
internal import CofferCatalog
public import CofferShapes
internal import Logging

extension VolumeService {
    /// Makes a volume larger, or changes its type or what is provisioned for it; never smaller. Returns when it is done.
    /// A filesystem that `mount` made grows too: at once where it is mounted, else when it is mounted next.
    /// (`ModifyVolume`)
    public func modifyVolume(
        _ reference: String,
        _ request: ModifyVolumeRequest,
        caller: Caller
    ) async throws -> VolumeModification {
        let begun = try await beginModification(
            reference,
            request,
            waits: true,
            isDryRun: false,
            caller: caller
        )
        return try await finish(begun).answer
    }

    /// As `modifyVolume`, but answers at once, `modifying`. `describeVolumesModifications` tells how it ends.
    public func beginModifyVolume(
        _ reference: String,
        _ request: ModifyVolumeRequest,
        isDryRun: Bool = false,
        caller: Caller
    ) async throws -> VolumeModification {
        let begun = try await beginModification(
            reference,
            request,
            waits: false,
            isDryRun: isDryRun,
            caller: caller
        )
        afterwards {
            // The modification and the event tell of it.
            _ = try? await self.finish(begun)
        }
        return begun.modification.answer
    }

    /// The newest modification of each volume that was ever modified, or of those asked for:
    /// InvalidVolumeModification.NotFound for one that never was. (`DescribeVolumesModifications`)
    public func describeVolumesModifications(
        _ query: ResourceQuery,
        isDryRun: Bool = false,
        caller: Caller
    ) async throws -> Listing<VolumeModification> {
        try await requirePermission("ec2:DescribeVolumesModifications", isDryRun: isDryRun, caller: caller)
        let filters = try FilterSet(query.filters, knowing: ModificationFilters.names)
        let volumes = try catalog.volumes(in: region(of: caller))
        let wanted = Set(
            (query.ids.isEmpty ? volumes : try Self.named(query.ids, among: volumes)).map(\.id)
        )
        let found = try catalog.newestModifications().filter { wanted.contains($0.volume) }.map {
            modification in
            runtime.isLocked(modification.volume) ? modification : settled(modification)
        }
        if !query.ids.isEmpty, let missing = wanted.subtracting(found.map(\.volume)).map(\.text).min() {
            throw AWSError(.modificationNotFound, "Modification for volume '\(missing)' does not exist.")
        }
        let answers = found.map(\.answer).filter { modification in
            filters.match { ModificationFilters.values(of: $0, modification) }
        }
        return try ResourcePages(1...500).part(answers, query, filters) { (0, $0.volumeID.text) }
    }

    // MARK: - Steps

    private struct Begun: Sendable {
        let record: VolumeRecord
        var modification: ModificationRecord
        let lock: OperationLock
        let caller: Caller
    }

    private func beginModification(
        _ reference: String,
        _ request: ModifyVolumeRequest,
        waits: Bool,
        isDryRun: Bool,
        caller: Caller
    ) async throws -> Begun {
        let found = try await permitted(reference, to: "ec2:ModifyVolume", isDryRun: isDryRun, caller: caller)
        if !waits, let running = try catalog.newestModification(of: found.id), running.state.isRunning,
            runtime.isLocked(found.id)
        {
            throw AWSError(
                .incorrectModificationState,
                "Volume \(found.id) is currently being modified. Wait for the volume modification to complete, and then "
                    + "try again."
            )
        }
        let (record, lock) = try await locked(found.id, for: .modify, waits: waits)
        let target = try Self.target(of: request, record)
        // Under the lock nobody else modifies it: what seems to run was cut short.
        if let running = try catalog.newestModification(of: record.id), running.state.isRunning {
            try catalog.update(settled(running))
        }
        let modification = try catalog.begin(
            ModificationRecord(volume: record.id, original: record.shape, target: target, started: clock.now)
        )
        return Begun(record: record, modification: modification, lock: lock, caller: caller)
    }

    private func finish(_ begun: Begun) async throws -> ModificationRecord {
        defer { begun.lock.giveUp() }
        let (record, target) = (begun.record, begun.modification.target)
        var modification = begun.modification
        do {
            let view = inspect(record)
            let isAttached = view.state != .detached
            if target.sizeBytes > record.sizeBytes {
                if isAttached {
                    try await growAttached(record, view, toBytes: target.sizeBytes)
                } else {
                    try await growDetached(record, toBytes: target.sizeBytes, caller: begun.caller)
                }
            }
            if view.state == .attached || view.state == .faulted {
                try await applyLimits(record, target)
            }
            (modification.state, modification.progress) = (.optimizing, 99)
            try catalog.update(modification) { volume in
                volume.take(sizeBytes: target.sizeBytes)
                volume.type = target.type
                (volume.iops, volume.throughput) = (target.iops, target.throughput)
            }
            modification.statusMessage = await growMounted(record, view)
            (modification.state, modification.progress) = (.completed, 100)
            modification.ended = clock.now
            try catalog.update(modification)
            note(record, "modifyVolume", "completed")
            logger.info("modified volume", metadata: ["volume": "\(record.id)"])
            return modification
        } catch {
            let cause = Self.cause(error, record.kmsKeyARN)
            (modification.state, modification.statusMessage) = (.failed, cause)
            modification.ended = clock.now
            try? catalog.update(modification)  // The first error is the one to tell.
            note(record, "modifyVolume", "failed", cause: cause)
            throw (error as? AWSError)?.context("cannot modify \"\(record.label)\"") ?? error
        }
    }

    /// A modification that says it runs while nobody works on the volume was cut short.
    func settled(_ modification: ModificationRecord) -> ModificationRecord {
        guard modification.state.isRunning else { return modification }
        var settled = modification
        (settled.state, settled.ended) = (.failed, clock.now)
        settled.statusMessage = "The modification was interrupted: modify the volume again."
        return settled
    }

    private func growDetached(_ record: VolumeRecord, toBytes bytes: UInt64, caller: Caller) async throws {
        let store = try openStore(record, .readWrite)
        try lockExclusively(store, record)
        let image = VolumeImage(store, volumeID: record.id, clock: clock)
        let found = try newestHeader(image)
        let volumeKey = try await volumeKey(of: found, caller: caller)
        _ = try await settleRewrap(record, image, found, volumeKey, caller: caller)
        let mark = try catalog.mark(of: record.id)
        let grown = try translating("growing the volume") {
            try image.grow(toBytes: bytes, volumeKey, mark: mark)
        }
        try catalog.setMark(grown.mark, of: record.id)
    }

    /// What the volume is to be. What the request does not name stays, where the new type has such a thing.
    private static func target(
        of request: ModifyVolumeRequest,
        _ record: VolumeRecord
    ) throws -> ModificationRecord.Shape {
        guard !request.isEmpty else {
            throw AWSError(
                .missingParameter,
                "The request must contain at least one of the parameters size, volumeType, iops and throughput"
            )
        }
        let unit = UInt64(record.dataUnitBytes)
        let wanted = request.sizeBytes ?? record.sizeBytes
        guard wanted <= Geometry.maximumVolumeBytes else { throw NewVolume.sizeRefusal(wanted) }
        let bytes = (wanted + unit - 1) / unit * unit
        guard bytes >= record.sizeBytes else {
            throw AWSError(
                .invalidParameterValue,
                "New size cannot be smaller than existing size",
                hint: "a volume never shrinks: make a smaller one and copy what is in it"
            )
        }
        let type = request.type ?? record.type
        let provisioned: Set<VolumeType> = [.gp3, .io1, .io2]
        let keepsIOPS = provisioned.contains(type) && provisioned.contains(record.type)
        let keepsThroughput = type == .gp3 && record.type == .gp3
        return try VolumeLimits.shape(
            type,
            sizeBytes: bytes,
            iops: request.iops ?? (keepsIOPS ? record.iops : nil),
            throughput: request.throughput ?? (keepsThroughput ? record.throughput : nil)
        )
    }
}

extension ModificationRecord {
    var answer: VolumeModification {
        VolumeModification(
            volumeID: volume,
            state: VolumeModification.State(state),
            statusMessage: statusMessage,
            original: VolumeModification.Shape(original),
            target: VolumeModification.Shape(target),
            progress: progress,
            started: started,
            ended: ended
        )
    }
}

extension VolumeModification.State {
    fileprivate init(_ state: ModificationRecord.State) {
        self =
            switch state {
            case .modifying: .modifying
            case .optimizing: .optimizing
            case .completed: .completed
            case .failed: .failed
            }
    }
}

extension VolumeModification.Shape {
    fileprivate init(_ shape: ModificationRecord.Shape) {
        (sizeBytes, type, iops, throughput) = (shape.sizeBytes, shape.type, shape.iops, shape.throughput)
    }
}
