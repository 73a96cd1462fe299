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
        caller: Caller
    ) async throws -> Attachment {
        let (record, lock) = try locked(reference)
        defer { withExtendedLifetime(lock) {} }
        let begun = try await attach(record, options, mountDirectory: nil, caller: caller)
        return Attachment(volumeID: record.id, exposedFile: begun.exposedFile, notices: begun.notices)
    }

    /// An attachment that has just begun to serve.
    struct BegunAttachment {
        let exposedFile: String
        var notices: [String]
    }

    /// Attaches under the operation lock, which the caller holds. With a `mountDirectory` the daemon leaves at the last
    /// close of the exposed file.
    func attach(
        _ record: VolumeRecord,
        _ options: AttachOptions,
        mountDirectory: String?,
        caller: Caller
    ) async throws -> BegunAttachment {
        try requireComplete(record)
        try requireDetached(record)
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
                    threadCount: options.threadCount
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

    private func requireComplete(_ record: VolumeRecord) throws {
        guard record.isComplete else {
            throw AWSError(
                .incorrectState,
                "the creation of volume \(record.label) was interrupted",
                hint: "remove it with `coffer volume rm \(record.label)`"
            )
        }
    }
}
