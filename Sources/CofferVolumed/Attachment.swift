internal import CofferBlock
internal import CofferControl
internal import CofferCrypto
internal import CofferFuse
internal import CofferSecrets
internal import CofferShapes
internal import CofferSystem
internal import CofferXTS
internal import Glibc
internal import Logging
internal import Synchronization

/// Whether a signal has asked the process to leave.
private final class Termination: Sendable {
    private let asked = Atomic<Bool>(false)

    var isAsked: Bool { asked.load(ordering: .acquiring) }

    func ask() { asked.store(true, ordering: .releasing) }
}

/// One attachment from the starter's order to the last request: harden, take the order and the key, mount, give up
/// privileges, serve, prove that the mount answers, answer the starter, wait, leave.
enum Attachment {
    /// How long the starter may take for each of its messages, and the mount for its first answer.
    private static let startTimeoutMilliseconds = 30_000
    private static let verifyTimeoutMilliseconds = 10_000
    /// How long a request may still take when the daemon leaves.
    private static let stopTimeoutMilliseconds = 20_000
    private static let threadLimit = 64

    /// Returns when the volume is no longer served and all is undone; throws when it never was.
    static func serve(
        _ volumeID: VolumeID,
        backingFile: Int32,
        starter: borrowing ControlChannel,
        log: inout Logger
    ) throws {
        try Hardening.beforeTheKey()
        let order = try starter.receive(AttachOrder.self, timeoutMilliseconds: startTimeoutMilliseconds)
        try check(order, volumeID)
        let file = try LogFile(path: order.logPath)
        log = Logger(label: "coffer-volumed") { _ in file }
        log[metadataKey: "volume"] = "\(volumeID)"
        let parameters = try starter.receive(
            VolumeParameters.self,
            timeoutMilliseconds: startTimeoutMilliseconds
        )
        let geometry = try geometry(parameters)
        let (salt, uuid) = try derivation(parameters)
        let volumeKey = HeldVolumeKey(try receiveKey(starter))
        var xtsKey = try volumeKey.value.xtsKey(
            geometry.cipher,
            dataUnitBytes: geometry.dataUnitBytes,
            salt: salt,
            uuid: uuid
        )
        let snapshotKey = parameters.fill == nil ? nil : try receiveKey(starter)
        let previousKey = parameters.isReencrypting ? HeldVolumeKey(try receiveKey(starter)) : nil
        // Before the memory that requests pass through is taken.
        let backing = try Backing(
            backingFile,
            order.backingIO,
            isReadOnly: order.isReadOnly,
            unitBytes: geometry.dataUnitBytes,
            log
        )
        let threadCount = order.threadCount ?? backing.threadCount

        var fill: LazyFill?
        if let parameters = parameters.fill, let snapshotKey {
            fill = try Filling.open(
                parameters,
                volumeID,
                uuid: uuid,
                snapshotKey: snapshotKey,
                store: backing.store,
                geometry,
                isReadOnly: order.isReadOnly,
                key: xtsKey
            )
        }
        let volume = EncryptedVolume(
            store: backing.store,
            geometry: geometry,
            punchesHoles: order.punchesHoles,
            tracker: tracker(order, volumeID, parameters, uuid, log),
            fill: fill
        )
        if let limits = order.limits { volume.limiter.set(try VolumeRate(limits)) }
        var reencryption: Reencryption<FileBlockStore>?
        if let previousKey, let store = backing.headerStore {
            let image = VolumeImage(store, volumeID: volumeID)
            let header = try image.open(volumeKey.value, mark: parameters.mark)
            reencryption = try Reencryption(
                of: volume,
                header,
                headerStore: store,
                oldKey: previousKey.value,
                newKey: volumeKey.value
            )
            // What the ciphers below are under at first.
            xtsKey = try header.previousXTSKey(from: previousKey.value)
        }
        let exposed = ExposedFile(
            volume: volume,
            isReadOnly: order.isReadOnly,
            leavesAtLastClose: order.leavesAtLastClose
        )
        // From here on a signal waits for the thread that takes it, which starts once privileges are gone.
        BackgroundThread.holdTermination()
        let termination = Termination()
        let listener = try ControlListener(path: order.controlSocketPath)
        defer { unsafe unlink(order.controlSocketPath) }
        Hardening.becomeFlusher(log)
        let session = try order.exposedDirectory.map {
            try FuseSession(mounting: exposed, on: $0, source: "coffer:\(volumeID)")
        }
        var connection: UInt32?
        var keeper: VolumeKeeper?
        var responder: ControlResponder?
        do {
            try Hardening.afterTheMount()
            try BackgroundThread.onTermination { number in
                termination.ask()
                exposed.departure.ask(.signal(number))
            }
            if let session {
                try start(session, threadCount, backing, volume, key: xtsKey)
                connection = try session.verify(timeoutMilliseconds: verifyTimeoutMilliseconds)
            }
            if let store = backing.headerStore {
                keeper = VolumeKeeper(
                    volumeID,
                    volume,
                    headerStore: store,
                    volumeKey: volumeKey,
                    mark: parameters.mark,
                    sizeNotice: session?.sizeNotice,
                    log: log
                )
            }
            let responding = ControlResponder(
                listener: listener,
                volumeID: volumeID,
                file: exposed,
                keeper: keeper,
                connection: connection ?? 0,
                threadCount: threadCount,
                backingIO: backing.kind,
                kernel: try XTSKernel.preferred,
                log: log
            )
            try responding.start()
            responder = responding
            let ready = AttachReady(
                processID: getpid(),
                fuseConnection: connection ?? 0,
                notices: backing.notices
            )
            if let path = parameters.fill?.mapPath { try keeper?.startFilling(mapPath: path) }
            if let reencryption { try keeper?.resumeReencryption(reencryption) }
            try starter.send(AttachAnswer.ready(ready))
        } catch {
            if let session { leave(session, connection, order, log) }
            throw error
        }
        if let session {
            log.info("serving \(session.directory) with \(threadCount) threads, \(backing.kind) backing I/O")
            let reason = waitForDeparture(exposed, log)
            keeper?.stopWork()
            let isDurable = leave(session, connection, order, log)
            // Its content is of an earlier moment: what has become of the volume since does not matter to it.
            responder?.noteThatNothingIsMounted()
            keeper?.waitForSnapshot()
            settle(volume, isDurable)
            if reason == .lastClose, let leavings = order.leavings { Leavings.remove(leavings) }
        } else {
            keeper?.waitForWork(
                beginningWithinMilliseconds: startTimeoutMilliseconds,
                orUntil: { termination.isAsked }
            )
            keeper?.stopWork()
            // What a daemon before this one wrote may not be durable yet.
            settle(volume, (try? volume.sync()) != nil)
        }
        let usage = LibcryptoMemory.usage
        log.info("left; libcrypto held at most \(usage.peakBytes) of \(usage.capacityBytes) bytes")
    }

