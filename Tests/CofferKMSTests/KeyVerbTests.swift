internal import CofferKMS
internal import CofferSecrets
internal import CofferShapes
internal import Testing

@Suite struct KeyVerbTests {
    let home: KMSHome

    init() throws { home = try KMSHome() }

    @Test func `a new key is enabled, the customer's, and described as it was made`() async throws {
        let kms = try home.service(clock: SetClock(seconds: 1_800_000_000))
        let made = try await kms.createKey(description: "für Daten", caller: root)
        #expect(made.state == .enabled)
        #expect(made.manager == .customer)
        #expect(made.description == "für Daten")
        #expect(made.created.seconds == 1_800_000_000)
        #expect(made.arn.description == "arn:aws:kms:us-east-1:123456789012:key/\(made.keyID)")
        #expect(Hex.bytes(made.currentKeyMaterialID ?? "")?.count == 32)
        #expect(try await kms.describeKey(.id(made.keyID), caller: root) == made)
        #expect(try await kms.describeKey(.keyARN(made.arn, made.keyID), caller: root) == made)
    }

    @Test func `keys are listed oldest first, and survive a new service over the home`() async throws {
        let clock = SetClock(seconds: 1000)
        var made: [KeyMetadata] = []
        for _ in 0..<5 {
            made.append(try await home.service(clock: clock).createKey(caller: root))
            clock.advance(seconds: 1)
        }
        #expect(try await home.service().allKeys(caller: root) == made)
    }

