internal import CofferCrypto
internal import CofferSecrets
internal import CofferShapes

// Keys whose material lies in a custom key store's token.
extension KeyManagementService {
    /// Refuses a store that is not there or not connected.
    func requireConnected(_ id: String, _ call: Call) throws {
        let region = call.region
        guard let store = try cache.read({ try $0.keyStore(id, in: region) }) else {
            throw Self.noSuchStore(id)
        }
        guard store.state == .connected else { throw Self.wrongState(store, "is not connected") }
    }

    /// Makes a new key's material in its store's token. On the thread of changes, which waits for the device.
    func makeKeyInStore(_ key: StoredKey, _ records: KeyRecords, _ call: Call) throws {
        let id = key.customKeyStoreID ?? ""
        let store = try existingStore(id, records, call)
        guard store.state == .connected else { throw Self.wrongState(store, "is not connected") }
        do {
            let token = try keyStores.token(of: store, pin: try pin(of: store))
            try token.generateKey(label: key.tokenLabel)
        } catch let error as HardwareTokenError {
            throw error.refusal(connecting: id)
        }
    }

    /// A key that is deleted goes from its token too, where that can be reached; else it stays there unused.
    func removeFromStore(_ key: LoadedKey) {
        guard let store = key.keyStore, store.state == .connected, let pin = try? pin(of: store) else {
            return
        }
        try? keyStores.token(of: store, pin: pin).deleteKey(label: key.stored.tokenLabel)
    }

    /// Encrypts under a key used for this once, which the HSM's key wraps and the blob carries: the HSM sees
    /// neither plaintext nor context, and the blob commits to its key as every other does.
    func sealInStore(
        _ plaintext: borrowing SecretBytes,
        _ key: LoadedKey,
        _ material: StoredMaterial,
        _ context: EncryptionContext
    ) async throws -> CiphertextBlob {
        let once = SecretBox(SecretBytes(count: AEAD.keyCount) { span in random.fill(&span) })
        let wrapped = try await withToken(of: key) { token in
            try token.wrap(
                once.secret,
                keyLabel: key.stored.tokenLabel,
                additionalData: Self.words(key, material)
            )
        }
        return try Envelope.seal(
            plaintext,
            backingKey: once.secret,
            keyID: key.id,
            materialID: material.id,
            context: context,
            carrying: wrapped,
            random: random
        )
    }

    func openInStore(
        _ envelope: Envelope,
        _ key: LoadedKey,
        _ context: EncryptionContext
    ) async throws -> SecretBytes {
        guard let material = key.material(envelope.materialID), let wrapped = envelope.carried else {
            throw Refusal.badCiphertext
        }
        let once = try await withToken(of: key) { token in
            do {
                return SecretBox(
                    try token.unwrap(
                        wrapped,
                        keyLabel: key.stored.tokenLabel,
                        additionalData: Self.words(key, material)
                    )
                )
            } catch HardwareTokenError.authenticationFailed {
                throw Refusal.badCiphertext
            }
        }
        do {
            return try envelope.open(backingKey: once.secret, context: context)
        } catch CryptoError.authenticationFailed {
            throw Refusal.badCiphertext
        }
    }

    private func withToken<Answer: Sendable>(
        of key: LoadedKey,
        _ body: @escaping @Sendable (any HardwareToken) throws -> Answer
    ) async throws -> Answer {
        guard let store = key.keyStore else { throw KeyRecords.damaged }
        let pin = SecretBox(try pin(of: store))
        let keyStores = keyStores
        do {
            return try await heavy { try body(try keyStores.token(of: store, pin: pin.secret)) }
        } catch let error as HardwareTokenError {
            throw error.refusal(using: key.arn)
        }
    }

    private static func words(_ key: LoadedKey, _ material: StoredMaterial) -> [UInt8] {
        Array("coffer/kms/hsm/1".utf8) + key.id.bytes + material.id
    }
}

extension StoredKey {
    /// What the key is called in its token.
    fileprivate var tokenLabel: [UInt8] { Array("coffer \(id)".utf8) }
}
