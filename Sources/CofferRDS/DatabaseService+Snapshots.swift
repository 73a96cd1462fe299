public import CofferCatalog
internal import CofferEBS
public import CofferShapes
internal import Logging

extension DatabaseService {
    /// Fixes an instance's content of this moment; the snapshot is `creating` while its blocks are copied. The snapshot is
    /// of the instance's volume, which holds all of its data, so it is what a crash would leave, and both engines take that
    /// up. (`CreateDBSnapshot`)
    public func createDBSnapshot(
        of instance: String,
        named name: String,
        tags: [Tag] = [],
        caller: Caller
    ) async throws -> DatabaseSnapshot {
        let record = try await permitted(instance, to: "CreateDBSnapshot", caller: caller)
        let identifier = try DatabaseIdentifier.parse(
            name,
            limit: DatabaseIdentifier.snapshotCharacters,
            of: "DBSnapshotIdentifier"
        )
        try await require("CreateDBSnapshot", "snapshot", identifier.text, requestTags: tags, caller: caller)
        try DatabaseTags.check(tags)
        let now = try describe(record)
        guard now.status.isUsable || now.status == .storageFull || now.status == .stopped else {
            throw refusal(now, "snapshotted")
        }
        do {
            try await tryKey(record.kmsKeyARN, of: record.id, caller: infrastructure(record))
        } catch let error as AWSError where error.code.kind != .internalFailure {
            throw Self.notAccessible(error, record.kmsKeyARN.description)
        }
        return try await describe(try await snapshot(record, as: identifier, .manual, tags: tags))
    }

    /// Makes a snapshot of an instance's volume, and notes it.
    func snapshot(
        _ record: DatabaseRecord,
        as identifier: DatabaseIdentifier,
        _ kind: DatabaseSnapshotRecord.Kind,
        tags: [Tag] = []
    ) async throws -> DatabaseSnapshotRecord {
        guard let volume = record.volume else {
            throw AWSError(.invalidDatabaseState, "DB instance \(record.identifier) has no volume yet")
        }
        let now = clock.now
        var snapshot = DatabaseSnapshotRecord(
            identifier: identifier,
            region: record.region,
            source: record,
            kind: kind,
            created: now,
            originalTime: now,
            kmsKeyARN: record.kmsKeyARN,
            isEncrypted: record.isEncrypted
        )
        let own = Set(tags.map(\.key))
        let copied = record.copiesTags == true ? record.tags.filter { !own.contains($0.key) } : []
        snapshot.tags = copied + tags.map { DatabaseTag($0) }
        try catalog.insert(snapshot)
        do {
            let made = try await volumes.createSnapshot(
                CreateSnapshotRequest(
                    volume: volume.text,
                    description: "Of the database instance \(record.identifier): \(identifier)"
                ),
                caller: infrastructure(record)
            )
            // Its content is of a moment before this one: a restore to a time never begins with what is younger.
            let since = clock.now
            (snapshot.snapshot, snapshot.originalTime) = (made.id, since)
            try catalog.changeDatabaseSnapshot(identifier, in: record.region) { record in
                (record.snapshot, record.originalTime) = (made.id, since)
            }
        } catch {
            // Nobody was told of it.
            try? catalog.removeDatabaseSnapshot(identifier, in: record.region)
            throw error
        }
        note(record, "backup", kind == .manual ? "Manual snapshot created" : "Automated snapshot created")
        note(.snapshot, identifier, record.region, "creation", "Snapshot created")
        return snapshot
    }

    /// The snapshots of the region, those of one instance, or the one that is named. (`DescribeDBSnapshots`)
    public func describeDBSnapshots(
        _ name: String? = nil,
        of instance: String? = nil,
        caller: Caller
    ) async throws -> [DatabaseSnapshot] {
        if let name {
            return [
                try await describe(
                    try await permittedSnapshot(name, to: "DescribeDBSnapshots", caller: caller)
                )
            ]
        }
        try await require("DescribeDBSnapshots", "snapshot", "*", caller: caller)
        var snapshots: [DatabaseSnapshot] = []
        for record in try catalog.databaseSnapshots(in: region(of: caller))
        where instance == nil || record.source.identifier.text == instance?.lowercased() {
            snapshots.append(try await describe(record))
        }
        return snapshots
    }

