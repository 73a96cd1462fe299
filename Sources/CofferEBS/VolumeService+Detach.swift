internal import CLinux
internal import CofferCatalog
internal import CofferControl
internal import CofferShapes
internal import Glibc
internal import Logging

extension VolumeService {
    /// Detaches a volume: its daemon ends and wipes the key. Safe to repeat, and after a crash too. VolumeInUse while
    /// its filesystem is mounted or its file is open, unless forced. (`DetachVolume`)
    public func detachVolume(_ reference: String, force: Bool = false) async throws {
        let record = try catalog.volume(reference)
        let lock = try runtime.lock(record.id)
        defer { withExtendedLifetime(lock) {} }
        let view = runtime.inspect(record.id)
        if !force, view.state == .attached || view.state == .faulted, let mount = view.filesystemMounts.last {
            throw AWSError(
                .volumeInUse,
                "the filesystem of volume \(record.label) is mounted at \(mount.mountPoint)",
                hint: "unmount it with `coffer volume unmount \(record.label)`"
            )
        }
        try await undo(record, view, force: force)
    }

    /// Unmounts a volume's filesystem, takes its loop device away and detaches it, in this order. Safe to repeat, and
    /// brings back to clean what a dead daemon or a killed command left.
    public func unmountVolume(_ reference: String, force: Bool = false) async throws {
        let record = try catalog.volume(reference)
        let lock = try runtime.lock(record.id)
        defer { withExtendedLifetime(lock) {} }
        try await undo(record, runtime.inspect(record.id), force: force)
    }

    /// Undoes an attachment from the top down. A daemon that hangs is never waited for: with `force` its FUSE connection
    /// is aborted by number before anything touches a mount above it.
    func undo(_ record: VolumeRecord, _ view: AttachmentView, force: Bool) async throws {
        if view.state == .elsewhere {
            throw AWSError(
                .volumeInUse,
                "volume \(record.label) is attached in another mount namespace, by process "
                    + "\(view.record?.daemon?.processID ?? 0)",
                hint: "detach it there"
            )
        }
        if view.state == .hung {
            guard force else {
                throw AWSError(
                    .volumeInUse,
                    "the daemon of volume \(record.label) does not answer",
                    hint:
                        "give up what it has not written with `coffer volume unmount \(record.label) --force`"
                )
            }
            try await abortConnection(view)
        }
        // Above a dead daemon nothing can be saved by waiting: what is busy is detached lazily.
        let lazy = force || view.state == .crashed || view.state == .hung
        for mount in view.filesystemMounts.reversed() {
            try await unmount(mount.mountPoint, type: mount.filesystemType, lazy: lazy, record)
        }
        await takeLoopsAway(view)
        try await endDaemon(record, lazy: lazy)
        runtime.clear(record.id)
        logger.info("detached volume", metadata: ["volume": "\(record.id)"])
    }

    // MARK: - Steps

    private func unmount(_ directory: String, type: String, lazy: Bool, _ record: VolumeRecord) async throws {
        let asUser = geteuid() != 0
        let (tool, options) = asUser ? ("fusermount3", ["-u"]) : ("umount", [])
        let outcome = try await ChildProcess.run(tool, options + ["--", directory].dropFirst(asUser ? 1 : 0))
        if outcome.code == 0 || !Self.isMounted(directory, type: type) { return }
        guard lazy else {
            throw AWSError(
                .volumeInUse,
                "volume \(record.label) is busy: files below \(directory) are in use",
                hint: "see who uses them with `fuser -vm \(directory)`, or let go of them with --force"
            )
        }
        let again = try await ChildProcess.run(
            tool,
            asUser ? ["-u", "-z", directory] : ["--lazy", "--", directory]
        )
        guard again.code == 0 || !Self.isMounted(directory, type: type) else {
            throw AWSError(.internalError, "cannot unmount \(directory): \(again.errors)")
        }
    }

    /// Waits for autoclear, then asks. A device whose filesystem was detached lazily stays until its last file is
    /// closed; the kernel takes it away then.
    private func takeLoopsAway(_ view: AttachmentView) async {
        guard let directory = view.exposedDirectory else { return }
        let file = "\(directory)/volume"
        if await Self.waits(seconds: 3, until: { LoopDevice.all(backedBy: file).isEmpty }) { return }
        for loop in LoopDevice.all(backedBy: file) { loop.clear() }
        _ = await Self.waits(seconds: 3, until: { LoopDevice.all(backedBy: file).isEmpty })
    }

    /// Unmounts the exposed folder, where the daemon has not left by itself, and waits until the daemon has ended.
    private func endDaemon(_ record: VolumeRecord, lazy: Bool) async throws {
        // A daemon that was told to leave at the last close is on its way out now.
        let runtime = runtime
        if runtime.record(record.id)?.mountDirectory != nil {
            _ = await Self.waits(seconds: 5) { runtime.inspect(record.id).exposedMounts.isEmpty }
        }
        var view = runtime.inspect(record.id)
        for mount in view.exposedMounts.reversed() {
            try await unmount(mount.mountPoint, type: mount.filesystemType, lazy: lazy, record)
        }
        let daemon = view.record?.daemon ?? view.status.flatMap { ProcessIdentity(processID: $0.processID) }
        guard let daemon else { return }
        if await Self.waits(seconds: 10, until: { !daemon.isAlive }) { return }
        kill(daemon.processID, SIGTERM)
        if await Self.waits(seconds: 5, until: { !daemon.isAlive }) { return }
        guard lazy else {
            throw AWSError(
                .internalError,
                "the daemon of volume \(record.label) (process \(daemon.processID)) does not end",
                hint: "end it with `coffer volume unmount \(record.label) --force`"
            )
        }
        kill(daemon.processID, SIGKILL)
        _ = await Self.waits(seconds: 5, until: { !daemon.isAlive })
        view = runtime.inspect(record.id)
    }

    /// Ends a FUSE connection by its number: every request on it fails at once, and whoever waits in the kernel is freed.
    private func abortConnection(_ view: AttachmentView) async throws {
        guard let number = view.fuseConnection else { return }
        let folder = "/sys/fs/fuse/connections"
        let path = "\(folder)/\(number)/abort"
        if unsafe access(path, F_OK) != 0, geteuid() == 0 {
            _ = try? await ChildProcess.run("mount", ["-t", "fusectl", "none", folder])
        }
        let descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
        if descriptor >= 0 {
            defer { close(descriptor) }
            if unsafe write(descriptor, "1", 1) == 1 { return }
        }
        // Without the control file, the end of the daemon ends its connection too.
        if let daemon = view.record?.daemon, daemon.isAlive { kill(daemon.processID, SIGKILL) }
    }

    private static func isMounted(_ directory: String, type: String) -> Bool {
        MountTable.current().contains { $0.mountPoint == directory && $0.filesystemType == type }
    }

    /// Whether the condition came true within the time; looks a hundred times a second.
    static func waits(seconds: Int, until condition: @Sendable () -> Bool) async -> Bool {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while !condition() {
            guard ContinuousClock.now < deadline else { return false }
            try? await Task.sleep(for: .milliseconds(10))
        }
        return true
    }
}
