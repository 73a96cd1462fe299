internal import CofferEBS
internal import CofferShapes

// How volumes are, and their attributes.
extension EC2Call {
    func describeVolumeStatus(_ writer: inout XMLWriter) async throws {
        let filters = try filterSet(knowing: VolumeStatus.filterNames)
        var query = try query(ids: volumeIDs())
        query.filters = []
        let found = try await volumes.describeVolumes(
            query,
            action: "ec2:DescribeVolumeStatus",
            isDryRun: isDryRun,
            caller: caller
        )
        var statuses: [VolumeStatus] = []
        for volume in found.items {
            let newest = try await volumes.describeVolumeEvents(of: volume.id.text, limit: 1, caller: caller)
            let status = VolumeStatus(volume, newest: newest.last)
            if filters.match({ status.values(of: $0) }) { statuses.append(status) }
        }
        writer.list("volumeStatusSet", of: "item", statuses) { writer, status in
            writer.volumeStatus(status)
        }
        writer.element("nextToken", found.nextMarker)
    }

    func describeVolumeAttribute(_ writer: inout XMLWriter) async throws {
        let id = try volumeID()
        let found = try await volumes.describeVolumes(
            ResourceQuery(ids: [id.text]),
            action: "ec2:DescribeVolumeAttribute",
            isDryRun: isDryRun,
            caller: caller
        )
        guard let volume = found.items.first else {
            throw AWSError(.volumeNotFound, "The volume '\(id)' does not exist.")
        }
        writer.element("volumeId", id.text)
        if arguments.text("Attribute") == "productCodes" {
            writer.element("productCodes") { _ in }
        } else {
            writer.element("autoEnableIO") { $0.element("value", volume.enablesIOByItself) }
        }
    }

    func modifyVolumeAttribute(_ writer: inout XMLWriter) async throws {
        guard let value = arguments.structure("AutoEnableIO")?.flag("Value") else {
            throw AWSError.missingParameter("AutoEnableIO.Value")
        }
        try await volumes.modifyVolumeAttribute(
            try volumeID().text,
            enablesIOByItself: value,
            isDryRun: isDryRun,
            caller: caller
        )
        Self.writeSuccess(&writer)
    }
}
