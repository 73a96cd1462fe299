internal import CofferCrypto
public import CofferSecrets
public import CofferShapes
internal import CofferTrail

extension KeyManagementService {
    /// Encrypts 1 to 4096 bytes; by an RSA key, as many as its algorithm takes. (`Encrypt`)
    public func encrypt(
        _ plaintext: borrowing SecretBytes,
        key: KeyReference,
        algorithm: EncryptionAlgorithm,
        context: EncryptionContext,
        use: KeyUse,
        caller: Caller
    ) async throws -> EncryptResponse {
        let parameters = Self.parameters(key, context, algorithm, use)
        return try await self.use("Encrypt", caller, parameters) { call in
            try Self.check(context, &call)
            guard plaintext.count <= Limits.plaintextBytes else {
                throw Refusal.tooLong("plaintext", limit: Limits.plaintextBytes)
            }
            let permission = Permission("Encrypt", grant: .encrypt, context, algorithm)
            let key = try cryptographicKey(key, permission, use, &call)
            try Self.require(algorithm, of: key, for: "Encrypt", context)
            if algorithm != .symmetricDefault { try Self.requireFits(plaintext.count, algorithm, key) }
            try use.stopIfDry()
            return try await seal(plaintext, key, algorithm, context, &call)
        }
    }

    /// Decrypts a ciphertext blob under the context it was made with. (`Decrypt`)
    public func decrypt(
        _ blob: CiphertextBlob,
        key: KeyReference?,
        algorithm: EncryptionAlgorithm,
        context: EncryptionContext,
        use: KeyUse,
        caller: Caller
    ) async throws -> PlaintextResponse {
        let parameters = Self.parameters(key, context, algorithm, use)
        return try await self.use("Decrypt", caller, parameters) { call in
            try Self.check(context, &call)
            let permission = Permission("Decrypt", grant: .decrypt, context, algorithm)
            let source = try source(of: blob, named: key, algorithm, permission, use, &call)
            try Self.require(algorithm, of: source.key, for: "Decrypt", context)
            let opened = try await open(source, blob, algorithm, context)
            try use.stopIfDry()
            if let id = opened.materialID { call.record.additionalEventData = ["keyMaterialId": .text(id)] }
            return PlaintextResponse(
                plaintext: opened.plaintext,
                keyARN: source.key.arn,
                keyMaterialID: opened.materialID
            )
        }
    }

    /// Moves a ciphertext to another key, context or material; the plaintext stays here. (`ReEncrypt`)
    public func reEncrypt(
        _ blob: CiphertextBlob,
        sourceKey: KeyReference?,
        sourceAlgorithm: EncryptionAlgorithm,
        sourceContext: EncryptionContext,
        destinationKey: KeyReference,
        destinationAlgorithm: EncryptionAlgorithm,
        destinationContext: EncryptionContext,
        use: KeyUse,
        caller: Caller
    ) async throws -> ReEncryptResponse {
        let parameters: [String: TrailValue?] = [
            "sourceKeyId": sourceKey.map { .text("\($0)") },
            "sourceEncryptionContext": Self.value(sourceContext),
            "sourceEncryptionAlgorithm": .text(sourceAlgorithm.rawValue),
            "destinationKeyId": .text("\(destinationKey)"),
            "destinationEncryptionContext": Self.value(destinationContext),
            "destinationEncryptionAlgorithm": .text(destinationAlgorithm.rawValue),
            "dryRun": Self.value(isDryRun: use.isDryRun),
        ]
        return try await self.use("ReEncrypt", caller, parameters) { call in
            try Self.check(sourceContext, &call)
            try Self.check(destinationContext, &call)
            var from = Permission("ReEncryptFrom", grant: .reEncryptFrom, sourceContext, sourceAlgorithm)
            var to = Permission("ReEncryptTo", grant: .reEncryptTo, destinationContext, destinationAlgorithm)
            let isSame = try isReEncryptionOnSameKey(blob, sourceKey, destinationKey, call)
            from.facts.append(("kms:reencryptonsamekey", ["\(isSame)"]))
            to.facts.append(("kms:reencryptonsamekey", ["\(isSame)"]))
            let source = try source(of: blob, named: sourceKey, sourceAlgorithm, from, use, &call)
            try Self.require(sourceAlgorithm, of: source.key, for: "ReEncrypt", sourceContext)
            let destination = try cryptographicKey(destinationKey, to, use, &call)
            try Self.require(destinationAlgorithm, of: destination, for: "ReEncrypt", destinationContext)
            let opened = try await open(source, blob, sourceAlgorithm, sourceContext)
            if destinationAlgorithm != .symmetricDefault {
                try Self.requireFits(opened.plaintext.count, destinationAlgorithm, destination)
            }
            try use.stopIfDry()
            let sealed = try await seal(
                opened.plaintext,
                destination,
                destinationAlgorithm,
                destinationContext,
                &call
            )
            call.record.additionalEventData = [
                "sourceKeyMaterialId": opened.materialID.map { .text($0) },
                "destinationKeyMaterialId": sealed.keyMaterialID.map { .text($0) },
            ].compactMapValues { $0 }
            return ReEncryptResponse(
                blob: sealed.blob,
                sourceKeyARN: source.key.arn,
                keyARN: sealed.keyARN,
                sourceKeyMaterialID: opened.materialID,
                destinationKeyMaterialID: sealed.keyMaterialID
            )
        }
    }

