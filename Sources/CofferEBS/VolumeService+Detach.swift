internal import CLinux
internal import CofferCatalog
internal import CofferControl
public import CofferShapes
internal import CofferSystem
internal import Glibc
internal import Logging

extension VolumeService {
    /// Detaches a volume: its daemon ends and wipes the key. Safe to repeat, and after a crash too. VolumeInUse while
    /// its filesystem is mounted or its file is open, unless forced. (`DetachVolume`)
    public func detachVolume(_ reference: String, force: Bool = false, caller: Caller) async throws {
        let found = try await detachable(reference, caller: caller)
        let (record, lock) = try await locked(found.id, for: nil)
        defer { withExtendedLifetime(lock) {} }
        try await detach(record, force: force)
    }

    /// As `detachVolume`, but answers at once, `detaching`, and only for an attachment that is there: IncorrectState for
    /// an available volume, InvalidAttachment.NotFound for another instance or device. What goes wrong then is told by
    /// an event, and leaves it `busy`.
    public func beginDetachVolume(
        _ reference: String,
        claim: AttachmentClaim = AttachmentClaim(),
        force: Bool = false,
        isDryRun: Bool = false,
        caller: Caller
    ) async throws -> VolumeAttachment {
        if let instance = claim.instance { try requireHost(instance) }
        let found = try await detachable(reference, isDryRun: isDryRun, caller: caller)
        let (record, lock) = try await locked(found.id, for: .detach, waits: false)
        let situation = try situation(record, isChanging: false)
        try VolumeLifecycle.require(claim, situation, host: instanceID)
        try catalog.setStage(.detaching, ofAttachment: record.id)
        let answer = entry(situation, view: inspect(record)).answer(.detaching)
        afterwards {
            defer { lock.giveUp() }
            // The event tells of it.
            try? await self.detach(record, force: force)
        }
        return answer
    }

    /// Unmounts a volume's filesystem, takes its loop device away and detaches it, in this order. Safe to repeat, and
    /// brings back to clean what a dead daemon or a killed command left.
    public func unmountVolume(_ reference: String, force: Bool = false, caller: Caller) async throws {
        let found = try await detachable(reference, caller: caller)
        let (record, lock) = try await locked(found.id, for: nil)
        defer { withExtendedLifetime(lock) {} }
        try await undoing(record, force: force) { view in
            try await self.undo(record, view, force: force)
        }
    }

    private func detachable(
        _ reference: String,
        isDryRun: Bool = false,
        caller: Caller
    ) async throws -> VolumeRecord {
        try await permitted(
            reference,
            to: "ec2:DetachVolume",
            on: [instanceResource(caller)],
            isDryRun: isDryRun,
            caller: caller
        )
    }

    /// Detaches under the operation lock, which the caller holds.
    private func detach(_ record: VolumeRecord, force: Bool) async throws {
        try await undoing(record, force: force) { view in
            if !force, view.state == .attached || view.state == .faulted,
                let mount = view.filesystemMounts.last
            {
                throw AWSError(
                    .volumeInUse,
                    "the filesystem of volume \(record.label) is mounted at \(mount.mountPoint)",
                    hint: "unmount it with `coffer volume unmount \(record.label)`"
                )
            }
            try await self.undo(record, view, force: force)
        }
    }

    /// Runs what undoes an attachment; then what was noted of it goes, and its grant.
    func undoing(
        _ record: VolumeRecord,
        force: Bool,
        _ body: (AttachmentView) async throws -> Void
    ) async throws {
        let view = inspect(record)
        // One that left by itself has nobody else to tell of its end.
        let isNoted = try catalog.attachment(of: record.id)?.stage == .attached
        let wasAttached = view.state != .detached || isNoted
        do {
            try await body(view)
        } catch {
            // What was undone all the same, with a loss to tell of, is undone.
            if inspect(record).state == .detached { await forgetAttachment(record, "detached") }
            if wasAttached { note(record, "detachVolume", "failed", cause: "\(error)") }
            throw error
        }
        await forgetAttachment(record, wasAttached ? "detached" : nil)
    }

    private func forgetAttachment(_ record: VolumeRecord, _ result: String?) async {
        try? catalog.removeAttachment(of: record.id)  // A dead entry is found as such.
        await retireGrants(of: record.id)
        // Its daemon may have filled the last of it.
        if record.snapshot != nil { releaseRetiredSnapshots() }
        if let result { note(record, "detachVolume", result) }
    }

