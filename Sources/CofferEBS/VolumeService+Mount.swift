internal import CofferBlock
internal import CofferCatalog
public import CofferShapes
internal import CofferSystem
internal import Glibc
internal import Logging

/// How a volume is mounted.
public struct MountOptions: Sendable {
    public var attach: AttachOptions
    /// The filesystem to make on a volume that was never formatted; nil: ext4.
    public var filesystem: FilesystemKind?
    /// mount(8) options, comma-separated.
    public var mountOptions: String?

    public init(
        attach: AttachOptions = AttachOptions(),
        filesystem: FilesystemKind? = nil,
        mountOptions: String? = nil
    ) {
        (self.attach, self.filesystem, self.mountOptions) = (attach, filesystem, mountOptions)
    }
}

extension VolumeService {
    /// Attaches a volume, makes a filesystem where there was never one, and mounts it on `directory`, which is made
    /// where it is missing. Root mounts through a loop device; others through fuse2fs(1), which keeps no journal.
    ///
    /// While this builds, the exposed file is held open: if the command dies, that file is closed, and the daemon, which
    /// leaves at the last close, takes the attachment away with it.
    public func mountVolume(
        _ reference: String,
        on directory: String,
        options: MountOptions,
        caller: Caller
    ) async throws -> Attachment {
        let found = try await attachable(reference, options.attach, caller: caller)
        let (record, lock) = try await locked(found.id, for: nil)
        defer { withExtendedLifetime(lock) {} }
        let view = inspect(record)
        if view.state == .attached, let mounted = view.filesystemMounts.last {
            throw AWSError(
                .volumeInUse,
                "volume \(record.label) is mounted already, at \(mounted.mountPoint)"
            )
        }
        try VolumeLifecycle.require(.attach, situation(record, view, isChanging: false))
        let target = try Self.mountPoint(directory, mode: 0o755)
        try enter(record, options.attach)
        var begun = try await attach(record, options.attach, mountDirectory: target, caller: caller)
        do {
            let held = unsafe open(
                begun.exposedFile,
                (options.attach.isReadOnly ? O_RDONLY : O_RDWR) | O_CLOEXEC
            )
            guard held >= 0 else {
                throw AWSError(.internalError, "cannot open \(begun.exposedFile): \(SystemError.text(errno))")
            }
            defer { close(held) }
            if geteuid() == 0 {
                begun.notices += try await mountThroughLoop(record, held, begun.exposedFile, target, options)
            } else {
                begun.notices += try await mountThroughFuse2fs(
                    record,
                    held,
                    begun.exposedFile,
                    target,
                    options
                )
            }
            onStep(.mounted)
        } catch {
            // Bring back what was built; the first error is the one to tell.
            try? await undo(record, inspect(record), force: true)
            try? catalog.removeAttachment(of: record.id)  // A dead entry is found as such.
            await retireGrants(of: record.id)
            throw error
        }
        logger.info("mounted volume", metadata: ["volume": "\(record.id)", "directory": "\(target)"])
        return Attachment(volumeID: record.id, exposedFile: begun.exposedFile, notices: begun.notices)
    }

    // MARK: - Two ways to mount

    private func mountThroughLoop(
        _ record: VolumeRecord,
        _ exposed: Int32,
        _ exposedFile: String,
        _ target: String,
        _ options: MountOptions
    ) async throws -> [String] {
        let (loop, descriptor) = try LoopDevice.attach(
            exposed,
            name: exposedFile,
            blockBytes: record.dataUnitBytes,
            isReadOnly: options.attach.isReadOnly
        )
        defer { close(descriptor) }
        onStep(.loopAttached)
        let kind = try await filesystem(record, on: loop.path, options, keepsJournal: true)
        let grows = record.awaitsFilesystemGrowth && !options.attach.isReadOnly
        // Before it is mounted: growing a mounted ext4 takes a privilege that root may lack (CAP_SYS_RESOURCE).
        if grows, kind == .ext4 { try await growUnmounted(record, file: loop.path) }
        var mountOptions = options.attach.isReadOnly ? ["ro"] : []
        if kind == .ext4 { mountOptions.append("errors=remount-ro") }
        if let more = options.mountOptions { mountOptions.append(more) }
        var arguments = ["-t", kind.rawValue]
        if !mountOptions.isEmpty { arguments += ["-o", mountOptions.joined(separator: ",")] }
        // A journal's replay may take a while on a large volume.
        let outcome = try await ChildProcess.run(
            "mount",
            arguments + ["--", loop.path, target],
            limitSeconds: 600
        )
        guard outcome.code == 0 else {
            throw AWSError(.internalError, "cannot mount \(kind.rawValue) on \(target): \(outcome.errors)")
        }
        guard grows, kind == .xfs else { return [] }
        return await growMounted(record, kind, device: loop.path, directory: target).map { [$0] } ?? []
    }

