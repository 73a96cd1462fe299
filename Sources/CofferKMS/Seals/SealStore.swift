public import CofferCrypto
public import CofferSecrets
internal import CofferShapes

/// A home's root key and its seal, in the home's `kms` folder: made once, opened at each start, moved between
/// seals.
///
/// Every change happens under the folder's lock and ends with `seal.json` put in place, which is what
/// decides. Nobody is asked for a passphrase, and neither a token nor a KMS, while the lock is held.
public struct SealStore: Sendable {
    static let rootKeyCount = 32

    private let folder: String
    private let cost: KeyDerivation.ScryptCost
    private let random: any ByteSource

    /// `folder` is the home's `kms` folder; it need not exist. `cost` is for new passphrase seals.
    public init(
        folder: String,
        cost: KeyDerivation.ScryptCost = .interactive,
        random: any ByteSource = SystemByteSource()
    ) {
        self.folder = folder
        self.cost = cost
        self.random = random
    }

    /// The seal in place, nil before the first `create`. Throws for a kind that this program does not know.
    public func state() throws -> SealTarget? {
        try KeyFolder.reporting { try SealDocument.load(from: folder)?.target(in: folder) }
    }

    /// The root key: a fresh one under a new seal at the first use, and otherwise what `open` gives. Of two
    /// first uses at once both get the same key.
    public func create(_ target: SealTarget, with makers: SealMakers) async throws -> SecretBytes {
        if try state() != nil { return try await open(with: makers) }
        let rootKey = SecretBytes(count: Self.rootKeyCount) { span in random.fill(&span) }
        let prepared = try await prepare(rootKey, target, makers)
        let isOurs = try KeyFolder.locked(folder) {
            guard try SealDocument.load(from: folder) == nil else { return false }
            guard !AtomicFile.exists(KeyStore.fileName, in: folder) else {
                throw AWSError(
                    .sealed,
                    "\(folder) has keys, and the seal.json that leads to their root key is missing",
                    hint: "put seal.json (and root.key, for a file seal) back from a backup"
                )
            }
            try install(rootKey, prepared)
            return true
        }
        return isOurs ? rootKey : try await open(with: makers)
    }

    /// The root key under the seal in place. Throws `Coffer.Sealed` when there is none or it stays shut.
    public func open(with makers: SealMakers) async throws -> SecretBytes {
        let document = try KeyFolder.reporting { try SealDocument.load(from: folder) }
        guard let document else { throw AWSError(.sealed, "\(folder) has no seal yet") }
        let kind = try document.target(in: folder).kind
        let rootKey = try await seal(kind, document, makers).unseal()
        if kind != .file && FileSeal.isLeft(in: folder) { try removeLeftKeyFile() }
        return rootKey
    }

    /// Moves the root key, which stays the same, under another seal: also one of the same kind, to change its
    /// passphrase, token or KMS key. `current` opens the seal in place and `new` makes the other.
    public func migrate(
        to target: SealTarget,
        current: SealMakers,
        new: SealMakers
    ) async throws {
        guard let before = try KeyFolder.reporting({ try SealDocument.load(from: folder) }) else {
            throw AWSError(.sealed, "\(folder) has no seal yet")
        }
        let rootKey = try await open(with: current)
        let prepared = try await prepare(rootKey, target, new)
        try KeyFolder.locked(folder) {
            // Somebody else may have moved it while a passphrase was typed.
            guard try SealDocument.load(from: folder) == before else {
                throw AWSError(.sealed, "the seal was changed meanwhile: look at it and try again")
            }
            try install(rootKey, prepared)
            if target.kind != .file { try FileSeal.removeLeft(in: folder) }
        }
    }

    private func seal(
        _ kind: SealKind,
        _ document: SealDocument,
        _ makers: SealMakers
    ) throws(AWSError) -> any Seal {
        switch kind {
        case .file: return FileSeal(folder: folder)
        case .passphrase: return passphraseSeal(makers)
        case .pkcs11:
            guard let record = document.pkcs11 else {
                throw AWSError(.damaged, "\(folder)/seal.json describes no pkcs11 seal")
            }
            return makers.hardware.seal(record, pin: { try await makers.pin(record.tokenLabel) })
        case .awsKMS: return AWSKMSSeal(folder: folder, keyService: makers.keyService)
        }
    }

    private func passphraseSeal(_ makers: SealMakers) -> PassphraseSeal {
        PassphraseSeal(folder: folder, cost: cost, random: random, passphrase: makers.passphrase)
    }

    /// What takes long, or somebody at a keyboard, before the lock: nil for the file seal, which needs
    /// nothing.
    private func prepare(
        _ rootKey: borrowing SecretBytes,
        _ target: SealTarget,
        _ makers: SealMakers
    ) async throws -> SealDocument? {
        if let fault = target.fault { throw AWSError(.validation, "the new seal \(fault)") }
        switch target {
        case .file: return nil
        case .passphrase: return try await passphraseSeal(makers).wrap(rootKey)
        case .pkcs11(let module, let token, let keyLabel):
            let record = try await makers.hardware.wrap(
                rootKey,
                module: module,
                tokenLabel: token,
                keyLabel: keyLabel,
                pin: { try await makers.pin(token) }
            )
            return SealDocument(kind: target.kind.rawValue, pkcs11: record)
        case .awsKMS(let key, let endpoint, let region):
            let document = try await AWSKMSSeal.wrap(
                rootKey,
                key: key,
                endpoint: endpoint,
                region: region,
                keyService: makers.keyService
            )
            try refuseOwnKey(document)
            return document
        }
    }

    /// A key of this home's own KMS, reached through its own server, works until that ends: then neither opens without
    /// the other.
    private func refuseOwnKey(_ document: SealDocument) throws(AWSError) {
        guard case .awsKMS(.keyARN(let arn, let id), _, _) = try document.target(in: folder),
            try KeyFolder.reporting({ try KeyStore.holds(id, in: folder) })
        else { return }
        throw AWSError(
            .validation,
            "\(arn) is a key of this home, or of a copy of it, which the root key itself protects",
            hint: "name a key of another KMS"
        )
    }

    private func install(_ rootKey: borrowing SecretBytes, _ prepared: SealDocument?) throws {
        if let prepared {
            try prepared.store(in: folder)
        } else {
            try FileSeal(folder: folder).install(rootKey)
        }
    }

    /// A migration away from the file seal, or to it, was interrupted, and another seal is in place: this ends it.
    private func removeLeftKeyFile() throws {
        try KeyFolder.locked(folder) {
            guard try state() != .file else { return }
            try FileSeal.removeLeft(in: folder)
        }
    }
}
