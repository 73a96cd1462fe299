internal import CofferCatalog
internal import CofferEBS
public import CofferShapes
internal import Glibc

extension DatabaseService {
    /// Changes an instance at once: storage grows while it runs, and parameters that need a restart wait for the next.
    /// Encryption and the KMS key are for life. (`ModifyDBInstance`)
    public func modifyDBInstance(
        _ identifier: String,
        _ request: ModifyDatabaseRequest,
        password: MasterPassword? = nil,
        caller: Caller
    ) async throws -> Database {
        let record = try await permitted(identifier, to: "ModifyDBInstance", caller: caller)
        let now = try describe(record)
        guard now.status.isUsable || [.stopped, .storageFull].contains(now.status) else {
            throw refusal(now, "modified")
        }
        guard password == nil || now.status.isUsable else { throw refusal(now, "given another password") }
        guard password == nil || record.engine.engine.hasUsers else {
            throw AWSError(
                .invalidParameterCombination,
                "\(record.engine.rawValue) has no users, and so no passwords"
            )
        }
        var wanted = record
        apply(request, to: &wanted)
        if request.parameterGroup == nil, request.engineVersion != nil {
            throw AWSError(.invalidParameterCombination, "The engine's version is the one that is installed.")
        }
        guard wanted.allocatedGiB >= record.allocatedGiB else {
            throw AWSError(
                .invalidParameterCombination,
                "Requested storage size, \(wanted.allocatedGiB) GiB, is less than the \(record.allocatedGiB) GiB that it has: "
                    + "storage only grows."
            )
        }
        try check(wanted)
        if let volume = record.volume, wanted.allocatedGiB > record.allocatedGiB {
            let change = try await volumes.modifyVolume(
                volume.text,
                ModifyVolumeRequest(sizeBytes: UInt64(wanted.allocatedGiB) << 30),
                caller: infrastructure(record)
            )
            // Such as a filesystem that grows only when it is mounted next.
            if let words = change.statusMessage { note(record, "notification", words) }
        }
        if let password { try await record.engine.engine.setPassword(try site(of: record), password) }
        let changed = try catalog.change(record.id) { apply(request, to: &$0) }
        signalSupervisor(of: record, SIGHUP)
        note(record, "configuration change", "Finished applying modification to the DB instance")
        return try describe(changed ?? record)
    }

    private func apply(_ request: ModifyDatabaseRequest, to record: inout DatabaseRecord) {
        if let size = request.allocatedGiB { record.allocatedGiB = size }
        if let name = request.instanceClass { record.instanceClass = name }
        if let copies = request.copiesTags { record.copiesTags = copies }
        if let type = request.storageType { record.storageType = type }
        if let days = request.backupRetentionDays { record.backupRetentionDays = days }
        if let window = request.backupWindow { record.backupWindow = window }
        if let isProtected = request.isProtected { record.isProtected = isProtected }
        if let group = request.parameterGroup { record.parameterGroup = group }
        if let port = request.port { record.port = port }
        for (name, value) in request.parameters { record.parameters[name] = value }
    }
}
