public import CofferSecrets

/// How the root key of an embedded KMS is protected at rest.
public protocol Seal: Sendable {
    /// The kind's name on the command line and in `seal.json`: `file`, `passphrase`.
    var kind: String { get }

    /// Stores the root key under this seal.
    func seal(_ rootKey: borrowing SecretBytes) async throws

    /// Gives the root key back. Throws `Coffer.Sealed` when it cannot.
    func unseal() async throws -> SecretBytes
}
