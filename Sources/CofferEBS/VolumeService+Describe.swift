internal import CofferBlock
internal import CofferCatalog
internal import CofferControl
public import CofferShapes
internal import CofferSystem
internal import Glibc

extension VolumeService {
    /// The volumes of the region, or those that the references name: ids, beginnings of ids, or names.
    public func describeVolumes(_ references: [String] = [], caller: Caller) async throws -> [Volume] {
        try await requirePermission("ec2:DescribeVolumes", caller: caller)
        let region = region(of: caller)
        let records =
            references.isEmpty
            ? try catalog.volumes(in: region) : try references.map { try catalog.volume($0, in: region) }
        return try describe(records)
    }

    /// The volumes of the region that a query means. `action` is what the caller needs leave for, where a description
    /// of another kind is made of them. (`DescribeVolumes`)
    public func describeVolumes(
        _ query: ResourceQuery,
        action: String = "ec2:DescribeVolumes",
        isDryRun: Bool = false,
        caller: Caller
    ) async throws -> Listing<Volume> {
        try await requirePermission(action, isDryRun: isDryRun, caller: caller)
        let filters = try FilterSet(query.filters, knowing: VolumeFilters.names)
        let region = region(of: caller)
        let records: [VolumeRecord]
        if query.ids.isEmpty {
            records = try catalog.volumes(in: region)
        } else {
            records = try Self.named(query.ids, among: try catalog.volumes(in: region))
        }
        let volumes = try describe(records).filter { volume in
            filters.match { VolumeFilters.values(of: $0, volume) }
        }
        return try ResourcePages(5...1000).part(volumes, query, filters) { volume in
            // As the catalogue orders them.
            (volume.created.nanoseconds, volume.id.text)
        }
    }

    /// The volumes of these ids, each once and in the order of all.
    static func named(_ ids: [String], among all: [VolumeRecord]) throws -> [VolumeRecord] {
        let wanted = Set(try ids.map { try volumeID($0) })
        let found = all.filter { wanted.contains($0.id) }
        guard found.count == wanted.count else {
            let missing = wanted.subtracting(found.map(\.id)).map(\.text).sorted()
            throw AWSError(
                .volumeNotFound,
                missing.count == 1
                    ? "The volume '\(missing[0])' does not exist."
                    : "The volumes '\(missing.joined(separator: ", "))' do not exist."
            )
        }
        return found
    }

    func describe(_ record: VolumeRecord) throws -> Volume { try describe([record])[0] }

    /// The volumes as they are now: the index's word, and what the kernel and the daemons say of their attachments.
    func describe(_ records: [VolumeRecord]) throws -> [Volume] {
        let mounts = MountTable.current()
        let entries = Dictionary(uniqueKeysWithValues: try catalog.attachments().map { ($0.volume, $0) })
        return records.map { record in
            let view = runtime.inspect(record.id, file: paths.file(record.id), mounts: mounts)
            return describe(record, view, entries[record.id])
        }
    }

    private func describe(_ record: VolumeRecord, _ view: AttachmentView, _ entry: AttachmentEntry?) -> Volume
    {
        let path = paths.file(record.id)
        var status = stat()
        let exists = unsafe stat(path, &status) == 0
        let situation = VolumeSituation(
            record: record,
            attachment: view.state,
            entry: entry,
            isChanging: runtime.isLocked(record.id),
            fileExists: exists,
            file: path
        )
        let (state, reason) = VolumeLifecycle.state(of: situation)
        return Volume(
            id: record.id,
            arn: .volume(record.id, region: record.region, account: identity.account),
            tags: record.tags,
            sizeBytes: record.sizeBytes,
            type: record.type,
            iops: record.iops,
            throughput: record.throughput,
            region: record.region,
            isEncrypted: record.isEncrypted,
            kmsKeyARN: record.kmsKeyARN,
            snapshotID: record.snapshot,
            sourceVolumeID: record.sourceVolume,
            enablesIOByItself: record.enablesIOByItself,
            dataUnitBytes: record.dataUnitBytes,
            cipherName: record.cipherName,
            created: record.created,
            state: state,
            ec2Attachment: VolumeLifecycle.attachmentState(of: situation).map { state in
                self.entry(situation, view: view).answer(state)
            },
            attachment: view.state,
            stateReason: reason,
            exposedFile: view.exposedMounts.last.map { "\($0.mountPoint)/volume" },
            mountDirectory: view.filesystemMounts.last?.mountPoint,
            filesystem: Self.filesystemName(record.filesystem),
            isReadOnly: view.state == .detached ? false : view.record?.isReadOnly ?? false,
            loopDevice: view.loops.last?.path,
            daemon: view.status.map(Self.daemon),
            backingFile: path,
            allocatedBytes: exists ? UInt64(status.st_blocks) * 512 : 0
        )
    }

    private static func daemon(_ status: DaemonStatus) -> Volume.Daemon {
        Volume.Daemon(
            processID: status.processID,
            fuseConnection: status.fuseConnection,
            threadCount: status.threadCount,
            backingIO: status.backingIO,
            kernel: status.kernel,
            keyMemory: status.keyMemory,
            requestBytes: status.requestBytes,
            openCount: status.openCount,
            bytesRead: status.bytesRead,
            bytesWritten: status.bytesWritten,
            filledPercent: status.filledPercent,
            reencryptedPercent: status.reencryptedPercent
        )
    }

    /// What is noted of an attachment; of one that a home's older version made, what there is.
    func entry(_ volume: VolumeSituation, view: AttachmentView) -> AttachmentEntry {
        volume.entry
            ?? AttachmentEntry(
                volume: volume.record.id,
                instance: instanceID,
                device: "unknown",
                attached: view.record?.attached ?? volume.record.created,
                stage: .attached
            )
    }

    /// The filesystem's name for people, nil where there is none yet.
    private static func filesystemName(_ filesystem: VolumeRecord.Filesystem) -> String? {
        switch filesystem {
        case .none: nil
        case .formattingExt4, .formattingXFS: "formatting"
        case .ext4, .xfs: filesystem.rawValue
        }
    }
}
