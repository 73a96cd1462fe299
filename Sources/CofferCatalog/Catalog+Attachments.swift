public import CofferShapes
internal import GRDB

extension Catalog {
    /// Notes an attachment in the place of an older one of the volume; InvalidDevice.InUse where another volume has the
    /// device.
    public func putAttachment(_ entry: AttachmentEntry) throws {
        try write { database in
            let holder = try String.fetchOne(
                database,
                sql: "SELECT volume FROM attachment WHERE instance = ? AND device = ? AND volume <> ?",
                arguments: [entry.instance.text, entry.device, entry.volume.text]
            )
            guard holder == nil else {
                throw AWSError(
                    .deviceInUse,
                    "Invalid value '\(entry.device)' for unixDevice. Attachment point \(entry.device) is already in use"
                )
            }
            try database.execute(
                sql: """
                    INSERT OR REPLACE INTO attachment
                        (volume, instance, device, attached, deletesOnTermination, stage)
                    VALUES (?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    entry.volume.text, entry.instance.text, entry.device,
                    Int64(clamping: entry.attached.nanoseconds), entry.deletesOnTermination,
                    entry.stage.rawValue,
                ]
            )
        }
    }

    public func attachments() throws -> [AttachmentEntry] {
        try read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM attachment ORDER BY volume").map(Self.attachment)
        }
    }

    public func attachment(of id: VolumeID) throws -> AttachmentEntry? {
        try read { database in
            try Row.fetchOne(
                database,
                sql: "SELECT * FROM attachment WHERE volume = ?",
                arguments: [id.text]
            ).map(Self.attachment)
        }
    }

    public func setStage(_ stage: AttachmentEntry.Stage, ofAttachment id: VolumeID) throws {
        try write { database in
            try database.execute(
                sql: "UPDATE attachment SET stage = ? WHERE volume = ?",
                arguments: [stage.rawValue, id.text]
            )
        }
    }

    public func removeAttachment(of id: VolumeID) throws {
        try write { database in
            try database.execute(sql: "DELETE FROM attachment WHERE volume = ?", arguments: [id.text])
        }
    }

    /// Takes this attachment away, and not one that came in its place. False where it is gone.
    public func remove(_ entry: AttachmentEntry) throws -> Bool {
        try write { database in
            try database.execute(
                sql: "DELETE FROM attachment WHERE volume = ? AND attached = ? AND stage = ?",
                arguments: [
                    entry.volume.text, Int64(clamping: entry.attached.nanoseconds), entry.stage.rawValue,
                ]
            )
            return database.changesCount > 0
        }
    }

    private static func attachment(_ row: Row) throws -> AttachmentEntry {
        guard let volume = VolumeID(row["volume"]), let instance = InstanceID(row["instance"]),
            let stage = AttachmentEntry.Stage(rawValue: row["stage"])
        else { throw AWSError(.damaged, "the catalogue's entry of an attachment is damaged") }
        return AttachmentEntry(
            volume: volume,
            instance: instance,
            device: row["device"],
            attached: Timestamp(nanoseconds: UInt64(clamping: row["attached"] as Int64)),
            deletesOnTermination: row["deletesOnTermination"],
            stage: stage
        )
    }

    // MARK: - Grants

    /// Notes a grant, or the id of one that is noted.
    public func putGrant(_ grant: GrantEntry) throws {
        try write { database in
            try database.execute(
                sql: """
                    INSERT OR REPLACE INTO attachmentGrant (name, volume, keyARN, grantID) VALUES (?, ?, ?, ?)
                    """,
                arguments: [grant.name, grant.volume.text, grant.key.description, grant.grantID]
            )
        }
    }

    /// The grants that were not retired yet, of one volume or of all.
    public func grants(of id: VolumeID? = nil) throws -> [GrantEntry] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: "SELECT * FROM attachmentGrant WHERE ?1 IS NULL OR volume = ?1 ORDER BY name",
                arguments: [id?.text]
            ).map { row in
                guard let volume = VolumeID(row["volume"]), let key = ARN(row["keyARN"]) else {
                    throw AWSError(.damaged, "the catalogue's entry of a grant is damaged")
                }
                return GrantEntry(name: row["name"], volume: volume, key: key, grantID: row["grantID"])
            }
        }
    }

    public func removeGrant(named name: String) throws {
        try write { database in
            try database.execute(sql: "DELETE FROM attachmentGrant WHERE name = ?", arguments: [name])
        }
    }
}
