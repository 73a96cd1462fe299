public import CofferSecrets

/// What every service of Coffer asks for keys: the embedded KMS of this home, or any AWS-compatible endpoint. Nobody
/// behind it ever sees a KMS key; verbs, fields and errors are AWS KMS's.
///
/// All verbs throw `AWSError`: NotFoundException, AccessDeniedException, DisabledException, KMSInvalidStateException,
/// and what each says of itself.
public protocol KeyService: Sendable {
    /// The metadata of the KMS key named. (`DescribeKey`)
    func describeKey(_ key: KeyReference, caller: Caller) async throws -> KeyMetadata

    /// The AWS managed key of a service, made if this is the service's first use.
    func awsManagedKey(of service: AWSService, caller: Caller) async throws -> KeyMetadata

    /// Encrypts 1 to 4096 bytes. (`Encrypt`)
    func encrypt(
        _ plaintext: borrowing SecretBytes,
        key: KeyReference,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> EncryptResponse

    /// Decrypts a ciphertext blob under the context it was made with. InvalidCiphertextException for anything that is
    /// not such a blob or has another context; IncorrectKeyException when `key` is given and is not the blob's.
    /// (`Decrypt`)
    func decrypt(
        _ blob: CiphertextBlob,
        key: KeyReference?,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> PlaintextResponse

    /// A data key in plaintext and wrapped. `count` is 1 to 1024 bytes. (`GenerateDataKey`)
    func generateDataKey(
        count: Int,
        key: KeyReference,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> DataKeyResponse

    /// A data key, wrapped only. (`GenerateDataKeyWithoutPlaintext`)
    func generateDataKeyWithoutPlaintext(
        count: Int,
        key: KeyReference,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> EncryptResponse

    /// Moves a ciphertext to another KMS key, context or backing key; the plaintext stays inside. (`ReEncrypt`)
    func reEncrypt(
        _ blob: CiphertextBlob,
        sourceKey: KeyReference?,
        sourceContext: EncryptionContext,
        destinationKey: KeyReference,
        destinationContext: EncryptionContext,
        caller: Caller
    ) async throws -> ReEncryptResponse

    /// Gives a principal leave for operations with one key, named by id or key ARN. The same order under the same name
    /// gives the same grant again. (`CreateGrant`)
    func createGrant(_ order: GrantOrder, on key: KeyReference, caller: Caller) async throws -> GrantResponse

    /// Ends a grant that has done its work; NotFoundException for one that is not there. (`RetireGrant`)
    func retireGrant(_ grant: GrantReference, caller: Caller) async throws
}

/// What KMS gives a caller to keep: opaque, not secret, at most 6144 bytes.
public struct CiphertextBlob: Sendable, Hashable {
    public static let maximumCount = 6144
    public let bytes: [UInt8]

    public init(_ bytes: [UInt8]) { self.bytes = bytes }
}

/// Answer of `Encrypt` and of `GenerateDataKeyWithoutPlaintext`.
public struct EncryptResponse: Sendable, Hashable {
    public let blob: CiphertextBlob
    public let keyARN: ARN
    /// 64 hex digits: which material of a symmetric key did it.
    public let keyMaterialID: String?

    public init(blob: CiphertextBlob, keyARN: ARN, keyMaterialID: String?) {
        (self.blob, self.keyARN, self.keyMaterialID) = (blob, keyARN, keyMaterialID)
    }
}

/// Answer of `Decrypt`.
public struct PlaintextResponse: ~Copyable, Sendable {
    public let plaintext: SecretBytes
    public let keyARN: ARN
    public let keyMaterialID: String?

    public init(plaintext: consuming SecretBytes, keyARN: ARN, keyMaterialID: String?) {
        self.plaintext = plaintext
        (self.keyARN, self.keyMaterialID) = (keyARN, keyMaterialID)
    }

    /// Gives up the plaintext.
    public consuming func takePlaintext() -> SecretBytes { plaintext }
}

/// Answer of `GenerateDataKey`.
public struct DataKeyResponse: ~Copyable, Sendable {
    public let plaintext: SecretBytes
    public let wrapped: EncryptResponse

    public init(plaintext: consuming SecretBytes, wrapped: EncryptResponse) {
        self.plaintext = plaintext
        self.wrapped = wrapped
    }
}

/// Answer of `ReEncrypt`.
public struct ReEncryptResponse: Sendable, Hashable {
    public let blob: CiphertextBlob
    public let sourceKeyARN: ARN
    public let keyARN: ARN
    public let sourceKeyMaterialID: String?
    public let destinationKeyMaterialID: String?

    public init(
        blob: CiphertextBlob,
        sourceKeyARN: ARN,
        keyARN: ARN,
        sourceKeyMaterialID: String?,
        destinationKeyMaterialID: String?
    ) {
        self.blob = blob
        (self.sourceKeyARN, self.keyARN) = (sourceKeyARN, keyARN)
        (self.sourceKeyMaterialID, self.destinationKeyMaterialID) = (
            sourceKeyMaterialID, destinationKeyMaterialID
        )
    }
}
