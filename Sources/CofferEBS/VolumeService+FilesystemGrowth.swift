internal import CofferCatalog
internal import CofferShapes
internal import CofferSystem

// Filesystems that `mount` made grow after their volumes.
extension VolumeService {
    /// Grows a mounted filesystem into its device. Gives words for the user where it cannot: it is mounted all the same.
    func growMounted(
        _ record: VolumeRecord,
        _ kind: FilesystemKind,
        device: String,
        directory: String
    ) async -> String? {
        do {
            let (tool, argument) = kind == .ext4 ? ("resize2fs", device) : ("xfs_growfs", directory)
            let outcome = try await ChildProcess.run(tool, [argument], limitSeconds: 3600)
            guard outcome.code == 0 else { return Self.notGrown(kind, outcome.errors) }
            try catalog.change(record.id) { $0.awaitsFilesystemGrowth = false }
            return nil
        } catch {
            return Self.notGrown(kind, "\(error)")
        }
    }

    /// Grows what `mount` made and is mounted through a loop device, where it has to. Words for the user where it cannot.
    func growMounted(_ record: VolumeRecord, _ view: AttachmentView) async -> String? {
        guard let now = try? catalog.volume(id: record.id), now.awaitsFilesystemGrowth,
            let kind = FilesystemKind(rawValue: now.filesystem.rawValue),
            let loop = view.loops.last, let mount = view.filesystemMounts.last,
            view.record?.isReadOnly != true
        else { return nil }
        return await growMounted(record, kind, device: loop.path, directory: mount.mountPoint)
            .map { "\($0). It grows when it is mounted next." }
    }

    /// Grows an ext4 that is not mounted, in the volume's exposed file.
    func growUnmounted(_ record: VolumeRecord, file: String) async throws {
        // resize2fs(8) asks for a whole check first. 0 clean, 1 mended (e2fsck(8)).
        let check = try await ChildProcess.run("e2fsck", ["-f", "-p", file], limitSeconds: 3600)
        let outcome =
            check.code <= 1 ? try await ChildProcess.run("resize2fs", [file], limitSeconds: 3600) : check
        guard outcome.code == 0 else {
            throw AWSError(
                .internalError,
                "the filesystem of volume \(record.label) cannot grow: \(outcome.errors)"
            )
        }
        try catalog.change(record.id) { $0.awaitsFilesystemGrowth = false }
    }

    private static func notGrown(_ kind: FilesystemKind, _ why: String) -> String {
        // The tool's name and version come first.
        let last = why.split(separator: "\n").last.map(String.init) ?? why
        return "the volume has grown and its \(kind.rawValue) has not: \(last)"
    }
}
