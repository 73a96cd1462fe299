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

    func describeSnapshots(_ writer: inout XMLWriter) async throws {
        let found = try await volumes.describeSnapshots(
            try query(ids: snapshotIDs()),
            isDryRun: isDryRun,
            caller: caller
        )
        // All snapshots here are the account's own.
        let own = ["self", host.account]
        let isOwn = [arguments.texts("Owner"), arguments.texts("RestorableBy")].allSatisfy { names in
            names.isEmpty || names.contains { own.contains($0) }
        }
        writer.list("snapshotSet", of: "item", isOwn ? found.items : []) { writer, snapshot in
            writer.snapshot(snapshot)
        }
        writer.element("nextToken", isOwn ? found.nextMarker : nil)
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