    @Test func `a description past 8192 characters is refused in AWS's words`() async throws {
        let kms = try home.service()
        _ = try await kms.createKey(description: String(repeating: "x", count: 8192), caller: root)
        let refused = await refusal {
            _ = try await kms.createKey(description: String(repeating: "x", count: 8193), caller: root)
        }
        #expect(refused?.code == .validation)
        #expect(
            refused?.message
                == "1 validation error detected: Value at 'description' failed to satisfy constraint: Member "
                + "must have length less than or equal to 8192"
        )
    }

    @Test func `a key that is not there is refused by its ARN`() async throws {
        let kms = try home.service()
        let id = KeyID(random: SystemByteSource())
        let expected = AWSError(
            .notFound,
            "Key 'arn:aws:kms:us-east-1:123456789012:key/\(id)' does not exist"
        )
        #expect(await refusal { _ = try await kms.describeKey(.id(id), caller: root) } == expected)
        #expect(await refusal { try await kms.enableKey(.id(id), caller: root) } == expected)
        let encrypted = await refusal {
            _ = try await kms.encrypt(secret("x"), key: .id(id), context: [:], caller: root)
        }
        #expect(encrypted == expected)
    }

    @Test func `an ARN of another region is not found, and one of another account is not allowed`()
        async throws
    {
        let kms = try home.service()
        let key = try await kms.createKey(caller: root)
        let elsewhere = try #require(Region("eu-west-1"))
        let away = ARN.key(key.keyID, region: elsewhere, account: KMSHome.account)
        let refusedAway = await refusal {
            _ = try await kms.describeKey(.keyARN(away, key.keyID), caller: root)
        }
        #expect(refusedAway == AWSError(.notFound, "Invalid arn eu-west-1"))
        let stranger = ARN.key(key.keyID, region: .home, account: try #require(AccountID("999999999999")))
        let refused = await refusal {
            _ = try await kms.describeKey(.keyARN(stranger, key.keyID), caller: root)
        }
        #expect(refused?.code == .accessDenied)
    }

    @Test func `an ARN of neither key nor alias is refused as the operation declares`() async throws {
        let kms = try home.service()
        let text = "arn:aws:kms:us-east-1:\(KMSHome.account):nonsense/x"
        let reference = KeyReference(text)
        let words = "Invalid arn \(text)"
        #expect(
            await refusal { _ = try await kms.describeKey(reference, caller: root) }
                == AWSError(.invalidArn, words)
        )
        #expect(
            await refusal { try await kms.disableKey(reference, caller: root) }
                == AWSError(.invalidArn, words)
        )
        let encrypted = await refusal {
            _ = try await kms.encrypt(secret("x"), key: reference, context: [:], caller: root)
        }
        #expect(encrypted == AWSError(.notFound, words))
    }

    @Test func `a key belongs to one region`() async throws {
        let here = try home.service()
        let there = try home.service(region: try #require(Region("eu-west-1")))
        let key = try await here.createKey(caller: root)
        let wrapped = try await here.encrypt(secret("x"), key: .id(key.keyID), context: [:], caller: root)
        #expect(try await there.allKeys(caller: root).isEmpty)
        #expect(
            await refusal { _ = try await there.describeKey(.id(key.keyID), caller: root) }?.code == .notFound
        )
        let refused = await refusal {
            _ = try await there.decrypt(wrapped.blob, key: nil, context: [:], caller: root)
        }
        #expect(refused?.code == .accessDenied)
    }

    @Test func `a disabled key refuses every cryptographic verb and allows the rest`() async throws {
        let kms = try home.service()
        let key = try await kms.createKey(caller: root)
        let other = try await kms.createKey(caller: root)
        let (id, otherID) = (KeyReference.id(key.keyID), KeyReference.id(other.keyID))
        let mine = try await kms.encrypt(secret("x"), key: id, context: [:], caller: root).blob
        let others = try await kms.encrypt(secret("x"), key: otherID, context: [:], caller: root).blob
        let disabled = AWSError(.disabled, "\(key.arn) is disabled.")
        let cryptography: [(String, @Sendable () async throws -> Void)] = [
            ("Encrypt", { _ = try await kms.encrypt(secret("x"), key: id, context: [:], caller: root) }),
            ("Decrypt", { _ = try await kms.decrypt(mine, key: nil, context: [:], caller: root) }),
            ("Decrypt with KeyId", { _ = try await kms.decrypt(mine, key: id, context: [:], caller: root) }),
            (
                "Decrypt, bad context",
                { _ = try await kms.decrypt(mine, key: nil, context: ["a": "b"], caller: root) }
            ),
            (
                "GenerateDataKey",
                { _ = try await kms.generateDataKey(count: 32, key: id, context: [:], caller: root) }
            ),
            (
                "GenerateDataKeyWithoutPlaintext",
                {
                    _ = try await kms.generateDataKeyWithoutPlaintext(
                        count: 64,
                        key: id,
                        context: [:],
                        caller: root
                    )
                }
            ),
            ("ReEncrypt from", { _ = try await reEncrypt(kms, mine, to: otherID) }),
            ("ReEncrypt to", { _ = try await reEncrypt(kms, others, to: id) }),
        ]
        for (name, verb) in cryptography {
            #expect(await refusal(verb) == nil || name.contains("bad"), "\(name)")
        }
        try await kms.disableKey(id, caller: root)
        try await kms.disableKey(id, caller: root)
        for (name, verb) in cryptography { #expect(await refusal(verb) == disabled, "\(name)") }
        #expect(try await kms.describeKey(id, caller: root).state == .disabled)
        try await kms.createAlias(AliasName("alias/d"), target: id, caller: root)
        try await kms.updateAlias(AliasName("alias/d"), target: otherID, caller: root)
        try await kms.enableKey(id, caller: root)
        try await kms.enableKey(id, caller: root)
        for (name, verb) in cryptography {
            #expect(await refusal(verb) == nil || name.contains("bad"), "\(name)")
        }
    }

    @Test func `a key disabled in one service is refused by the next call of another`() async throws {
        let (first, second) = (try home.service(), try home.service())
        let key = try await first.createKey(caller: root)
        for _ in 0..<10 {
            let blob = try await second.encrypt(secret("x"), key: .id(key.keyID), context: [:], caller: root)
                .blob
            try await first.disableKey(.id(key.keyID), caller: root)
            let refused = await refusal {
                _ = try await second.decrypt(blob, key: nil, context: [:], caller: root)
            }
            #expect(refused?.code == .disabled)
            try await first.enableKey(.id(key.keyID), caller: root)
            _ = try await second.decrypt(blob, key: nil, context: [:], caller: root)
        }
    }

    @Test func `tags are at most 50, of AWS's sizes, and none begins with aws:`() async throws {
        let kms = try home.service()
        let key = try await kms.createKey(caller: root)
        func tag(_ tags: [CofferShapes.Tag]) async -> AWSError? {
            await refusal { try await kms.tagResource(key.reference, tags, caller: root) }
        }
        let many = (0..<50).map { CofferShapes.Tag(key: "k\($0)", value: "v") }
        #expect(await tag(many) == nil)
        #expect(await tag([CofferShapes.Tag(key: "one more", value: "v")]) == AWSError(.tag, "Too many tags"))
        #expect(await tag([CofferShapes.Tag(key: "k0", value: "w")]) == nil)
        let twice = [CofferShapes.Tag(key: "k1", value: "v"), CofferShapes.Tag(key: "k1", value: "w")]
        #expect(await tag(twice) == AWSError(.tag, "Duplicate tag keys"))
        let reserved = AWSError(.tag, "Tags beginning with aws: are reserved")
        #expect(await tag([CofferShapes.Tag(key: "aws:x", value: "v")]) == reserved)
        let sizes: [(String, Int, String)] = [
            (String(repeating: "k", count: 129), 1, "tags.1.member.tagKey' failed"),
            ("k0", 257, "tags.1.member.tagValue' failed"), ("", 1, "tags.1.member.tagKey' failed"),
        ]
        for (name, count, words) in sizes {
            let refused = await tag([CofferShapes.Tag(key: name, value: String(repeating: "v", count: count))]
            )
            #expect(refused?.code == .validation)
            #expect(refused?.message.contains(words) == true)
        }
        let longest = CofferShapes.Tag(
            key: String(repeating: "k", count: 128),
            value: String(repeating: "v", count: 256)
        )
        try await kms.untagResource(key.reference, ["k2", "absent"], caller: root)
        #expect(await tag([longest]) == nil)
        let part = try await kms.listResourceTags(key.reference, page: Page(limit: 30), caller: root)
        let rest = try await kms.listResourceTags(
            key.reference,
            page: Page(limit: 30, marker: part.nextMarker),
            caller: root
        )
        #expect(Set((part.items + rest.items).map(\.key)).count == 50)
        #expect(part.items.contains(CofferShapes.Tag(key: "k0", value: "w")))
    }

    @Test func `only a key that can be used becomes the primary key`() async throws {
        let kms = try home.service()
        let order = KeyOrder(.symmetricDefault, .encryptDecrypt, isMultiRegion: true)
        let key = try await kms.createKey(order, caller: root)
        let (region, there) = (Subject.replicaRegion, root.inside(Subject.replicaRegion))
        _ = try await kms.replicateKey(key.reference, to: region, order: KeyOrder(), caller: root)
        try await kms.disableKey(key.reference, caller: there)
        let refused = await refusal {
            try await kms.updatePrimaryRegion(key.reference, to: region, caller: root)
        }
        #expect(refused?.code == .disabled)
        try await kms.enableKey(key.reference, caller: there)
        try await kms.updatePrimaryRegion(key.reference, to: region, caller: root)
        #expect(try await kms.describeKey(key.reference, caller: there).multiRegion?.kind == .primary)
        #expect(try await kms.describeKey(key.reference, caller: root).multiRegion?.kind == .replica)
    }

    private func reEncrypt(
        _ kms: KeyManagementService,
        _ blob: CiphertextBlob,
        to key: KeyReference
    ) async throws -> ReEncryptResponse {
        try await kms.reEncrypt(
            blob,
            sourceKey: nil,
            sourceContext: [:],
            destinationKey: key,
            destinationContext: ["to": "there"],
            caller: root
        )
    }
}
