internal import CofferCrypto
public import CofferSecrets
public import CofferShapes
internal import CofferTrail

extension KeyManagementService {
    public func encrypt(
        _ plaintext: borrowing SecretBytes,
        key: KeyReference,
        context: EncryptionContext,
        caller: Caller
    ) throws -> EncryptResponse {
        try perform("Encrypt", Self.parameters(key, context), caller) { records, record in
            try Self.check(context, &record)
            guard plaintext.count <= Limits.plaintextBytes else {
                throw Refusal.tooLong("plaintext", limit: Limits.plaintextBytes)
            }
            let key = try self.key(key, for: .use, action: "Encrypt", caller, records, &record)
            return try seal(plaintext, key, context, records, &record)
        }
    }

    public func generateDataKey(
        count: Int,
        key: KeyReference,
        context: EncryptionContext,
        caller: Caller
    ) throws -> DataKeyResponse {
        try perform("GenerateDataKey", Self.parameters(key, context, count), caller) { records, record in
            let key = try dataKeyKey(count, key, context, "GenerateDataKey", caller, records, &record)
            let dataKey = SecretBytes(count: count) { span in random.fill(&span) }
            let wrapped = try seal(dataKey, key, context, records, &record)
            return DataKeyResponse(plaintext: dataKey, wrapped: wrapped)
        }
    }

    public func generateDataKeyWithoutPlaintext(
        count: Int,
        key: KeyReference,
        context: EncryptionContext,
        caller: Caller
    ) throws -> EncryptResponse {
        let action = "GenerateDataKeyWithoutPlaintext"
        return try perform(action, Self.parameters(key, context, count), caller) { records, record in
            let key = try dataKeyKey(count, key, context, action, caller, records, &record)
            let dataKey = SecretBytes(count: count) { span in random.fill(&span) }
            return try seal(dataKey, key, context, records, &record)
        }
    }

    public func decrypt(
        _ blob: CiphertextBlob,
        key: KeyReference?,
        context: EncryptionContext,
        caller: Caller
    ) throws -> PlaintextResponse {
        try perform("Decrypt", Self.parameters(key, context), caller) { records, record in
            try Self.check(context, &record)
            let source = try sourceKey(
                of: blob,
                named: key,
                "Decrypt",
                "ciphertextBlob",
                caller,
                records,
                &record
            )
            let plaintext = try open(source, context, records)
            record.additionalEventData = ["keyMaterialId": .text(Hex.lower(source.envelope.materialID))]
            return PlaintextResponse(
                plaintext: plaintext,
                keyARN: arn(of: source.key.id),
                keyMaterialID: Hex.lower(source.envelope.materialID)
            )
        }
    }

    public func reEncrypt(
        _ blob: CiphertextBlob,
        sourceKey: KeyReference?,
        sourceContext: EncryptionContext,
        destinationKey: KeyReference,
        destinationContext: EncryptionContext,
        caller: Caller
    ) throws -> ReEncryptResponse {
        let parameters: [String: TrailValue?] = [
            "sourceKeyId": sourceKey.map { .text("\($0)") },
            "sourceEncryptionContext": Self.value(sourceContext),
            "destinationKeyId": .text("\(destinationKey)"),
            "destinationEncryptionContext": Self.value(destinationContext),
        ]
        return try perform("ReEncrypt", parameters, caller) { records, record in
            try Self.check(sourceContext, &record)
            try Self.check(destinationContext, &record)
            let source = try self.sourceKey(
                of: blob,
                named: sourceKey,
                "ReEncryptFrom",
                "ciphertextBlob",
                caller,
                records,
                &record
            )
            let destination = try key(
                destinationKey,
                for: .use,
                action: "ReEncryptTo",
                caller,
                records,
                &record
            )
            let plaintext = try open(source, sourceContext, records)
            let sealed = try seal(plaintext, destination, destinationContext, records, &record)
            let sourceMaterialID = Hex.lower(source.envelope.materialID)
            record.additionalEventData = [
                "sourceKeyMaterialId": .text(sourceMaterialID),
                "destinationKeyMaterialId": .text(sealed.keyMaterialID),
            ]
            return ReEncryptResponse(
                blob: sealed.blob,
                sourceKeyARN: arn(of: source.key.id),
                keyARN: sealed.keyARN,
                sourceKeyMaterialID: sourceMaterialID,
                destinationKeyMaterialID: sealed.keyMaterialID
            )
        }
    }
}

extension KeyManagementService {
    /// A blob and the key that made it, which the caller may use.
    private struct Source {
        let envelope: Envelope
        let key: StoredKey
    }

