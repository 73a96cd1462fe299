internal import CofferCatalog
public import CofferShapes

extension VolumeService {
    /// What happened to the region's volumes, the oldest first: the newest `limit` of what the home has kept; of one
    /// volume, also one that is gone, where its id or name is given.
    public func describeVolumeEvents(
        of reference: String? = nil,
        limit: Int = 1000,
        caller: Caller
    ) async throws -> [VolumeEvent] {
        try await requirePermission("ec2:DescribeVolumeStatus", caller: caller)
        let region = region(of: caller)
        try endDeadAttachments()
        // What happened to a volume is told by its whole id when there is none any more.
        let resource = try reference.map { try VolumeID($0)?.text ?? catalog.volume($0, in: region).id.text }
        return try catalog.events(in: region, of: resource, limit: max(0, limit)).map { event in
            VolumeEvent(
                time: event.time,
                resource: event.resource,
                name: event.name,
                result: event.result,
                cause: event.cause
            )
        }
    }

    /// Sets whether a volume that was found damaged gives I/O again by itself. Coffer notes it, and stops no I/O.
    /// (`ModifyVolumeAttribute`, "AutoEnableIO")
    public func modifyVolumeAttribute(
        _ reference: String,
        enablesIOByItself: Bool,
        isDryRun: Bool = false,
        caller: Caller
    ) async throws {
        let record = try await permitted(
            reference,
            to: "ec2:ModifyVolumeAttribute",
            isDryRun: isDryRun,
            caller: caller
        )
        try catalog.change(record.id) { $0.enablesIOByItself = enablesIOByItself }
    }
}
