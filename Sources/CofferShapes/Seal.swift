public import CofferSecrets

/// How the root key of an embedded KMS is protected at rest.
public protocol Seal: Sendable {
    /// Gives the root key back. Throws `Coffer.Sealed` when it cannot.
    func unseal() async throws -> SecretBytes
}
