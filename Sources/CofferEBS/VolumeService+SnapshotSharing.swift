internal import CofferCatalog
public import CofferShapes
internal import Logging

/// What `modifySnapshotAttribute` changes. EC2 adds or takes away, not both at once.
public struct SnapshotSharingChange: Sendable {
    public var adding: [SnapshotGrantee]
    public var removing: [SnapshotGrantee]

    public init(adding: [SnapshotGrantee] = [], removing: [SnapshotGrantee] = []) {
        (self.adding, self.removing) = (adding, removing)
    }
}

// Sharing: which accounts may make volumes of a snapshot. It is noted and told as on AWS, with its refusals; a home has
// one account, so that others come by a snapshot through its export and the KMS key's policy.
extension VolumeService {
    /// AWS's most changes in one call.
    private static let sharingLimit = 500

    /// Changes who may make volumes of a snapshot. (`ModifySnapshotAttribute`, "createVolumePermission")
    public func modifySnapshotAttribute(
        _ reference: String,
        _ change: SnapshotSharingChange,
        isDryRun: Bool = false,
        caller: Caller
    ) async throws {
        let record = try await permittedSnapshot(
            reference,
            to: "ec2:ModifySnapshotAttribute",
            facts: Self.facts(of: change),
            caller: caller
        )
        try await requireShareable(record, change, caller)
        if isDryRun { throw AWSError.dryRunSucceeds }
        try catalog.changePermissions(of: record.id, adding: change.adding, removing: change.removing)
        note(resource: record.id.text, record.region, "shareSnapshot", "succeeded", cause: "")
        logger.info("changed who may use a snapshot", metadata: ["snapshot": "\(record.id)"])
    }

    /// Who may make volumes of a snapshot besides its owner, sorted. (`DescribeSnapshotAttribute`)
    public func describeSnapshotAttribute(
        _ reference: String,
        isDryRun: Bool = false,
        caller: Caller
    ) async throws -> [SnapshotGrantee] {
        let record = try await permittedSnapshot(
            reference,
            to: "ec2:DescribeSnapshotAttribute",
            isDryRun: isDryRun,
            caller: caller
        )
        return try catalog.permissions(of: record.id)
    }

    /// Has nobody but its owner use a snapshot. (`ResetSnapshotAttribute`)
    public func resetSnapshotAttribute(
        _ reference: String,
        isDryRun: Bool = false,
        caller: Caller
    ) async throws {
        let record = try await permittedSnapshot(
            reference,
            to: "ec2:ResetSnapshotAttribute",
            isDryRun: isDryRun,
            caller: caller
        )
        try catalog.changePermissions(of: record.id, removing: try catalog.permissions(of: record.id))
        note(resource: record.id.text, record.region, "shareSnapshot", "succeeded", cause: "")
    }

    /// (EBS user guide, "Share an Amazon EBS snapshot": encrypted ones are never public, and those under the default AWS
    /// managed key are not shared at all.)
    private func requireShareable(
        _ record: SnapshotRecord,
        _ change: SnapshotSharingChange,
        _ caller: Caller
    ) async throws {
        guard change.adding.isEmpty || change.removing.isEmpty else {
            throw AWSError(
                .invalidParameterCombination,
                "Permissions are added or removed in one request, not both."
            )
        }
        let count = change.adding.count + change.removing.count
        guard count > 0 else {
            throw AWSError(.missingParameter, "The request must name whom to add or to remove.")
        }
        guard count <= Self.sharingLimit else {
            throw AWSError(
                .invalidParameterValue,
                "A request changes at most \(Self.sharingLimit) permissions, not \(count)."
            )
        }
        guard record.isEncrypted, !change.adding.isEmpty else { return }
        guard !change.adding.contains(.everyone) else {
            throw AWSError(.operationNotPermitted, "Encrypted snapshots cannot be made public")
        }
        var owner = caller.through(orKeeping: .ebs)
        owner.region = record.region
        guard try await keys.kms.awsManagedKey(of: .ebs, caller: owner).arn != record.kmsKeyARN else {
            throw AWSError(
                .operationNotPermitted,
                "Encrypted snapshots with EBS default key cannot be shared",
                hint:
                    "share a copy under a KMS key of your own: `coffer snapshot copy \(record.label) --key …`"
            )
        }
    }

    private static func facts(of change: SnapshotSharingChange) -> [String: [String]] {
        var facts = ["ec2:Attribute": ["createVolumePermission"]]
        for (verb, grantees) in [("Add", change.adding), ("Remove", change.removing)] {
            let users = grantees.filter { $0 != .everyone }.map(\.text)
            if !users.isEmpty { facts["ec2:\(verb)/userId"] = users }
            if grantees.contains(.everyone) { facts["ec2:\(verb)/group"] = ["all"] }
        }
        return facts
    }
}
