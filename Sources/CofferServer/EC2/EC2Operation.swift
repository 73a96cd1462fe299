/// The actions of Amazon EC2 that Coffer has (API reference, "Actions"): volumes and what their clients ask for. The raw
/// value is a place in tables.
enum EC2Operation: Int, CaseIterable, Sendable {
    case attachVolume
    case copySnapshot
    case copyVolumes
    case createSnapshot
    case createTags
    case createVolume
    case deleteSnapshot
    case deleteTags
    case deleteVolume
    case describeAccountAttributes
    case describeAvailabilityZones
    case describeInstances
    case describeInstanceStatus
    case describeRegions
    case describeSnapshotAttribute
    case describeSnapshots
    case describeTags
    case describeVolumeAttribute
    case describeVolumes
    case describeVolumesModifications
    case describeVolumeStatus
    case detachVolume
    case disableEbsEncryptionByDefault
    case enableEbsEncryptionByDefault
    case getEbsDefaultKmsKeyId
    case getEbsEncryptionByDefault
    case modifyEbsDefaultKmsKeyId
    case modifySnapshotAttribute
    case modifyVolume
    case modifyVolumeAttribute
    case resetEbsDefaultKmsKeyId
    case resetSnapshotAttribute

    /// The name as the API spells it: the case's with a capital.
    var name: String { Self.names[rawValue] }

    /// The operation that a form's `Action` names; nil where Coffer has none such.
    init?(action: String) {
        guard let operation = Self.actions[action] else { return nil }
        self = operation
    }

    private static let names = allCases.map { operation in
        let name = "\(operation)"
        return name.prefix(1).uppercased() + name.dropFirst()
    }

    private static let actions = Dictionary(uniqueKeysWithValues: allCases.map { ($0.name, $0) })
}
