internal import CofferKMS
internal import CofferShapes
internal import Testing

@Suite struct AliasTests {
    let home: KMSHome
    let kms: KeyManagementService

    init() throws {
        home = try KMSHome()
        kms = try home.service()
    }

    @Test func `an alias names a key until it is moved, and an old blob stays with the old key`() async throws
    {
        let (old, new) = (try await kms.createKey(caller: root), try await kms.createKey(caller: root))
        let name = try AliasName("alias/app/v1_x-Y")
        try await kms.createAlias(name, target: .id(old.keyID), caller: root)
        #expect(try await kms.describeKey(.alias(name), caller: root) == old)
        let blob = try await kms.encrypt(secret("x"), key: .alias(name), context: [:], caller: root).blob
        try await kms.updateAlias(name, target: .keyARN(new.arn, new.keyID), caller: root)
        #expect(try await kms.describeKey(.alias(name), caller: root) == new)
        #expect(try await kms.decrypt(blob, key: nil, context: [:], caller: root).keyARN == old.arn)
        let made = try await kms.encrypt(secret("x"), key: .alias(name), context: [:], caller: root)
        #expect(made.keyARN == new.arn)
    }

    @Test func `aliases are listed by name, of all keys or of one, until they are deleted`() async throws {
        let (first, second) = (try await kms.createKey(caller: root), try await kms.createKey(caller: root))
        for (name, key) in [("alias/c", first), ("alias/a", second), ("alias/b", first)] {
            try await kms.createAlias(AliasName(name), target: .id(key.keyID), caller: root)
        }
        let all = try await kms.allAliases(caller: root)
        #expect(all.map(\.name.text) == ["alias/a", "alias/b", "alias/c"])
        #expect(all[0].target == second.keyID)
        #expect(all[0].arn.description == "arn:aws:kms:us-east-1:123456789012:alias/a")
        let ofFirst = try await kms.allAliases(key: .id(first.keyID), caller: root)
        #expect(ofFirst.map(\.name.text) == ["alias/b", "alias/c"])
        try await kms.deleteAlias(AliasName("alias/b"), caller: root)
        #expect(try await kms.allAliases(caller: root).map(\.name.text) == ["alias/a", "alias/c"])
        let gone = await refusal { _ = try await kms.describeKey(.alias(AliasName("alias/b")), caller: root) }
        let expected = AWSError(.notFound, "Alias arn:aws:kms:us-east-1:123456789012:alias/b is not found.")
        #expect(gone == expected)
        #expect(await refusal { try await kms.deleteAlias(AliasName("alias/b"), caller: root) } == expected)
        let updated = await refusal {
            try await kms.updateAlias(AliasName("alias/b"), target: .id(first.keyID), caller: root)
        }
        #expect(updated == expected)
    }

    @Test func `a second alias of one name, and an alias of an alias, are refused`() async throws {
        let key = try await kms.createKey(caller: root)
        let name = try AliasName("alias/app")
        try await kms.createAlias(name, target: .id(key.keyID), caller: root)
        let second = await refusal { try await kms.createAlias(name, target: .id(key.keyID), caller: root) }
        let words = "An alias with the name arn:aws:kms:us-east-1:123456789012:alias/app already exists"
        #expect(second == AWSError(.alreadyExists, words))
        let chained = await refusal {
            try await kms.createAlias(AliasName("alias/two"), target: .alias(name), caller: root)
        }
        #expect(chained == AWSError(.validation, "Aliases must refer to keys. Not aliases"))
    }

    @Test func `the customer's own aliases are listed before those that are reserved, page by page`()
        async throws
    {
        let key = try await kms.createKey(caller: root)
        for name in ["alias/z", "alias/a"] {
            try await kms.createAlias(AliasName(name), target: .id(key.keyID), caller: root)
        }
        var (names, page) = ([String](), Page(limit: 2))
        repeat {
            let part = try await kms.listAliases(page: page, caller: root)
            names += part.items.map(\.name.text)
            page.marker = part.nextMarker
        } while page.marker != nil
        #expect(names == ["alias/a", "alias/z", "alias/aws/ebs", "alias/aws/rds", "alias/aws/s3"])
    }

    @Test func `names under alias/aws are reserved`() async throws {
        let key = try await kms.createKey(caller: root)
        let reserved = AWSError(.notAuthorized, "")
        let name = try AliasName("alias/aws/mine")
        #expect(
            await refusal { try await kms.createAlias(name, target: .id(key.keyID), caller: root) }
                == reserved
        )
        #expect(
            await refusal { try await kms.updateAlias(name, target: .id(key.keyID), caller: root) }
                == reserved
        )
        #expect(await refusal { try await kms.deleteAlias(name, caller: root) } == reserved)
    }

    @Test func `management verbs take no alias, as AWS's do not`() async throws {
        let key = try await kms.createKey(caller: root)
        let name = try AliasName("alias/app")
        try await kms.createAlias(name, target: .id(key.keyID), caller: root)
        let byName = AWSError(.notFound, "Invalid keyId 'alias/app'")
        #expect(await refusal { try await kms.disableKey(.alias(name), caller: root) } == byName)
        #expect(await refusal { try await kms.enableKey(.alias(name), caller: root) } == byName)
        let arn = ARN.alias(name, region: .home, account: KMSHome.account)
        let byARN = await refusal { try await kms.disableKey(.aliasARN(arn, name), caller: root) }
        #expect(byARN == AWSError(.invalidArn, "Key Aliases are not supported for this operation"))
        #expect(try await kms.describeKey(.alias(name), caller: root).state == .enabled)
    }
}
