internal import CofferKMS
internal import CofferSecrets
internal import CofferShapes

/// The home's key service for services that may never need it: each call goes to the embedded KMS, which is unsealed by
/// the first.
struct UnsealedAtFirstUse: KeyService {
    let home: Home

    func describeKey(_ key: KeyReference, caller: Caller) async throws -> KeyMetadata {
        try await home.keyManagement().describeKey(key, caller: caller)
    }

    func awsManagedKey(of service: AWSService, caller: Caller) async throws -> KeyMetadata {
        try await home.keyManagement().awsManagedKey(of: service, caller: caller)
    }

    func encrypt(
        _ plaintext: borrowing SecretBytes,
        key: KeyReference,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> EncryptResponse {
        try await home.keyManagement().encrypt(plaintext, key: key, context: context, caller: caller)
    }

    func decrypt(
        _ blob: CiphertextBlob,
        key: KeyReference?,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> PlaintextResponse {
        try await home.keyManagement().decrypt(blob, key: key, context: context, caller: caller)
    }

    func generateDataKey(
        count: Int,
        key: KeyReference,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> DataKeyResponse {
        try await home.keyManagement().generateDataKey(
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
        try await home.keyManagement().generateDataKeyWithoutPlaintext(
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
        try await home.keyManagement().reEncrypt(
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
        try await home.keyManagement().createGrant(order, on: key, caller: caller)
    }

    /// Throws `Coffer.Sealed` where somebody would have to be asked for a secret: what is left of an attachment is cleaned
    /// up without one, and its grant is retired when the home is next open.
    func retireGrant(_ grant: GrantReference, caller: Caller) async throws {
        guard try await home.opensByItself() else { throw AWSError(.sealed, "the home is sealed") }
        try await home.keyManagement().retireGrant(grant, caller: caller)
    }
}
