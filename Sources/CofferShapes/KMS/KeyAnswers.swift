public import CofferSecrets

/// An entry of `ListKeys`.
public struct KeyEntry: Sendable, Hashable {
    public let id: KeyID
    public let arn: ARN

    public init(id: KeyID, arn: ARN) { (self.id, self.arn) = (id, arn) }
}

/// Answer of `ScheduleKeyDeletion`.
public struct ScheduledDeletion: Sendable, Hashable {
    public let keyARN: ARN
    /// nil while a multi-Region primary key waits for its replicas.
    public let deletionDate: Timestamp?
    public let state: KeyState
    public let pendingWindowInDays: Int

    public init(keyARN: ARN, deletionDate: Timestamp?, state: KeyState, pendingWindowInDays: Int) {
        (self.keyARN, self.deletionDate) = (keyARN, deletionDate)
        (self.state, self.pendingWindowInDays) = (state, pendingWindowInDays)
    }
}

/// Answer of `GetKeyRotationStatus`.
public struct RotationStatus: Sendable, Hashable {
    public let keyARN: ARN
    public let isEnabled: Bool
    public let periodInDays: Int?
    public let nextRotation: Timestamp?

    public init(keyARN: ARN, isEnabled: Bool, periodInDays: Int?, nextRotation: Timestamp?) {
        (self.keyARN, self.isEnabled) = (keyARN, isEnabled)
        (self.periodInDays, self.nextRotation) = (periodInDays, nextRotation)
    }
}

/// An entry of `ListKeyRotations`: one material of a key.
public struct KeyRotation: Sendable, Hashable {
    public enum Kind: String, Sendable, Codable {
        case automatic = "AUTOMATIC"
        case onDemand = "ON_DEMAND"
    }

    public enum MaterialState: String, Sendable, Codable {
        case current = "CURRENT"
        case nonCurrent = "NON_CURRENT"
        case pendingRotation = "PENDING_ROTATION"
    }

    public enum ImportState: String, Sendable, Codable {
        case imported = "IMPORTED"
        case pendingImport = "PENDING_IMPORT"
    }

    public let keyARN: ARN
    /// 64 hex digits.
    public let materialID: String
    public var materialDescription: String?
    public let materialState: MaterialState
    /// Of imported material alone.
    public var importState: ImportState?
    public var expirationModel: ExpirationModel?
    public var validTo: Timestamp?
    /// Of the first material there is none.
    public let rotationDate: Timestamp?
    public let kind: Kind?

    public init(
        keyARN: ARN,
        materialID: String,
        materialState: MaterialState,
        rotationDate: Timestamp?,
        kind: Kind?
    ) {
        (self.keyARN, self.materialID, self.materialState) = (keyARN, materialID, materialState)
        (self.rotationDate, self.kind) = (rotationDate, kind)
    }
}

/// Answer of `GetPublicKey`.
public struct PublicKeyResponse: Sendable, Hashable {
    public let keyARN: ARN
    /// SubjectPublicKeyInfo in DER (RFC 5280).
    public let publicKey: [UInt8]
    public let spec: KeySpec
    public let usage: KeyUsage

    public init(keyARN: ARN, publicKey: [UInt8], spec: KeySpec, usage: KeyUsage) {
        (self.keyARN, self.publicKey, self.spec, self.usage) = (keyARN, publicKey, spec, usage)
    }
}

/// Answer of `GenerateDataKeyPair` and `GenerateDataKeyPairWithoutPlaintext`.
public struct DataKeyPairResponse: ~Copyable, Sendable {
    /// PKCS #8 in DER; nil where no plaintext was asked for.
    public var privateKey: SecretBytes?
    public let wrapped: EncryptResponse
    /// SubjectPublicKeyInfo in DER.
    public let publicKey: [UInt8]

    public init(privateKey: consuming SecretBytes?, wrapped: EncryptResponse, publicKey: [UInt8]) {
        self.privateKey = privateKey
        (self.wrapped, self.publicKey) = (wrapped, publicKey)
    }
}

/// Answer of `DeriveSharedSecret`.
public struct SharedSecretResponse: ~Copyable, Sendable {
    public let secret: SecretBytes
    public let keyARN: ARN
    public let origin: KeyOrigin

    public init(secret: consuming SecretBytes, keyARN: ARN, origin: KeyOrigin) {
        self.secret = secret
        (self.keyARN, self.origin) = (keyARN, origin)
    }
}

/// Answer of `GetParametersForImport`.
public struct ImportParameters: Sendable, Hashable {
    public let keyARN: ARN
    public let importToken: [UInt8]
    /// The RSA key to wrap with: SubjectPublicKeyInfo in DER.
    public let publicKey: [UInt8]
    public let validTo: Timestamp

    public init(keyARN: ARN, importToken: [UInt8], publicKey: [UInt8], validTo: Timestamp) {
        (self.keyARN, self.importToken) = (keyARN, importToken)
        (self.publicKey, self.validTo) = (publicKey, validTo)
    }
}

/// What `ImportKeyMaterial` is given.
public struct MaterialImport: Sendable {
    public var importToken: [UInt8]
    public var encryptedKeyMaterial: [UInt8]
    public var validTo: Timestamp?
    /// nil: KEY_MATERIAL_EXPIRES, as on AWS.
    public var expirationModel: ExpirationModel?
    public var importType: ImportType?
    public var materialDescription: String?
    public var materialID: String?

    public init(importToken: [UInt8], encryptedKeyMaterial: [UInt8]) {
        (self.importToken, self.encryptedKeyMaterial) = (importToken, encryptedKeyMaterial)
    }
}

/// Answer of `ImportKeyMaterial` and `DeleteImportedKeyMaterial`.
public struct MaterialResponse: Sendable, Hashable {
    public let keyARN: ARN
    public let materialID: String?

    public init(keyARN: ARN, materialID: String?) { (self.keyARN, self.materialID) = (keyARN, materialID) }
}

/// Answer of `GetKeyLastUsage`.
public struct KeyLastUsage: Sendable, Hashable {
    public let keyARN: ARN
    public let created: Timestamp
    public let trackingStart: Timestamp
    /// The last successful cryptographic operation, if there was one: its name and its time.
    public var operation: String?
    public var time: Timestamp?
    public var eventID: String?

    public init(keyARN: ARN, created: Timestamp, trackingStart: Timestamp) {
        (self.keyARN, self.created, self.trackingStart) = (keyARN, created, trackingStart)
    }
}

/// Answer of `ReplicateKey`.
public struct ReplicaResponse: Sendable {
    public let metadata: KeyMetadata
    public let policy: String
    public let tags: [Tag]

    public init(metadata: KeyMetadata, policy: String, tags: [Tag]) {
        (self.metadata, self.policy, self.tags) = (metadata, policy, tags)
    }
}
