internal import CofferBlock
internal import CofferCatalog
public import CofferShapes
internal import Glibc
internal import Logging

extension VolumeService {
    /// Deletes a volume that is not attached: both headers are overwritten first, so that the wrapped key is gone even
    /// from a disk that keeps old blocks of deleted files. (`DeleteVolume`)
    public func deleteVolume(_ reference: String, isDryRun: Bool = false, caller: Caller) async throws {
        let found = try await permitted(reference, to: "ec2:DeleteVolume", isDryRun: isDryRun, caller: caller)
        try requireNoDatabase(caller) { $0.volume == found.id }
        let (record, lock) = try await locked(found.id, for: .delete)
        defer { withExtendedLifetime(lock) {} }
        try await remove(record)
    }

    /// Refuses to take away what a database is made of, unless it is for the service of databases.
    func requireNoDatabase(_ caller: Caller, whose isMeant: (DatabaseRecord) -> Bool) throws {
        guard caller.via != .rds, let owner = try catalog.databases().first(where: isMeant) else { return }
        throw AWSError(
            .operationNotPermitted,
            "it belongs to the database instance \(owner.identifier)",
            hint: "delete that with `coffer-rds delete \(owner.identifier)`"
        )
    }

    /// Removes a volume under the operation lock, which the caller holds.
    func remove(_ record: VolumeRecord) async throws {
        let path = paths.file(record.id)
        if unsafe access(path, F_OK) == 0 {
            let store = try openStore(record, .readWrite)
            try lockExclusively(store, record)
            // From here on there is no way back.
            try catalog.change(record.id) { $0.stage = .deleting }
            try translating("erasing the header of \(record.id)") {
                try VolumeImage(store, volumeID: record.id).erase()
            }
            unsafe unlink(path)
        }
        unsafe unlink(paths.changedMap(record.id))
        unsafe unlink(paths.fillMap(record.id))
        try paths.syncVolumesFolder()
        // What an attachment that ended by itself has left.
        await retireGrants(of: record.id)
        // While the volume is on the index: whoever ends a removal that was cut short frees what it needed, too.
        try catalog.change(record.id) { $0.stage = .deleting }
        discardSnapshot(of: record)
        if record.snapshot != nil { releaseRetiredSnapshots() }
        try catalog.removeVolume(record.id)
        runtime.remove(record.id)
        note(record, "deleteVolume", "deleted")
        logger.info("deleted volume", metadata: ["volume": "\(record.id)"])
    }
}