    func permittedSnapshot(
        _ text: String,
        to action: String,
        caller: Caller
    ) async throws -> DatabaseSnapshotRecord {
        let identifier = DatabaseIdentifier(snapshot: text)
        let record = try identifier.flatMap { try catalog.databaseSnapshot($0, in: region(of: caller)) }
        try await require(
            action,
            "snapshot",
            identifier?.text ?? "*",
            tags: record?.tags.map(\.tag) ?? [],
            caller: caller
        )
        guard let record else {
            throw AWSError(
                .databaseSnapshotNotFound,
                "DBSnapshot \(text.prefix(255)) not found.",
                hint: "see which there are with `coffer-rds snapshot ls`"
            )
        }
        return record
    }

    func describe(_ record: DatabaseSnapshotRecord) async throws -> DatabaseSnapshot {
        let volumeSnapshot =
            if let id = record.snapshot { try await volumes.snapshot(id) } else { Snapshot?.none }
        let status: DatabaseSnapshot.Status =
            switch (record.failure, volumeSnapshot?.state) {
            case (nil, .completed): .available
            case (nil, .pending): .creating
            case (nil, nil) where isBeingBegun(record): .creating
            default: .failed
            }
        let reason = record.failure ?? volumeSnapshot?.stateReason
        return DatabaseSnapshot(
            record: record,
            arn: arn("snapshot", record.identifier.text, record.region),
            status: status,
            statusReason: reason ?? (status == .failed ? "its making was cut short: delete it" : nil),
            progress: status == .available ? 100 : volumeSnapshot?.progress ?? 0
        )
    }

    /// Whether the volume's snapshot may yet come: another process may be at it.
    private func isBeingBegun(_ record: DatabaseSnapshotRecord) -> Bool {
        record.snapshot == nil && clock.now.nanoseconds < record.created.nanoseconds + 60_000_000_000
    }

