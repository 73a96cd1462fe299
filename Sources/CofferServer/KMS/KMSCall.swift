internal import CofferJSON
internal import CofferKMS
internal import CofferShapes

/// One call to the KMS: decoded, made, and its answer encoded. The files `KMSCall+….swift` have a method for each
/// operation, named like it.
struct KMSCall {
    let kms: KeyManagementService
    let arguments: Arguments
    let caller: Caller

    /// Checks a body and makes the call; gives the answer's body, which may hold plaintext and is the caller's to wipe.
    static func answer(
        _ operation: KMSOperation,
        body bytes: [UInt8],
        caller: Caller,
        kms: KeyManagementService
    ) async throws -> [UInt8] {
        let document = try parse(bytes)
        try InputValidation.check(document.root, of: bytes, against: KMSInputs.members(of: operation))
        let arguments = Arguments(document.root, of: bytes)
        let call = KMSCall(kms: kms, arguments: arguments, caller: caller)
        guard operation.isSlow else { return try await call.answer(operation) }
        // Not on the connection's thread, where others wait.
        return try await withTaskExecutorPreference(globalConcurrentExecutor) {
            try await call.answer(operation)
        }
    }

    private static func parse(_ bytes: [UInt8]) throws(AWSError) -> JSONDocument {
        do {
            return try JSONDocument(bytes)
        } catch {
            throw AWSError(.serialization, "")
        }
    }

    private func answer(_ operation: KMSOperation) async throws -> [UInt8] {
        switch operation {
        case .cancelKeyDeletion: try await cancelKeyDeletion()
        case .connectCustomKeyStore: try await connectCustomKeyStore()
        case .createAlias: try await createAlias()
        case .createCustomKeyStore: try await createCustomKeyStore()
        case .createGrant: try await createGrant()
        case .createKey: try await createKey()
        case .decrypt: try await decrypt()
        case .deleteAlias: try await deleteAlias()
        case .deleteCustomKeyStore: try await deleteCustomKeyStore()
        case .deleteImportedKeyMaterial: try await deleteImportedKeyMaterial()
        case .deriveSharedSecret: try await deriveSharedSecret()
        case .describeCustomKeyStores: try await describeCustomKeyStores()
        case .describeKey: try await describeKey()
        case .disableKey: try await disableKey()
        case .disableKeyRotation: try await disableKeyRotation()
        case .disconnectCustomKeyStore: try await disconnectCustomKeyStore()
        case .enableKey: try await enableKey()
        case .enableKeyRotation: try await enableKeyRotation()
        case .encrypt: try await encrypt()
        case .generateDataKey: try await generateDataKey()
        case .generateDataKeyPair: try await generateDataKeyPair()
        case .generateDataKeyPairWithoutPlaintext: try await generateDataKeyPairWithoutPlaintext()
        case .generateDataKeyWithoutPlaintext: try await generateDataKeyWithoutPlaintext()
        case .generateMac: try await generateMac()
        case .generateRandom: try await generateRandom()
        case .getKeyLastUsage: try await getKeyLastUsage()
        case .getKeyPolicy: try await getKeyPolicy()
        case .getKeyRotationStatus: try await getKeyRotationStatus()
        case .getParametersForImport: try await getParametersForImport()
        case .getPublicKey: try await getPublicKey()
        case .importKeyMaterial: try await importKeyMaterial()
        case .listAliases: try await listAliases()
        case .listGrants: try await listGrants()
        case .listKeyPolicies: try await listKeyPolicies()
        case .listKeyRotations: try await listKeyRotations()
        case .listKeys: try await listKeys()
        case .listResourceTags: try await listResourceTags()
        case .listRetirableGrants: try await listRetirableGrants()
        case .putKeyPolicy: try await putKeyPolicy()
        case .reEncrypt: try await reEncrypt()
        case .replicateKey: try await replicateKey()
        case .retireGrant: try await retireGrant()
        case .revokeGrant: try await revokeGrant()
        case .rotateKeyOnDemand: try await rotateKeyOnDemand()
        case .scheduleKeyDeletion: try await scheduleKeyDeletion()
        case .sign: try await sign()
        case .tagResource: try await tagResource()
        case .untagResource: try await untagResource()
        case .updateAlias: try await updateAlias()
        case .updateCustomKeyStore: try await updateCustomKeyStore()
        case .updateKeyDescription: try await updateKeyDescription()
        case .updatePrimaryRegion: try await updatePrimaryRegion()
        case .verify: try await verify()
        case .verifyMac: try await verifyMac()
        }
    }

    /// The answer of operations that give nothing, as AWS sends it.
    static let nothing: [UInt8] = []
    /// The answer of operations whose output is a structure without members.
    static let emptyObject: [UInt8] = Array("{}".utf8)
}
