internal import CofferKMS
internal import CofferSecrets
internal import CofferShapes

/// The home's AWS-owned key of EBS for a service that may never need it: unsealed by the first call.
struct OwnedVolumeKeyAtFirstUse: KeyService {
    let home: Home

    func describeKey(_ key: KeyReference, caller: Caller) async throws -> KeyMetadata {
        try await home.ownedVolumeKey().describeKey(key, caller: caller)
    }

    func awsManagedKey(of service: AWSService, caller: Caller) async throws -> KeyMetadata {
        try await home.ownedVolumeKey().awsManagedKey(of: service, caller: caller)
    }

    func encrypt(
        _ plaintext: borrowing SecretBytes,
        key: KeyReference,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> EncryptResponse {
        try await home.ownedVolumeKey().encrypt(plaintext, key: key, context: context, caller: caller)
    }

    func decrypt(
        _ blob: CiphertextBlob,
        key: KeyReference?,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> PlaintextResponse {
        try await home.ownedVolumeKey().decrypt(blob, key: key, context: context, caller: caller)
    }

    func generateDataKey(
        count: Int,
        key: KeyReference,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> DataKeyResponse {
        try await home.ownedVolumeKey().generateDataKey(
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
        try await home.ownedVolumeKey().generateDataKeyWithoutPlaintext(
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
        try await home.ownedVolumeKey().reEncrypt(
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
        try await home.ownedVolumeKey().createGrant(order, on: key, caller: caller)
    }

    func retireGrant(_ grant: GrantReference, caller: Caller) async throws {
        try await home.ownedVolumeKey().retireGrant(grant, caller: caller)
    }
}
