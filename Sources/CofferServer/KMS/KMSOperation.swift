/// The operations of AWS KMS (API reference, "Actions"); the raw value is a place in tables.
enum KMSOperation: Int, CaseIterable, Sendable {
    case cancelKeyDeletion
    case connectCustomKeyStore
    case createAlias
    case createCustomKeyStore
    case createGrant
    case createKey
    case decrypt
    case deleteAlias
    case deleteCustomKeyStore
    case deleteImportedKeyMaterial
    case deriveSharedSecret
    case describeCustomKeyStores
    case describeKey
    case disableKey
    case disableKeyRotation
    case disconnectCustomKeyStore
    case enableKey
    case enableKeyRotation
    case encrypt
    case generateDataKey
    case generateDataKeyPair
    case generateDataKeyPairWithoutPlaintext
    case generateDataKeyWithoutPlaintext
    case generateMac
    case generateRandom
    case getKeyLastUsage
    case getKeyPolicy
    case getKeyRotationStatus
    case getParametersForImport
    case getPublicKey
    case importKeyMaterial
    case listAliases
    case listGrants
    case listKeyPolicies
    case listKeyRotations
    case listKeys
    case listResourceTags
    case listRetirableGrants
    case putKeyPolicy
    case reEncrypt
    case replicateKey
    case retireGrant
    case revokeGrant
    case rotateKeyOnDemand
    case scheduleKeyDeletion
    case sign
    case tagResource
    case untagResource
    case updateAlias
    case updateCustomKeyStore
    case updateKeyDescription
    case updatePrimaryRegion
    case verify
    case verifyMac

    /// The name as the API spells it: the case's with a capital.
    var name: String { Self.names[rawValue] }

    /// The operation that the header `X-Amz-Target` names; nil where KMS has none such.
    init?(target: String) {
        guard let operation = Self.targets[target] else { return nil }
        self = operation
    }

    /// Whether the operation may take long: it makes or uses an asymmetric key, writes to the key store, or waits for a
    /// token. The others are done where they came in.
    var isSlow: Bool {
        switch self {
        case .encrypt, .decrypt, .reEncrypt, .generateDataKey, .generateDataKeyWithoutPlaintext, .generateMac,
            .verifyMac, .generateRandom, .describeKey, .getPublicKey, .getKeyRotationStatus, .getKeyPolicy:
            false
        default: true
        }
    }

    private static let names = allCases.map { operation in
        let name = "\(operation)"
        return name.prefix(1).uppercased() + name.dropFirst()
    }

    private static let targets = Dictionary(
        uniqueKeysWithValues: allCases.map { ("TrentService.\($0.name)", $0) }
    )
}
