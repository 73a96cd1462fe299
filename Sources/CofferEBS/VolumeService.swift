internal import CofferBlock
public import CofferCatalog
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
    let keys: any KeyService
    let identity: HomeIdentity
    let paths: VolumePaths
    let clock: any WallClock
    let logger: Logger
    /// Told after each step of an attachment; a test ends the process there.
    let onStep: @Sendable (AttachmentStep) -> Void

    var runtime: RuntimeFolder { paths.runtime }

    public init(
        catalog: Catalog,
        keys: any KeyService,
        identity: HomeIdentity,
        paths: VolumePaths,
        clock: any WallClock = SystemClock(),
        logger: Logger,
        onStep: @escaping @Sendable (AttachmentStep) -> Void = { _ in }
    ) {
        self.catalog = catalog
        self.keys = keys
        self.identity = identity
        self.paths = paths
        self.clock = clock
        self.logger = logger
        self.onStep = onStep
    }

    // MARK: - Create, describe, delete

    /// Makes an encrypted volume: a sparse file whose header holds the volume key, wrapped by the KMS key. (`CreateVolume`)
    public func createVolume(_ request: CreateVolumeRequest, caller: Caller) async throws -> Volume {
        let geometry = try Self.geometry(request)
        if let name = request.name { try Self.checkName(name) }
        let service = caller.through(.ebs)
        let key: KeyMetadata
        if let reference = request.key {
            key = try await keys.describeKey(reference, caller: service)
        } else {
            key = try await keys.awsManagedKey(of: .ebs, caller: service)
        }

        let id = VolumeID(random: SystemByteSource())
        let context = EncryptionContext.volume(id)
        // As EBS does: the key is made without plaintext, then decrypted once, because the header's code needs it.
        let wrapped = try await keys.generateDataKeyWithoutPlaintext(
            count: VolumeKey.count,
            key: .keyARN(key.arn, key.keyID),
            context: context,
            caller: service
        )
        let volumeKey = try await unwrap(wrapped.blob, key: key.arn, context: context, caller: service)

        let record = VolumeRecord(
            id: id,
            name: request.name,
            sizeBytes: geometry.volumeBytes,
            dataUnitBytes: geometry.dataUnitBytes,
            cipherName: geometry.cipher.name,
            kmsKeyARN: key.arn,
            created: clock.now
        )
        // Held while the volume is made, so that a creation under way is told from one that a crash cut short.
        let lock = try runtime.lock(id)
        defer { withExtendedLifetime(lock) {} }
        do {
            try catalog.insert(record)
            try writeNewVolume(id, geometry, wrapped, context, volumeKey)
        } catch {
            unsafe unlink(paths.file(id))
            try? catalog.removeVolume(id)  // The first error is the one to tell.
            runtime.remove(id)
            throw error
        }
        try catalog.markCreated(id)
        logger.info("created volume", metadata: ["volume": "\(id)", "key": "\(key.arn)"])
        return try describe(catalog.volume(id.text))
    }

    /// The volumes of the home, or those that the references name. (`DescribeVolumes`)
    public func describeVolumes(_ references: [String] = []) throws -> [Volume] {
        let records =
            references.isEmpty ? try catalog.volumes() : try references.map { try catalog.volume($0) }
        return try records.map { try describe($0) }
    }

    /// Deletes a volume that is not attached: both headers are overwritten first, so that the wrapped key is gone even
    /// from a disk that keeps old blocks of deleted files. (`DeleteVolume`)
    public func deleteVolume(_ reference: String) throws {
        let (record, lock) = try locked(reference)
        defer { withExtendedLifetime(lock) {} }
        try requireDetached(record)
        let path = paths.file(record.id)
        if unsafe access(path, F_OK) == 0 {
            let store = try openStore(record, .readWrite)
            try lockExclusively(store, record)
            try translating("erasing the header of \(record.id)") {
                try VolumeImage(store, volumeID: record.id).erase()
            }
            unsafe unlink(path)
            unsafe unlink(paths.changedMap(record.id))
            try paths.syncVolumesFolder()
        }
        try catalog.removeVolume(record.id)
        runtime.remove(record.id)
        logger.info("deleted volume", metadata: ["volume": "\(record.id)"])
    }

    // MARK: - Parts that the other verbs share

    /// The volume that `reference` names, as it is once no other command changes it; held so while the lock lives.
    func locked(_ reference: String) throws -> (VolumeRecord, OperationLock) {
        let id = try catalog.volume(reference).id
        let lock = try runtime.lock(id)
        // Read again: who held the lock before may have changed or removed it.
        return (try catalog.volume(id.text), lock)
    }

    /// Asks KMS for the volume key behind a wrapped one.
    func unwrap(
        _ blob: CiphertextBlob,
        key: ARN,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> VolumeKey {
        let reference = KeyReference(key.description)
        let answer = try await keys.decrypt(blob, key: reference, context: context, caller: caller)
        guard let volumeKey = VolumeKey(answer.takePlaintext()) else {
            throw AWSError(.damaged, "the wrapped volume key holds no volume key")
        }
        return volumeKey
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

    func requireDetached(_ record: VolumeRecord) throws {
        let view = inspect(record)
        switch view.state {
        case .detached: return
        case .attached, .faulted, .elsewhere:
            throw AWSError(
                .volumeInUse,
                "volume \(record.label) is attached",
                hint: "detach it first with `coffer volume unmount \(record.label)`"
            )
        case .crashed, .hung:
            throw AWSError(
                .volumeInUse,
                "the daemon of volume \(record.label) \(view.state == .hung ? "hangs" : "died") and left mounts",
                hint: "clean up with `coffer volume unmount \(record.label)"
                    + (view.state == .hung ? " --force`" : "`")
            )
        }
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

    private func writeNewVolume(
        _ id: VolumeID,
        _ geometry: Geometry,
        _ wrapped: EncryptResponse,
        _ context: EncryptionContext,
        _ volumeKey: borrowing VolumeKey
    ) throws {
        guard let slot = WrappedVolumeKey(keyARN: wrapped.keyARN, blob: wrapped.blob, context: context) else {
            throw AWSError(.internalError, "the wrapped volume key does not fit a header")
        }
        let path = paths.file(id)
        let store: FileBlockStore
        let mark: RollbackMark
        do {
            store = try FileBlockStore(path: path, .create)
        } catch {
            throw Self.error(error, "making \(path)")
        }
        do {
            let made = try VolumeImage.create(
                in: store,
                VolumePlan(volumeID: id, geometry: geometry, wrapped: slot),
                volumeKey: volumeKey,
                clock: clock
            )
            mark = made.header.mark
        } catch {
            throw error.awsError.context("making volume \(id)")
        }
        try paths.syncVolumesFolder()
        try catalog.setMark(mark, of: id)
    }

    private static func geometry(_ request: CreateVolumeRequest) throws -> Geometry {
        let unit = UInt64(clamping: request.dataUnitBytes)
        guard unit == 512 || unit == 4096 else {
            throw AWSError(
                .invalidParameterValue,
                "a data unit has 512 or 4096 bytes, not \(request.dataUnitBytes)"
            )
        }
        guard let cipher = Geometry.Cipher.allCases.first(where: { $0.name == request.cipherName }) else {
            let names = Geometry.Cipher.allCases.map(\.name).joined(separator: " or ")
            throw AWSError(.invalidParameterValue, "the cipher is \(names), not \(request.cipherName)")
        }
        let smallest: UInt64 = 1 << 20
        guard request.sizeBytes >= smallest, request.sizeBytes <= Geometry.maximumVolumeBytes,
            let geometry = Geometry(
                volumeBytes: (request.sizeBytes + unit - 1) / unit * unit,
                dataUnitBytes: request.dataUnitBytes,
                cipher: cipher
            )
        else {
            throw AWSError(
                .invalidParameterValue,
                "a volume has 1 MiB to 64 TiB, not \(request.sizeBytes) bytes"
            )
        }
        return geometry
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
