public import CofferCrypto
public import CofferSecrets
internal import CofferShapes

/// The seals that a home can have.
public enum SealKind: String, Sendable, CaseIterable {
    case file, passphrase
}

/// A home's root key and its seal, in the home's `kms` folder: made once, opened at each start, moved between
/// seals.
///
/// Every change happens under the folder's lock and ends with `seal.json` put in place, which is what
/// decides. Nobody is asked for a passphrase while the lock is held.
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

    /// The kind of the seal in place, nil before the first `create`. Throws for a kind that this program does
    /// not know.
    public func state() throws -> SealKind? {
        try KeyFolder.reporting {
            guard let document = try SealDocument.load(from: folder) else { return nil }
            guard let kind = SealKind(rawValue: document.kind) else {
                throw AWSError(
                    .sealed,
                    "the root key is under a seal of the unknown kind \"\(document.kind)\""
                )
            }
            return kind
        }
    }

    /// The root key: a fresh one under a new seal at the first use, and otherwise what `open` gives. Of two
    /// first uses at once both get the same key.
    public func create(_ kind: SealKind, passphrase: @escaping PassphrasePrompt) async throws -> SecretBytes {
        if try state() != nil { return try await open(passphrase: passphrase) }
        let rootKey = SecretBytes(count: Self.rootKeyCount) { span in random.fill(&span) }
        let prepared = try await prepare(rootKey, kind, passphrase)
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
        return isOurs ? rootKey : try await open(passphrase: passphrase)
    }

    /// The root key under the seal in place. Throws `Coffer.Sealed` when there is none or it stays shut.
    public func open(passphrase: @escaping PassphrasePrompt) async throws -> SecretBytes {
        guard let kind = try state() else { throw AWSError(.sealed, "\(folder) has no seal yet") }
        let rootKey = try await seal(kind, passphrase).unseal()
        if kind != .file && AtomicFile.exists(FileSeal.fileName, in: folder) { try removeLeftKeyFile() }
        return rootKey
    }

    /// Moves the root key, which stays the same, under a seal of `kind`. `current` opens the seal in place
    /// and `new` gives the passphrase of a new passphrase seal: from passphrase to passphrase it is changed.
    public func migrate(
        to kind: SealKind,
        current: @escaping PassphrasePrompt,
        new: @escaping PassphrasePrompt
    ) async throws {
        guard let before = try KeyFolder.reporting({ try SealDocument.load(from: folder) }) else {
            throw AWSError(.sealed, "\(folder) has no seal yet")
        }
        let rootKey = try await open(passphrase: current)
        let prepared = try await prepare(rootKey, kind, new)
        try KeyFolder.locked(folder) {
            // Somebody else may have moved it while a passphrase was typed.
            guard try SealDocument.load(from: folder) == before else {
                throw AWSError(.sealed, "the seal was changed meanwhile: look at it and try again")
            }
            try install(rootKey, prepared)
            if kind != .file { try AtomicFile.destroy(FileSeal.fileName, in: folder) }
        }
    }

    private func seal(_ kind: SealKind, _ passphrase: @escaping PassphrasePrompt) -> any Seal {
        switch kind {
        case .file: FileSeal(folder: folder)
        case .passphrase: passphraseSeal(passphrase)
        }
    }

    private func passphraseSeal(_ passphrase: @escaping PassphrasePrompt) -> PassphraseSeal {
        PassphraseSeal(folder: folder, cost: cost, random: random, passphrase: passphrase)
    }

    /// What takes long, or somebody at a keyboard, before the lock: nil for the file seal, which needs
    /// nothing.
    private func prepare(
        _ rootKey: borrowing SecretBytes,
        _ kind: SealKind,
        _ passphrase: @escaping PassphrasePrompt
    ) async throws -> SealDocument? {
        switch kind {
        case .file: nil
        case .passphrase: try await passphraseSeal(passphrase).wrap(rootKey)
        }
    }

    private func install(_ rootKey: borrowing SecretBytes, _ prepared: SealDocument?) throws {
        if let prepared {
            try prepared.store(in: folder)
        } else {
            try FileSeal(folder: folder).install(rootKey)
        }
    }

    /// A migration away from the file seal put the new seal in place and was then interrupted: this ends it.
    private func removeLeftKeyFile() throws {
        try KeyFolder.locked(folder) {
            guard try state() != .file else { return }
            try AtomicFile.destroy(FileSeal.fileName, in: folder)
        }
    }
}
