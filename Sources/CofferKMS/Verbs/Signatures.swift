internal import CofferCrypto
public import CofferSecrets
public import CofferShapes
internal import CofferTrail

extension KeyManagementService {
    /// Signs a message of 1 to 4096 bytes, or a digest of the algorithm's length. ECDSA signatures are DER.
    /// (`Sign`)
    public func sign(
        _ message: borrowing SecretBytes,
        type: MessageType,
        algorithm: SigningAlgorithm,
        key: KeyReference,
        use: KeyUse = KeyUse(),
        caller: Caller
    ) async throws -> (signature: [UInt8], keyARN: ARN) {
        let parameters = Self.parameters(key, algorithm.rawValue, type, use)
        return try await self.use("Sign", caller, parameters) { call in
            let key = try signingKey(message, type, algorithm, key, .sign, use, &call)
            try use.stopIfDry()
            let (pair, scheme) = try signer(key, algorithm)
            return (try pair.sign(Self.input(message, type), scheme: scheme), key.arn)
        }
    }

    /// Throws KMSInvalidSignatureException where the signature is not the key's over the message. (`Verify`)
    public func verify(
        _ message: borrowing SecretBytes,
        signature: [UInt8],
        type: MessageType,
        algorithm: SigningAlgorithm,
        key: KeyReference,
        use: KeyUse = KeyUse(),
        caller: Caller
    ) async throws -> ARN {
        let parameters = Self.parameters(key, algorithm.rawValue, type, use)
        return try await self.use("Verify", caller, parameters) { call in
            let key = try signingKey(message, type, algorithm, key, .verify, use, &call)
            let (pair, scheme) = try signer(key, algorithm)
            let isValid = try pair.publicKey.isValid(
                signature,
                of: Self.input(message, type),
                scheme: scheme
            )
            guard isValid else { throw Refusal.badSignature }
            try use.stopIfDry()
            return key.arn
        }
    }

    /// The authentication code of a message of 1 to 4096 bytes. (`GenerateMac`)
    public func generateMac(
        _ message: borrowing SecretBytes,
        algorithm: MACAlgorithm,
        key: KeyReference,
        use: KeyUse = KeyUse(),
        caller: Caller
    ) async throws -> (mac: [UInt8], keyARN: ARN) {
        let parameters = Self.parameters(key, algorithm.rawValue, nil, use)
        return try await self.use("GenerateMac", caller, parameters) { call in
            try Self.requireFits(message)
            let key = try macKey(algorithm, key, .generateMac, use, &call)
            try use.stopIfDry()
            return (try mac(of: message, algorithm, key), key.arn)
        }
    }

    /// Throws KMSInvalidMacException where the code is not the message's. (`VerifyMac`)
    public func verifyMac(
        _ message: borrowing SecretBytes,
        mac: [UInt8],
        algorithm: MACAlgorithm,
        key: KeyReference,
        use: KeyUse = KeyUse(),
        caller: Caller
    ) async throws -> ARN {
        let parameters = Self.parameters(key, algorithm.rawValue, nil, use)
        return try await self.use("VerifyMac", caller, parameters) { call in
            try Self.requireFits(message)
            let key = try macKey(algorithm, key, .verifyMac, use, &call)
            guard constantTimeEqual(try self.mac(of: message, algorithm, key), mac) else {
                throw Refusal.badMAC
            }
            try use.stopIfDry()
            return key.arn
        }
    }

    /// The public half of a key pair. (`GetPublicKey`)
    public func getPublicKey(
        _ key: KeyReference,
        grantTokens: [String] = [],
        caller: Caller
    ) async throws -> PublicKeyResponse {
        try await use("GetPublicKey", caller, ["keyId": .text("\(key)")]) { call in
            let use = KeyUse(grantTokens: grantTokens)
            let permission = Permission("GetPublicKey", grant: .getPublicKey)
            let key = try cryptographicKey(key, permission, use, &call)
            guard key.stored.spec.isAsymmetric else {
                throw AWSError(
                    .unsupportedOperation,
                    "\(key.arn) key spec is \(key.stored.spec.rawValue) which is not valid for GetPublicKey."
                )
            }
            guard let publicKey = key.currentMaterial?.publicKey else { throw KeyRecords.damaged }
            return PublicKeyResponse(
                keyARN: key.arn,
                publicKey: publicKey,
                spec: key.stored.spec,
                usage: key.stored.usage
            )
        }
    }

