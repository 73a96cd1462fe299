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
        "the volume has grown and its \(kind.rawValue) has not: \(why)"
    }
}
