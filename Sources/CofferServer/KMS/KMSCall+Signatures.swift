internal import CofferJSON
internal import CofferKMS
internal import CofferShapes

// Signatures, authentication codes, public keys and key agreement.
extension KMSCall {
    func sign() async throws -> [UInt8] {
        let algorithm = try arguments.requiredChoice("SigningAlgorithm", SigningAlgorithm.self)
        let message = try arguments.requiredSecret("Message")
        let (signature, keyARN) = try await kms.sign(
            message,
            type: arguments.choice("MessageType") ?? .raw,
            algorithm: algorithm,
            key: try arguments.key(),
            use: arguments.use,
            caller: caller
        )
        return JSONWriter.object { writer in
            writer.member("KeyId", keyARN)
            writer.member("Signature", base64: signature)
            writer.member("SigningAlgorithm", algorithm)
        }
    }

    func verify() async throws -> [UInt8] {
        let algorithm = try arguments.requiredChoice("SigningAlgorithm", SigningAlgorithm.self)
        let message = try arguments.requiredSecret("Message")
        let keyARN = try await kms.verify(
            message,
            signature: try arguments.requiredBytes("Signature"),
            type: arguments.choice("MessageType") ?? .raw,
            algorithm: algorithm,
            key: try arguments.key(),
            use: arguments.use,
            caller: caller
        )
        return JSONWriter.object { writer in
            writer.member("KeyId", keyARN)
            // Where it is not valid, the verb throws.
            writer.member("SignatureValid", true)
            writer.member("SigningAlgorithm", algorithm)
        }
    }

    func generateMac() async throws -> [UInt8] {
        let algorithm = try arguments.requiredChoice("MacAlgorithm", MACAlgorithm.self)
        let message = try arguments.requiredSecret("Message")
        let (mac, keyARN) = try await kms.generateMac(
            message,
            algorithm: algorithm,
            key: try arguments.key(),
            use: arguments.use,
            caller: caller
        )
        return JSONWriter.object { writer in
            writer.member("Mac", base64: mac)
            writer.member("MacAlgorithm", algorithm)
            writer.member("KeyId", keyARN)
        }
    }

    func verifyMac() async throws -> [UInt8] {
        let algorithm = try arguments.requiredChoice("MacAlgorithm", MACAlgorithm.self)
        let message = try arguments.requiredSecret("Message")
        let keyARN = try await kms.verifyMac(
            message,
            mac: try arguments.requiredBytes("Mac"),
            algorithm: algorithm,
            key: try arguments.key(),
            use: arguments.use,
            caller: caller
        )
        return JSONWriter.object { writer in
            writer.member("KeyId", keyARN)
            writer.member("MacValid", true)
            writer.member("MacAlgorithm", algorithm)
        }
    }

    func getPublicKey() async throws -> [UInt8] {
        let key = try await kms.getPublicKey(
            try arguments.key(),
            grantTokens: arguments.grantTokens,
            caller: caller
        )
        return JSONWriter.object { writer in
            writer.member("KeyId", key.keyARN)
            writer.member("PublicKey", base64: key.publicKey)
            writer.member("CustomerMasterKeySpec", key.spec)
            writer.member("KeySpec", key.spec)
            writer.member("KeyUsage", key.usage)
            switch key.usage {
            case .encryptDecrypt:
                writer.member("EncryptionAlgorithms", unlessEmpty: key.spec.encryptionAlgorithms)
            case .signVerify: writer.member("SigningAlgorithms", unlessEmpty: key.spec.signingAlgorithms)
            case .keyAgreement:
                writer.member("KeyAgreementAlgorithms", unlessEmpty: [KeyAgreementAlgorithm.ecdh])
            case .generateVerifyMAC: break
            }
        }
    }

    func deriveSharedSecret() async throws -> [UInt8] {
        try arguments.refuseRecipient()
        let algorithm = try arguments.requiredChoice("KeyAgreementAlgorithm", KeyAgreementAlgorithm.self)
        let response = try await kms.deriveSharedSecret(
            publicKey: try arguments.requiredBytes("PublicKey"),
            algorithm: algorithm,
            key: try arguments.key(),
            use: arguments.use,
            caller: caller
        )
        var writer = JSONWriter(capacity: 512)
        writer.beginObject()
        writer.member("KeyId", response.keyARN)
        writer.member("SharedSecret", secret: response.secret)
        writer.member("KeyAgreementAlgorithm", algorithm)
        writer.member("KeyOrigin", response.origin)
        writer.endObject()
        return writer.finish()
    }
}
