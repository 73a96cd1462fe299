public import CofferCrypto
public import CofferSecrets
public import CofferShapes

/// Asks somebody for a passphrase; called only when one is needed.
public typealias PassphrasePrompt = @Sendable () async throws -> SecretBytes

/// The root key wrapped, in `kms/seal.json`, under a key that scrypt (RFC 7914) makes of a passphrase.
///
/// It protects as well as the passphrase is hard to guess: whoever has the file can guess offline, at
/// scrypt's cost for each guess.
public struct PassphraseSeal: Seal {
    private static let saltCount = 32

    private let folder: String
    private let cost: KeyDerivation.ScryptCost
    private let random: any ByteSource
    private let passphrase: PassphrasePrompt

    /// A seal in a home's `kms` folder. `cost` is for sealing; unsealing takes what the file says, within
    /// bounds.
    public init(
        folder: String,
        cost: KeyDerivation.ScryptCost = .interactive,
        random: any ByteSource = SystemByteSource(),
        passphrase: @escaping PassphrasePrompt
    ) {
        self.folder = folder
        self.cost = cost
        self.random = random
        self.passphrase = passphrase
    }

    /// Throws `Coffer.Sealed` for a wrong passphrase, which cannot be told from a changed file.
    public func unseal() async throws -> SecretBytes {
        guard let parameters = try KeyFolder.reporting({ try SealDocument.load(from: folder) })?.passphrase
        else {
            throw AWSError(.damaged, "\(folder)/seal.json describes no passphrase seal")
        }
        // Before anybody is asked: a hostile file must not get a passphrase typed for nothing.
        let (cost, salt, wrapped) = try Self.check(parameters, in: folder)
        let passphrase = try await passphrase()
        let key = try KeyFolder.reporting {
            try KeyDerivation.scrypt(passphrase, salt: salt, cost: cost, count: AEAD.keyCount)
        }
        do {
            return try WrappedKey.unwrap(wrapped, under: key, boundTo: Self.place(cost, salt))
        } catch {
            throw AWSError(.sealed, "the passphrase is wrong, or \(folder)/seal.json was changed")
        }
    }

    /// The description of a seal over `rootKey` under a passphrase that is asked for now.
    func wrap(_ rootKey: borrowing SecretBytes) async throws -> SealDocument {
        let passphrase = try await passphrase()
        return try KeyFolder.reporting {
            let salt = random.bytes(Self.saltCount)
            let key = try KeyDerivation.scrypt(passphrase, salt: salt, cost: cost, count: AEAD.keyCount)
            let wrapped = try WrappedKey.wrap(
                rootKey,
                under: key,
                boundTo: Self.place(cost, salt),
                random: random
            )
            let parameters = SealDocument.Passphrase(
                salt: Hex.lower(salt),
                cost: cost.cost,
                blockSize: cost.blockSize,
                parallelism: cost.parallelism,
                wrappedRootKey: Hex.lower(wrapped)
            )
            return SealDocument(kind: SealKind.passphrase.rawValue, passphrase: parameters)
        }
    }

    /// What the file says, within bounds: at most 512 MiB of memory and some seconds of work, so that a
    /// hostile file takes neither.
    private static func check(
        _ parameters: SealDocument.Passphrase,
        in folder: String
    ) throws(AWSError) -> (KeyDerivation.ScryptCost, salt: [UInt8], wrapped: [UInt8]) {
        let cost = parameters.cost
        let isBounded =
            (2...UInt64(1) << 20).contains(cost) && cost & (cost - 1) == 0
            && (1...16).contains(parameters.blockSize) && (1...4).contains(parameters.parallelism)
            && 128 * cost * parameters.blockSize <= 512 << 20
        guard isBounded else {
            throw AWSError(
                .damaged,
                "\(folder)/seal.json asks for more work than a passphrase seal is made with"
            )
        }
        let wrappedCount = AEAD.nonceCount + SealStore.rootKeyCount + AEAD.tagCount
        guard let salt = Hex.bytes(parameters.salt), salt.count == saltCount,
            let wrapped = Hex.bytes(parameters.wrappedRootKey), wrapped.count == wrappedCount
        else { throw AWSError(.damaged, "\(folder)/seal.json holds no wrapped root key") }
        let scrypt = KeyDerivation.ScryptCost(
            cost: cost,
            blockSize: parameters.blockSize,
            parallelism: parameters.parallelism
        )
        return (scrypt, salt, wrapped)
    }

    /// Additional data of the wrapped root key.
    private static func place(_ cost: KeyDerivation.ScryptCost, _ salt: [UInt8]) -> [UInt8] {
        let words = "coffer/seal/passphrase/1 \(cost.cost) \(cost.blockSize) \(cost.parallelism) "
        return Array(words.utf8) + salt
    }
}