    /// Undoes an attachment from the top down. A daemon that hangs is never waited for: with `force` its FUSE connection
    /// is aborted by number before anything touches a mount above it. So is that of a daemon that answers, but cannot
    /// bring to its file what is written above it.
    func undo(_ record: VolumeRecord, _ view: AttachmentView, force: Bool) async throws {
        if view.state == .elsewhere {
            throw AWSError(
                .volumeInUse,
                "volume \(record.label) is attached in another mount namespace, or by a process that this home does not "
                    + "know",
                hint: "detach it there; `fuser -v \(paths.file(record.id))` names the process"
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
            await endHungDaemon(view)
        }
        var isGivenUp = false
        if force, view.state == .attached, await !isSaved(record, view) {
            await endHungDaemon(view)
            isGivenUp = true
        }
        if isGivenUp || view.state == .crashed || view.state == .hung {
            await letGo(record, view)
        }
        // Above a dead daemon nothing can be saved by waiting: what is busy is detached lazily.
        let lazy = force || view.state == .crashed || view.state == .hung
        for mount in view.filesystemMounts.reversed() {
            try await unmount(mount, lazy: lazy, record)
        }
        await takeLoopsAway(view)
        let ending = try await endDaemon(record, view, lazy: lazy)
        let isKilled = isGivenUp || ending == .killed
        let lost = isKilled || view.state == .faulted || runtime.lastSyncFailed(record.id)
        if ending == .worksOn, let note = view.record {
            try runtime.keepWorker(note, of: record.id)
        } else {
            runtime.clear(record.id)
        }
        runtime.forgetLoss(record.id)
        logger.info("detached volume", metadata: ["volume": "\(record.id)"])
        guard !lost else {
            let snapshot = isKilled ? view.status?.snapshot?.snapshotID : nil
            throw AWSError(
                .internalError,
                "volume \(record.label) is detached, but the last sync of its file failed: what was written since the one "
                    + "before may be lost" + (snapshot.map { ", and snapshot \($0) came to nothing" } ?? ""),
                hint: "check its filesystem, and see \(runtime.log(record.id))"
            )
        }
    }

    // MARK: - Steps

    /// Saves what the filesystems above a serving daemon hold in memory: when they are detached lazily, the daemon does
    /// not wait for it. False where that stands still: neither the filesystem nor the daemon gets on.
    private func isSaved(_ record: VolumeRecord, _ view: AttachmentView) async -> Bool {
        for mount in view.filesystemMounts.reversed() {
            var written = view.status?.bytesWritten
            while (try? await ChildProcess.run("sync", ["--file-system", mount.mountPoint], limitSeconds: 15))
                == nil
            {
                let now = inspect(record).status?.bytesWritten
                guard let now, now != written else { return false }
                written = now
            }
        }
        return true
    }

    /// Gives whether it had to be lazy: somebody still uses what is below.
    @discardableResult
    private func unmount(_ mount: MountEntry, lazy: Bool, _ record: VolumeRecord) async throws -> Bool {
        let directory = mount.mountPoint
        let (tool, options, lazyOption) =
            geteuid() == 0 ? ("umount", ["--"], "--lazy") : ("fusermount3", ["-u", "--"], "-z")
        let now = MountTable.current()
        // It went with another mount of the same, or its daemon took it away.
        guard now.contains(mount) else { return false }
        guard now.last(where: { $0.mountPoint == directory }) == mount else {
            throw AWSError(
                .volumeInUse,
                "something else is mounted over \(directory)",
                hint: "unmount that first"
            )
        }
        // Who only looks at what is mounted holds it for a moment.
        for attempt in 0..<(lazy ? 1 : 5) {
            if attempt > 0 { try await Task.sleep(for: .milliseconds(100)) }
            // Many dirty pages take long to write: that is no reason to give up, unless forced.
            let outcome = try await ChildProcess.run(
                tool,
                options + [directory],
                limitSeconds: lazy ? 30 : 600
            )
            if outcome.code == 0 || !MountTable.current().contains(mount) { return false }
        }
        guard lazy else {
            throw AWSError(
                .volumeInUse,
                "volume \(record.label) is busy: files below \(directory) are in use",
                hint: "see who uses them with `fuser -vm \(directory)`, or let go of them with --force"
            )
        }
        let again = try await ChildProcess.run(tool, [lazyOption] + options + [directory])
        guard again.code == 0 || !MountTable.current().contains(mount) else {
            throw AWSError(.internalError, "cannot unmount \(directory): \(again.errors)")
        }
        return true
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

    /// How a daemon has left.
    private enum DaemonEnding {
        case ended
        /// Its last sync was not made.
        case killed
        /// All is synced and unmounted; it makes a snapshot, and leaves by itself then.
        case worksOn
    }

    /// Unmounts the exposed folder, where the daemon has not left by itself, and waits until the daemon has ended, or has
    /// nothing left to do but to complete a snapshot.
    private func endDaemon(
        _ record: VolumeRecord,
        _ view: AttachmentView,
        lazy: Bool
    ) async throws -> DaemonEnding {
        let runtime = runtime
        let daemon = view.record?.daemon ?? view.status.flatMap { ProcessIdentity(processID: $0.processID) }
        // A daemon that was told to leave at the last close is on its way out now.
        if view.record?.mountDirectory != nil, let daemon {
            _ = await Self.waits(seconds: 5) { runtime.exposedMounts(record.id).isEmpty || !daemon.isAlive }
        }
        var isStillUsed = false
        for mount in runtime.exposedMounts(record.id).reversed() {
            let wasLazy = try await unmount(mount, lazy: lazy, record)
            isStillUsed = isStillUsed || wasLazy
        }
        let file = paths.file(record.id)
        guard let daemon else {
            guard await Self.waits(seconds: 30, until: { !RuntimeFolder.isServed(file: file) }) else {
                throw AWSError(
                    .internalError,
                    "a process still serves volume \(record.label)",
                    hint: "`fuser -v \(file)` names it"
                )
            }
            return .ended
        }
        // One whose file is still open, or whose mount has a copy elsewhere, is asked to leave, which syncs. Its last sync
        // may take long: unless forced it is given the time.
        let id = record.id
        let hasLeft: @Sendable () -> Bool = { !daemon.isAlive || runtime.completesSnapshot(id) }
        if await !Self.waits(seconds: isStillUsed ? 0 : 10, until: hasLeft) {
            if daemon.isAlive { kill(daemon.processID, SIGTERM) }
            if await !Self.waits(seconds: lazy ? 25 : 600, until: hasLeft) {
                try await endByForce(daemon, record, view, lazy: lazy)
                return .killed
            }
        }
        if daemon.isAlive { return .worksOn }
        daemon.reap()
        // A process's threads may hold its files for a moment after it counts as dead.
        _ = await Self.waits(seconds: 2) { !RuntimeFolder.isServed(file: file) }
        return .ended
    }

    private func endByForce(
        _ daemon: ProcessIdentity,
        _ record: VolumeRecord,
        _ view: AttachmentView,
        lazy: Bool
    ) async throws {
        let name = "the daemon of volume \(record.label) (process \(daemon.processID))"
        guard lazy else {
            throw AWSError(
                .internalError,
                "\(name) does not end",
                hint: "end it with `coffer volume unmount \(record.label) --force`"
            )
        }
        // First, as a thread that waits in the kernel for a user of the volume does not die.
        await abortConnection(view)
        kill(daemon.processID, SIGKILL)
        guard await Self.waits(seconds: 5, until: { !daemon.isAlive }) else {
            throw AWSError(.internalError, "\(name) was killed and does not end: its store hangs")
        }
    }

    /// Frees whoever waits for the daemon. Then it goes too: it may be stopped, and what it has not written is given up.
    private func endHungDaemon(_ view: AttachmentView) async {
        await abortConnection(view)
        guard let daemon = view.record?.daemon, daemon.isAlive else { return }
        kill(daemon.processID, SIGKILL)
        _ = await Self.waits(seconds: 5, until: { !daemon.isAlive })
    }

    /// Frees what waits for a daemon that is gone: requests in the kernel, which may hold up its own end, and a filesystem
    /// that it held still for a snapshot. One that is unmounted while it is held still stays, and its loop device with it.
    private func letGo(_ record: VolumeRecord, _ view: AttachmentView) async {
        await abortConnection(view)
        let file = paths.file(record.id)
        _ = await Self.waits(seconds: 5) { !RuntimeFolder.isServed(file: file) }
        for mount in view.filesystemMounts where geteuid() == 0 {
            // A program of its own: it may hang, and fails where the filesystem is not held still.
            _ = try? await ChildProcess.run("fsfreeze", ["--unfreeze", mount.mountPoint], limitSeconds: 10)
        }
    }

    /// Ends a FUSE connection by its number: every request on it fails at once, and whoever waits in the kernel is freed.
    private func abortConnection(_ view: AttachmentView) async {
        if let number = view.fuseConnection {
            let folder = "/sys/fs/fuse/connections"
            let path = "\(folder)/\(number)/abort"
            if unsafe access(path, F_OK) != 0, geteuid() == 0 {
                _ = try? await ChildProcess.run("mount", ["-t", "fusectl", "none", folder])
            }
            let descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
            if descriptor >= 0 {
                // Where this fails, the end of the daemon below ends its connection too.
                _ = unsafe write(descriptor, "1", 1)
                close(descriptor)
            }
        }
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
