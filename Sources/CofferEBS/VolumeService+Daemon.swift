internal import CofferBlock
internal import CofferCatalog
internal import CofferControl
internal import CofferShapes
internal import CofferSystem
internal import CofferXTS
internal import Glibc

extension VolumeService {
    /// A header that may be served: checked, authenticated, its attach epoch raised.
    struct OpenedHeader: ~Copyable {
        let header: VolumeHeader
        let volumeKey: VolumeKey
        /// What the volume is filled from, where it is not filled.
        let fill: OpenedFill?
        /// What some of the data is under still, where the volume is being re-encrypted.
        let previousKey: HeldVolumeKey?
        let notices: [String]
    }

    /// The snapshot that a volume is filled from, and its key.
    struct OpenedFill: Sendable {
        let parameters: FillParameters
        let snapshot: OpenedSnapshot
    }

    /// Reads the header, has KMS unwrap its volume key, authenticates it, refuses a rollback, mends a damaged copy, and
    /// raises the attach epoch and then the catalogue's mark.
    func openHeader(
        _ record: VolumeRecord,
        _ store: FileBlockStore,
        _ options: AttachOptions,
        caller: Caller
    ) async throws -> OpenedHeader {
        let image = VolumeImage(store, volumeID: record.id, clock: clock)
        let header = try newestHeader(image)
        let grant = try await takeGrant(record, header, caller: caller)
        let unwrapped = try await unwrappedKey(of: header, caller: caller)
        await retireOldGrants(of: record.id, but: grant)
        let volumeKey = unwrapped.volumeKey
        var notices: [String] = []
        if !options.isReadOnly, !options.acceptsRollback {
            let words = await keepWrappingNew(
                record,
                image,
                header,
                volumeKey,
                materialID: options.keepsWrapping ? nil : unwrapped.materialID,
                caller: caller
            )
            if let words { notices.append(words) }
        }
        let mark = try catalog.mark(of: record.id)
        // What changed in a volume that was put back nobody has noted.
        if options.acceptsRollback { unsafe unlink(paths.changedMap(record.id)) }
        let start = try translating("reading the header") {
            try image.beginAttach(
                volumeKey,
                mark: mark,
                acceptingRollback: options.acceptsRollback,
                readOnly: options.isReadOnly
            )
        }
        if !options.isReadOnly {
            try catalog.setMark(start.mark, of: record.id)
            try noteGrowth(of: record, toBytes: start.header.geometry.volumeBytes)
        }
        if !start.damagedCopies.isEmpty {
            let names = start.damagedCopies.map(\.name).joined(separator: " and ")
            notices.append(
                "copy \(names) of the header was damaged"
                    + (start.mended ? " and has been mended from the other" : "; the other is good")
            )
        }
        try followKey(of: start.header, record)
        let fill = try await openFill(of: start.header, caller: caller)
        let previousKey = try await previousKey(of: start.header, caller: caller)
        return OpenedHeader(
            header: start.header,
            volumeKey: volumeKey,
            fill: fill,
            previousKey: previousKey,
            notices: notices
        )
    }

    /// Has the index tell the KMS key that an authentic header names: whoever changed it may have died before the index did.
    func followKey(of header: VolumeHeader, _ record: VolumeRecord) throws {
        guard let key = header.activeSlot?.wrapped.keyARN, key != record.kmsKeyARN else { return }
        try catalog.change(record.id) { $0.take(key: key) }
    }

    /// The volume key before the newest, where some of the data is under it still.
    func previousKey(of header: VolumeHeader, caller: Caller) async throws -> HeldVolumeKey? {
        guard header.state == .reencrypting, let slot = header.previousSlot else { return nil }
        let unwrapped = try await unwrapped(slot, of: header, caller: caller)
        return HeldVolumeKey(unwrapped.takeVolumeKey())
    }

    /// Ends a growth that was cut short between the header and the index.
    private func noteGrowth(of record: VolumeRecord, toBytes bytes: UInt64) throws {
        guard bytes > record.sizeBytes else { return }
        try catalog.change(record.id) { $0.take(sizeBytes: bytes) }
    }

