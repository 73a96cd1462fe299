internal import CofferCrypto
public import CofferSecrets
public import CofferShapes

/// The AWS-owned key of a home for one service: it wraps the data keys of what nobody asked to have encrypted.
///
/// It belongs to no account and is on nobody's list; it has no policy, no grants and no lines on the trail, and never
/// rotates: whoever may use the service may use it through the service, and nobody otherwise. It is derived from the
/// home's root key, so that it goes where the seal goes, and its id is another in each home. (AWS KMS developer guide,
/// "AWS owned keys".)
public final class AWSOwnedKey: KeyService, Sendable {
    private let backingKey: SecretBytes
    private let keyID: KeyID
    private let materialID: [UInt8]
    private let account: AccountID
    /// The region of callers that name none.
    private let region: Region
    private let random: any ByteSource

    /// `rootKey` is the home's.
    public init(
        rootKey: borrowing SecretBytes,
        of service: AWSService,
        account: AccountID,
        region: Region,
        random: any ByteSource = SystemByteSource()
    ) throws {
        do {
            let words = "coffer/aws-owned/\(service.rawValue)"
            backingKey = try KeyDerivation.hkdf(
                rootKey,
                salt: [],
                info: Array("\(words)/1".utf8),
                count: AEAD.keyCount
            )
            let ids = try KeyDerivation.hkdf(rootKey, salt: [], info: Array("\(words)/id/1".utf8), count: 48)
                .withBytes { $0.array() }
            keyID = KeyID(bytes: UUIDText.version4(Array(ids[..<16])))
            materialID = Array(ids[16...])
        } catch {
            throw AWSError(meeting: error)
        }
        (self.account, self.region, self.random) = (account, region, random)
    }

    public func awsManagedKey(of service: AWSService, caller: Caller) async throws -> KeyMetadata {
        metadata(caller)
    }

    public func describeKey(_ key: KeyReference, caller: Caller) async throws -> KeyMetadata {
        try require(key)
        return metadata(caller)
    }

    public func generateDataKeyWithoutPlaintext(
        count: Int,
        key: KeyReference,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> EncryptResponse {
        try require(key)
        return try seal(SecretBytes(count: count) { span in random.fill(&span) }, context, caller)
    }

    public func generateDataKey(
        count: Int,
        key: KeyReference,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> DataKeyResponse {
        try require(key)
        let dataKey = SecretBytes(count: count) { span in random.fill(&span) }
        let wrapped = try seal(dataKey, context, caller)
        return DataKeyResponse(plaintext: dataKey, wrapped: wrapped)
    }

    public func encrypt(
        _ plaintext: borrowing SecretBytes,
        key: KeyReference,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> EncryptResponse {
        try require(key)
        return try seal(plaintext, context, caller)
    }

    public func decrypt(
        _ blob: CiphertextBlob,
        key: KeyReference?,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> PlaintextResponse {
        if let key { try require(key) }
        return PlaintextResponse(
            plaintext: try open(blob, context),
            keyARN: arn(caller),
            keyMaterialID: Hex.lower(materialID)
        )
    }

    public func reEncrypt(
        _ blob: CiphertextBlob,
        sourceKey: KeyReference?,
        sourceContext: EncryptionContext,
        destinationKey: KeyReference,
        destinationContext: EncryptionContext,
        caller: Caller
    ) async throws -> ReEncryptResponse {
        for key in [sourceKey, destinationKey].compactMap({ $0 }) { try require(key) }
        let sealed = try seal(try open(blob, sourceContext), destinationContext, caller)
        return ReEncryptResponse(
            blob: sealed.blob,
            sourceKeyARN: arn(caller),
            keyARN: sealed.keyARN,
            sourceKeyMaterialID: Hex.lower(materialID),
            destinationKeyMaterialID: Hex.lower(materialID)
        )
    }

    public func createGrant(
        _ order: GrantOrder,
        on key: KeyReference,
        caller: Caller
    ) async throws -> GrantResponse {
        throw AWSError(.unsupportedOperation, "An AWS owned key has no grants.")
    }

    public func retireGrant(_ grant: GrantReference, caller: Caller) async throws {
        throw AWSError(.unsupportedOperation, "An AWS owned key has no grants.")
    }

    // MARK: - Parts

    private func arn(_ caller: Caller) -> ARN {
        .awsOwnedKey(keyID, region: caller.region ?? region)
    }

    private func metadata(_ caller: Caller) -> KeyMetadata {
        KeyMetadata(
            accountID: account,
            keyID: keyID,
            arn: arn(caller),
            created: Timestamp(nanoseconds: 0),
            description: "",
            state: .enabled,
            manager: .aws,
            currentKeyMaterialID: Hex.lower(materialID)
        )
    }

    /// A key of another home is as one that is not there. The region is not looked at: there is one key for all.
    private func require(_ key: KeyReference) throws(AWSError) {
        guard case .keyARN(let arn, let id) = key, arn.isAWSOwnedKey, id == keyID else {
            throw AWSError(
                .notFound,
                "Key '\(key)' does not exist",
                hint: "a volume that was made without encryption opens in the home that made it alone"
            )
        }
    }

    private func seal(
        _ plaintext: borrowing SecretBytes,
        _ context: EncryptionContext,
        _ caller: Caller
    ) throws(AWSError) -> EncryptResponse {
        do {
            let blob = try Envelope.seal(
                plaintext,
                backingKey: backingKey,
                keyID: keyID,
                materialID: materialID,
                context: context,
                random: random
            )
            return EncryptResponse(blob: blob, keyARN: arn(caller), keyMaterialID: Hex.lower(materialID))
        } catch {
            throw AWSError(meeting: error)
        }
    }

    private func open(_ blob: CiphertextBlob, _ context: EncryptionContext) throws(AWSError) -> SecretBytes {
        guard let envelope = Envelope(blob), envelope.keyID == keyID, envelope.materialID == materialID,
            let plaintext = try? envelope.open(backingKey: backingKey, context: context)
        else { throw Refusal.badCiphertext }
        return plaintext
    }
}
