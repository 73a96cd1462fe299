internal import CofferKMS
internal import CofferSecrets
internal import CofferShapes
internal import CofferTrail
internal import Testing

@Suite struct CryptographyTests {
    let home: KMSHome
    let otherHome: KMSHome
    let kms: KeyManagementService

    init() throws {
        home = try KMSHome()
        otherHome = try KMSHome()
        kms = try home.service()
    }

    private func newKey() async throws -> KeyMetadata { try await kms.createKey(caller: root) }

    private func decrypt(
        _ blob: CiphertextBlob,
        key: KeyReference? = nil,
        context: EncryptionContext = context
    ) async throws -> Bool {
        let response = try await kms.decrypt(blob, key: key, context: context, caller: root)
        return response.plaintext.copied == Array("sixteen byte key".utf8)
    }

    @Test func `what was encrypted decrypts under the same context, here and in another service`()
        async throws
    {
        let key = try await newKey()
        let wrapped = try await kms.encrypt(
            secret("sixteen byte key"),
            key: .id(key.keyID),
            context: context,
            caller: root
        )
        #expect(wrapped.keyARN == key.arn)
        #expect(wrapped.keyMaterialID == key.currentKeyMaterialID)
        let response = try await home.service().decrypt(
            wrapped.blob,
            key: nil,
            context: context,
            caller: root
        )
        #expect(response.plaintext.copied == secret("sixteen byte key").copied)
        #expect(response.keyARN == key.arn)
        #expect(response.keyMaterialID == key.currentKeyMaterialID)
        let again = try await kms.encrypt(
            secret("sixteen byte key"),
            key: .id(key.keyID),
            context: context,
            caller: root
        )
        #expect(again.blob != wrapped.blob)
        #expect(again.blob.bytes.count == wrapped.blob.bytes.count)
    }

    @Test func `every flipped bit of a blob gives InvalidCiphertextException and no more`() async throws {
        let key = try await newKey()
        let wrapped = try await kms.encrypt(secret("k"), key: .id(key.keyID), context: [:], caller: root)
        let expected = AWSError(.invalidCiphertext, "")
        for bit in 0..<(wrapped.blob.bytes.count * 8) {
            let blob = wrapped.flipping(bit: bit)
            #expect(await refusal { _ = try await decrypt(blob, context: [:]) } == expected, "bit \(bit)")
        }
        let cut = CiphertextBlob(Array(wrapped.blob.bytes.dropLast()))
        #expect(await refusal { _ = try await decrypt(cut, context: [:]) } == expected)
        let junk = CiphertextBlob([UInt8](repeating: 7, count: 200))
        #expect(await refusal { _ = try await decrypt(junk, context: [:]) } == expected)
    }

    @Test(
        arguments: [
            ["a": "bc"], ["ab": "c"], ["a": "b", "c": ""], ["A": "bc"], ["a": "bC"], ["a": "bc", "d": "e"],
            [:],
        ] as [EncryptionContext]
    )
    func `no context opens another's blob`(_ made: EncryptionContext) async throws {
        let key = try await newKey()
        let wrapped = try await kms.encrypt(secret("k"), key: .id(key.keyID), context: made, caller: root)
        let others: [EncryptionContext] = [["a": "bc"], ["ab": "c"], ["a": "b", "c": ""], ["abc": ""], [:]]
        for other in others where other != made {
            let refused = await refusal { _ = try await decrypt(wrapped.blob, context: other) }
            #expect(refused == AWSError(.invalidCiphertext, ""))
        }
        _ = try await decrypt(wrapped.blob, context: made)
    }

    @Test func `a blob is opened under its own key only, by id, ARN and alias`() async throws {
        let (key, other) = (try await newKey(), try await newKey())
        let alias = try AliasName("alias/app")
        try await kms.createAlias(alias, target: .id(key.keyID), caller: root)
        let blob = try await kms.encrypt(
            secret("sixteen byte key"),
            key: .alias(alias),
            context: context,
            caller: root
        ).blob
        let aliasARN = ARN.alias(alias, region: .home, account: KMSHome.account)
        let good: [KeyReference] = [
            .id(key.keyID), .keyARN(key.arn, key.keyID), .alias(alias), .aliasARN(aliasARN, alias),
        ]
        for reference in good { #expect(try await decrypt(blob, key: reference)) }
        let refused = await refusal { _ = try await decrypt(blob, key: .id(other.keyID)) }
        #expect(refused?.code == .incorrectKey)
        #expect(
            refused?.message
                == "The key ID in the request does not identify a CMK that can perform this operation."
        )
    }

