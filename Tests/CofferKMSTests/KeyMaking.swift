internal import CofferCrypto
internal import CofferKMS
internal import CofferSecrets
internal import CofferShapes

// Keys of every kind, for tests.

extension KeyOrder {
    init(_ spec: KeySpec, _ usage: KeyUsage, origin: KeyOrigin = .awsKMS, isMultiRegion: Bool = false) {
        self.init()
        (self.spec, self.usage, self.origin, self.isMultiRegion) = (spec, usage, origin, isMultiRegion)
    }
}

extension KeyTransport {
    /// How each of AWS's algorithms wraps.
    static let schemes: [WrappingAlgorithm: Scheme] = [
        .rsaesOAEPSHA1: .oaep(.sha1), .rsaesOAEPSHA256: .oaep(.sha256),
        .rsaAESKeyWrapSHA1: .aesKeyWrap(.sha1), .rsaAESKeyWrapSHA256: .aesKeyWrap(.sha256),
    ]
}

extension KeyManagementService {
    /// An import as a customer does it: ask for parameters, wrap, send. It never expires unless `change` says so.
    @discardableResult
    func importMaterial(
        _ material: borrowing SecretBytes,
        into key: KeyReference,
        algorithm: WrappingAlgorithm = .rsaAESKeyWrapSHA256,
        spec: WrappingKeySpec = .rsa2048,
        caller: Caller = root,
        _ change: (inout MaterialImport) -> Void = { _ in }
    ) async throws -> MaterialResponse {
        let parameters = try await getParametersForImport(
            key,
            algorithm: algorithm,
            spec: spec,
            caller: caller
        )
        guard let scheme = KeyTransport.schemes[algorithm] else { throw AWSError(.validation, "no scheme") }
        let publicKey = try PublicKey(spki: parameters.publicKey)
        var order = MaterialImport(
            importToken: parameters.importToken,
            encryptedKeyMaterial: try KeyTransport.wrap(material, for: publicKey, scheme: scheme)
        )
        order.expirationModel = .doesNotExpire
        change(&order)
        return try await importKeyMaterial(order, into: key, caller: caller)
    }

    /// A symmetric key with these bytes as its material.
    func importedKey(_ material: borrowing SecretBytes) async throws -> KeyMetadata {
        let key = try await createKey(
            KeyOrder(.symmetricDefault, .encryptDecrypt, origin: .external),
            caller: root
        )
        try await importMaterial(material, into: .id(key.keyID))
        return try await describeKey(.id(key.keyID), caller: root)
    }

    func encrypt(_ text: String, _ key: KeyReference, caller: Caller = root) async throws -> CiphertextBlob {
        try await encrypt(secret(text), key: key, context: [:], caller: caller).blob
    }

    func decrypt(_ blob: CiphertextBlob, caller: Caller = root) async throws -> String {
        let response = try await decrypt(blob, key: nil, context: [:], caller: caller)
        return String(decoding: response.plaintext.copied, as: UTF8.self)
    }
}

extension KeyMetadata {
    var reference: KeyReference { .id(keyID) }
}
