internal import CofferCrypto
internal import CofferKMS
internal import CofferSecrets
internal import CofferShapes
internal import Testing

/// Signatures, RSA encryption, codes, key agreement and data key pairs, checked with the public halves alone.
@Suite struct AsymmetricTests {
    let home: KMSHome
    let kms: KeyManagementService
    private let message = Array("a message".utf8)

    init() throws {
        home = try KMSHome()
        kms = try home.service()
    }

    private func key(_ spec: KeySpec, _ usage: KeyUsage) async throws -> KeyMetadata {
        try await kms.createKey(KeyOrder(spec, usage), caller: root)
    }

    private func publicKey(_ key: KeyMetadata) async throws -> PublicKey {
        let response = try await kms.getPublicKey(key.reference, caller: root)
        #expect(response.keyARN == key.arn)
        #expect(response.spec == key.spec)
        #expect(response.usage == key.usage)
        return try PublicKey(spki: response.publicKey)
    }

    private func sign(
        _ bytes: [UInt8],
        _ type: MessageType,
        _ algorithm: SigningAlgorithm,
        _ key: KeyMetadata
    ) async throws -> [UInt8] {
        try await kms.sign(
            SecretBytes(copying: bytes),
            type: type,
            algorithm: algorithm,
            key: key.reference,
            caller: root
        ).signature
    }

    private func verify(
        _ bytes: [UInt8],
        _ type: MessageType,
        _ signature: [UInt8],
        _ algorithm: SigningAlgorithm,
        _ key: KeyMetadata
    ) async -> AWSError? {
        await refusal {
            _ = try await kms.verify(
                SecretBytes(copying: bytes),
                signature: signature,
                type: type,
                algorithm: algorithm,
                key: key.reference,
                caller: root
            )
        }
    }

    // MARK: - Signatures

    private static let schemes: [SigningAlgorithm: (scheme: SignatureScheme, digest: Digest?)] = [
        .rsassaPSSSHA256: (.rsaPSS(.sha256), .sha256), .rsassaPSSSHA384: (.rsaPSS(.sha384), .sha384),
        .rsassaPSSSHA512: (.rsaPSS(.sha512), .sha512), .rsassaPKCS1SHA256: (.rsaPKCS1(.sha256), .sha256),
        .rsassaPKCS1SHA384: (.rsaPKCS1(.sha384), .sha384), .rsassaPKCS1SHA512: (.rsaPKCS1(.sha512), .sha512),
        .ecdsaSHA256: (.ecdsa(.sha256), .sha256), .ecdsaSHA384: (.ecdsa(.sha384), .sha384),
        .ecdsaSHA512: (.ecdsa(.sha512), .sha512), .ed25519SHA512: (.ed25519, nil),
    ]

    @Test(
        arguments: [
            KeySpec.rsa2048, .rsa3072, .eccNISTP256, .eccNISTP384, .eccNISTP521, .eccSECGP256K1,
            .eccNISTEdwards25519,
        ]
    )
    func `every algorithm of a spec signs what its public key confirms`(_ spec: KeySpec) async throws {
        let key = try await key(spec, .signVerify)
        let publicKey = try await publicKey(key)
        for algorithm in spec.signingAlgorithms {
            guard let (scheme, digest) = Self.schemes[algorithm] else {
                // Ed25519ph is not made here.
                let refused = await refusal { _ = try await sign(message, .raw, algorithm, key) }
                #expect(refused != nil)
                continue
            }
            let signature = try await sign(message, .raw, algorithm, key)
            #expect(try publicKey.isValid(signature, of: .message(message), scheme: scheme))
            #expect(await verify(message, .raw, signature, algorithm, key) == nil)
            let invalid = AWSError(.kmsInvalidSignature, "")
            #expect(await verify(message + [0], .raw, signature, algorithm, key) == invalid)
            var changed = signature
            changed[changed.count - 1] ^= 1
            for wrong in [changed, Array(signature.dropLast()), [0]] {
                #expect(await verify(message, .raw, wrong, algorithm, key) == invalid)
            }
            let other = try await self.key(spec, .signVerify)
            #expect(await verify(message, .raw, signature, algorithm, other) == invalid)
            guard let digest else { continue }
            let hash = [UInt8](repeating: 0xA5, count: digest.count)
            let ofDigest = try await sign(hash, .digest, algorithm, key)
            #expect(try publicKey.isValid(ofDigest, of: .digest(hash), scheme: scheme))
            #expect(await verify(hash, .digest, ofDigest, algorithm, key) == nil)
            let short = await refusal { _ = try await sign(Array(hash.dropLast()), .digest, algorithm, key) }
            let words = "Digest is invalid length for algorithm \(algorithm.rawValue)."
            #expect(short == AWSError(.validation, words))
        }
    }