    private func mountThroughFuse2fs(
        _ record: VolumeRecord,
        _ exposed: Int32,
        _ exposedFile: String,
        _ target: String,
        _ options: MountOptions
    ) async throws -> [String] {
        if options.filesystem == .xfs {
            throw AWSError(.missingRequirement, "without root only ext4 can be mounted, through fuse2fs")
        }
        let kind = try await filesystem(record, on: exposedFile, options, keepsJournal: false)
        guard kind == .ext4 else {
            throw AWSError(
                .missingRequirement,
                "the volume holds \(kind.rawValue), which only root can mount"
            )
        }
        if !options.attach.isReadOnly {
            let check = try await ChildProcess.run("e2fsck", ["-p", exposedFile], limitSeconds: 3600)
            // 0 clean, 1 mended (e2fsck(8)).
            guard check.code <= 1 else {
                throw AWSError(
                    .damaged,
                    "the filesystem of volume \(record.label) needs repair by hand: \(check.output)",
                    hint: "attach it with `coffer volume attach` and run `e2fsck -f` on the exposed file"
                )
            }
            if record.awaitsFilesystemGrowth { try await growUnmounted(record, file: exposedFile) }
        }
        let access = options.attach.isReadOnly ? "ro" : "rw"
        let more = options.mountOptions.map { ",\($0)" } ?? ""
        let outcome = try await ChildProcess.run(
            "fuse2fs",
            [exposedFile, target, "-o", "\(access),fakeroot\(more)"],
            limitSeconds: 600
        )
        guard outcome.code == 0 else {
            throw AWSError(.internalError, "cannot mount on \(target): \(outcome.errors)")
        }
        guard
            await Self.waits(
                seconds: 10,
                until: { MountTable.current().contains { $0.mountPoint == target } }
            )
        else { throw AWSError(.internalError, "fuse2fs did not mount \(target)") }
        return [
            "mounted through fuse2fs, which keeps no journal: after a crash the next mount runs e2fsck; "
                + "the durability promises are those of ext4 on a loop device, which needs root"
        ]
    }

    // MARK: - Filesystems

    /// The filesystem on the device, made where the volume was never formatted. Data that no filesystem accounts for is
    /// never formatted over.
    private func filesystem(
        _ record: VolumeRecord,
        on device: String,
        _ options: MountOptions,
        keepsJournal: Bool
    ) async throws -> FilesystemKind {
        if !record.filesystem.isFormatting {
            let probe = try await ChildProcess.run("blkid", ["-p", "-o", "value", "-s", "TYPE", device])
            if let kind = FilesystemKind(rawValue: probe.output) { return kind }
            guard probe.output.isEmpty else {
                throw AWSError(
                    .incorrectState,
                    "volume \(record.label) holds \(probe.output), which `mount` does not know",
                    hint: "attach it with `coffer volume attach \(record.label)` and use the exposed file"
                )
            }
            let store = try openStore(record, .readOnly)
            // What a volume has from its snapshot may not be in its own file yet.
            let written = try translating("looking at volume \(record.label)") {
                try record.snapshot != nil || store.nextData(from: Geometry.dataOffsetAlignment) != nil
            }
            guard !written else {
                throw AWSError(
                    .incorrectState,
                    "volume \(record.label) holds data but no filesystem, and is not formatted over",
                    hint: "attach it with `coffer volume attach \(record.label)` and use the exposed file"
                )
            }
        }
        guard !options.attach.isReadOnly else {
            throw AWSError(
                .incorrectState,
                "volume \(record.label) was never formatted",
                hint: "mount it once without --read-only"
            )
        }
        let kind = options.filesystem ?? .ext4
        try await format(record, device, kind, keepsJournal: keepsJournal)
        return kind
    }

    private func format(
        _ record: VolumeRecord,
        _ device: String,
        _ kind: FilesystemKind,
        keepsJournal: Bool
    ) async throws {
        try catalog.setFilesystem(kind == .ext4 ? .formattingExt4 : .formattingXFS, of: record.id)
        onStep(.formatting)
        // The volume is all holes: nothing to discard.
        let outcome =
            switch kind {
            case .ext4:
                try await ChildProcess.run(
                    "mkfs.ext4",
                    ["-q", "-F", "-E", "nodiscard"] + (keepsJournal ? [] : ["-O", "^has_journal"]) + [device],
                    limitSeconds: 3600
                )
            case .xfs:
                try await ChildProcess.run("mkfs.xfs", ["-q", "-f", "-K", device], limitSeconds: 3600)
            }
        guard outcome.code == 0 else {
            throw AWSError(
                .internalError,
                "cannot make \(kind.rawValue) on volume \(record.label): \(outcome.errors)"
            )
        }
        try catalog.setFilesystem(kind == .ext4 ? .ext4 : .xfs, of: record.id)
        onStep(.formatted)
    }

    /// The folder's real path, made where it is missing; refused where something is mounted on it.
    static func mountPoint(_ directory: String, mode: UInt32) throws -> String {
        // The mount table has real paths, and so must whoever compares with it.
        let path = try Folder.makeReal(directory, mode: mode)
        var status = stat()
        guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw AWSError(.invalidParameterValue, "\(directory) is no folder")
        }
        if let other = MountTable.current().first(where: { $0.mountPoint == path }) {
            throw AWSError(
                .incorrectState,
                "\(directory) is a mount point already, of \(other.source)",
                hint: "choose another folder, or unmount it first"
            )
        }
        return path
    }
}
