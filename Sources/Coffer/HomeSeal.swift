public import CofferKMS
internal import CofferPKCS11
internal import CofferRemoteKMS
public import CofferSecrets
internal import CofferShapes

/// Where the secrets come from that open a home's seal, or make another: each is asked for only by the seal that needs
/// it.
public struct SecretPrompts: Sendable {
    let passphrase: @Sendable () async throws -> SecretBytes
    let pin: @Sendable (_ tokenLabel: String) async throws -> SecretBytes
    let environment: [String: String]

    /// `pin` is told the label of the token whose PIN is meant. `environment` is the process's: the access key for a KMS
    /// elsewhere is found by it as the AWS SDKs find it.
    public init(
        passphrase: @escaping @Sendable () async throws -> SecretBytes,
        pin: @escaping @Sendable (_ tokenLabel: String) async throws -> SecretBytes,
        environment: [String: String]
    ) {
        (self.passphrase, self.pin, self.environment) = (passphrase, pin, environment)
    }
}

/// The seal over a home's root key, with all kinds of seal at hand: the store of seals knows no HSM and no network.
public struct HomeSeal: Sendable {
    private let store: SealStore
    private let makers: SealMakers

    /// `folder` is the home's `kms` folder; it need not exist.
    public init(folder: String, secrets: SecretPrompts) {
        store = SealStore(folder: folder)
        makers = SealMakers(secrets)
    }

    /// The root key, a fresh one under the file seal at first use. Throws `Coffer.Sealed` where it stays shut.
    public func rootKey() async throws -> SecretBytes { try await store.create(.file, with: makers) }

    /// The seal in place, nil before first use.
    public func state() throws -> SealTarget? { try store.state() }

    /// Moves the root key, which stays the same, under another seal; before first use it is made first. A crash at any
    /// point leaves one seal or the other, and either opens.
    public func migrate(to target: SealTarget, newSecrets: SecretPrompts) async throws {
        if try state() == nil { _ = try await rootKey() }
        try await store.migrate(to: target, current: makers, new: SealMakers(newSecrets))
    }
}

extension SealMakers {
    /// Tokens of this machine, and a KMS over the network.
    fileprivate init(_ secrets: SecretPrompts) {
        self.init(
            passphrase: secrets.passphrase,
            pin: secrets.pin,
            hardware: TokenSeals(),
            keyService: { endpoint, region in
                let settings = RemoteKMSSettings(endpoint: endpoint, region: region)
                let service = try RemoteKeyService(settings, environment: secrets.environment)
                // The answer is there by then: what fails at the connections' end changes nothing about it.
                return OpenKeyService(service) { try? await service.shutdown() }
            }
        )
    }
}

/// Seals under keys in the tokens of this machine.
private struct TokenSeals: HardwareSealMaker {
    func seal(
        _ record: HardwareSealRecord,
        pin: @escaping @Sendable () async throws -> SecretBytes
    ) -> any Seal {
        PKCS11Seal(record: record, pin: pin)
    }

    func wrap(
        _ rootKey: borrowing SecretBytes,
        module: String,
        tokenLabel: String,
        keyLabel: String,
        pin: @escaping @Sendable () async throws -> SecretBytes
    ) async throws -> HardwareSealRecord {
        try await PKCS11Seal.wrap(
            rootKey,
            module: module,
            tokenLabel: tokenLabel,
            keyLabel: keyLabel,
            pin: pin
        )
    }
}