    /// The secret that an elliptic-curve key and a peer's public key (SubjectPublicKeyInfo, DER) share: the
    /// x coordinate. (`DeriveSharedSecret`; NIST SP 800-56A rev. 3, section 5.7.1.2)
    public func deriveSharedSecret(
        publicKey: [UInt8],
        algorithm: KeyAgreementAlgorithm,
        key: KeyReference,
        use: KeyUse = KeyUse(),
        caller: Caller
    ) async throws -> SharedSecretResponse {
        let parameters = Self.parameters(key, algorithm.rawValue, nil, use)
        return try await self.use("DeriveSharedSecret", caller, parameters) { call in
            var permission = Permission("DeriveSharedSecret", grant: .deriveSharedSecret)
            permission.facts.append(("kms:keyagreementalgorithm", [algorithm.rawValue]))
            let key = try cryptographicKey(key, permission, use, &call)
            try key.requireUsage(.keyAgreement, for: "DeriveSharedSecret")
            let pair = try self.pair(of: key)
            let secret: SecretBytes
            do {
                secret = try pair.sharedSecret(with: publicKey)
            } catch {
                // As AWS: without a word.
                throw Refusal.validation("")
            }
            try use.stopIfDry()
            return SharedSecretResponse(secret: secret, keyARN: key.arn, origin: key.stored.origin)
        }
    }

    // MARK: - Checks

    private func signingKey(
        _ message: borrowing SecretBytes,
        _ type: MessageType,
        _ algorithm: SigningAlgorithm,
        _ reference: KeyReference,
        _ operation: GrantOperation,
        _ use: KeyUse,
        _ call: inout Call
    ) throws -> LoadedKey {
        try Self.requireFits(message)
        var permission = Permission(operation.rawValue, grant: operation)
        permission.facts.append(("kms:signingalgorithm", [algorithm.rawValue]))
        permission.facts.append(("kms:messagetype", [type.rawValue]))
        let key = try cryptographicKey(reference, permission, use, &call)
        try key.requireUsage(.signVerify, for: operation.rawValue)
        guard key.stored.spec.signingAlgorithms.contains(algorithm) else {
            throw Refusal.algorithm(algorithm.rawValue, spec: key.stored.spec)
        }
        guard type != .externalMu else {
            throw Refusal.validation("Message type EXTERNAL_MU is for ML-DSA keys only.")
        }
        if type == .digest {
            guard let count = algorithm.digestBytes, message.count == count else {
                throw Refusal.validation("Digest is invalid length for algorithm \(algorithm.rawValue).")
            }
        }
        return key
    }

    private static func requireFits(_ message: borrowing SecretBytes) throws(AWSError) {
        guard message.count <= Limits.messageBytes else {
            throw Refusal.tooLong("message", limit: Limits.messageBytes)
        }
    }

    private func macKey(
        _ algorithm: MACAlgorithm,
        _ reference: KeyReference,
        _ operation: GrantOperation,
        _ use: KeyUse,
        _ call: inout Call
    ) throws -> LoadedKey {
        var permission = Permission(operation.rawValue, grant: operation)
        permission.facts.append(("kms:macalgorithm", [algorithm.rawValue]))
        let key = try cryptographicKey(reference, permission, use, &call)
        try key.requireUsage(.generateVerifyMAC, for: operation.rawValue)
        guard key.stored.spec.macAlgorithms.contains(algorithm) else {
            throw Refusal.algorithm(algorithm.rawValue, spec: key.stored.spec)
        }
        return key
    }

    private func mac(
        of message: borrowing SecretBytes,
        _ algorithm: MACAlgorithm,
        _ key: LoadedKey
    ) throws -> [UInt8] {
        guard let material = key.currentMaterial,
            case .secret(let secret) = try key.unwrap(material, hierarchy)
        else { throw KeyRecords.damaged }
        return try message.withBytes { try HMAC.code(algorithm.digest, of: $0, key: secret.secret) }
    }

    private func signer(
        _ key: LoadedKey,
        _ algorithm: SigningAlgorithm
    ) throws -> (PrivateKey, SignatureScheme) {
        guard let scheme = SignatureScheme(algorithm) else { throw KeyRecords.damaged }
        return (try pair(of: key), scheme)
    }

    private func pair(of key: LoadedKey) throws -> PrivateKey {
        guard let material = key.currentMaterial,
            case .keyPair(let pair) = try key.unwrap(material, hierarchy)
        else { throw KeyRecords.damaged }
        return pair
    }

    private static func input(_ message: borrowing SecretBytes, _ type: MessageType) -> SignatureInput {
        let bytes = message.withBytes { $0.array() }
        return type == .digest ? .digest(bytes) : .message(bytes)
    }

    private static func parameters(
        _ key: KeyReference,
        _ algorithm: String,
        _ type: MessageType?,
        _ use: KeyUse
    ) -> [String: TrailValue?] {
        [
            "keyId": .text("\(key)"), "algorithm": .text(algorithm),
            "messageType": type.map { .text($0.rawValue) }, "dryRun": Self.value(isDryRun: use.isDryRun),
        ]
    }
}
