/// What each action takes, as AWS's service model of EC2 (2016-11-15) has it. What the service itself checks on top is
/// the volume service's business.
enum EC2Inputs {
    static func members(of operation: EC2Operation) -> [EC2Member] { table[operation.rawValue] }

    private static let table = EC2Operation.allCases.map { describe($0) + [optional("DryRun", .boolean)] }

    private static func describe(_ operation: EC2Operation) -> [EC2Member] {
        switch operation {
        case .attachVolume:
            [
                required("Device"), required("InstanceId"), required("VolumeId"),
                optional("EbsCardIndex", .integer),
            ]
        case .copySnapshot:
            [
                optional("Description"), optional("DestinationOutpostArn"), optional("DestinationRegion"),
                optional("Encrypted", .boolean), optional("KmsKeyId"), optional("PresignedUrl"),
                required("SourceRegion"), required("SourceSnapshotId"),
                optional("TagSpecification", tagSpecifications),
                optional("CompletionDurationMinutes", .integer), optional("DestinationAvailabilityZone"),
            ]
        case .copyVolumes:
            [
                required("SourceVolumeId"), optional("Iops", .integer), optional("Size", .integer),
                optional("VolumeType"), optional("TagSpecification", tagSpecifications),
                optional("MultiAttachEnabled", .boolean), optional("Throughput", .integer),
                optional("ClientToken"),
            ]
        case .createSnapshot:
            [
                optional("Description"), optional("OutpostArn"), required("VolumeId"),
                optional("TagSpecification", tagSpecifications),
                optional("Location", .choice(["regional", "local"])),
            ]
        case .createTags:
            [required("ResourceId", texts), required("Tag", .list(tag, maximumCount: 1000))]
        case .createVolume:
            [
                optional("AvailabilityZone"), optional("AvailabilityZoneId"), optional("Encrypted", .boolean),
                optional("Iops", .integer), optional("KmsKeyId"), optional("OutpostArn"),
                optional("Size", .integer), optional("SnapshotId"), optional("VolumeType"),
                optional("TagSpecification", tagSpecifications), optional("MultiAttachEnabled", .boolean),
                optional("Throughput", .integer), optional("ClientToken"),
                optional("VolumeInitializationRate", .integer),
                optional("Operator", .structure([optional("Principal")])),
            ]
        case .deleteSnapshot: [required("SnapshotId")]
        case .deleteTags:
            [required("ResourceId", texts), optional("Tag", .list(tag, maximumCount: 1000))]
        case .deleteVolume: [required("VolumeId")]
        case .describeAccountAttributes: [optional("AttributeName", texts)]
        case .describeAvailabilityZones:
            [
                optional("ZoneName", texts), optional("ZoneId", texts),
                optional("AllAvailabilityZones", .boolean), optional("Filter", filters),
            ]
        case .describeInstances: [optional("InstanceId", texts)] + managed + listing
        case .describeInstanceStatus:
            [optional("InstanceId", texts), optional("IncludeAllInstances", .boolean)] + managed + listing
        case .describeRegions:
            [
                optional("RegionName", texts), optional("AllRegions", .boolean),
                optional("Filter", filters),
            ]
        case .describeSnapshotAttribute, .resetSnapshotAttribute:
            [required("Attribute", snapshotAttribute), required("SnapshotId")]
        case .describeSnapshots:
            [
                optional("Owner", texts), optional("RestorableBy", texts), optional("SnapshotId", texts),
            ] + listing
        case .describeTags: listing
        case .describeVolumeAttribute:
            [required("Attribute", .choice(["autoEnableIO", "productCodes"])), required("VolumeId")]
        case .describeVolumes, .describeVolumeStatus: [optional("VolumeId", texts)] + managed + listing
        case .describeVolumesModifications: [optional("VolumeId", texts)] + listing
        case .detachVolume:
            [
                optional("Device"), optional("Force", .boolean), optional("InstanceId"),
                required("VolumeId"),
            ]
        case .disableEbsEncryptionByDefault, .enableEbsEncryptionByDefault, .getEbsDefaultKmsKeyId,
            .getEbsEncryptionByDefault, .resetEbsDefaultKmsKeyId:
            []
        case .modifyEbsDefaultKmsKeyId: [required("KmsKeyId")]
        case .modifySnapshotAttribute:
            [
                optional("Attribute", snapshotAttribute),
                optional(
                    "CreateVolumePermission",
                    .structure([optional("Add", permissions), optional("Remove", permissions)])
                ),
                optional("UserGroup", texts), optional("OperationType", .choice(["add", "remove"])),
                required("SnapshotId"), optional("UserId", texts),
            ]
        case .modifyVolume:
            [
                required("VolumeId"), optional("Size", .integer), optional("VolumeType"),
                optional("Iops", .integer), optional("Throughput", .integer),
                optional("MultiAttachEnabled", .boolean),
            ]
        case .modifyVolumeAttribute:
            [
                optional("AutoEnableIO", .structure([optional("Value", .boolean)])),
                required("VolumeId"),
            ]
        }
    }

    // MARK: - What several actions take

    private static let texts = EC2Shape.list(.text, maximumCount: 1000)
    private static let tag = EC2Shape.structure([optional("Key"), optional("Value")])
    /// AWS takes 200 values in one request.
    private static let filters = EC2Shape.list(
        .structure([required("Name"), optional("Value", .list(.text, maximumCount: 200))]),
        maximumCount: 50
    )
    private static let tagSpecifications = EC2Shape.list(
        .structure([optional("ResourceType"), optional("Tag", .list(tag, maximumCount: 1000))]),
        maximumCount: 50
    )
    private static let snapshotAttribute = EC2Shape.choice(["productCodes", "createVolumePermission"])
    private static let permissions = EC2Shape.list(
        .structure([optional("UserId"), optional("Group", .choice(["all"]))]),
        maximumCount: 1000
    )
    private static let managed = [optional("IncludeManagedResources", .boolean)]
    private static let listing = [
        optional("Filter", filters), optional("NextToken"), optional("MaxResults", .integer),
    ]

    private static func required(_ name: String, _ shape: EC2Shape = .text) -> EC2Member {
        EC2Member(name: name, shape: shape, isRequired: true)
    }

    private static func optional(_ name: String, _ shape: EC2Shape = .text) -> EC2Member {
        EC2Member(name: name, shape: shape)
    }
}
