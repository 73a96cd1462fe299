internal import CofferCatalog
internal import CofferEBS
internal import CofferShapes
internal import Logging

// What an instance may do with its KMS key while nobody is there to ask in whose name: two grants, as RDS has them. (RDS
// user guide, "AWS KMS key management".)
extension DatabaseService {
    /// Has KMS grant the instance what it needs, in the name of who makes it; notes the grants. A KMS elsewhere that knows
    /// no such principal gives none: there this process's access key decides.
    func takeGrants(
        _ record: DatabaseRecord,
        volume: VolumeID,
        reading source: ARN?,
        caller: Caller
    ) async throws {
        guard !record.kmsKeyARN.isAWSOwnedKey else { return }
        try await takeGrant(
            record,
            on: record.kmsKeyARN,
            "volume",
            Self.volumeOperations,
            .volume(volume),
            caller
        )
        let archive = DatabaseArchive.context(record.id)
        try await takeGrant(record, on: record.kmsKeyARN, "archive", Self.archiveOperations, archive, caller)
        // A snapshot's key is needed until all of it is under the volume's own; its context is another resource's.
        if let source, !source.isAWSOwnedKey {
            try await takeGrant(record, on: source, "snapshot", [.decrypt], nil, caller)
        }
    }

    private static let volumeOperations: [GrantOperation] = [
        .decrypt, .generateDataKeyWithoutPlaintext, .reEncryptFrom, .reEncryptTo, .createGrant, .retireGrant,
        .describeKey,
    ]
    private static let archiveOperations: [GrantOperation] = [
        .decrypt, .generateDataKey, .generateDataKeyWithoutPlaintext, .describeKey,
    ]

    private func takeGrant(
        _ record: DatabaseRecord,
        on key: ARN,
        _ purpose: String,
        _ operations: [GrantOperation],
        _ context: EncryptionContext?,
        _ caller: Caller
    ) async throws {
        let principal = infrastructure(record).principal.description
        let order = GrantOrder(
            grantee: principal,
            retiring: principal,
            operations: operations,
            constraints: context.map { GrantConstraints(subset: $0) },
            name: "rds-\(record.id)-\(purpose)"
        )
        do {
            let grant = try await keys.service(of: key).createGrant(
                order,
                on: KeyReference(key.description),
                caller: caller.through(.rds)
            )
            try catalog.change(record.id) { $0.grants.append(DatabaseGrant(key: key, id: grant.id)) }
        } catch let error as AWSError where VolumeService.isWithoutSuchGrants(error) {
            logger.info("the KMS gives no grant", metadata: ["error": "\(error)"])
        }
    }

    /// Retires the grants of an instance that is going. Best effort: the key itself may be gone.
    func retireGrants(of record: DatabaseRecord) async {
        for grant in record.grants {
            do {
                try await keys.service(of: grant.key).retireGrant(
                    .id(grant.id, key: KeyReference(grant.key.description)),
                    caller: infrastructure(record)
                )
            } catch {
                logger.info("a grant was not retired", metadata: ["error": "\(error)"])
            }
        }
    }
}
