internal import CofferShapes

/// The filters of `DescribeVolumes`, and what a volume has for each. (EC2 API reference, `DescribeVolumes`, "Filter.N".)
enum VolumeFilters {
    static let names: Set<String> = [
        "attachment.attach-time", "attachment.delete-on-termination", "attachment.device",
        "attachment.instance-id", "attachment.status", "availability-zone", "create-time", "encrypted",
        "fast-restored", "multi-attach-enabled", "operator.managed", "size", "snapshot-id",
        "source-volume-id", "status", "tag:", "tag-key", "tag-value", "volume-id", "volume-type",
    ]

    static func values(of name: String, _ volume: Volume) -> [String] {
        if name.hasPrefix("tag:") {
            return volume.tags.filter { $0.key == name.dropFirst(4) }.map(\.value)
        }
        if name.hasPrefix("attachment.") {
            return volume.ec2Attachment.map { [attachmentValue(of: name, $0)] } ?? []
        }
        switch name {
        case "availability-zone": return [volume.region.zone]
        case "create-time": return [volume.created.iso8601]
        case "encrypted": return ["\(volume.isEncrypted)"]
        case "fast-restored", "multi-attach-enabled", "operator.managed": return ["false"]
        case "size": return ["\(volume.sizeGiB)"]
        case "snapshot-id": return volume.shownSnapshotID.map { [$0.text] } ?? []
        case "source-volume-id": return volume.sourceVolumeID.map { [$0.text] } ?? []
        case "status": return [volume.state.rawValue]
        case "tag-key": return volume.tags.map(\.key)
        case "tag-value": return volume.tags.map(\.value)
        case "volume-id": return [volume.id.text]
        case "volume-type": return [volume.type.rawValue]
        default: return []
        }
    }

    private static func attachmentValue(of name: String, _ attachment: VolumeAttachment) -> String {
        switch name {
        case "attachment.attach-time": attachment.attached.iso8601
        case "attachment.delete-on-termination": "\(attachment.deletesOnTermination)"
        case "attachment.device": attachment.device
        case "attachment.instance-id": attachment.instanceID.text
        default: attachment.state.rawValue
        }
    }
}

/// The filters of `DescribeVolumesModifications`.
enum ModificationFilters {
    static let names: Set<String> = [
        "modification-state", "original-iops", "original-size", "original-volume-type",
        "originalMultiAttachEnabled", "original-multi-attach-enabled", "start-time", "target-iops",
        "target-size", "target-volume-type", "targetMultiAttachEnabled", "target-multi-attach-enabled",
        "volume-id",
    ]

    static func values(of name: String, _ modification: VolumeModification) -> [String] {
        let (original, target) = (modification.original, modification.target)
        switch name {
        case "modification-state": return [modification.state.rawValue]
        case "original-iops": return original.iops.map { ["\($0)"] } ?? []
        case "original-size": return ["\(original.sizeGiB)"]
        case "original-volume-type": return [original.type.rawValue]
        case "start-time": return [modification.started.iso8601]
        case "target-iops": return target.iops.map { ["\($0)"] } ?? []
        case "target-size": return ["\(target.sizeGiB)"]
        case "target-volume-type": return [target.type.rawValue]
        case "volume-id": return [modification.volumeID.text]
        default: return ["false"]
        }
    }
}

/// The filters of `DescribeTags`.
enum TagFilters {
    static let names: Set<String> = ["key", "resource-id", "resource-type", "tag:", "value"]

    static func values(of name: String, _ tag: TagDescription) -> [String] {
        switch name {
        case "key": return [tag.tag.key]
        case "resource-id": return [tag.resourceID]
        case "resource-type": return [tag.resourceType]
        case "value": return [tag.tag.value]
        default: return "tag:\(tag.tag.key)" == name ? [tag.tag.value] : []
        }
    }
}