    private func sourceKey(
        of blob: CiphertextBlob,
        named reference: KeyReference?,
        _ action: String,
        _ member: String,
        _ caller: Caller,
        _ records: KeyRecords,
        _ record: inout TrailRecord
    ) throws -> Source {
        guard !blob.bytes.isEmpty else { throw Refusal.tooShort(member, limit: 1) }
        guard blob.bytes.count <= CiphertextBlob.maximumCount else {
            throw Refusal.tooLong(member, limit: CiphertextBlob.maximumCount)
        }
        let named = try reference.map { reference in
            try key(reference, for: .use, action: action, caller, records, &record)
        }
        guard let envelope = Envelope(blob) else { throw Refusal.badCiphertext }
        // Material of ours under the id of another key: the id in the blob was changed.
        let owner = try records.owner(ofMaterial: envelope.materialID)
        guard owner == nil || owner == envelope.keyID else { throw Refusal.badCiphertext }
        if let named {
            guard named.id == envelope.keyID else { throw Refusal.incorrectKey }
            return Source(envelope: envelope, key: named)
        }
        guard let key = try records.key(envelope.keyID) else { throw Refusal.foreignCiphertext }
        try authorise(key, for: .use, action: action, caller, &record)
        return Source(envelope: envelope, key: key)
    }

    private func open(
        _ source: Source,
        _ context: EncryptionContext,
        _ records: KeyRecords
    ) throws -> SecretBytes {
        try requireUsable(source.key)
        guard let stored = try records.backingKey(source.envelope.materialID, of: source.key.id) else {
            throw Refusal.badCiphertext
        }
        let backingKey = try unwrap(stored)
        do {
            return try source.envelope.open(backingKey: backingKey, context: context)
        } catch .authenticationFailed {
            throw Refusal.badCiphertext
        }
    }

    private func seal(
        _ plaintext: borrowing SecretBytes,
        _ key: StoredKey,
        _ context: EncryptionContext,
        _ records: KeyRecords,
        _ record: inout TrailRecord
    ) throws -> EncryptResponse {
        try requireUsable(key)
        guard let stored = try records.backingKey(key.currentMaterialID, of: key.id) else {
            throw KeyRecords.damaged
        }
        let backingKey = try unwrap(stored)
        let blob = try Envelope.seal(
            plaintext,
            backingKey: backingKey,
            keyID: key.id,
            materialID: key.currentMaterialID,
            context: context,
            random: random
        )
        let materialID = Hex.lower(key.currentMaterialID)
        record.additionalEventData = ["keyMaterialId": .text(materialID)]
        return EncryptResponse(blob: blob, keyARN: arn(of: key.id), keyMaterialID: materialID)
    }

    private func unwrap(_ stored: StoredBackingKey) throws -> SecretBytes {
        do {
            return try hierarchy.unwrapBackingKey(stored)
        } catch .authenticationFailed {
            // The root key is this store's own, so the record is not what was stored.
            throw AWSError(
                .damaged,
                "the stored secret of \(arn(of: stored.keyID)) is damaged",
                hint: "put kms/keys.sqlite back from a backup"
            )
        }
    }

    private func dataKeyKey(
        _ count: Int,
        _ reference: KeyReference,
        _ context: EncryptionContext,
        _ action: String,
        _ caller: Caller,
        _ records: KeyRecords,
        _ record: inout TrailRecord
    ) throws -> StoredKey {
        try Self.check(context, &record)
        guard Limits.dataKeyBytes.contains(count) else {
            throw Refusal.outside(Limits.dataKeyBytes, count, "numberOfBytes")
        }
        return try key(reference, for: .use, action: action, caller, records, &record)
    }

    /// Refuses a context past AWS's limit, and leaves it out of the record, which must fit in a line.
    private static func check(_ context: EncryptionContext, _ record: inout TrailRecord) throws(AWSError) {
        let bytes = context.pairs.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        guard bytes <= Limits.contextBytes else {
            record.requestParameters = nil
            throw Refusal.contextTooLarge
        }
    }

    private static func parameters(
        _ key: KeyReference?,
        _ context: EncryptionContext,
        _ count: Int? = nil
    ) -> [String: TrailValue?] {
        [
            "keyId": key.map { .text("\($0)") },
            "encryptionContext": value(context),
            "numberOfBytes": count.map { .number($0) },
            "encryptionAlgorithm": count == nil ? "SYMMETRIC_DEFAULT" : nil,
        ]
    }

    private static func value(_ context: EncryptionContext) -> TrailValue? {
        context.isEmpty ? nil : .pairs(context.pairs)
    }
}