    // MARK: - What clients of the key service ask

    public func encrypt(
        _ plaintext: borrowing SecretBytes,
        key: KeyReference,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> EncryptResponse {
        try await encrypt(
            plaintext,
            key: key,
            algorithm: .symmetricDefault,
            context: context,
            use: KeyUse(),
            caller: caller
        )
    }

    public func decrypt(
        _ blob: CiphertextBlob,
        key: KeyReference?,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> PlaintextResponse {
        try await decrypt(
            blob,
            key: key,
            algorithm: .symmetricDefault,
            context: context,
            use: KeyUse(),
            caller: caller
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
        try await reEncrypt(
            blob,
            sourceKey: sourceKey,
            sourceAlgorithm: .symmetricDefault,
            sourceContext: sourceContext,
            destinationKey: destinationKey,
            destinationAlgorithm: .symmetricDefault,
            destinationContext: destinationContext,
            use: KeyUse(),
            caller: caller
        )
    }
}

// MARK: - Shared by the verbs of cryptography

extension KeyManagementService {
    /// The key for a cryptographic operation, which the caller may use and whose state allows it.
    func cryptographicKey(
        _ reference: KeyReference,
        _ permission: Permission,
        _ use: KeyUse,
        _ call: inout Call
    ) throws -> LoadedKey {
        try check(use.grantTokens)
        let key = try key(reference, permission, &call)
        try key.requireUsable()
        return key
    }

    /// Whether an algorithm goes with a key's spec, and a context with the algorithm.
    static func require(
        _ algorithm: EncryptionAlgorithm,
        of key: LoadedKey,
        for operation: String,
        _ context: EncryptionContext
    ) throws(AWSError) {
        try key.requireUsage(.encryptDecrypt, for: operation)
        guard key.stored.spec.encryptionAlgorithms.contains(algorithm) else {
            throw Refusal.algorithm(algorithm.rawValue, spec: key.stored.spec)
        }
        guard algorithm == .symmetricDefault || context.isEmpty else {
            throw Refusal.validation("An encryption context is not supported with asymmetric KMS keys.")
        }
    }

    private static func requireFits(
        _ count: Int,
        _ algorithm: EncryptionAlgorithm,
        _ key: LoadedKey
    ) throws(AWSError) {
        let modulusBytes =
            switch key.stored.spec {
            case .rsa2048: 256
            case .rsa3072: 384
            default: 512
            }
        // RFC 8017, section 7.1.1: k - 2 hLen - 2.
        let limit = modulusBytes - 2 - 2 * (algorithm == .rsaesOAEPSHA1 ? 20 : 32)
        guard count <= limit else {
            throw Refusal.validation(
                "Algorithm \(algorithm.rawValue) and key spec \(key.stored.spec.rawValue) cannot encrypt data "
                    + "larger than \(limit) bytes."
            )
        }
    }

    /// Refuses a context past AWS's limit, and leaves it out of the record, which must fit in a line.
    static func check(_ context: EncryptionContext, _ call: inout Call) throws(AWSError) {
        let bytes = context.pairs.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        guard bytes <= Limits.contextBytes else {
            call.record.requestParameters = nil
            throw Refusal.contextTooLarge
        }
    }

    static func parameters(
        _ key: KeyReference?,
        _ context: EncryptionContext,
        _ algorithm: EncryptionAlgorithm?,
        _ use: KeyUse
    ) -> [String: TrailValue?] {
        [
            "keyId": key.map { .text("\($0)") },
            "encryptionContext": value(context),
            "encryptionAlgorithm": algorithm.map { .text($0.rawValue) },
            "dryRun": Self.value(isDryRun: use.isDryRun),
        ]
    }

    static func value(isDryRun: Bool) -> TrailValue? { isDryRun ? .bool(true) : nil }

    static func value(_ context: EncryptionContext) -> TrailValue? {
        context.isEmpty ? nil : .pairs(context.pairs)
    }
}