    /// What a volume's header says, unauthenticated.
    func newestHeader(_ image: VolumeImage) throws -> VolumeHeader {
        try translating("reading the header") { try image.read().newest() }
    }

    /// The same, of a volume whose file is only read.
    func newestHeader(of record: VolumeRecord) throws -> VolumeHeader {
        try newestHeader(VolumeImage(try openStore(record, .readOnly), volumeID: record.id, clock: clock))
    }

    /// A new volume key, as EBS has it made: without plaintext, then decrypted once for the caller.
    func makeVolumeKey(
        under key: ARN,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> (wrapped: WrappedVolumeKey, value: HeldVolumeKey) {
        let service = caller.through(orKeeping: .ebs)
        let made = try await keys.service(of: key).generateDataKeyWithoutPlaintext(
            count: VolumeKey.count,
            key: KeyReference(key.description),
            context: context,
            caller: service
        )
        let value = HeldVolumeKey(
            try await unwrap(made.blob, key: made.keyARN, context: context, caller: service)
        )
        guard let wrapped = WrappedVolumeKey(keyARN: made.keyARN, blob: made.blob, context: context) else {
            throw AWSError(.internalError, "the wrapped volume key does not fit its place")
        }
        return (wrapped, value)
    }

    /// The volume key behind the header's active slot, from KMS. The header is not authenticated yet: its context must
    /// be this volume's, and the key that comes out is what authenticates it.
    func volumeKey(of image: VolumeImage, caller: Caller) async throws -> VolumeKey {
        let header = try newestHeader(image)
        return try await volumeKey(of: header, caller: caller)
    }

    func volumeKey(of header: VolumeHeader, caller: Caller) async throws -> VolumeKey {
        let unwrapped = try await unwrappedKey(of: header, caller: caller)
        return unwrapped.takeVolumeKey()
    }

    /// A volume key, and which material of its KMS key had wrapped it.
    struct UnwrappedKey: ~Copyable {
        let volumeKey: VolumeKey
        let materialID: String?

        consuming func takeVolumeKey() -> VolumeKey { volumeKey }
    }

    func unwrappedKey(of header: VolumeHeader, caller: Caller) async throws -> UnwrappedKey {
        guard let slot = header.activeSlot else {
            throw AWSError(.damaged, "the header holds no active key slot")
        }
        return try await unwrapped(slot, of: header, caller: caller)
    }

    private func unwrapped(
        _ slot: KeySlot,
        of header: VolumeHeader,
        caller: Caller
    ) async throws -> UnwrappedKey {
        try await unwrapped(
            slot.wrapped,
            context: .volume(header.volumeID),
            ifTampered: "the wrapped volume key in the header does not open under the volume's context",
            caller: caller
        )
    }

    /// The volume key behind one that was stored wrapped, from KMS. Nothing around it is authenticated yet: where it does
    /// not open, somebody has changed it.
    nonisolated func unwrapped(
        _ wrapped: WrappedVolumeKey,
        context: EncryptionContext,
        ifTampered sentence: String,
        caller: Caller
    ) async throws -> UnwrappedKey {
        do {
            return try await unwrapped(
                wrapped.blob,
                key: wrapped.keyARN,
                context: context,
                caller: caller.through(orKeeping: .ebs)
            )
        } catch let error as AWSError where error.code == .disabled {
            throw Self.hintingToEnable(wrapped.keyARN, error)
        } catch let error as AWSError where error.code == .invalidCiphertext {
            throw AWSError(.tampered, sentence)
        }
    }

    /// Starts the volume's daemon with the store's open file, hands it the key over a private socket, and waits until
    /// the mount answers.
    func startDaemon(
        _ record: VolumeRecord,
        _ store: FileBlockStore,
        _ opened: borrowing OpenedHeader,
        _ order: AttachOrder
    ) async throws -> AttachReady {
        let log = unsafe open(order.logPath, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        let null = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer {
            close(log)
            close(null)
        }
        do {
            let sockets = try ControlChannel.pair()
            let channel = sockets.ours
            let theirs = sockets.theirs
            let processID = try ChildProcess.spawn(
                try paths.daemon(),
                ["--home", paths.home, "--volume", record.id.text],
                descriptors: [
                    (0, null), (1, log), (2, log), (3, theirs.descriptor), (4, store.descriptor),
                ],
                environment: Self.daemonEnvironment,
                newSession: true
            )
            // Only the daemon holds the other end now: its death ends the wait below.
            _ = consume theirs
            onStep(.daemonStarted)
            do {
                try channel.send(order)
                try channel.send(VolumeParameters(opened.header, fill: opened.fill?.parameters))
                try opened.volumeKey.withBytes { (key) throws(ControlError) in try channel.sendSecret(key) }
                if let fill = opened.fill {
                    try fill.snapshot.volumeKey.withBytes { (key) throws(ControlError) in
                        try channel.sendSecret(key)
                    }
                }
                if let previous = opened.previousKey {
                    try previous.value.withBytes { (key) throws(ControlError) in try channel.sendSecret(key) }
                }
                onStep(.keySent)
                return try await answer(channel)
            } catch {
                // One that refused before it had read all of this has said why.
                let refusal = error is ControlError ? Self.refusal(channel) : nil
                kill(processID, SIGKILL)
                var status: Int32 = 0
                unsafe waitpid(processID, &status, 0)
                throw refusal ?? error
            }
        } catch let error as ControlError {
            throw AWSError(
                .internalError,
                "its daemon did not start: \(error)",
                hint: "see its log \(order.logPath)"
            )
        }
    }

    /// Of this process's environment the daemon gets what chooses its cipher's kernel.
    private static var daemonEnvironment: [String] {
        // The backtracer would print registers, and with them key bytes, when the daemon crashes.
        let own = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "SWIFT_BACKTRACE=enable=no"]
        guard let kernel = unsafe getenv(XTSKernel.environmentName) else { return own }
        return unsafe own + ["\(XTSKernel.environmentName)=\(String(cString: kernel))"]
    }

    private static func refusal(_ channel: borrowing ControlChannel) -> AWSError? {
        guard case .failed(let failure)? = try? channel.receive(AttachAnswer.self, timeoutMilliseconds: 1000)
        else { return nil }
        return failure.error
    }

    private func answer(_ channel: borrowing ControlChannel) async throws -> AttachReady {
        let descriptor = channel.descriptor
        // Mounting through fusermount3 may take a while on a busy machine.
        _ = await Self.waits(seconds: 30) {
            var end = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            return unsafe poll(&end, 1, 0) != 0
        }
        switch try channel.receive(AttachAnswer.self, timeoutMilliseconds: 1000) {
        case .ready(let ready): return ready
        case .failed(let failure): throw failure.error
        }
    }
}

extension VolumeParameters {
    /// What the daemon needs of an authenticated header.
    fileprivate init(_ header: VolumeHeader, fill: FillParameters?) {
        self.init(
            dataOffset: header.geometry.dataOffset,
            volumeBytes: header.geometry.volumeBytes,
            dataUnitBytes: header.geometry.dataUnitBytes,
            cipherID: header.geometry.cipher.rawValue,
            saltHex: Hex.lower(header.salt),
            uuidHex: Hex.lower(header.uuid),
            mark: header.mark,
            fill: fill,
            isReencrypting: header.state == .reencrypting
        )
    }
}

extension VolumeRecord {
    /// The key that wraps the volume key from now on.
    mutating func take(key: ARN) { (kmsKeyARN, isEncrypted) = (key, !key.isAWSOwnedKey) }

    /// The size that the volume has from now on; a filesystem that Coffer knows is to grow with it.
    mutating func take(sizeBytes bytes: UInt64) {
        if bytes > sizeBytes, [.ext4, .xfs].contains(filesystem) { awaitsFilesystemGrowth = true }
        sizeBytes = bytes
    }
}
