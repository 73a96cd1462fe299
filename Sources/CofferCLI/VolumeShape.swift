internal import CofferControl
internal import CofferEBS
internal import CofferShapes
internal import CofferTerminal

/// A volume in JSON, with the EC2 API's names where it has one. (EC2 API reference, `Volume`.)
struct VolumeShape: Encodable {
    struct TagShape: Encodable {
        let Key: String
        let Value: String
    }

    struct AttachmentShape: Encodable {
        /// The API's: attaching, attached, detaching, busy.
        let State: String
        /// What was found: attached, faulted, hung, crashed, elsewhere.
        let Condition: String
        let VolumeId: String
        let InstanceId: String?
        let Device: String?
        let AttachTime: String?
        let DeleteOnTermination: Bool?
        let ExposedFile: String?
        let LoopDevice: String?
        let MountDirectory: String?
        let ReadOnly: Bool
        let ProcessId: Int32?
        let FuseConnection: UInt32?
        let Threads: Int?
        let BackingIO: String?
        let CipherKernel: String?
        let KeyMemory: String?
        let RequestBytes: Int?
        let BytesRead: UInt64?
        let BytesWritten: UInt64?
    }

    let VolumeId: String
    let VolumeArn: String
    let Size: UInt64
    let SizeBytes: UInt64
    let VolumeType: String
    let Iops: Int?
    let Throughput: Int?
    let MultiAttachEnabled = false
    let SnapshotId: String
    let SourceVolumeId: String?
    let State: String
    let StateReason: String?
    let Encrypted: Bool
    let KmsKeyId: String?
    let SseType: String
    let AvailabilityZone: String
    let CreateTime: String
    let Tags: [TagShape]
    let Attachments: [AttachmentShape]
    let Cipher: String
    let DataUnitBytes: Int
    let Filesystem: String?
    let BackingFile: String
    let AllocatedBytes: UInt64

    private enum CodingKeys: String, CodingKey {
        case VolumeId, VolumeArn, Size, SizeBytes, VolumeType, Iops, Throughput, MultiAttachEnabled,
            SnapshotId, SourceVolumeId
        case State, StateReason, Encrypted, KmsKeyId, SseType, AvailabilityZone, CreateTime, Tags
        case Attachments, Cipher, DataUnitBytes, Filesystem, BackingFile, AllocatedBytes
    }

    init(_ volume: Volume) {
        (VolumeId, VolumeArn) = (volume.id.text, volume.arn.description)
        (Size, SizeBytes) = (volume.sizeGiB, volume.sizeBytes)
        (VolumeType, Iops, Throughput) = (volume.type.rawValue, volume.iops, volume.throughput)
        SnapshotId = volume.shownSnapshotID?.text ?? ""
        SourceVolumeId = volume.sourceVolumeID?.text
        (State, StateReason) = (volume.state.rawValue, volume.stateReason)
        Encrypted = volume.isEncrypted
        KmsKeyId = volume.isEncrypted ? volume.kmsKeyARN.description : nil
        SseType = volume.sseType
        AvailabilityZone = volume.region.zone
        CreateTime = volume.created.iso8601
        Tags = volume.tags.map { TagShape(Key: $0.key, Value: $0.value) }
        let isThere = volume.attachment != .detached || volume.ec2Attachment != nil
        Attachments = isThere ? [Self.attachment(volume)] : []
        (Cipher, DataUnitBytes) = (volume.cipherName, volume.dataUnitBytes)
        Filesystem = volume.filesystem
        (BackingFile, AllocatedBytes) = (volume.backingFile, volume.allocatedBytes)
    }

    private static func attachment(_ volume: Volume) -> AttachmentShape {
        AttachmentShape(
            State: volume.ec2Attachment?.state.rawValue ?? volume.attachment.rawValue,
            Condition: volume.attachment.rawValue,
            VolumeId: volume.id.text,
            InstanceId: volume.ec2Attachment?.instanceID.text,
            Device: volume.ec2Attachment?.device,
            AttachTime: volume.ec2Attachment?.attached.iso8601,
            DeleteOnTermination: volume.ec2Attachment?.deletesOnTermination,
            ExposedFile: volume.exposedFile,
            LoopDevice: volume.loopDevice,
            MountDirectory: volume.mountDirectory,
            ReadOnly: volume.isReadOnly,
            ProcessId: volume.daemon?.processID,
            FuseConnection: volume.daemon?.fuseConnection,
            Threads: volume.daemon?.threadCount,
            BackingIO: volume.daemon?.backingIO.rawValue,
            CipherKernel: volume.daemon?.kernel,
            KeyMemory: volume.daemon?.keyMemory,
            RequestBytes: volume.daemon?.requestBytes,
            BytesRead: volume.daemon?.bytesRead,
            BytesWritten: volume.daemon?.bytesWritten
        )
    }
}

/// A check's findings, for people and for programs.
enum CheckOutput {
    private struct Report: Encodable {
        struct Finding: Encodable {
            let Code: String
            let Message: String
            let Repairable: Bool
        }

        let VolumeId: String
        let Clean: Bool
        let Authenticated: Bool
        let Findings: [Finding]
    }

    static func print(_ check: VolumeCheck, _ format: OutputFormat) throws {
        if format == .json {
            return try Terminal.json(
                Report(
                    VolumeId: check.volumeID.text,
                    Clean: check.isClean,
                    Authenticated: check.wasAuthenticated,
                    Findings: check.findings.map {
                        Report.Finding(Code: $0.code, Message: $0.sentence, Repairable: $0.canBeRepaired)
                    }
                )
            )
        }
        for finding in check.findings { Swift.print("\(finding.code)\t\(finding.sentence)") }
        if let why = check.whyNotAuthenticated {
            Terminal.error("coffer: the header was not authenticated: \(why)")
        }
        if check.isClean { Swift.print("clean\tboth copies of the header are good and authentic") }
    }
}

extension VolumeShape {
    /// What a command prints that has made a volume.
    static func show(made volume: Volume, _ output: OutputFormat) throws {
        switch output {
        case .json: try Terminal.json(VolumeShape(volume))
        case .table: print(volume.id)
        }
    }
}
