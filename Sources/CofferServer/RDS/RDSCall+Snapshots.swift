internal import CofferCatalog
internal import CofferRDS
internal import CofferShapes

// Snapshots of instances. One that is made answers `creating`: its content is fixed, and its blocks are copied.
extension RDSCall {
    func createDBSnapshot(_ writer: inout XMLWriter) async throws {
        let snapshot = try await databases.createDBSnapshot(
            of: try instanceIdentifier(),
            named: try arguments.requiredText("DBSnapshotIdentifier"),
            tags: tags(),
            caller: caller
        )
        writer.element("DBSnapshot") { $0.databaseSnapshot(snapshot) }
    }

    /// A URL signed for the source region is not needed here: the home has all regions.
    func copyDBSnapshot(_ writer: inout XMLWriter) async throws {
        let copy = try await databases.copyDBSnapshot(
            try identifier("SourceDBSnapshotIdentifier", "snapshot"),
            to: try arguments.requiredText("TargetDBSnapshotIdentifier"),
            key: arguments.text("KmsKeyId").map { KeyReference($0) },
            copiesTags: arguments.flag("CopyTags") ?? false,
            tags: tags(),
            caller: caller
        )
        writer.element("DBSnapshot") { $0.databaseSnapshot(copy) }
    }

    func deleteDBSnapshot(_ writer: inout XMLWriter) async throws {
        let gone = try await databases.deleteDBSnapshot(
            try identifier("DBSnapshotIdentifier", "snapshot"),
            caller: caller
        )
        writer.element("DBSnapshot") { $0.databaseSnapshot(gone, as: "deleted") }
    }

    func describeDBSnapshots(_ writer: inout XMLWriter) async throws {
        let filters = try filters(
            knowing: ["db-instance-id", "db-snapshot-id", "dbi-resource-id", "snapshot-type", "engine"]
        )
        let (page, type, id) = (try page(), try snapshotType(), arguments.text("DbiResourceId"))
        let instance = arguments.text("DBInstanceIdentifier").map { bare($0, "db").lowercased() }
        let found = try await databases.describeDBSnapshots(
            arguments.text("DBSnapshotIdentifier").map { bare($0, "snapshot") },
            of: instance,
            caller: caller
        ).filter { snapshot in
            let (record, source) = (snapshot.record, snapshot.record.source)
            return (type == nil || type == record.kind.rawValue)
                && (instance == nil || instance == source.identifier.text)
                && (id == nil || id == source.id.text)
                && filters.meets("db-instance-id", source.identifier.text)
                && filters.meets("db-snapshot-id", record.identifier.text, snapshot.arn.description)
                && filters.meets("dbi-resource-id", source.id.text)
                && filters.meets("snapshot-type", record.kind.rawValue)
                && filters.meets("engine", source.engine.rawValue)
        }.sorted { $0.record.identifier.text < $1.record.identifier.text }
        let part = page.part(found) { $0.record.identifier.text }
        writer.list("DBSnapshots", of: "DBSnapshot", part.items) { $0.databaseSnapshot($1) }
        writer.element("Marker", part.nextMarker)
    }

    /// Nothing is shared with a home, and AWS Backup is not here: of those types there are none.
    private func snapshotType() throws(AWSError) -> String? {
        guard let type = arguments.text("SnapshotType") else { return nil }
        guard ["manual", "automated", "shared", "public", "awsbackup"].contains(type) else {
            throw AWSError(.invalidParameterValue, "Unrecognized snapshot type: \(type.prefix(64))")
        }
        return type
    }

    // MARK: - Sharing

    func describeDBSnapshotAttributes(_ writer: inout XMLWriter) async throws {
        let snapshot = try await databases.describeDBSnapshotAttributes(
            try identifier("DBSnapshotIdentifier", "snapshot"),
            caller: caller
        )
        Self.write(snapshot, &writer)
    }

    func modifyDBSnapshotAttribute(_ writer: inout XMLWriter) async throws {
        let attribute = try arguments.requiredText("AttributeName")
        guard attribute == "restore" else {
            throw AWSError(
                .invalidParameterValue,
                "\(attribute.prefix(64)) is no attribute of a snapshot: `restore` is the one."
            )
        }
        let snapshot = try await databases.shareDBSnapshot(
            try identifier("DBSnapshotIdentifier", "snapshot"),
            adding: arguments.texts("ValuesToAdd") ?? [],
            removing: arguments.texts("ValuesToRemove") ?? [],
            caller: caller
        )
        Self.write(snapshot, &writer)
    }

    private static func write(_ snapshot: DatabaseSnapshot, _ writer: inout XMLWriter) {
        writer.element("DBSnapshotAttributesResult") { writer in
            writer.element("DBSnapshotIdentifier", snapshot.record.identifier.text)
            writer.list("DBSnapshotAttributes", of: "DBSnapshotAttribute", ["restore"]) { writer, name in
                writer.element("AttributeName", name)
                writer.element("AttributeValues") { writer in
                    for account in snapshot.record.sharedWith { writer.element("AttributeValue", account) }
                }
            }
        }
    }
}
