internal import CofferEBS
internal import CofferShapes

// Snapshots. `createSnapshot` answers when the content is fixed, `pending` while it is copied.
extension EC2Call {
    func createSnapshot(_ writer: inout XMLWriter) async throws {
        if arguments.text("OutpostArn") != nil || arguments.text("Location") == "local" {
            throw AWSError(.ec2UnsupportedOperation, "There are no Outposts and Local Zones here.")
        }
        let snapshot = try await volumes.createSnapshot(
            CreateSnapshotRequest(
                volume: try volumeID().text,
                description: arguments.text("Description") ?? "",
                tags: try tags(for: "snapshot")
            ),
            isDryRun: isDryRun,
            caller: caller
        )
        writer.snapshot(snapshot)
    }

    /// A URL signed for the source region is not needed here: the home has all regions. (EC2 API reference,
    /// `CopySnapshot`)
    func copySnapshot(_ writer: inout XMLWriter) async throws {
        try refuseOtherDestinations()
        let sourceRegion = try arguments.requiredText("SourceRegion")
        guard let region = Region(sourceRegion) else {
            throw .invalidParameter("SourceRegion", sourceRegion, "There is no such region.") as AWSError
        }
        var request = CopySnapshotRequest(
            source: try Self.snapshotID(try arguments.requiredText("SourceSnapshotId")).text,
            description: arguments.text("Description") ?? "",
            tags: try tags(for: "snapshot")
        )
        request.sourceRegion = region
        request.isEncrypted = arguments.flag("Encrypted")
        request.key = arguments.text("KmsKeyId").map { KeyReference($0) }
        let copy = try await volumes.beginCopySnapshot(request, isDryRun: isDryRun, caller: caller)
        writer.element("snapshotId", copy.id.text)
        writer.tags(copy.tags)
    }

    private func refuseOtherDestinations() throws(AWSError) {
        if arguments.text("DestinationOutpostArn") != nil
            || arguments.text("DestinationAvailabilityZone") != nil
        {
            throw AWSError(.ec2UnsupportedOperation, "There are no Outposts and Local Zones here.")
        }
        if let minutes = arguments.integer("CompletionDurationMinutes") {
            // Every copy is made at once, and so within any time.
            guard (15...2880).contains(minutes), minutes.isMultiple(of: 15) else {
                throw .invalidParameter(
                    "CompletionDurationMinutes",
                    "\(minutes)",
                    "It is a multiple of 15, and at most 2880."
                )
            }
        }
    }

    func describeSnapshots(_ writer: inout XMLWriter) async throws {
        let found = try await volumes.describeSnapshots(
            try query(ids: snapshotIDs()),
            restorers: try restorers(),
            isDryRun: isDryRun,
            caller: caller
        )
        // All snapshots here are the account's own.
        let owners = arguments.texts("Owner")
        let isOwn = owners.isEmpty || owners.contains { ["self", host.account].contains($0) }
        writer.list("snapshotSet", of: "item", isOwn ? found.items : []) { writer, snapshot in
            writer.snapshot(snapshot)
        }
        writer.element("nextToken", isOwn ? found.nextMarker : nil)
    }

    private func restorers() throws(AWSError) -> [SnapshotGrantee] {
        var grantees: [SnapshotGrantee] = []
        for text in arguments.texts("RestorableBy") {
            grantees.append(try Self.grantee(text == "self" ? host.account : text, "RestorableBy"))
        }
        return grantees
    }

    func deleteSnapshot(_ writer: inout XMLWriter) async throws {
        let id = try Self.snapshotID(try arguments.requiredText("SnapshotId"))
        try await volumes.deleteSnapshot(id.text, isDryRun: isDryRun, caller: caller)
        Self.writeSuccess(&writer)
    }

    // MARK: - Ids

    private func snapshotIDs() throws -> [String] {
        try arguments.texts("SnapshotId").map { try Self.snapshotID($0).text }
    }

    /// The API takes ids alone.
    static func snapshotID(_ text: String) throws -> SnapshotID { try VolumeService.snapshotID(text) }
}
