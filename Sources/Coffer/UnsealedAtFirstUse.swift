internal import CofferSecrets
internal import CofferShapes

/// Keys that lie under the home's root key, for services that may never need them: the home is unsealed by the first call.
struct UnsealedAtFirstUse: KeyService {
    let home: Home
    /// Unseals the home, where that has not been done, and gives what each call goes to.
    let keys: @Sendable (Home) async throws -> any KeyService

    func describeKey(_ key: KeyReference, caller: Caller) async throws -> KeyMetadata {
        try await keys(home).describeKey(key, caller: caller)
    }

    func awsManagedKey(of service: AWSService, caller: Caller) async throws -> KeyMetadata {
        try await keys(home).awsManagedKey(of: service, caller: caller)
    }

    func encrypt(
        _ plaintext: borrowing SecretBytes,
        key: KeyReference,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> EncryptResponse {
        try await keys(home).encrypt(plaintext, key: key, context: context, caller: caller)
    }

    func decrypt(
        _ blob: CiphertextBlob,
        key: KeyReference?,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> PlaintextResponse {
        try await keys(home).decrypt(blob, key: key, context: context, caller: caller)
    }

    func generateDataKey(
        count: Int,
        key: KeyReference,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> DataKeyResponse {
        try await keys(home).generateDataKey(
            count: count,
            key: key,
            context: context,
            caller: caller
        )
    }

    func generateDataKeyWithoutPlaintext(
        count: Int,
        key: KeyReference,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> EncryptResponse {
        try await keys(home).generateDataKeyWithoutPlaintext(
            count: count,
            key: key,
            context: context,
            caller: caller
        )
    }

    func reEncrypt(
        _ blob: CiphertextBlob,
        sourceKey: KeyReference?,
        sourceContext: EncryptionContext,
        destinationKey: KeyReference,
        destinationContext: EncryptionContext,
        caller: Caller
    ) async throws -> ReEncryptResponse {
        try await keys(home).reEncrypt(
            blob,
            sourceKey: sourceKey,
            sourceContext: sourceContext,
            destinationKey: destinationKey,
            destinationContext: destinationContext,
            caller: caller
        )
    }

    func createGrant(
        _ order: GrantOrder,
        on key: KeyReference,
        caller: Caller
    ) async throws -> GrantResponse {
        try await keys(home).createGrant(order, on: key, caller: caller)
    }

    /// Throws `Coffer.Sealed` where somebody would have to be asked for a secret: what is left of an attachment is cleaned
    /// up without one, and its grant is retired when the home is next open.
    func retireGrant(_ grant: GrantReference, caller: Caller) async throws {
        guard try await home.opensByItself() else { throw AWSError(.sealed, "the home is sealed") }
        try await keys(home).retireGrant(grant, caller: caller)
    }
}