    // MARK: - Starting

    private static func check(_ order: AttachOrder, _ volumeID: VolumeID) throws {
        guard order.volumeID == volumeID.text else {
            throw StartFailure("the order is for \(order.volumeID), and this process is for \(volumeID)")
        }
        if let count = order.threadCount, !(1...threadLimit).contains(count) {
            throw StartFailure("a volume is served by 1 to \(threadLimit) threads, not \(count)")
        }
        let left = order.leavings.map { [$0.operationLock, $0.folder] + $0.files } ?? []
        let paths = [order.exposedDirectory, order.controlSocketPath, order.logPath, order.changedMapPath]
        for path in paths.compactMap(\.self) + left where !path.hasPrefix("/") {
            throw StartFailure("the order's path \"\(path)\" is not absolute")
        }
    }

    private static func geometry(_ parameters: VolumeParameters) throws -> Geometry {
        guard let cipher = Geometry.Cipher(rawValue: parameters.cipherID),
            let geometry = Geometry(
                volumeBytes: parameters.volumeBytes,
                dataOffset: parameters.dataOffset,
                dataUnitBytes: parameters.dataUnitBytes,
                cipher: cipher
            )
        else { throw StartFailure("the starter sent a geometry that the format does not allow") }
        return geometry
    }

    /// What steers the derivation of the data's key.
    private static func derivation(_ parameters: VolumeParameters) throws -> (salt: [UInt8], uuid: [UInt8]) {
        guard let salt = Hex.bytes(parameters.saltHex), salt.count == 32,
            let uuid = Hex.bytes(parameters.uuidHex), uuid.count == 16
        else { throw StartFailure("the starter sent a salt or a uuid that the format does not allow") }
        return (salt, uuid)
    }

