internal import CofferBlock
public import CofferCatalog
internal import CofferControl
internal import CofferCrypto
internal import CofferSecrets
public import CofferShapes
internal import CofferSystem
internal import Glibc
public import Logging

/// The control plane of volumes: makes them, attaches them through one `coffer-volumed` each, mounts them, and brings
/// back to clean whatever a crash left. Keys come from `any KeyService`; the plaintext volume key lives here only
/// between KMS's answer and the daemon's socket.
///
/// Verbs are the EC2 API's. They throw `AWSError`.
public actor VolumeService {
    let catalog: Catalog
    let keys: VolumeKeys
    let authoriser: any ActionAuthoriser
    let identity: HomeIdentity
    let paths: VolumePaths
    let clock: any WallClock
    let logger: Logger
    /// Told after each step of an attachment; a test ends the process there.
    let onStep: @Sendable (AttachmentStep) -> Void

    /// This host, as the one instance that volumes are attached to.
    public nonisolated let instanceID: InstanceID
    /// What goes on after a verb has answered.
    private var work: [Int: Task<Void, Never>] = [:]
    private var workNumber = 0
    /// Snapshots that this process is copying, and that may have no folder yet.
    var copying: Set<SnapshotID> = []
    /// Snapshots that clients of EBS direct are writing.
    let uploads = PendingUploads()
    var isExpiringUploads = false
    /// Snapshots that clients of EBS direct read.
    let readers = SnapshotReaders()

    var runtime: RuntimeFolder { paths.runtime }

    public init(
        catalog: Catalog,
        keys: VolumeKeys,
        authoriser: any ActionAuthoriser,
        identity: HomeIdentity,
        paths: VolumePaths,
        clock: any WallClock = SystemClock(),
        logger: Logger,
        onStep: @escaping @Sendable (AttachmentStep) -> Void = { _ in }
    ) {
        self.catalog = catalog
        self.keys = keys
        self.authoriser = authoriser
        self.identity = identity
        instanceID = HostInstance.id(home: paths.home)
        self.paths = paths
        self.clock = clock
        self.logger = logger
        self.onStep = onStep
    }

    // MARK: - Parts that the other verbs share

    /// A volume as it is once no other command changes it; held so while the lock lives. Refused where its state does not
    /// allow `verb`; without `waits` also where the state does not that another command is about to change.
    func locked(
        _ id: VolumeID,
        for verb: VolumeVerb?,
        waits: Bool = true
    ) async throws -> (VolumeRecord, OperationLock) {
        let lock = try await takeLock(id, refusing: waits ? nil : verb)
        // Read again: who held the lock before may have changed or removed it.
        guard let record = try catalog.volume(id: id) else {
            runtime.remove(id)
            throw AWSError(.volumeNotFound, "The volume '\(id)' does not exist.")
        }
        if let verb {
            let view = await settledView(record, stopping: verb == .attach || verb == .delete)
            try VolumeLifecycle.require(verb, situation(record, view, isChanging: false))
        }
        return (record, lock)
    }

    /// How the volume is attached, once a daemon has left that is about to: one that has done its work on a volume nobody
    /// attaches, or whose filesystem was unmounted by hand. That is waited for for a while. With `stopping` one that
    /// re-encrypts a volume nobody attaches is told to leave: the next goes on with that.
    func settledView(_ record: VolumeRecord, stopping: Bool = false) async -> AttachmentView {
        let deadline = ContinuousClock.now + .seconds(10)
        var isTold = false
        while true {
            let view = inspect(record)
            if stopping, !isTold, view.state == .working, let status = view.status, status.snapshot == nil,
                status.reencryptedPercent != nil
            {
                kill(status.processID, SIGTERM)
                isTold = true
            }
            let isLeaving = view.isLeaving || isTold && view.state == .working
            guard isLeaving, ContinuousClock.now < deadline else { return view }
            try? await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Waits a while for another command's end. Others are served meanwhile: it may be work of this very service.
    private func takeLock(_ id: VolumeID, refusing verb: VolumeVerb?) async throws -> OperationLock {
        let deadline = ContinuousClock.now + .seconds(15)
        while true {
            if let lock = try runtime.tryLock(id) { return lock }
            if let verb, let record = try catalog.volume(id: id) {
                try VolumeLifecycle.require(verb, situation(record, isChanging: true))
            }
            guard ContinuousClock.now < deadline else { throw OperationLock.busy(id) }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// All that decides the volume's state. `isChanging` is false for who holds the operation lock.
    func situation(
        _ record: VolumeRecord,
        _ view: AttachmentView? = nil,
        isChanging: Bool
    ) throws -> VolumeSituation {
        let file = paths.file(record.id)
        let view = view ?? inspect(record)
        return VolumeSituation(
            record: record,
            attachment: view.state,
            isReencrypting: view.status?.reencryptedPercent != nil,
            entry: try catalog.attachment(of: record.id),
            isChanging: isChanging,
            fileExists: unsafe access(file, F_OK) == 0,
            file: file
        )
    }

    /// Notes what happened. That it cannot be noted undoes nothing.
    func note(_ record: VolumeRecord, _ event: String, _ result: String, cause: String = "") {
        note(resource: record.id.text, record.region, event, result, cause: cause)
    }

    func note(resource: String, _ region: Region, _ event: String, _ result: String, cause: String) {
        let event = EventRecord(
            time: clock.now,
            resource: resource,
            name: event,
            result: result,
            cause: String(cause.prefix(1024)),
            region: region
        )
        do {
            try catalog.add(event)
        } catch {
            logger.error("an event was not noted", metadata: ["error": "\(error)"])
        }
    }

    // MARK: - Work that outlives its verb

    /// Has `body` done after the verb has answered.
    func afterwards(_ body: @escaping @Sendable () async -> Void) {
        workNumber += 1
        let number = workNumber
        work[number] = Task {
            await body()
            self.workEnded(number)
        }
    }

    private func workEnded(_ number: Int) { work[number] = nil }

    /// Waits for what verbs have begun and not ended: who ends the process asks for it.
    public func finishBegunWork() async {
        while let task = work.first?.value { await task.value }
    }

    /// Asks KMS for the volume key behind a wrapped one.
    func unwrap(
        _ blob: CiphertextBlob,
        key: ARN,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> VolumeKey {
        let unwrapped = try await unwrapped(blob, key: key, context: context, caller: caller)
        return unwrapped.takeVolumeKey()
    }

    nonisolated func unwrapped(
        _ blob: CiphertextBlob,
        key: ARN,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> UnwrappedKey {
        let reference = KeyReference(key.description)
        let answer = try await keys.service(of: key).decrypt(
            blob,
            key: reference,
            context: context,
            caller: caller
        )
        let materialID = answer.keyMaterialID
        guard let volumeKey = VolumeKey(answer.takePlaintext()) else {
            throw AWSError(.damaged, "the wrapped volume key holds no volume key")
        }
        return UnwrappedKey(volumeKey: volumeKey, materialID: materialID)
    }

    func openStore(_ record: VolumeRecord, _ access: FileBlockStore.Access) throws -> FileBlockStore {
        do {
            return try FileBlockStore(path: paths.file(record.id), access)
        } catch {
            throw Self.error(error, "opening the file of volume \(record.label)")
        }
    }

    /// Takes the lock that marks an attachment.
    func lockExclusively(_ store: FileBlockStore, _ record: VolumeRecord, shared: Bool = false) throws {
        let locked = try translating("locking volume \(record.label)") {
            try store.tryLock(exclusive: !shared)
        }
        guard locked else {
            throw AWSError(
                .volumeInUse,
                "volume \(record.label) is attached already",
                hint: "see where with `coffer volume show \(record.label)`"
            )
        }
    }

    func inspect(_ record: VolumeRecord) -> AttachmentView {
        runtime.inspect(record.id, file: paths.file(record.id))
    }

    /// Runs a step of an engine; its error leaves as an `AWSError` that says what was under way.
    func translating<Value>(_ doing: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as AWSError {
            throw error.context(doing)
        } catch let error as BlockError {
            throw Self.error(error, doing)
        } catch let error as HeaderError {
            throw error.awsError.context(doing)
        }
    }

    static func error(_ error: BlockError, _ doing: String) -> AWSError {
        switch error {
        case .system(let code, _) where code == ENOSPC || code == EDQUOT:
            AWSError(
                .storageFull,
                "\(doing): no space is left on the disk",
                hint: "free some room, then try again"
            )
        case .system(let code, let call):
            AWSError(.internalError, "\(doing): \(call.rawValue): \(SystemError.text(code))")
        case .outOfRange: AWSError(.damaged, "\(doing): the file is shorter than its header says")
        case .faulted: AWSError(.internalError, "\(doing): an earlier sync failed")
        case .cipher: AWSError(.internalError, "\(doing): the cipher failed")
        }
    }

    /// A name is a tag's value that can stand on a command line: no id's form, nothing unprintable.
    static func checkName(_ name: String) throws {
        guard (1...255).contains(name.utf8.count), !name.hasPrefix("vol-"), !name.hasPrefix("-"),
            name.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else {
            throw AWSError(
                .invalidParameterValue,
                "a volume's name has 1 to 255 printable characters and begins neither with \"vol-\" nor with \"-\""
            )
        }
    }
}

extension VolumeRecord {
    /// What a person calls the volume: its name, else its id.
    var label: String { name ?? id.text }
}
