internal import CofferBlock
internal import CofferCatalog
internal import CofferControl
internal import CofferShapes
internal import CofferSystem
internal import Glibc

extension VolumeService {
    /// The volume as it is now: the index's word, and what the kernel and the daemon say of its attachment.
    func describe(_ record: VolumeRecord) throws -> Volume {
        let view = inspect(record)
        let path = paths.file(record.id)
        var status = stat()
        let exists = unsafe stat(path, &status) == 0
        let (state, reason) = state(of: record, view, fileExists: exists)
        return Volume(
            id: record.id,
            name: record.name,
            sizeBytes: record.sizeBytes,
            dataUnitBytes: record.dataUnitBytes,
            cipherName: record.cipherName,
            kmsKeyARN: record.kmsKeyARN,
            created: record.created,
            state: state,
            attachment: view.state,
            stateReason: reason,
            exposedFile: view.exposedMounts.last.map { "\($0.mountPoint)/volume" },
            mountDirectory: view.filesystemMounts.last?.mountPoint,
            filesystem: Self.filesystemName(record.filesystem),
            isReadOnly: view.state == .detached ? false : view.record?.isReadOnly ?? false,
            loopDevice: view.loops.last?.path,
            daemon: view.status.map { status in
                Volume.Daemon(
                    processID: status.processID,
                    fuseConnection: status.fuseConnection,
                    threadCount: status.threadCount,
                    backingIO: status.backingIO,
                    kernel: status.kernel,
                    keyMemory: status.keyMemory,
                    requestBytes: status.requestBytes,
                    openCount: status.openCount,
                    bytesRead: status.bytesRead,
                    bytesWritten: status.bytesWritten
                )
            },
            backingFile: path,
            allocatedBytes: exists ? UInt64(status.st_blocks) * 512 : 0
        )
    }

    private func state(
        of record: VolumeRecord,
        _ view: AttachmentView,
        fileExists: Bool
    ) -> (Volume.State, reason: String?) {
        guard record.isComplete else {
            if runtime.isLocked(record.id) { return (.creating, nil) }
            return (.error, "its creation was interrupted: remove it with `coffer volume rm \(record.label)`")
        }
        guard fileExists else { return (.error, "its file \(paths.file(record.id)) is missing") }
        let undo = "`coffer volume unmount \(record.label)"
        switch view.state {
        case .detached: return (.available, nil)
        case .attached: return (.inUse, nil)
        case .elsewhere where runtime.isLocked(record.id):
            return (.inUse, "another command is changing it right now")
        case .elsewhere:
            return (
                .inUse,
                "it is attached in another mount namespace, or by a process that this home does not know"
            )
        case .faulted:
            return (
                .inUse,
                "faulted: a sync of its file failed, so that it takes no writes: clean up with \(undo)`"
            )
        case .hung: return (.inUse, "its daemon does not answer: clean up with \(undo) --force`")
        case .crashed: return (.inUse, "its daemon died and left mounts behind: clean up with \(undo)`")
        }
    }

    /// The filesystem's name for people, nil where there is none yet.
    private static func filesystemName(_ filesystem: VolumeRecord.Filesystem) -> String? {
        switch filesystem {
        case .none: nil
        case .formattingExt4, .formattingXFS: "formatting"
        case .ext4, .xfs: filesystem.rawValue
        }
    }
}