    @Test func `a blob of another home's key is not allowed, in AWS's words`() async throws {
        let stranger = try otherHome.service()
        let key = try await stranger.createKey(caller: root)
        let blob = try await stranger.encrypt(secret("x"), key: .id(key.keyID), context: [:], caller: root)
            .blob
        let refused = await refusal { _ = try await decrypt(blob, context: [:]) }
        #expect(refused?.code == .accessDenied)
        #expect(
            refused?.message
                == "The ciphertext refers to a customer master key that does not exist, does not exist in this "
                + "region, or you are not allowed to access."
        )
        let own = try await newKey()
        let named = await refusal { _ = try await decrypt(blob, key: .id(own.keyID), context: [:]) }
        #expect(named?.code == .incorrectKey)
    }

    @Test func `sizes out of range are refused in AWS's words`() async throws {
        let key = KeyReference.id(try await newKey().keyID)
        let largest = SecretBytes(random: 4096)
        _ = try await kms.encrypt(largest, key: key, context: [:], caller: root)
        let large = await refusal {
            _ = try await kms.encrypt(SecretBytes(random: 4097), key: key, context: [:], caller: root)
        }
        let prefix = "1 validation error detected: Value"
        let words = "failed to satisfy constraint: Member must have"
        #expect(
            large
                == AWSError(
                    .validation,
                    "\(prefix) at 'plaintext' \(words) length less than or equal to 4096"
                )
        )
        let limits = [
            (0, "greater than or equal to 1"), (-1, "greater than or equal to 1"),
            (1025, "less than or equal to 1024"),
        ]
        for (count, limit) in limits {
            let expected = AWSError(
                .validation,
                "\(prefix) '\(count)' at 'numberOfBytes' \(words) value \(limit)"
            )
            let plain = await refusal {
                _ = try await kms.generateDataKey(count: count, key: key, context: [:], caller: root)
            }
            #expect(plain == expected)
            let wrapped = await refusal {
                _ = try await kms.generateDataKeyWithoutPlaintext(
                    count: count,
                    key: key,
                    context: [:],
                    caller: root
                )
            }
            #expect(wrapped == expected)
        }
        let empty = await refusal { _ = try await decrypt(CiphertextBlob([])) }
        #expect(empty?.message == "\(prefix) at 'ciphertextBlob' \(words) length greater than or equal to 1")
        let long = await refusal { _ = try await decrypt(CiphertextBlob([UInt8](repeating: 1, count: 6145))) }
        #expect(long?.message == "\(prefix) at 'ciphertextBlob' \(words) length less than or equal to 6144")
        let wide = EncryptionContext(["k": String(repeating: "\u{1}", count: 8192)])
        let context = await refusal {
            _ = try await kms.encrypt(secret("x"), key: key, context: wide, caller: root)
        }
        #expect(context?.code == .validation)
        let narrow = EncryptionContext(["k": String(repeating: "\u{1}", count: 8191)])
        _ = try await kms.encrypt(secret("x"), key: key, context: narrow, caller: root)
    }

    @Test(arguments: [1, 16, 64, 1024])
    func `a data key's blob opens to the data key`(_ count: Int) async throws {
        let key = KeyReference.id(try await newKey().keyID)
        let response = try await kms.generateDataKey(count: count, key: key, context: context, caller: root)
        #expect(response.plaintext.count == count)
        let opened = try await kms.decrypt(response.wrapped.blob, key: nil, context: context, caller: root)
        #expect(opened.plaintext.copied == response.plaintext.copied)
        let wrapped = try await kms.generateDataKeyWithoutPlaintext(
            count: count,
            key: key,
            context: context,
            caller: root
        )
        let hidden = try await kms.decrypt(wrapped.blob, key: nil, context: context, caller: root)
        #expect(hidden.plaintext.count == count)
    }

    @Test func `ReEncrypt moves a blob to another key and context`() async throws {
        let (source, destination) = (try await newKey(), try await newKey())
        let blob = try await kms.encrypt(
            secret("sixteen byte key"),
            key: .id(source.keyID),
            context: context,
            caller: root
        ).blob
        let moved = try await kms.reEncrypt(
            blob,
            sourceKey: .id(source.keyID),
            sourceContext: context,
            destinationKey: .id(destination.keyID),
            destinationContext: ["other": "context"],
            caller: root
        )
        #expect(moved.sourceKeyARN == source.arn)
        #expect(moved.keyARN == destination.arn)
        #expect(moved.sourceKeyMaterialID == source.currentKeyMaterialID)
        #expect(moved.destinationKeyMaterialID == destination.currentKeyMaterialID)
        try await kms.disableKey(.id(source.keyID), caller: root)
        #expect(try await decrypt(moved.blob, context: ["other": "context"]))
        #expect(await refusal { _ = try await decrypt(moved.blob) }?.code == .invalidCiphertext)
    }

    @Test func `two services work on one home at once`() async throws {
        let key = KeyReference.id(try await newKey().keyID)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<4 {
                let service = try home.service()
                group.addTask {
                    for _ in 0..<10 {
                        let made = try await service.encrypt(
                            secret("sixteen byte key"),
                            key: key,
                            context: [:],
                            caller: root
                        )
                        guard try await decrypt(made.blob, context: [:]) else { return false }
                    }
                    return true
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
        #expect(try kms.trail.verify().finding == .intact)
        #expect(try kms.trail.verify().verifiedCount == 81)
    }
}
