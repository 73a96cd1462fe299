internal import CofferBlock
internal import CofferCatalog
internal import CofferControl
internal import CofferCrypto
public import CofferShapes
internal import Glibc
internal import Logging

extension VolumeService {
    /// Attaches a volume: KMS unwraps its key, the header is checked, and a daemon of its own serves the file `volume`.
    /// Returns when that file can be used. (`AttachVolume`)
    public func attachVolume(
        _ reference: String,
        options: AttachOptions,
        isDryRun: Bool = false,
        caller: Caller
    ) async throws -> Attachment {
        let found = try await attachable(reference, options, isDryRun: isDryRun, caller: caller)
        let (record, lock) = try await locked(found.id, for: .attach)
        defer { withExtendedLifetime(lock) {} }
        try enter(record, options)
        let begun = try await attach(record, options, mountDirectory: nil, caller: caller)
        return Attachment(volumeID: record.id, exposedFile: begun.exposedFile, notices: begun.notices)
    }

    /// As `attachVolume`, but answers at once, `attaching`: what goes wrong then is told by an event.
    public func beginAttachVolume(
        _ reference: String,
        options: AttachOptions,
        isDryRun: Bool = false,
        caller: Caller
    ) async throws -> VolumeAttachment {
        let found = try await attachable(reference, options, isDryRun: isDryRun, caller: caller)
        let (record, lock) = try await locked(found.id, for: .attach, waits: false)
        let entry = try enter(record, options)
        afterwards {
            defer { lock.giveUp() }
            // The event tells of it.
            _ = try? await self.attach(record, options, mountDirectory: nil, caller: caller)
        }
        return entry.answer(.attaching)
    }

    /// The volume, for a caller who may attach it to this host as the options say.
    func attachable(
        _ reference: String,
        _ options: AttachOptions,
        isDryRun: Bool = false,
        caller: Caller
    ) async throws -> VolumeRecord {
        if let instance = options.instance { try requireHost(instance) }
        if let device = options.device { try DeviceName.check(device) }
        return try await permitted(
            reference,
            to: "ec2:AttachVolume",
            on: [instanceResource(caller)],
            isDryRun: isDryRun,
            caller: caller
        )
    }

    /// Refuses every instance but this host.
    public nonisolated func requireHost(_ instance: String) throws {
        if instance == instanceID.text { return }
        guard InstanceID(instance) != nil else {
            throw AWSError(
                .instanceIDMalformed,
                "Invalid id: \"\(instance.prefix(64))\" (expecting \"i-...\")"
            )
        }
        throw AWSError(
            .instanceNotFound,
            "The instance ID '\(instance)' does not exist",
            hint: "the only instance is this host, \(instanceID)"
        )
    }

    /// Notes the attachment that is about to be made, under a device of its own.
    @discardableResult
    func enter(_ record: VolumeRecord, _ options: AttachOptions) throws -> AttachmentEntry {
        try endDeadAttachments(held: record.id)
        let others = try catalog.attachments().filter { $0.volume != record.id }.map(\.device)
        if let device = options.device, others.contains(where: { DeviceName.same($0, device) }) {
            throw AWSError(
                .deviceInUse,
                "Invalid value '\(device)' for unixDevice. Attachment point \(device) is already in use"
            )
        }
        let taken = Set(others)
        let entry = AttachmentEntry(
            volume: record.id,
            instance: instanceID,
            device: options.device ?? DeviceName.next(taken: taken),
            attached: clock.now
        )
        try catalog.putAttachment(entry)
        return entry
    }

    /// Takes away what is noted of attachments that are no more, and hold their devices: of daemons that were killed, or
    /// left at the last close. The events tell of their ends. `id` is a volume whose operation lock the caller holds.
    func endDeadAttachments(held id: VolumeID? = nil) throws {
        for entry in try deadAttachments(held: id) {
            // One that never came about has told so.
            guard try catalog.remove(entry), entry.stage != .attaching,
                let record = try catalog.volume(id: entry.volume)
            else {
                continue
            }
            note(record, "detachVolume", "detached")
        }
    }

    /// What is noted of attachments that are no more.
    func deadAttachments(held id: VolumeID? = nil) throws -> [AttachmentEntry] {
        try catalog.attachments().filter { entry in
            guard entry.volume == id || !runtime.isLocked(entry.volume) else { return false }
            return runtime.inspect(entry.volume, file: paths.file(entry.volume)).state == .detached
        }
    }

    /// An attachment that has just begun to serve.
    struct BegunAttachment {
        let exposedFile: String
        var notices: [String]
    }

