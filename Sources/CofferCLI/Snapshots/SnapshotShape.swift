internal import CofferEBS
internal import CofferShapes
internal import CofferTerminal

/// A snapshot in JSON, with the EC2 API's names. (EC2 API reference, `Snapshot`.)
struct SnapshotShape: Encodable {
    let SnapshotId: String
    let SnapshotArn: String
    let VolumeId: String
    let VolumeSize: UInt64
    let VolumeSizeBytes: UInt64
    let State: String
    let StateMessage: String?
    let Progress: String
    let StartTime: String
    let CompletionTime: String?
    let Description: String
    let Encrypted: Bool
    let KmsKeyId: String?
    let OwnerId: String
    let Tags: [VolumeShape.TagShape]

    init(_ snapshot: Snapshot) {
        SnapshotId = snapshot.id.text
        SnapshotArn = snapshot.arn.description
        VolumeId = snapshot.volumeText
        (VolumeSize, VolumeSizeBytes) = (snapshot.sizeGiB, snapshot.sizeBytes)
        (State, StateMessage) = (snapshot.state.rawValue, snapshot.stateReason)
        Progress = "\(snapshot.progress)%"
        (StartTime, CompletionTime) = (snapshot.started.iso8601, snapshot.completed?.iso8601)
        Description = snapshot.description
        Encrypted = snapshot.isEncrypted
        KmsKeyId = snapshot.isEncrypted ? snapshot.kmsKeyARN.description : nil
        OwnerId = snapshot.ownerID.digits
        Tags = snapshot.tags.map { VolumeShape.TagShape(Key: $0.key, Value: $0.value) }
    }
}

extension SnapshotShape {
    /// What a command prints that has made a snapshot.
    static func show(made snapshot: Snapshot, _ output: OutputFormat) throws {
        switch output {
        case .json: try Terminal.json(SnapshotShape(snapshot))
        case .table: print(snapshot.id)
        }
    }
}
