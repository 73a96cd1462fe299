internal import CofferCrypto
public import CofferSecrets
public import CofferShapes
internal import CofferTrail

extension KeyManagementService {
    /// A data key in plaintext and wrapped, `count` being 1 to 1024 bytes. (`GenerateDataKey`)
    public func generateDataKey(
        count: Int,
        key: KeyReference,
        context: EncryptionContext,
        use: KeyUse,
        caller: Caller
    ) async throws -> DataKeyResponse {
        let action = GrantOperation.generateDataKey
        return try await self.use(action.rawValue, caller, Self.parameters(key, context, use, count)) {
            call in
            let key = try dataKeyKey(count, key, context, action, use, &call)
            let dataKey = SecretBytes(count: count) { span in random.fill(&span) }
            let wrapped = try await seal(dataKey, key, .symmetricDefault, context, &call)
            return DataKeyResponse(plaintext: dataKey, wrapped: wrapped)
        }
    }

    /// As `generateDataKey`, wrapped only. (`GenerateDataKeyWithoutPlaintext`)
    public func generateDataKeyWithoutPlaintext(
        count: Int,
        key: KeyReference,
        context: EncryptionContext,
        use: KeyUse,
        caller: Caller
    ) async throws -> EncryptResponse {
        let action = GrantOperation.generateDataKeyWithoutPlaintext
        return try await self.use(action.rawValue, caller, Self.parameters(key, context, use, count)) {
            call in
            let key = try dataKeyKey(count, key, context, action, use, &call)
            let dataKey = SecretBytes(count: count) { span in random.fill(&span) }
            return try await seal(dataKey, key, .symmetricDefault, context, &call)
        }
    }

    public func generateDataKey(
        count: Int,
        key: KeyReference,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> DataKeyResponse {
        try await generateDataKey(count: count, key: key, context: context, use: KeyUse(), caller: caller)
    }

    public func generateDataKeyWithoutPlaintext(
        count: Int,
        key: KeyReference,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> EncryptResponse {
        try await generateDataKeyWithoutPlaintext(
            count: count,
            key: key,
            context: context,
            use: KeyUse(),
            caller: caller
        )
    }

    /// A key pair, its private key in plaintext and wrapped. (`GenerateDataKeyPair`)
    public func generateDataKeyPair(
        _ spec: DataKeyPairSpec,
        key: KeyReference,
        context: EncryptionContext,
        use: KeyUse,
        caller: Caller
    ) async throws -> DataKeyPairResponse {
        let pair = try await dataKeyPair(spec, key, context, .generateDataKeyPair, use, caller)
        return DataKeyPairResponse(
            privateKey: pair.made.secret.part(at: 0, count: pair.made.secret.count),
            wrapped: pair.wrapped,
            publicKey: pair.made.publicKey ?? []
        )
    }

    /// As `generateDataKeyPair`, the private key wrapped only. (`GenerateDataKeyPairWithoutPlaintext`)
    public func generateDataKeyPairWithoutPlaintext(
        _ spec: DataKeyPairSpec,
        key: KeyReference,
        context: EncryptionContext,
        use: KeyUse,
        caller: Caller
    ) async throws -> DataKeyPairResponse {
        let action = GrantOperation.generateDataKeyPairWithoutPlaintext
        let pair = try await dataKeyPair(spec, key, context, action, use, caller)
        return DataKeyPairResponse(
            privateKey: nil,
            wrapped: pair.wrapped,
            publicKey: pair.made.publicKey ?? []
        )
    }

    /// `count` random bytes, 1 to 1024. (`GenerateRandom`)
    public func generateRandom(
        count: Int,
        customKeyStoreID: String? = nil,
        caller: Caller
    ) async throws -> SecretBytes {
        try await use("GenerateRandom", caller, ["numberOfBytes": .number(count)]) { call in
            try authorise(Permission("GenerateRandom"), &call)
            guard Limits.dataKeyBytes.contains(count) else {
                throw Refusal.outside(Limits.dataKeyBytes, count, "numberOfBytes")
            }
            if let customKeyStoreID { try requireConnected(customKeyStoreID, call) }
            return SecretBytes(count: count) { span in random.fill(&span) }
        }
    }

    private func dataKeyKey(
        _ count: Int,
        _ reference: KeyReference,
        _ context: EncryptionContext,
        _ action: GrantOperation,
        _ use: KeyUse,
        _ call: inout Call
    ) throws -> LoadedKey {
        try Self.check(context, &call)
        guard Limits.dataKeyBytes.contains(count) else {
            throw Refusal.outside(Limits.dataKeyBytes, count, "numberOfBytes")
        }
        let permission = Permission(action.rawValue, grant: action, context, .symmetricDefault)
        let key = try cryptographicKey(reference, permission, use, &call)
        try Self.requireSymmetric(key, for: action.rawValue)
        try use.stopIfDry()
        return key
    }

    private func dataKeyPair(
        _ spec: DataKeyPairSpec,
        _ key: KeyReference,
        _ context: EncryptionContext,
        _ action: GrantOperation,
        _ use: KeyUse,
        _ caller: Caller
    ) async throws -> (made: NewMaterial, wrapped: EncryptResponse) {
        var parameters = Self.parameters(key, context, nil, use)
        parameters["keyPairSpec"] = .text(spec.rawValue)
        return try await self.use(action.rawValue, caller, parameters) { call in
            try Self.check(context, &call)
            var permission = Permission(action.rawValue, grant: action, context, .symmetricDefault)
            permission.facts.append(("kms:datakeypairspec", [spec.rawValue]))
            let key = try cryptographicKey(key, permission, use, &call)
            try Self.requireSymmetric(key, for: action.rawValue)
            guard let pairSpec = KeySpec(rawValue: spec.rawValue), !pairSpec.usages.isEmpty,
                key.keyStore == nil
            else {
                throw AWSError(
                    .unsupportedOperation,
                    key.keyStore == nil
                        ? "Coffer makes no data key pairs with the key pair spec \(spec.rawValue)."
                        : "A KMS key in a custom key store cannot wrap a data key pair."
                )
            }
            try use.stopIfDry()
            let made = try await make(pairSpec)
            let wrapped = try await seal(made.secret, key, .symmetricDefault, context, &call)
            return (made, wrapped)
        }
    }

    private static func requireSymmetric(_ key: LoadedKey, for operation: String) throws(AWSError) {
        try key.requireUsage(.encryptDecrypt, for: operation)
        guard key.stored.spec.isSymmetricEncryption else {
            throw AWSError(
                .invalidKeyUsage,
                "\(key.arn) key spec is \(key.stored.spec.rawValue) which is not valid for \(operation)."
            )
        }
    }

    private static func parameters(
        _ key: KeyReference,
        _ context: EncryptionContext,
        _ use: KeyUse,
        _ count: Int
    ) -> [String: TrailValue?] {
        var parameters = parameters(key, context, nil, use)
        parameters["numberOfBytes"] = .number(count)
        return parameters
    }
}
