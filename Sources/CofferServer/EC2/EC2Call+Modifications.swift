internal import CofferEBS
internal import CofferShapes

// Growing volumes, and changing what is provisioned for them.
extension EC2Call {
    func modifyVolume(_ writer: inout XMLWriter) async throws {
        if arguments.flag("MultiAttachEnabled") == true {
            throw AWSError(
                .ec2UnsupportedOperation,
                "A volume is attached once at a time: Multi-Attach is not supported."
            )
        }
        let id = try volumeID()
        let request = ModifyVolumeRequest(
            sizeBytes: try arguments.integer("Size").map { size throws(AWSError) in
                try Self.bytes(ofGiB: size)
            },
            type: try volumeType(),
            iops: arguments.integer("Iops"),
            throughput: arguments.integer("Throughput")
        )
        let modification = try await volumes.beginModifyVolume(
            id.text,
            request,
            isDryRun: isDryRun,
            caller: caller
        )
        writer.element("volumeModification") { $0.modification(modification) }
    }

    func describeVolumesModifications(_ writer: inout XMLWriter) async throws {
        let found = try await volumes.describeVolumesModifications(
            try query(ids: volumeIDs()),
            isDryRun: isDryRun,
            caller: caller
        )
        writer.list("volumeModificationSet", of: "item", found.items) { writer, modification in
            writer.modification(modification)
        }
        writer.element("nextToken", found.nextMarker)
    }
}
