internal import CofferEBS
internal import CofferShapes

// The structures that several answers share: each writes its members into the element that the caller has begun. (EC2
// API reference, "Data types")
extension XMLWriter {
    mutating func volume(_ volume: Volume) {
        element("volumeId", volume.id.text)
        element("volumeArn", volume.arn.description)
        element("ownerId", volume.arn.account)
        element("size", Int(clamping: volume.sizeGiB))
        element("snapshotId", volume.shownSnapshotID?.text ?? "")
        element("sourceVolumeId", volume.sourceVolumeID?.text)
        element("availabilityZone", volume.region.zone)
        element("availabilityZoneId", EC2Call.zoneID(of: volume.region))
        element("status", volume.state.rawValue)
        element("createTime", volume.created.iso8601)
        list("attachmentSet", of: "item", volume.ec2Attachment.map { [$0] } ?? []) { writer, attachment in
            writer.attachment(attachment)
        }
        tags(volume.tags)
        element("volumeType", volume.type.rawValue)
        element("iops", volume.iops ?? volume.baselineIOPS)
        element("throughput", volume.throughput)
        element("encrypted", volume.isEncrypted)
        if volume.isEncrypted { element("kmsKeyId", volume.kmsKeyARN.description) }
        element("sseType", volume.sseType)
        element("multiAttachEnabled", false)
    }

    mutating func snapshot(_ snapshot: Snapshot) {
        element("snapshotId", snapshot.id.text)
        element("volumeId", snapshot.volumeText)
        element("status", snapshot.state.rawValue)
        element("statusMessage", snapshot.stateReason)
        element("startTime", snapshot.started.iso8601)
        element("completionTime", snapshot.completed?.iso8601)
        element("progress", "\(snapshot.progress)%")
        element("ownerId", snapshot.ownerID.digits)
        element("volumeSize", Int(clamping: snapshot.sizeGiB))
        element("description", snapshot.description)
        tags(snapshot.tags)
        element("encrypted", snapshot.isEncrypted)
        if snapshot.isEncrypted { element("kmsKeyId", snapshot.kmsKeyARN.description) }
        element("sseType", snapshot.isEncrypted ? "sse-kms" : "none")
        element("storageTier", "standard")
    }

    /// Nothing where there are none, as AWS does it for most resources.
    mutating func tags(_ tags: [Tag]) {
        guard !tags.isEmpty else { return }
        list("tagSet", of: "item", tags) { writer, tag in
            writer.element("key", tag.key)
            writer.element("value", tag.value)
        }
    }

    mutating func attachment(_ attachment: VolumeAttachment) {
        element("volumeId", attachment.volumeID.text)
        element("instanceId", attachment.instanceID.text)
        element("device", attachment.device)
        element("status", attachment.state.rawValue)
        element("attachTime", attachment.attached.iso8601)
        element("deleteOnTermination", attachment.deletesOnTermination)
    }

    mutating func modification(_ modification: VolumeModification) {
        let (original, target) = (modification.original, modification.target)
        element("volumeId", modification.volumeID.text)
        element("modificationState", modification.state.rawValue)
        element("statusMessage", modification.statusMessage)
        element("targetSize", Int(clamping: target.sizeGiB))
        element("targetIops", target.iops)
        element("targetVolumeType", target.type.rawValue)
        element("targetThroughput", target.throughput)
        element("targetMultiAttachEnabled", false)
        element("originalSize", Int(clamping: original.sizeGiB))
        element("originalIops", original.iops)
        element("originalVolumeType", original.type.rawValue)
        element("originalThroughput", original.throughput)
        element("originalMultiAttachEnabled", false)
        element("progress", modification.progress)
        element("startTime", modification.started.iso8601)
        element("endTime", modification.ended?.iso8601)
    }

    mutating func volumeStatus(_ status: VolumeStatus) {
        let region = status.volume.region
        element("volumeId", status.volume.id.text)
        element("availabilityZone", region.zone)
        element("availabilityZoneId", EC2Call.zoneID(of: region))
        element("volumeStatus") { writer in
            writer.element("status", status.status)
            writer.element("details") { writer in
                for (name, value) in [("io-enabled", status.ioEnabled), ("io-performance", "not-applicable")]
                {
                    writer.element("item") { writer in
                        writer.element("name", name)
                        writer.element("status", value)
                    }
                }
            }
        }
        list("eventsSet", of: "item", status.event.map { [$0] } ?? []) { writer, event in
            writer.element("eventId", event.id)
            writer.element("eventType", event.type)
            writer.element("description", event.description)
            writer.element("notBefore", event.begin.iso8601)
        }
        element("actionsSet") { _ in }
    }
}

extension Volume {
    /// What AWS tells of a gp2 volume, whose IOPS follow from its size: 3 for each GiB, 100 to 16000. (EBS user guide,
    /// "General Purpose SSD volumes")
    fileprivate var baselineIOPS: Int? {
        type == .gp2 ? min(max(100, 3 * Int(clamping: sizeGiB)), 16_000) : nil
    }
}