    /// Receives the volume key straight into locked memory.
    private static func receiveKey(_ starter: borrowing ControlChannel) throws -> VolumeKey {
        let secret = try starter.receiveSecret(
            count: VolumeKey.count,
            timeoutMilliseconds: startTimeoutMilliseconds
        )
        guard let volumeKey = VolumeKey(secret) else {
            throw StartFailure("the volume key has the wrong length")
        }
        return volumeKey
    }

    /// What follows the changes of a volume that is written to. A map that cannot be kept keeps nobody from the volume:
    /// the next snapshot compares everything then.
    private static func tracker(
        _ order: AttachOrder,
        _ volumeID: VolumeID,
        _ parameters: VolumeParameters,
        _ uuid: [UInt8],
        _ log: Logger
    ) -> ChangeTracker? {
        guard let path = order.changedMapPath else { return nil }
        do throws(BlockError) {
            guard let boot = Boot.id else { throw .system(errno: ENOENT, call: .read) }
            let place = ChangedBlockMap.Place(
                volumeID: volumeID,
                uuid: uuid,
                // An attachment has raised the epoch; work on a volume that nobody attaches does not.
                lastEpoch: parameters.mark.attachEpoch - (order.exposedDirectory == nil ? 0 : 1),
                epoch: parameters.mark.attachEpoch,
                bootID: boot
            )
            return ChangeTracker(
                map: try ChangedBlockMap(path: path, place, volumeBytes: parameters.volumeBytes)
            )
        } catch {
            log.notice("changes are not followed, and the next snapshot reads all of the volume: \(error)")
            return ChangeTracker(map: nil)
        }
    }

    /// Starts the threads, each with a cipher of its own, and wipes the key that the ciphers were made from.
    private static func start(
        _ session: FuseSession,
        _ threadCount: Int,
        _ backing: Backing,
        _ volume: EncryptedVolume<FileBlockStore>,
        key: consuming SecretBytes
    ) throws {
        // With direct I/O every thread waits: all of them serve.
        let standbyCount = backing.kind == .cached ? FuseSession.standbyCount(besides: threadCount) : 0
        try session.start(threadCount: threadCount, standbyCount: standbyCount) { () throws(XTSError) in
            volume.makeWorker(cipher: try XTSCipher(key: key))
        }
    }

    // MARK: - Leaving

    /// The changed-block map is believed in another boot only if all that it tells of is on the store.
    private static func settle(_ volume: EncryptedVolume<FileBlockStore>, _ isDurable: Bool) {
        if isDurable { volume.tracker.map?.settle() } else { volume.tracker.map?.distrust() }
    }

    private static func waitForDeparture(_ file: ExposedFile, _ log: Logger) -> Departure.Reason {
        while true {
            let reason = file.departure.next()
            switch reason {
            case .disconnected:
                log.info("unmounted")
                return reason
            case .signal(let number):
                log.info("asked to leave by signal \(number)")
                return reason
            case .lastClose where file.openCount == 0:
                log.info("closed by its last user")
                return reason
            case .lastClose: continue  // opened again in the meantime
            }
        }
    }

    /// Ends the threads, which wipes their ciphers, makes durable what they acknowledged, and takes the mount away,
    /// even while the file is open. False where they are not known to be durable.
    @discardableResult
    private static func leave(
        _ session: FuseSession,
        _ connection: UInt32?,
        _ order: AttachOrder,
        _ log: Logger
    ) -> Bool {
        var isDurable = true
        if !session.stop(timeoutMilliseconds: stopTimeoutMilliseconds) {
            // A sync would hang in the store as the request does.
            log.error("a request to the store does not end; what it wrote is not known to be durable")
            isDurable = false
        } else if !session.file.isReadOnly {
            do throws(BlockError) {
                try session.file.volume.sync()
            } catch {
                log.error(
                    "the last sync failed: what was written since the one before may be lost (\(error))"
                )
                isDurable = false
            }
        }
        if !isDurable {
            // For whoever detaches: this process cannot tell anybody else.
            let mark = AttachOrder.unsyncedMark(controlSocketPath: order.controlSocketPath)
            close(unsafe open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600))
        }
        session.unmount(connection: connection)
        return isDurable
    }
}