    /// Waits until a snapshot is complete. Throws where it fails.
    @discardableResult
    public func awaitCompletion(
        of record: DatabaseSnapshotRecord,
        progress: @Sendable (Int) -> Void = { _ in }
    ) async throws -> DatabaseSnapshot {
        while true {
            guard let now = try catalog.databaseSnapshot(record.identifier, in: record.region) else {
                throw AWSError(
                    .databaseSnapshotNotFound,
                    "DBSnapshot \(record.identifier) was deleted meanwhile."
                )
            }
            let snapshot = try await describe(now)
            switch snapshot.status {
            case .available: return snapshot
            case .failed:
                throw AWSError(
                    .invalidDatabaseSnapshotState,
                    "DBSnapshot \(record.identifier) failed: \(snapshot.statusReason ?? "")"
                )
            case .creating: progress(snapshot.progress)
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Deletes a manual snapshot, or an automated one that an instance left when it was deleted. (`DeleteDBSnapshot`)
    public func deleteDBSnapshot(_ name: String, caller: Caller) async throws -> DatabaseSnapshot {
        let record = try await permittedSnapshot(name, to: "DeleteDBSnapshot", caller: caller)
        let isRetained = try catalog.database(id: record.source.id) == nil
        guard record.kind == .manual || isRetained else {
            throw AWSError(
                .invalidDatabaseSnapshotState,
                "Cannot delete the automated snapshot \(record.identifier): it goes with its retention period."
            )
        }
        let snapshot = try await describe(record)
        guard snapshot.status != .creating else {
            throw AWSError(.invalidDatabaseSnapshotState, "DBSnapshot \(record.identifier) is being created.")
        }
        try await discard(record)
        let remaining = try catalog.databaseSnapshots(in: record.region).contains {
            $0.source.id == record.source.id && $0.kind == .automated
        }
        if record.kind == .automated, !remaining { try removeArchive(record.source) }
        note(.snapshot, record.identifier, record.region, "deletion", "Snapshot deleted")
        return snapshot
    }

    /// Takes a snapshot away, the volume's first: a crash between leaves one that is told as failed.
    func discard(_ record: DatabaseSnapshotRecord) async throws {
        if let id = record.snapshot {
            do {
                try await volumes.deleteSnapshot(id.text, caller: infrastructure(record.source))
            } catch let error as AWSError where error.code == .snapshotNotFound {
                // An earlier try has deleted it.
            }
        }
        try catalog.removeDatabaseSnapshot(record.identifier, in: record.region)
    }

    /// Copies a snapshot; under another KMS key every block is encrypted anew. An encrypted one stays encrypted, and one
    /// that is not becomes so where a key is named. (`CopyDBSnapshot`)
    public func copyDBSnapshot(
        _ source: String,
        to name: String,
        key: KeyReference? = nil,
        copiesTags: Bool = false,
        tags: [Tag] = [],
        caller: Caller
    ) async throws -> DatabaseSnapshot {
        let record = try await permittedSnapshot(source, to: "CopyDBSnapshot", caller: caller)
        let identifier = try DatabaseIdentifier.parse(
            name,
            limit: DatabaseIdentifier.snapshotCharacters,
            of: "TargetDBSnapshotIdentifier"
        )
        try await require("CopyDBSnapshot", "snapshot", identifier.text, requestTags: tags, caller: caller)
        try DatabaseTags.check(tags)
        let original = try await describe(record)
        guard original.status == .available, let volumeSnapshot = record.snapshot else {
            throw AWSError(
                .invalidDatabaseSnapshotState,
                "DBSnapshot \(record.identifier) is \(original.status.rawValue), not available."
            )
        }
        let keyARN: ARN =
            if let key {
                try await usableKey(key, isEncrypted: true, for: record.source.id, caller)
            } else {
                record.kmsKeyARN
            }
        var copy = DatabaseSnapshotRecord(
            identifier: identifier,
            region: record.region,
            source: record.source,
            kind: .manual,
            created: clock.now,
            originalTime: record.originalTime,
            kmsKeyARN: keyARN,
            isEncrypted: record.isEncrypted || key != nil
        )
        let own = Set(tags.map(\.key))
        copy.tags =
            (copiesTags ? record.tags.filter { !own.contains($0.key) } : []) + tags.map { DatabaseTag($0) }
        try catalog.insert(copy)
        do {
            let made = try await volumes.beginCopySnapshot(
                CopySnapshotRequest(
                    source: volumeSnapshot.text,
                    key: key == nil ? nil : KeyReference(keyARN.description),
                    description: "Of the database snapshot \(record.identifier): \(identifier)"
                ),
                caller: caller.through(.rds)
            )
            try catalog.changeDatabaseSnapshot(identifier, in: record.region) { $0.snapshot = made.id }
            copy.snapshot = made.id
        } catch {
            try? catalog.removeDatabaseSnapshot(identifier, in: record.region)  // Nobody was told of it.
            throw error
        }
        note(
            .snapshot,
            identifier,
            record.region,
            "creation",
            "Snapshot copy of \(record.identifier) created"
        )
        return try await describe(copy)
    }

    /// Accounts that may restore a snapshot; one under the AWS managed key is nobody else's. (`ModifyDBSnapshotAttribute`)
    public func shareDBSnapshot(
        _ name: String,
        adding: [String] = [],
        removing: [String] = [],
        caller: Caller
    ) async throws -> DatabaseSnapshot {
        let record = try await permittedSnapshot(name, to: "ModifyDBSnapshotAttribute", caller: caller)
        guard record.kind == .manual else {
            throw AWSError(.invalidDatabaseSnapshotState, "Only manual snapshots can be shared.")
        }
        for account in adding where account != "all" && AccountID(account) == nil {
            throw AWSError(
                .invalidParameterValue,
                "\(account.prefix(64)) is no account's id: it has 12 digits, or is `all`"
            )
        }
        if !adding.isEmpty, record.isEncrypted {
            guard !adding.contains("all") else {
                throw AWSError(
                    .invalidParameterValue,
                    "An encrypted snapshot cannot be shared with everybody."
                )
            }
            let managed = try? await keys.kms.awsManagedKey(of: .rds, caller: caller.through(.rds))
            guard managed?.arn != record.kmsKeyARN else {
                throw AWSError(
                    .invalidDatabaseSnapshotState,
                    "A snapshot under the AWS managed key cannot be shared: copy it under a key of your own first."
                )
            }
        }
        let changed = try catalog.changeDatabaseSnapshot(record.identifier, in: record.region) { record in
            record.sharedWith = Set(record.sharedWith).union(adding).subtracting(removing).sorted()
        }
        return try await describe(changed ?? record)
    }
}
