internal import CofferJSON
internal import CofferKMS
internal import CofferSecrets
internal import CofferShapes

// Encryption, data keys and random bytes. Plaintext goes from the body into locked memory and from there into the
// answer's one buffer, which is wiped when it has left.
extension KMSCall {
    func encrypt() async throws -> [UInt8] {
        let algorithm = arguments.choice("EncryptionAlgorithm") ?? EncryptionAlgorithm.symmetricDefault
        let plaintext = try arguments.requiredSecret("Plaintext")
        let response = try await kms.encrypt(
            plaintext,
            key: try arguments.key(),
            algorithm: algorithm,
            context: arguments.context(),
            use: arguments.use,
            caller: caller
        )
        return JSONWriter.object { writer in
            writer.member("CiphertextBlob", base64: response.blob.bytes)
            writer.member("KeyId", response.keyARN)
            writer.member("EncryptionAlgorithm", algorithm)
        }
    }

    func decrypt() async throws -> [UInt8] {
        try arguments.refuseRecipient()
        let algorithm = arguments.choice("EncryptionAlgorithm") ?? EncryptionAlgorithm.symmetricDefault
        let response = try await kms.decrypt(
            try arguments.ciphertext("CiphertextBlob"),
            key: arguments.optionalKey("KeyId"),
            algorithm: algorithm,
            context: arguments.context(),
            use: arguments.use,
            caller: caller
        )
        var writer = JSONWriter(capacity: 512)
        writer.beginObject()
        writer.member("KeyId", response.keyARN)
        writer.member("Plaintext", secret: response.plaintext)
        writer.member("EncryptionAlgorithm", algorithm)
        // Of a key pair there is one material, which has no id.
        if algorithm == .symmetricDefault { writer.member("KeyMaterialId", response.keyMaterialID) }
        writer.endObject()
        return writer.finish()
    }

    func reEncrypt() async throws -> [UInt8] {
        let source = arguments.choice("SourceEncryptionAlgorithm") ?? EncryptionAlgorithm.symmetricDefault
        let destination =
            arguments.choice("DestinationEncryptionAlgorithm") ?? EncryptionAlgorithm.symmetricDefault
        let response = try await kms.reEncrypt(
            try arguments.ciphertext("CiphertextBlob"),
            sourceKey: arguments.optionalKey("SourceKeyId"),
            sourceAlgorithm: source,
            sourceContext: arguments.context("SourceEncryptionContext"),
            destinationKey: try arguments.key("DestinationKeyId"),
            destinationAlgorithm: destination,
            destinationContext: arguments.context("DestinationEncryptionContext"),
            use: arguments.use,
            caller: caller
        )
        return JSONWriter.object { writer in
            writer.member("CiphertextBlob", base64: response.blob.bytes)
            writer.member("SourceKeyId", response.sourceKeyARN)
            writer.member("KeyId", response.keyARN)
            writer.member("SourceEncryptionAlgorithm", source)
            writer.member("DestinationEncryptionAlgorithm", destination)
            if source == .symmetricDefault {
                writer.member("SourceKeyMaterialId", response.sourceKeyMaterialID)
            }
            if destination == .symmetricDefault {
                writer.member("DestinationKeyMaterialId", response.destinationKeyMaterialID)
            }
        }
    }

    func generateDataKey() async throws -> [UInt8] {
        try arguments.refuseRecipient()
        let response = try await kms.generateDataKey(
            count: try dataKeyByteCount(),
            key: try arguments.key(),
            context: arguments.context(),
            use: arguments.use,
            caller: caller
        )
        var writer = JSONWriter(capacity: 1024)
        writer.beginObject()
        writer.member("CiphertextBlob", base64: response.wrapped.blob.bytes)
        writer.member("Plaintext", secret: response.plaintext)
        writer.member("KeyId", response.wrapped.keyARN)
        writer.member("KeyMaterialId", response.wrapped.keyMaterialID)
        writer.endObject()
        return writer.finish()
    }

    func generateDataKeyWithoutPlaintext() async throws -> [UInt8] {
        let response = try await kms.generateDataKeyWithoutPlaintext(
            count: try dataKeyByteCount(),
            key: try arguments.key(),
            context: arguments.context(),
            use: arguments.use,
            caller: caller
        )
        return JSONWriter.object { writer in
            writer.member("CiphertextBlob", base64: response.blob.bytes)
            writer.member("KeyId", response.keyARN)
            writer.member("KeyMaterialId", response.keyMaterialID)
        }
    }

    /// Exactly one of NumberOfBytes and KeySpec says it.
    private func dataKeyByteCount() throws(AWSError) -> Int {
        switch (arguments.integer("NumberOfBytes"), arguments.text("KeySpec")) {
        case (let count?, nil): return count
        case (nil, "AES_128"): return 16
        case (nil, "AES_256"): return 32
        default: throw AWSError(.validation, "Please specify either number of bytes or key spec.")
        }
    }

    func generateDataKeyPair() async throws -> [UInt8] {
        try arguments.refuseRecipient()
        let spec = try arguments.requiredChoice("KeyPairSpec", DataKeyPairSpec.self)
        let pair = try await kms.generateDataKeyPair(
            spec,
            key: try arguments.key(),
            context: arguments.context(),
            use: arguments.use,
            caller: caller
        )
        return Self.answer(of: pair, spec)
    }

    func generateDataKeyPairWithoutPlaintext() async throws -> [UInt8] {
        let spec = try arguments.requiredChoice("KeyPairSpec", DataKeyPairSpec.self)
        let pair = try await kms.generateDataKeyPairWithoutPlaintext(
            spec,
            key: try arguments.key(),
            context: arguments.context(),
            use: arguments.use,
            caller: caller
        )
        return Self.answer(of: pair, spec)
    }

    private static func answer(of pair: consuming DataKeyPairResponse, _ spec: DataKeyPairSpec) -> [UInt8] {
        var writer = JSONWriter(capacity: 8192)
        writer.beginObject()
        writer.member("PrivateKeyCiphertextBlob", base64: pair.wrapped.blob.bytes)
        if let privateKey = pair.privateKey.take() {
            writer.member("PrivateKeyPlaintext", secret: privateKey)
        }
        writer.member("PublicKey", base64: pair.publicKey)
        writer.member("KeyId", pair.wrapped.keyARN)
        writer.member("KeyPairSpec", spec)
        writer.member("KeyMaterialId", pair.wrapped.keyMaterialID)
        writer.endObject()
        return writer.finish()
    }

    func generateRandom() async throws -> [UInt8] {
        try arguments.refuseRecipient()
        guard let count = arguments.integer("NumberOfBytes") else {
            throw AWSError(.validation, "NumberOfBytes is required.")
        }
        let bytes = try await kms.generateRandom(
            count: count,
            customKeyStoreID: arguments.text("CustomKeyStoreId"),
            caller: caller
        )
        var writer = JSONWriter(capacity: 1536)
        writer.beginObject()
        writer.member("Plaintext", secret: bytes)
        writer.endObject()
        return writer.finish()
    }
}

extension JSONWriter {
    /// Base64 of a secret, into this writer's buffer alone.
    mutating func member(_ name: String, secret: borrowing SecretBytes) {
        key(name)
        secret.withBytes { base64($0) }
    }
}
