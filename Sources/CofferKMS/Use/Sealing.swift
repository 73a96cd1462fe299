internal import CofferCrypto
internal import CofferSecrets
internal import CofferShapes
internal import CofferTrail

/// A blob, and the key that made it, which the caller may use.
struct BlobSource {
    let key: LoadedKey
    /// nil for what an RSA key encrypted, which is no blob of ours.
    let envelope: Envelope?
}

/// What a blob held.
struct OpenedBlob: ~Copyable {
    let plaintext: SecretBytes
    /// 64 hex digits; nil for RSA keys.
    let materialID: String?
}

// Encryption and decryption under a key that was found fit for it.
extension KeyManagementService {
    func seal(
        _ plaintext: borrowing SecretBytes,
        _ key: LoadedKey,
        _ algorithm: EncryptionAlgorithm,
        _ context: EncryptionContext,
        _ call: inout Call
    ) async throws -> EncryptResponse {
        guard let material = key.currentMaterial else { throw KeyRecords.damaged }
        let materialID = key.stored.spec.isSymmetricEncryption ? material.textID : nil
        if let materialID { call.record.additionalEventData = ["keyMaterialId": .text(materialID)] }
        let blob: CiphertextBlob
        if key.keyStore != nil {
            blob = try await sealInStore(plaintext, key, material, context)
        } else {
            switch try key.unwrap(material, hierarchy) {
            case .secret(let backingKey):
                blob = try Envelope.seal(
                    plaintext,
                    backingKey: backingKey.secret,
                    keyID: key.id,
                    materialID: material.id,
                    context: context,
                    random: random
                )
            case .keyPair(let pair):
                blob = CiphertextBlob(try pair.publicKey.encrypt(plaintext, oaep: algorithm.oaepHash))
            }
        }
        return EncryptResponse(blob: blob, keyARN: key.arn, keyMaterialID: materialID)
    }

    /// Finds the key of a blob: the one in the blob, or for RSA the one that is named.
    func source(
        of blob: CiphertextBlob,
        named reference: KeyReference?,
        _ algorithm: EncryptionAlgorithm,
        _ permission: Permission,
        _ use: KeyUse,
        _ call: inout Call
    ) throws -> BlobSource {
        guard !blob.bytes.isEmpty else { throw Refusal.tooShort("ciphertextBlob", limit: 1) }
        guard blob.bytes.count <= CiphertextBlob.maximumCount else {
            throw Refusal.tooLong("ciphertextBlob", limit: CiphertextBlob.maximumCount)
        }
        try check(use.grantTokens)
        let named = try reference.map { try key($0, permission, &call) }
        if algorithm != .symmetricDefault {
            guard let named else {
                throw Refusal.validation("KeyId is required to decrypt with an asymmetric KMS key.")
            }
            try named.requireUsable()
            return BlobSource(key: named, envelope: nil)
        }
        try named?.requireUsable()
        guard let envelope = Envelope(blob) else { throw Refusal.badCiphertext }
        let place = KeyPlace(region: call.region, id: envelope.keyID)
        if let named {
            // Material of the named key under the id of another: the id in the blob was changed.
            guard named.id == envelope.keyID else {
                throw try isOurs(envelope) ? Refusal.badCiphertext : Refusal.incorrectKey
            }
            return BlobSource(key: named, envelope: envelope)
        }
        guard let key = try cache.key(place) else {
            throw try isOurs(envelope) ? Refusal.badCiphertext : Refusal.foreignCiphertext
        }
        try authorise(permission, on: key, &call)
        try key.requireUsable()
        return BlobSource(key: key, envelope: envelope)
    }

    /// Whether the blob names a material of this store under an id that is not its key's.
    private func isOurs(_ envelope: Envelope) throws -> Bool {
        guard let owner = try cache.read({ try $0.owner(ofMaterial: envelope.materialID) }) else {
            return false
        }
        return owner != envelope.keyID
    }

    func open(
        _ source: BlobSource,
        _ blob: CiphertextBlob,
        _ algorithm: EncryptionAlgorithm,
        _ context: EncryptionContext
    ) async throws -> OpenedBlob {
        let key = source.key
        guard let envelope = source.envelope else {
            guard let material = key.currentMaterial else { throw KeyRecords.damaged }
            return OpenedBlob(
                plaintext: try openByKeyPair(try key.unwrap(material, hierarchy), blob, algorithm),
                materialID: nil
            )
        }
        guard let material = key.material(envelope.materialID), material.state != .pendingRotation else {
            throw Refusal.badCiphertext
        }
        if key.keyStore != nil {
            return OpenedBlob(
                plaintext: try await openInStore(envelope, key, context),
                materialID: material.textID
            )
        }
        guard case .secret(let backingKey) = try key.unwrap(material, hierarchy) else {
            throw KeyRecords.damaged
        }
        do {
            return OpenedBlob(
                plaintext: try envelope.open(backingKey: backingKey.secret, context: context),
                materialID: material.textID
            )
        } catch CryptoError.authenticationFailed {
            throw Refusal.badCiphertext
        }
    }

    private func openByKeyPair(
        _ material: KeyMaterial,
        _ blob: CiphertextBlob,
        _ algorithm: EncryptionAlgorithm
    ) throws -> SecretBytes {
        guard case .keyPair(let pair) = material else { throw KeyRecords.damaged }
        do {
            return try pair.decrypt(blob.bytes, oaep: algorithm.oaepHash)
        } catch {
            throw Refusal.badCiphertext
        }
    }

    /// Whether source and destination are one key, for the condition `kms:ReEncryptOnSameKey`.
    func isReEncryptionOnSameKey(
        _ blob: CiphertextBlob,
        _ source: KeyReference?,
        _ destination: KeyReference,
        _ call: Call
    ) throws -> Bool {
        let sourceID = try source.flatMap { try id(of: $0, call) } ?? Envelope(blob)?.keyID
        return try sourceID != nil && sourceID == id(of: destination, call)
    }

    private func id(of reference: KeyReference, _ call: Call) throws -> KeyID? {
        switch reference {
        case .id(let id), .keyARN(_, let id): id
        case .alias(let name), .aliasARN(_, let name): try cache.target(of: name, in: call.region)
        case .other: nil
        }
    }
}