    /// Attaches under the operation lock, which the caller holds, once `enter` has noted it. With a `mountDirectory` the
    /// daemon leaves at the last close of the exposed file. Success and failure leave an event.
    func attach(
        _ record: VolumeRecord,
        _ options: AttachOptions,
        mountDirectory: String?,
        caller: Caller
    ) async throws -> BegunAttachment {
        do {
            let begun = try await serve(record, options, mountDirectory: mountDirectory, caller: caller)
            try catalog.setStage(.attached, ofAttachment: record.id)
            if let entry = try catalog.attachment(of: record.id) {
                runtime.link(record.id, device: entry.device, to: begun.exposedFile)
            }
            note(record, "attachVolume", "attached")
            return begun
        } catch {
            try? catalog.removeAttachment(of: record.id)  // A dead entry is found as such.
            // Of a KMS that does not answer nothing more is asked: the next attach retires what stays noted.
            if (error as? AWSError)?.code.kind != .internalFailure { await retireGrants(of: record.id) }
            note(record, "attachVolume", "failed", cause: Self.cause(error, record.kmsKeyARN))
            throw error
        }
    }

    private func serve(
        _ record: VolumeRecord,
        _ options: AttachOptions,
        mountDirectory: String?,
        caller: Caller
    ) async throws -> BegunAttachment {
        runtime.clear(record.id)
        let store = try openStore(record, options.isReadOnly ? .readOnly : .readWrite)
        try lockExclusively(store, record, shared: options.isReadOnly)

        let doing = "cannot attach \"\(record.label)\""
        let exposed = try Self.mountPoint(
            options.directory ?? runtime.defaultExposedDirectory(record.id),
            mode: 0o700
        )
        var note = AttachmentRecord(
            exposedDirectory: exposed,
            mountDirectory: mountDirectory,
            isReadOnly: options.isReadOnly,
            daemon: nil,
            fuseConnection: nil,
            mountNamespace: SystemNamespace.mount,
            attached: clock.now
        )
        var serving: ProcessIdentity?
        do {
            try runtime.store(note, of: record.id)
            onStep(.recorded)
            let opened = try await openHeader(record, store, options, caller: caller)
            var notices = opened.notices
            if runtime.lastSyncFailed(record.id) {
                notices.append(
                    "the last sync before this attachment failed: what was written then may be lost"
                )
            }
            onStep(.epochRaised)
            if mountDirectory == nil, !options.isReadOnly, record.filesystem.isFormatting {
                // From here on what is on the volume may be the user's: `mount` must look before it formats.
                try catalog.setFilesystem(.none, of: record.id)
            }
            let ready = try await startDaemon(
                record,
                store,
                opened,
                AttachOrder(
                    volumeID: record.id.text,
                    exposedDirectory: exposed,
                    controlSocketPath: runtime.controlSocket(record.id),
                    logPath: runtime.log(record.id),
                    changedMapPath: options.isReadOnly ? nil : paths.changedMap(record.id),
                    isReadOnly: options.isReadOnly,
                    leavesAtLastClose: mountDirectory != nil,
                    punchesHoles: !options.keepsDiscardedRoom,
                    backingIO: options.backingIO,
                    threadCount: options.threadCount,
                    limits: options.enforcesLimits ? VolumeRates.of(record.shape) : nil,
                    leavings: mountDirectory == nil
                        ? nil
                        : runtime.leavings(
                            record.id,
                            device: try catalog.attachment(of: record.id)?.device
                        )
                )
            )
            notices += ready.notices
            serving = ProcessIdentity(processID: ready.processID)
            note.daemon = serving
            note.fuseConnection = ready.fuseConnection
            try runtime.store(note, of: record.id)
            runtime.forgetLoss(record.id)
            onStep(.attached)
            logger.info("attached volume", metadata: ["volume": "\(record.id)", "pid": "\(ready.processID)"])
            return BegunAttachment(exposedFile: "\(exposed)/volume", notices: notices)
        } catch {
            if let serving, serving.isAlive {
                // It serves, and nobody would know: it leaves, and takes its mount with it.
                kill(serving.processID, SIGTERM)
                _ = await Self.waits(seconds: 10) { !serving.isAlive }
            }
            runtime.clear(record.id)
            throw (error as? AWSError)?.context(doing) ?? error
        }
    }
}

extension AttachmentEntry {
    func answer(_ state: VolumeAttachment.State) -> VolumeAttachment {
        VolumeAttachment(
            volumeID: volume,
            instanceID: instance,
            device: device,
            state: state,
            attached: attached,
            deletesOnTermination: deletesOnTermination
        )
    }
}