    @Test func `a key signs by its own algorithms, and short enough messages`() async throws {
        let key = try await key(.eccNISTP256, .signVerify)
        let wrong = await refusal { _ = try await sign(message, .raw, .ecdsaSHA384, key) }
        let words = "Algorithm ECDSA_SHA_384 is incompatible with key spec ECC_NIST_P256."
        #expect(wrong == AWSError(.invalidKeyUsage, words))
        _ = try await sign([UInt8](repeating: 1, count: 4096), .raw, .ecdsaSHA256, key)
        let long = await refusal {
            _ = try await sign([UInt8](repeating: 1, count: 4097), .raw, .ecdsaSHA256, key)
        }
        #expect(long?.message.contains("at 'message' failed to satisfy constraint") == true)
        #expect(
            await refusal { _ = try await sign(message, .externalMu, .ecdsaSHA256, key) }?.code == .validation
        )
        let symmetric = try await kms.createKey(caller: root)
        let usage = await refusal { _ = try await sign(message, .raw, .ecdsaSHA256, symmetric) }
        let usageWords = "\(symmetric.arn) key usage is ENCRYPT_DECRYPT which is not valid for Sign."
        #expect(usage == AWSError(.invalidKeyUsage, usageWords))
        let encrypts = await refusal { _ = try await kms.encrypt("x", key.reference) }
        let encryptWords = "\(key.arn) key usage is SIGN_VERIFY which is not valid for Encrypt."
        #expect(encrypts == AWSError(.invalidKeyUsage, encryptWords))
        let none = await refusal { _ = try await kms.getPublicKey(symmetric.reference, caller: root) }
        #expect(none?.code == .unsupportedOperation)
    }

    // MARK: - RSA encryption

    @Test(arguments: [(KeySpec.rsa2048, 214, 190), (.rsa3072, 342, 318), (.rsa4096, 470, 446)])
    func `an RSA key encrypts up to its limit, and decrypts what its public key encrypted`(
        _ spec: KeySpec,
        _ sha1Limit: Int,
        _ sha256Limit: Int
    ) async throws {
        let key = try await key(spec, .encryptDecrypt)
        let publicKey = try await publicKey(key)
        let algorithms: [(EncryptionAlgorithm, OAEPHash, Int)] = [
            (.rsaesOAEPSHA1, .sha1, sha1Limit), (.rsaesOAEPSHA256, .sha256, sha256Limit),
        ]
        for (algorithm, hash, limit) in algorithms {
            func encrypt(_ count: Int) async throws -> EncryptResponse {
                try await kms.encrypt(
                    SecretBytes(copying: [UInt8](repeating: 7, count: count)),
                    key: key.reference,
                    algorithm: algorithm,
                    context: [:],
                    use: KeyUse(),
                    caller: root
                )
            }
            func decrypt(_ bytes: [UInt8], _ reference: KeyReference?) async throws -> [UInt8] {
                try await kms.decrypt(
                    CiphertextBlob(bytes),
                    key: reference,
                    algorithm: algorithm,
                    context: [:],
                    use: KeyUse(),
                    caller: root
                ).plaintext.copied
            }
            let made = try await encrypt(limit)
            #expect(made.keyMaterialID == nil)
            #expect(try await decrypt(made.blob.bytes, key.reference) == [UInt8](repeating: 7, count: limit))
            let words =
                "Algorithm \(algorithm.rawValue) and key spec \(spec.rawValue) cannot encrypt data larger than "
                + "\(limit) bytes."
            #expect(await refusal { _ = try await encrypt(limit + 1) } == AWSError(.validation, words))
            let outside = try publicKey.encrypt(secret("from outside"), oaep: hash)
            #expect(try await decrypt(outside, key.reference) == Array("from outside".utf8))
            var changed = outside
            changed[9] ^= 1
            for wrong in [changed, Array(outside.dropLast()), [1]] {
                let refused = await refusal { _ = try await decrypt(wrong, key.reference) }
                #expect(refused == AWSError(.invalidCiphertext, ""))
            }
            #expect(await refusal { _ = try await decrypt(outside, nil) }?.code == .validation)
        }
        let contextual = await refusal {
            _ = try await kms.encrypt(
                secret("x"),
                key: key.reference,
                algorithm: .rsaesOAEPSHA256,
                context: ["a": "b"],
                use: KeyUse(),
                caller: root
            )
        }
        #expect(contextual?.code == .validation)
        let symmetric = await refusal { _ = try await kms.encrypt("x", key.reference) }
        let words = "Algorithm SYMMETRIC_DEFAULT is incompatible with key spec \(spec.rawValue)."
        #expect(symmetric == AWSError(.invalidKeyUsage, words))
    }

    // MARK: - Codes

    @Test(arguments: [KeySpec.hmac224, .hmac256, .hmac384, .hmac512])
    func `a code is verified whole, and by its own key and algorithm`(_ spec: KeySpec) async throws {
        let (key, other) = (
            try await key(spec, .generateVerifyMAC), try await key(spec, .generateVerifyMAC)
        )
        let algorithm = try #require(spec.macAlgorithms.first)
        func code(_ count: Int, _ algorithm: MACAlgorithm) async throws -> [UInt8] {
            try await kms.generateMac(
                SecretBytes(copying: [UInt8](repeating: 7, count: count)),
                algorithm: algorithm,
                key: key.reference,
                caller: root
            ).mac
        }
        func verify(_ text: String, _ mac: [UInt8], _ key: KeyMetadata) async -> AWSError? {
            await refusal {
                _ = try await kms.verifyMac(
                    secret(text),
                    mac: mac,
                    algorithm: algorithm,
                    key: key.reference,
                    caller: root
                )
            }
        }
        let mac = try await kms.generateMac(
            secret("x"),
            algorithm: algorithm,
            key: key.reference,
            caller: root
        ).mac
        #expect(mac.count == Digest.of(algorithm).count)
        #expect(await verify("x", mac, key) == nil)
        let invalid = AWSError(.kmsInvalidMAC, "")
        #expect(await verify("y", mac, key) == invalid)
        #expect(await verify("x", mac, other) == invalid)
        for wrong in [Array(mac.dropLast()), mac + [0], []] {
            #expect(await verify("x", wrong, key) == invalid)
        }
        #expect(try await code(4096, algorithm).count == mac.count)
        let long = await refusal { _ = try await code(4097, algorithm) }
        #expect(long?.message.contains("at 'message' failed to satisfy constraint") == true)
        let another: MACAlgorithm = spec == .hmac256 ? .hmacSHA512 : .hmacSHA256
        let words = "Algorithm \(another.rawValue) is incompatible with key spec \(spec.rawValue)."
        #expect(await refusal { _ = try await code(1, another) } == AWSError(.invalidKeyUsage, words))
    }

    // MARK: - Agreement and data key pairs

    @Test(arguments: [(KeySpec.eccNISTP256, KeyPairKind.p256), (.eccNISTP384, .p384), (.eccNISTP521, .p521)])
    func `both sides of an agreement share one secret`(_ spec: KeySpec, _ kind: KeyPairKind) async throws {
        let key = try await key(spec, .keyAgreement)
        let peer = try PrivateKey.generate(kind)
        let mine = try await publicKey(key).spki()
        let shared = try await kms.deriveSharedSecret(
            publicKey: try peer.publicKey.spki(),
            algorithm: .ecdh,
            key: key.reference,
            caller: root
        )
        #expect(shared.keyARN == key.arn)
        #expect(try shared.secret.copied == peer.sharedSecret(with: mine).copied)
        let stranger = try PrivateKey.generate(.secp256k1).publicKey.spki()
        for wrong in [stranger, [1, 2, 3], []] {
            let refused = await refusal {
                _ = try await kms.deriveSharedSecret(
                    publicKey: wrong,
                    algorithm: .ecdh,
                    key: key.reference,
                    caller: root
                )
            }
            #expect(refused?.code == .validation)
        }
    }

    @Test(
        arguments: [
            (DataKeyPairSpec.rsa2048, KeyPairKind.rsa2048), (.eccNISTP256, .p256), (.eccNISTP384, .p384),
            (.eccNISTP521, .p521), (.eccSECGP256K1, .secp256k1), (.eccNISTEdwards25519, .ed25519),
        ]
    )
    func `a data key pair's blob opens to its private key`(
        _ spec: DataKeyPairSpec,
        _ kind: KeyPairKind
    ) async throws {
        let key = try await kms.createKey(caller: root)
        let plain = try await kms.generateDataKeyPair(
            spec,
            key: key.reference,
            context: context,
            use: KeyUse(),
            caller: root
        )
        let opened = try await kms.decrypt(plain.wrapped.blob, key: nil, context: context, caller: root)
        let pair = try PrivateKey(encoded: opened.plaintext, kind: kind)
        #expect(try pair.publicKey.spki() == plain.publicKey)
        let isSame = plain.privateKey?.constantTimeEquals(opened.plaintext)
        #expect(isSame == true)
        let hidden = try await kms.generateDataKeyPairWithoutPlaintext(
            spec,
            key: key.reference,
            context: context,
            use: KeyUse(),
            caller: root
        )
        let isHidden = hidden.privateKey == nil
        #expect(isHidden)
        let second = try await kms.decrypt(hidden.wrapped.blob, key: nil, context: context, caller: root)
        let hiddenPair = try PrivateKey(encoded: second.plaintext, kind: kind)
        #expect(try hiddenPair.publicKey.spki() == hidden.publicKey)
    }
}
