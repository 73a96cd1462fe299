internal import CofferCatalog
public import CofferShapes

// Who may: each verb asks before it does or tells anything.
extension VolumeService {
    /// The region that a caller means.
    nonisolated func region(of caller: Caller) -> Region { caller.region ?? identity.region }

    /// Refuses what the caller may not do. For actions about no volume, and for those of other rooms over volumes.
    /// A dry run ends here: `DryRunOperation` where it would succeed.
    public func requirePermission(
        _ action: String,
        on resources: [ActionResource] = [],
        facts: [String: [String]] = [:],
        isDryRun: Bool = false,
        caller: Caller
    ) async throws {
        try await authoriser.require(ActionRequest(action, on: resources, facts: facts), caller: caller)
        if isDryRun { throw AWSError.dryRunSucceeds }
    }

    /// The volume that `reference` names, for a caller who may do `action` with it. Who may not is not told whether it
    /// exists.
    func permitted(
        _ reference: String,
        to action: String,
        on others: [ActionResource] = [],
        facts: [String: [String]] = [:],
        isDryRun: Bool = false,
        caller: Caller
    ) async throws -> VolumeRecord {
        try await permitted(
            reference,
            to: action,
            on: others,
            facts: facts,
            isDryRun: isDryRun,
            caller: caller,
            kind: "volume",
            missing: .volumeNotFound,
            find: { try catalog.volume(reference, in: $0) },
            resource: { self.resource($0) }
        )
    }

    /// The same for what `find` finds in the caller's region; it throws `missing` where there is none.
    func permitted<Record>(
        _ reference: String,
        to action: String,
        on others: [ActionResource],
        facts: [String: [String]] = [:],
        isDryRun: Bool,
        caller: Caller,
        kind: String,
        missing: AWSError.Code,
        find: (Region) throws -> Record,
        resource: (Record) -> ActionResource
    ) async throws -> Record {
        let found = Result { try find(region(of: caller)) }
        if case .failure(let error) = found, (error as? AWSError)?.code != missing { throw error }
        let bearer = (try? found.get()).map(resource) ?? wildcard(kind, caller)
        try await authoriser.require(
            ActionRequest(action, on: [bearer] + others, facts: facts),
            caller: caller
        )
        let record = try found.get()
        if isDryRun { throw AWSError.dryRunSucceeds }
        return record
    }

    /// Tags at creation need leave to tag, as on AWS. (EC2 user guide, "Grant permission to tag resources during
    /// creation".)
    func requireTagging(_ tags: [Tag], of kind: String, by action: String, _ caller: Caller) async throws {
        guard !tags.isEmpty else { return }
        var tagging = ActionRequest("ec2:CreateTags", on: [wildcard(kind, caller)])
        tagging.facts = ["ec2:CreateAction": [action]]
        tagging.add(requestTags: tags)
        try await authoriser.require(tagging, caller: caller)
    }

    /// A volume as policies see it.
    func resource(_ volume: VolumeRecord) -> ActionResource {
        var facts = [
            "ec2:VolumeID": [volume.id.text],
            "ec2:VolumeSize": ["\(VolumeLimits.gibibytes(volume.sizeBytes))"],
            "ec2:VolumeType": [volume.type.rawValue],
            "ec2:Encrypted": ["\(volume.isEncrypted)"],
            "ec2:AvailabilityZone": [volume.region.zone],
        ]
        if let iops = volume.iops { facts["ec2:VolumeIops"] = ["\(iops)"] }
        if let throughput = volume.throughput { facts["ec2:VolumeThroughput"] = ["\(throughput)"] }
        return ActionResource(
            arn: ARN.volume(volume.id, region: volume.region, account: identity.account).description,
            tags: volume.tags,
            facts: facts
        )
    }

    /// All resources of a kind, and those that are about to be made. The ARNs of snapshots name no account.
    nonisolated func wildcard(_ kind: String, _ caller: Caller) -> ActionResource {
        let account = kind == "snapshot" ? "" : identity.account.digits
        return ActionResource(arn: "arn:aws:ec2:\(region(of: caller)):\(account):\(kind)/*")
    }

    /// The host as the instance that volumes are attached to.
    func instanceResource(_ caller: Caller) -> ActionResource {
        ActionResource(
            arn: "arn:aws:ec2:\(region(of: caller)):\(identity.account):instance/\(instanceID)",
            facts: ["ec2:InstanceID": [instanceID.text]]
        )
    }

    /// The id of a volume as a request has it: InvalidVolumeID.Malformed for what is none, InvalidVolume.NotFound for
    /// the short form of old, which no volume here has.
    public nonisolated static func volumeID(_ text: String) throws -> VolumeID {
        if let id = VolumeID(text) { return id }
        guard text.hasPrefix("vol-"), text.utf8.count == 12,
            text.utf8.dropFirst(4).allSatisfy(Hex.isLowerDigit)
        else {
            throw AWSError(.volumeIDMalformed, "Invalid id: \"\(text.prefix(64))\" (expecting \"vol-...\")")
        }
        throw AWSError(.volumeNotFound, "The volume '\(text)' does not exist.")
    }
}
