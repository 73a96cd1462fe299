internal import CofferControl
internal import CofferEBS
internal import CofferShapes

/// A volume in JSON, with the EC2 API's names where it has one. (EC2 API reference, `Volume`.)
struct VolumeShape: Encodable {
    struct Tag: Encodable {
        let Key: String
        let Value: String
    }

    struct AttachmentShape: Encodable {
        let State: String
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
    let Size: UInt64
    let SizeBytes: UInt64
    let State: String
    let StateReason: String?
    let Encrypted = true
    let KmsKeyId: String
    let AvailabilityZone: String
    let CreateTime: String
    let Tags: [Tag]
    let Attachments: [AttachmentShape]
    let Cipher: String
    let DataUnitBytes: Int
    let Filesystem: String?
    let BackingFile: String
    let AllocatedBytes: UInt64

    private enum CodingKeys: String, CodingKey {
        case VolumeId, Size, SizeBytes, State, StateReason, Encrypted, KmsKeyId, AvailabilityZone, CreateTime,
            Tags
        case Attachments, Cipher, DataUnitBytes, Filesystem, BackingFile, AllocatedBytes
    }

    init(_ volume: Volume, region: Region) {
        VolumeId = volume.id.text
        // GiB, as EBS counts; a part of one counts whole.
        Size = (volume.sizeBytes + (1 << 30) - 1) >> 30
        SizeBytes = volume.sizeBytes
        State = volume.state.rawValue
        StateReason = volume.stateReason
        KmsKeyId = volume.kmsKeyARN.description
        AvailabilityZone = region.zone
        CreateTime = volume.created.iso8601
        Tags = volume.name.map { [Tag(Key: "Name", Value: $0)] } ?? []
        Attachments =
            volume.attachment == .detached
            ? []
            : [
                AttachmentShape(
                    State: volume.attachment.rawValue,
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
            ]
        Cipher = volume.cipherName
        DataUnitBytes = volume.dataUnitBytes
        Filesystem = volume.filesystem
        BackingFile = volume.backingFile
        AllocatedBytes = volume.allocatedBytes
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
