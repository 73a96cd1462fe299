internal import CofferKMS
internal import CofferShapes
internal import Testing

@Suite struct AWSManagedKeyTests {
    let home: KMSHome
    let kms: KeyManagementService

    init() throws {
        home = try KMSHome()
        kms = try home.service()
    }

    @Test func `a service's first use makes its key, with AWS's description and alias`() async throws {
        let key = try await kms.awsManagedKey(of: .ebs, caller: root.through(.ebs))
        #expect(key.manager == .aws)
        #expect(key.description == "Default key that protects my EBS volumes when no other key is defined")
        #expect(try await kms.awsManagedKey(of: .ebs, caller: root) == key)
        #expect(try await kms.describeKey(.alias(.awsManaged(.ebs)), caller: root) == key)
        #expect(try await kms.awsManagedKey(of: .s3, caller: root).keyID != key.keyID)
        #expect(
            try await kms.allAliases(caller: root).map(\.name.text) == ["alias/aws/ebs", "alias/aws/s3"]
        )
    }

    @Test func `many first uses at once, in many services, make one key`() async throws {
        let home = home
        let keys = try await withThrowingTaskGroup(of: KeyID.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    try await home.service().awsManagedKey(of: .ebs, caller: root.through(.ebs)).keyID
                }
            }
            return try await group.reduce(into: Set<KeyID>()) { $0.insert($1) }
        }
        #expect(keys.count == 1)
        #expect(try await kms.allKeys(caller: root).count == 1)
    }

    @Test func `only its own service may use it, on a caller's behalf`() async throws {
        let through = root.through(.ebs)
        let alias = KeyReference.alias(.awsManaged(.ebs))
        let wrapped = try await kms.generateDataKeyWithoutPlaintext(
            count: 64,
            key: alias,
            context: context,
            caller: through
        )
        _ = try await kms.decrypt(wrapped.blob, key: nil, context: context, caller: through)
        for caller in [root, root.through(.s3)] {
            let refused = await refusal {
                _ = try await kms.decrypt(wrapped.blob, key: nil, context: context, caller: caller)
            }
            let words =
                "User: arn:aws:iam::123456789012:root is not authorized to perform: kms:Decrypt on resource: "
                + "\(wrapped.keyARN) because no resource-based policy allows the kms:Decrypt action"
            #expect(refused == AWSError(.accessDenied, words))
            let encrypted = await refusal {
                _ = try await kms.encrypt(secret("x"), key: alias, context: [:], caller: caller)
            }
            #expect(encrypted?.code == .accessDenied)
        }
        let moved = await refusal {
            _ = try await kms.reEncrypt(
                wrapped.blob,
                sourceKey: nil,
                sourceContext: context,
                destinationKey: alias,
                destinationContext: context,
                caller: root
            )
        }
        #expect(moved?.message.contains("kms:ReEncryptFrom") == true)
    }

    @Test func `a direct use does not make it`() async throws {
        let refused = await refusal {
            _ = try await kms.encrypt(secret("x"), key: .alias(.awsManaged(.ebs)), context: [:], caller: root)
        }
        #expect(refused?.code == .notFound)
        #expect(try await kms.allKeys(caller: root).isEmpty)
    }

    @Test func `every change is refused, through its own service too`() async throws {
        let key = try await kms.awsManagedKey(of: .rds, caller: root)
        let id = KeyReference.id(key.keyID)
        for caller in [root, root.through(.rds)] {
            #expect(await refusal { try await kms.disableKey(id, caller: caller) }?.code == .accessDenied)
            #expect(await refusal { try await kms.enableKey(id, caller: caller) }?.code == .accessDenied)
            let named = await refusal {
                try await kms.createAlias(AliasName("alias/x"), target: id, caller: caller)
            }
            #expect(named?.code == .accessDenied)
            let deleted = await refusal { try await kms.deleteAlias(.awsManaged(.rds), caller: caller) }
            #expect(deleted == AWSError(.notAuthorized, ""))
        }
        #expect(try await kms.describeKey(id, caller: root) == key)
    }
}
