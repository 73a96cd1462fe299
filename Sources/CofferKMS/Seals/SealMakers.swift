public import CofferSecrets
public import CofferShapes

/// What seals need from outside of this room: secrets from whoever has them, a hardware token, and a KMS elsewhere.
/// Made by whoever opens the home; each is called only when the seal in hand needs it.
public struct SealMakers: Sendable {
    let passphrase: PassphrasePrompt
    let pin: @Sendable (_ tokenLabel: String) async throws -> SecretBytes
    let hardware: any HardwareSealMaker
    let keyService: KeyServiceMaker

    /// `pin` is told the label of the token whose PIN is meant.
    public init(
        passphrase: @escaping PassphrasePrompt,
        pin: @escaping @Sendable (_ tokenLabel: String) async throws -> SecretBytes,
        hardware: any HardwareSealMaker,
        keyService: @escaping KeyServiceMaker
    ) {
        (self.passphrase, self.pin) = (passphrase, pin)
        (self.hardware, self.keyService) = (hardware, keyService)
    }
}

/// Seals under keys in hardware tokens.
public protocol HardwareSealMaker: Sendable {
    /// The seal that a record describes.
    func seal(
        _ record: HardwareSealRecord,
        pin: @escaping @Sendable () async throws -> SecretBytes
    ) -> any Seal

    /// Wraps a root key under the token's key `keyLabel`, which is made where it is missing, and makes sure that it can
    /// be unwrapped again.
    func wrap(
        _ rootKey: borrowing SecretBytes,
        module: String,
        tokenLabel: String,
        keyLabel: String,
        pin: @escaping @Sendable () async throws -> SecretBytes
    ) async throws -> HardwareSealRecord
}

/// Opens the KMS of an endpoint and a region; those that the environment names stand for nil.
public typealias KeyServiceMaker =
    @Sendable (_ endpoint: String?, _ region: Region?) throws -> OpenKeyService

/// A KMS elsewhere with its connections, which `close` ends; no call may follow it.
public struct OpenKeyService: Sendable {
    let keys: any KeyService
    let close: @Sendable () async -> Void

    public init(_ keys: any KeyService, close: @escaping @Sendable () async -> Void) {
        (self.keys, self.close) = (keys, close)
    }
}
