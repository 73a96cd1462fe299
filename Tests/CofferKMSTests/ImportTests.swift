internal import CofferCrypto
internal import CofferKMS
internal import CofferSecrets
internal import CofferShapes
internal import CofferTrail
internal import Testing

@Suite struct KeyImportTests {
    let home: KMSHome
    let clock = SetClock(seconds: 1_800_000_000)
    let kms: KeyManagementService
    private let external = KeyOrder(.symmetricDefault, .encryptDecrypt, origin: .external)

    init() throws {
        home = try KMSHome()
        kms = try home.service(clock: clock)
    }

    private func material() -> SecretBytes { SecretBytes(copying: Subject.material) }

    @Test(
        arguments: [
            WrappingAlgorithm.rsaesOAEPSHA1, .rsaesOAEPSHA256, .rsaAESKeyWrapSHA1, .rsaAESKeyWrapSHA256,
        ]
    )
    func `material comes in by every wrapping algorithm, and is what encrypts`(
        _ algorithm: WrappingAlgorithm
    ) async throws {
        for spec in [WrappingKeySpec.rsa2048, .rsa3072] {
            let key = try await kms.createKey(external, caller: root)
            #expect(key.state == .pendingImport)
            #expect(key.currentKeyMaterialID == nil)
            let parameters = try await kms.getParametersForImport(
                key.reference,
                algorithm: algorithm,
                spec: spec,
                caller: root
            )
            #expect(parameters.keyARN == key.arn)
            #expect(parameters.validTo == clock.now.adding(days: 1))
            let answer = try await kms.importMaterial(
                material(),
                into: key.reference,
                algorithm: algorithm,
                spec: spec
            )
            let now = try await kms.describeKey(key.reference, caller: root)
            #expect(now.state == .enabled)
            #expect(now.origin == .external)
            #expect(now.expirationModel == .doesNotExpire)
            #expect(now.currentKeyMaterialID == answer.materialID)
            // The material itself opens the blob.
            let blob = try await kms.encrypt("x", key.reference)
            let opened = try #require(Envelope(blob)).open(backingKey: material(), context: [:])
            #expect(opened.copied == Array("x".utf8))
        }
    }

    @Test func `after its material went, a key takes the same bytes and no others`() async throws {
        let key = try await kms.importedKey(material())
        let blob = try await kms.encrypt("kept", key.reference)
        let records = try home.wrappedRecords(of: key)
        let answer = try await kms.deleteImportedKeyMaterial(key.reference, materialID: nil, caller: root)
        #expect(answer.materialID == key.currentKeyMaterialID)
        #expect(try await kms.describeKey(key.reference, caller: root).state == .pendingImport)
        let away = await refusal { _ = try await kms.decrypt(blob) }
        #expect(away == AWSError(.kmsInvalidState, "\(key.arn) is pending import."))
        // The record of the material is gone; that of the key's wrapping key stays.
        #expect(try records.count { try home.kmsFiles(contain: $0) } == 1)
        for type in [ImportType?.none, .existing] {
            let other = await refusal {
                try await kms.importMaterial(SecretBytes(random: 32), into: key.reference) {
                    $0.importType = type
                }
            }
            #expect(other?.code == .incorrectKeyMaterial)
        }
        try await kms.importMaterial(material(), into: key.reference)
        #expect(try await kms.decrypt(blob) == "kept")
        // The same bytes again, over what is there, change nothing.
        try await kms.importMaterial(material(), into: key.reference)
        #expect(try await kms.decrypt(blob) == "kept")
    }

    @Test func `material expires at its time, in every service, and comes back`() async throws {
        let key = try await kms.createKey(external, caller: root)
        let undated = await refusal {
            try await kms.importMaterial(material(), into: key.reference) { $0.expirationModel = .expires }
        }
        let words = "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES"
        #expect(undated == AWSError(.validation, words))
        let past = await refusal {
            try await kms.importMaterial(material(), into: key.reference) {
                ($0.expirationModel, $0.validTo) = (.expires, clock.now)
            }
        }
        #expect(past?.code == .validation)
        let end = clock.now.adding(days: 10)
        try await kms.importMaterial(material(), into: key.reference) {
            // AWS's default is that material expires.
            ($0.expirationModel, $0.validTo) = (nil, end)
        }
        let described = try await kms.describeKey(key.reference, caller: root)
        #expect(described.expirationModel == .expires)
        #expect(described.validTo == end)
        let records = try home.wrappedRecords(of: key)
        let blob = try await kms.encrypt("kept", key.reference)
        let other = try home.service(clock: clock)
        #expect(try await other.decrypt(blob) == "kept")
        clock.advance(days: 10)
        #expect(await refusal { _ = try await other.decrypt(blob) }?.code == .kmsInvalidState)
        #expect(try await kms.describeKey(key.reference, caller: root).state == .pendingImport)
        #expect(try records.count { try home.kmsFiles(contain: $0) } == 1)
        #expect(try home.entries().count { $0.record.eventName == "DeleteExpiredKeyMaterial" } == 1)
        try await kms.importMaterial(material(), into: key.reference)
        #expect(try await other.decrypt(blob) == "kept")
        #expect(try await kms.describeKey(key.reference, caller: root).validTo == nil)
    }

