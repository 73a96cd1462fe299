internal import CofferBlock
internal import CofferControl
internal import CofferShapes
internal import CofferSystem
internal import Glibc

/// What is true of a volume's attachment right now.
public enum AttachmentState: String, Sendable {
    /// Not attached, nothing left behind.
    case detached
    /// Not attached; a daemon makes a snapshot of it.
    case working
    /// The daemon serves it.
    case attached
    /// The daemon serves reads, and fails every write since a sync of the store failed.
    case faulted
    /// The daemon lives and does not answer.
    case hung
    /// The daemon is gone and has left mounts or a loop device behind.
    case crashed
    /// Attached in another mount namespace, or by a process that this home's records do not know.
    case elsewhere
}

/// An attachment as the kernel, the daemon and the record together tell of it.
struct AttachmentView: Sendable {
    var state: AttachmentState
    var record: AttachmentRecord?
    /// The daemon's own words, where it answers.
    var status: DaemonStatus?
    /// FUSE mounts of this volume, the newest last.
    var exposedMounts: [MountEntry]
    /// Loop devices over its exposed file.
    var loops: [LoopDevice]
    /// Mounts of filesystems on the volume: on its loop devices, or through fuse2fs.
    var filesystemMounts: [MountEntry]

    /// The folder that holds the file `volume`.
    var exposedDirectory: String? { exposedMounts.last?.mountPoint ?? record?.exposedDirectory }
    var fuseConnection: UInt32? { exposedMounts.last?.deviceMinor ?? record?.fuseConnection }
    /// Whether the daemon is on its way out, or has nothing left to stay for. The caller holds the operation lock.
    var isLeaving: Bool {
        switch state {
        case .working: return status?.snapshot == nil && status?.reencryptedPercent == nil
        case .attached, .faulted: return record?.mountDirectory != nil && filesystemMounts.isEmpty
        // Its socket goes a moment before it does.
        case .hung: return record?.mountDirectory != nil && leavesNothing
        case .detached, .crashed, .elsewhere: return false
        }
    }
    var leavesNothing: Bool { exposedMounts.isEmpty && loops.isEmpty && filesystemMounts.isEmpty }
}

extension RuntimeFolder {
    /// Looks at a volume's attachment. Nothing is trusted for being written down: mounts and loop devices are the
    /// kernel's, life is the process table's and the daemon's answer.
    func inspect(
        _ id: VolumeID,
        file: String,
        mounts: [MountEntry] = MountTable.current()
    ) -> AttachmentView {
        let record = record(id)
        let exposed = exposedMounts(id, among: mounts)
        // A record may name a folder whose FUSE mount is gone while a loop device above it is not.
        let directories = Set(exposed.map(\.mountPoint) + [record?.exposedDirectory].compactMap(\.self))
        let files = directories.map { "\($0)/volume" }
        let loops = files.flatMap { LoopDevice.all(backedBy: $0) }
        let filesystems = mounts.filter { mount in
            loops.contains { $0.deviceMajor == mount.deviceMajor && $0.deviceMinor == mount.deviceMinor }
                || files.contains(mount.source)
        }
        // A killed one's socket stays open as long as one of its threads waits in the kernel.
        let status = record?.daemon?.isAlive == false ? nil : daemonStatus(id)
        var view = AttachmentView(
            state: .detached,
            record: record,
            status: status,
            exposedMounts: exposed,
            loops: loops,
            filesystemMounts: filesystems
        )
        view.state = state(of: view) { Self.isServed(file: file) }
        return view
    }

    /// Whether a process holds the lock on a volume's file: the last word on whether somebody serves it.
    static func isServed(file: String) -> Bool {
        // A file that cannot be opened is nobody's; what is wrong with it is told by whoever uses it.
        let store = try? FileBlockStore(path: file, .readOnly)
        return (try? store?.isLockedByAnother()) ?? false
    }

    /// Whether the last daemon of a volume left with a sync that failed.
    func lastSyncFailed(_ id: VolumeID) -> Bool { unsafe access(unsyncedMark(id), F_OK) == 0 }

    /// FUSE mounts of a volume, the newest last.
    func exposedMounts(_ id: VolumeID, among mounts: [MountEntry] = MountTable.current()) -> [MountEntry] {
        mounts.filter { $0.filesystemType == "fuse.coffer" && $0.source == "coffer:\(id)" }
    }

    /// `isServed` touches the store, which may hang with a daemon: it is asked last.
    private func state(of view: AttachmentView, isServed: () -> Bool) -> AttachmentState {
        let lives = view.record?.daemon?.isAlive ?? false
        if !lives { view.record?.daemon?.reap() }
        if let record = view.record, record.mountNamespace != SystemNamespace.mount,
            view.exposedMounts.isEmpty,
            view.status != nil || lives
        {
            return .elsewhere
        }
        if view.status?.fuseConnection == 0 { return .working }
        // One that has done its work leaves by itself, and holds the file until it has.
        if view.record?.isWorker == true, view.exposedMounts.isEmpty {
            return lives || isServed() ? .working : .detached
        }
        switch view.status?.state {
        case .serving, .leaving: return .attached
        case .faulted: return .faulted
        case nil: break
        }
        if lives { return .hung }
        guard isServed() else { return view.leavesNothing ? .detached : .crashed }
        // Killed, it keeps file and mount as long as one of its threads waits in the kernel, for the volume itself perhaps.
        if view.record?.daemon?.isDefunct == true { return .crashed }
        // A daemon that lost its record and its socket: its mount, if it is here, can be taken away.
        return view.exposedMounts.isEmpty ? .elsewhere : .attached
    }

    /// Whether the volume's daemon has undone its mount, and lives to complete a snapshot.
    func completesSnapshot(_ id: VolumeID) -> Bool {
        guard let status = daemonStatus(id) else { return false }
        return status.fuseConnection == 0 && status.snapshot != nil
    }

    /// Asks the daemon, with a time limit.
    private func daemonStatus(_ id: VolumeID) -> DaemonStatus? {
        guard isOwn(id) else { return nil }
        do {
            let channel = try ControlChannel.connect(path: controlSocket(id), timeoutMilliseconds: 2000)
            try channel.send(ControlRequest.status)
            // Longer than a caller or two before this one may hold the daemon up.
            let status = try channel.receive(DaemonStatus.self, timeoutMilliseconds: 5000)
            return status.volumeID == id.text ? status : nil
        } catch {
            return nil  // No daemon, or one that does not answer: the process table decides which.
        }
    }
}