    @Test func `a token serves its own key for 24 hours, and what it brings must be whole`() async throws {
        let (key, other) = (
            try await kms.createKey(external, caller: root), try await kms.createKey(external, caller: root)
        )
        let parameters = try await kms.getParametersForImport(
            key.reference,
            algorithm: .rsaesOAEPSHA256,
            spec: .rsa2048,
            caller: root
        )
        let publicKey = try PublicKey(spki: parameters.publicKey)
        var order = MaterialImport(
            importToken: parameters.importToken,
            encryptedKeyMaterial: try KeyTransport.wrap(material(), for: publicKey, scheme: .oaep(.sha256))
        )
        order.expirationModel = .doesNotExpire
        let foreign = await refusal { _ = try await send(order, to: other) }
        #expect(foreign?.code == .invalidImportToken)
        for position in [0, 1, 2, 5, 20, parameters.importToken.count - 1] {
            var changed = order
            changed.importToken[position] ^= 1
            #expect(await refusal { _ = try await send(changed, to: key) }?.code == .invalidImportToken)
        }
        for token in [[], [1], Array(parameters.importToken.dropLast())] as [[UInt8]] {
            var changed = order
            changed.importToken = token
            #expect(await refusal { _ = try await send(changed, to: key) }?.code == .invalidImportToken)
        }
        var damaged = order
        damaged.encryptedKeyMaterial[3] ^= 1
        #expect(await refusal { _ = try await send(damaged, to: key) } == AWSError(.invalidCiphertext, ""))
        // 24 hours and a second later.
        clock.advance(seconds: 86_401)
        #expect(await refusal { _ = try await send(order, to: key) }?.code == .expiredImportToken)
        clock.advance(seconds: -2)
        _ = try await send(order, to: key)
        #expect(try await kms.describeKey(key.reference, caller: root).state == .enabled)
    }

    @Test func `a key takes material of its own spec alone`() async throws {
        let pairs: [(KeySpec, KeyUsage, KeyPairKind)] = [
            (.rsa2048, .signVerify, .rsa2048), (.eccNISTP256, .signVerify, .p256),
            (.eccNISTP384, .keyAgreement, .p384), (.eccNISTEdwards25519, .signVerify, .ed25519),
        ]
        let stranger = try PrivateKey.generate(.secp256k1).encoded()
        for (spec, usage, kind) in pairs {
            let key = try await kms.createKey(KeyOrder(spec, usage, origin: .external), caller: root)
            let short = await refusal { try await kms.importMaterial(material(), into: key.reference) }
            #expect(short?.code == .incorrectKeyMaterial, "\(spec)")
            let other = await refusal { try await kms.importMaterial(stranger, into: key.reference) }
            #expect(other?.code == .incorrectKeyMaterial, "\(spec)")
            let pair = try PrivateKey.generate(kind)
            let answer = try await kms.importMaterial(try pair.encoded(), into: key.reference)
            #expect(answer.materialID == nil)
            let publicKey = try await kms.getPublicKey(key.reference, caller: root).publicKey
            #expect(try publicKey == pair.publicKey.spki(), "\(spec)")
        }
        for (spec, good, bad) in [
            (KeySpec.hmac224, 28, 27), (.hmac256, 32, 31), (.hmac384, 48, 47), (.hmac512, 64, 63),
        ] {
            let order = KeyOrder(spec, .generateVerifyMAC, origin: .external)
            let key = try await kms.createKey(order, caller: root)
            let short = await refusal {
                try await kms.importMaterial(SecretBytes(random: bad), into: key.reference)
            }
            #expect(short?.code == .incorrectKeyMaterial, "\(spec)")
            let secret = SecretBytes(random: good)
            try await kms.importMaterial(secret, into: key.reference)
            let algorithm = try #require(spec.macAlgorithms.first)
            let code = try await kms.generateMac(
                SecretBytes(copying: [1]),
                algorithm: algorithm,
                key: key.reference,
                caller: root
            ).mac
            let expected = try SecretBytes(copying: [1]).withBytes { message in
                try HMAC.code(Digest.of(algorithm), of: message, key: secret)
            }
            #expect(code == expected)
        }
        let key = try await kms.createKey(external, caller: root)
        for count in [16, 31, 33, 64] {
            let refused = await refusal {
                try await kms.importMaterial(SecretBytes(random: count), into: key.reference)
            }
            #expect(refused?.code == .incorrectKeyMaterial, "\(count) bytes")
        }
    }

    @Test func `a replica of an imported key takes the primary key's material alone`() async throws {
        let order = KeyOrder(.symmetricDefault, .encryptDecrypt, origin: .external, isMultiRegion: true)
        let key = try await kms.createKey(order, caller: root)
        try await kms.importMaterial(material(), into: key.reference)
        let blob = try await kms.encrypt("from there", key.reference)
        _ = try await kms.replicateKey(
            key.reference,
            to: Subject.replicaRegion,
            order: KeyOrder(),
            caller: root
        )
        let there = root.inside(Subject.replicaRegion)
        #expect(try await kms.describeKey(key.reference, caller: there).state == .pendingImport)
        let other = await refusal {
            try await kms.importMaterial(SecretBytes(random: 32), into: key.reference, caller: there)
        }
        #expect(other?.code == .incorrectKeyMaterial)
        try await kms.importMaterial(material(), into: key.reference, caller: there)
        #expect(try await kms.decrypt(blob, caller: there) == "from there")
    }

    private func send(_ order: MaterialImport, to key: KeyMetadata) async throws -> MaterialResponse {
        try await kms.importKeyMaterial(order, into: key.reference, caller: root)
    }
}

extension Digest {
    /// Of an algorithm for codes.
    static func of(_ algorithm: MACAlgorithm) -> Digest {
        switch algorithm {
        case .hmacSHA224: .sha224
        case .hmacSHA256: .sha256
        case .hmacSHA384: .sha384
        case .hmacSHA512: .sha512
        }
    }
}
