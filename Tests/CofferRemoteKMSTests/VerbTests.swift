internal import CofferJSON
internal import CofferRemoteKMS
internal import CofferSecrets
internal import CofferShapes
internal import Testing

/// Each verb as it goes over the wire, and what comes back.
@Suite struct VerbTests {
    private let caller = TestKey.caller
    private let key = KeyReference("alias/app")
    private let context: EncryptionContext = ["aws:ebs:id": "vol-1", "a": "\"b\""]
    private let material = String(repeating: "ab", count: 32)
    private let blob = CiphertextBlob(Array("ciphertext".utf8))

    private func request(_ server: ScriptedServer) throws -> (target: String?, body: JSONValue) {
        let request = try #require(server.requests.first)
        #expect(request.method == "POST")
        #expect(request.target == "/")
        #expect(request.header("content-type") == "application/x-amz-json-1.1")
        return (request.header("x-amz-target"), try JSONDocument(request.body).root)
    }

    private func expectContext(_ body: JSONValue, _ name: String = "EncryptionContext") {
        #expect(body[name]?["aws:ebs:id"]?.string == "vol-1")
        #expect(body[name]?["a"]?.string == "\"b\"")
    }

    @Test func `Encrypt sends the plaintext and gives the blob`() async throws {
        let answer =
            #"{"CiphertextBlob":"Y2lwaGVydGV4dA==","KeyId":"\#(TestKey.keyARN)","KeyMaterialId":"\#(material)"}"#
        try await TestKey.withService([.answer(answer)]) { service, server in
            let response = try await service.encrypt(
                SecretBytes(copying: Array("secret".utf8)),
                key: key,
                context: context,
                caller: caller
            )
            #expect(response.blob == blob)
            #expect(response.keyARN.description == TestKey.keyARN)
            #expect(response.keyMaterialID == material)
            let (target, body) = try request(server)
            #expect(target == "TrentService.Encrypt")
            #expect(body["KeyId"]?.string == "alias/app")
            #expect(try body["Plaintext"]?.base64() == Array("secret".utf8))
            expectContext(body)
        }
    }

    @Test func `Decrypt gives the plaintext, from a KMS without key material ids too`() async throws {
        // Some encoders escape a slash.
        let answer =
            #"{"KeyId":"\#(TestKey.keyARN)","Plaintext":"\/\/8=","EncryptionAlgorithm":"SYMMETRIC_DEFAULT"}"#
        try await TestKey.withService([.answer(answer)]) { service, server in
            let response = try await service.decrypt(blob, key: nil, context: context, caller: caller)
            #expect(response.keyMaterialID == nil)
            #expect(response.keyARN.description == TestKey.keyARN)
            let plaintext = response.takePlaintext()
            #expect(plaintext.withBytes { $0.array() } == [0xFF, 0xFF])
            let (target, body) = try request(server)
            #expect(target == "TrentService.Decrypt")
            #expect(try body["CiphertextBlob"]?.base64() == blob.bytes)
            #expect(body["KeyId"] == nil)
            expectContext(body)
        }
    }

    @Test func `Decrypt names the key it is given, and no context where there is none`() async throws {
        let answer = #"{"KeyId":"\#(TestKey.keyARN)","Plaintext":"AA=="}"#
        try await TestKey.withService([.answer(answer)]) { service, server in
            _ = try await service.decrypt(blob, key: key, context: [:], caller: caller)
            let (_, body) = try request(server)
            #expect(body["KeyId"]?.string == "alias/app")
            #expect(body["EncryptionContext"] == nil)
        }
    }

    @Test func `GenerateDataKey gives the key in plaintext and wrapped`() async throws {
        let answer =
            #"{"CiphertextBlob":"Y2lwaGVydGV4dA==","KeyId":"\#(TestKey.keyARN)","Plaintext":"AQIDBA=="}"#
        try await TestKey.withService([.answer(answer)]) { service, server in
            let response = try await service.generateDataKey(
                count: 4,
                key: key,
                context: context,
                caller: caller
            )
            #expect(response.wrapped.blob == blob)
            #expect(response.plaintext.withBytes { $0.array() } == [1, 2, 3, 4])
            let (target, body) = try request(server)
            #expect(target == "TrentService.GenerateDataKey")
            #expect(body["NumberOfBytes"]?.integer == 4)
            expectContext(body)
        }
    }

    @Test func `a data key of another length than was asked for is refused`() async throws {
        let answer =
            #"{"CiphertextBlob":"Y2lwaGVydGV4dA==","KeyId":"\#(TestKey.keyARN)","Plaintext":"AQIDBA=="}"#
        try await TestKey.withService([.answer(answer)]) { service, _ in
            _ = await #expect(throws: AWSError.self) {
                _ = try await service.generateDataKey(count: 64, key: key, context: [:], caller: caller)
            }
        }
    }

    @Test func `GenerateDataKeyWithoutPlaintext gives the key wrapped`() async throws {
        let answer = #"{"CiphertextBlob":"Y2lwaGVydGV4dA==","KeyId":"\#(TestKey.keyARN)"}"#
        try await TestKey.withService([.answer(answer)]) { service, server in
            let response = try await service.generateDataKeyWithoutPlaintext(
                count: 64,
                key: key,
                context: context,
                caller: caller
            )
            #expect(response.blob == blob)
            let (target, body) = try request(server)
            #expect(target == "TrentService.GenerateDataKeyWithoutPlaintext")
            #expect(body["NumberOfBytes"]?.integer == 64)
        }
    }

    @Test func `ReEncrypt names both keys and both contexts`() async throws {
        let answer = """
            {"CiphertextBlob":"Y2lwaGVydGV4dA==","SourceKeyId":"\(TestKey.keyARN)","KeyId":"\(TestKey.keyARN)",\
            "SourceKeyMaterialId":"s","DestinationKeyMaterialId":"d"}
            """
        try await TestKey.withService([.answer(answer)]) { service, server in
            let response = try await service.reEncrypt(
                blob,
                sourceKey: KeyReference("alias/old"),
                sourceContext: context,
                destinationKey: key,
                destinationContext: ["c": "d"],
                caller: caller
            )
            #expect(response.blob == blob)
            #expect(response.sourceKeyMaterialID == "s")
            #expect(response.destinationKeyMaterialID == "d")
            let (target, body) = try request(server)
            #expect(target == "TrentService.ReEncrypt")
            #expect(body["SourceKeyId"]?.string == "alias/old")
            #expect(body["DestinationKeyId"]?.string == "alias/app")
            expectContext(body, "SourceEncryptionContext")
            #expect(body["DestinationEncryptionContext"]?["c"]?.string == "d")
        }
    }

    private let metadata = """
        {"KeyMetadata":{"AWSAccountId":"111122223333","KeyId":"1234abcd-12ab-34cd-56ef-1234567890ab",\
        "Arn":"\(TestKey.keyARN)","CreationDate":1440938160.125,"Enabled":false,"Description":"d",\
        "KeyState":"PendingDeletion","DeletionDate":1.4415e9,"KeyManager":"AWS","KeySpec":"SYMMETRIC_DEFAULT",\
        "KeyUsage":"ENCRYPT_DECRYPT","Origin":"EXTERNAL","ExpirationModel":"KEY_MATERIAL_DOES_NOT_EXPIRE",\
        "MultiRegion":true,"MultiRegionConfiguration":{"MultiRegionKeyType":"PRIMARY","PrimaryKey":\
        {"Arn":"\(TestKey.keyARN)","Region":"eu-central-1"},"ReplicaKeys":[{"Arn":"\(TestKey.keyARN)",\
        "Region":"us-east-1"}]},"CurrentKeyMaterialId":"m","NewerThanUs":{}}}
        """

    @Test func `DescribeKey gives the metadata`() async throws {
        try await TestKey.withService([.answer(metadata)]) { service, server in
            let found = try await service.describeKey(KeyReference(TestKey.keyARN), caller: caller)
            #expect(found.arn.description == TestKey.keyARN)
            #expect(found.accountID.digits == "111122223333")
            #expect(found.created.nanoseconds == 1_440_938_160_125_000_000)
            #expect(found.deletionDate?.seconds == 1.4415e9)
            #expect(found.state == .pendingDeletion)
            #expect(found.manager == .aws)
            #expect(found.origin == .external)
            #expect(found.expirationModel == .doesNotExpire)
            #expect(found.multiRegion?.replicas.first?.region.name == "us-east-1")
            #expect(found.currentKeyMaterialID == "m")
            let (target, body) = try request(server)
            #expect(target == "TrentService.DescribeKey")
            #expect(body["KeyId"]?.string == TestKey.keyARN)
        }
    }

    @Test func `a state that is newer than Coffer is one in which the key cannot be used`() async throws {
        let newer = metadata.replacing("PendingDeletion", with: "Creating")
        try await TestKey.withService([.answer(newer)]) { service, _ in
            let found = try await service.describeKey(key, caller: caller)
            #expect(found.state == .unavailable)
        }
    }

    @Test func `the AWS managed key of a service is the one of its alias`() async throws {
        try await TestKey.withService([.answer(metadata)]) { service, server in
            let found = try await service.awsManagedKey(of: .ebs, caller: caller)
            #expect(found.manager == .aws)
            let (_, body) = try request(server)
            #expect(body["KeyId"]?.string == "alias/aws/ebs")
        }
    }

    @Test func `a temporary access key's token is sent along`() async throws {
        var environment = TestKey.environment
        environment["AWS_SESSION_TOKEN"] = "token"
        try await TestKey.withService([.answer(metadata)], environment: environment) { service, server in
            _ = try await service.describeKey(key, caller: caller)
            #expect(server.requests.first?.header("x-amz-security-token") == "token")
        }
    }

    @Test func `one client serves many calls at once`() async throws {
        try await TestKey.withService([.answer(metadata)]) { service, server in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<32 {
                    group.addTask {
                        _ = try await service.describeKey(KeyReference("alias/app"), caller: TestKey.caller)
                    }
                }
                try await group.waitForAll()
            }
            #expect(server.requests.count == 32)
        }
    }

    @Test func `CreateGrant sends the order with its constraint, and RetireGrant may be answered by nothing`()
        async throws
    {
        let grant = #"{"GrantId":"\#(material)","GrantToken":"AQpAM2Rh"}"#
        try await TestKey.withService([.answer(grant)]) { service, server in
            let order = GrantOrder(
                grantee: "arn:aws:sts::111122223333:assumed-role/aws:ec2-infrastructure/i-0123456789abcdef0",
                retiring: "arn:aws:iam::111122223333:root",
                operations: [.decrypt],
                constraints: GrantConstraints(subset: context),
                name: "n"
            )
            let response = try await service.createGrant(order, on: key, caller: caller)
            #expect(response == GrantResponse(id: material, token: "AQpAM2Rh"))
            let (target, body) = try request(server)
            #expect(target == "TrentService.CreateGrant")
            #expect(body["GranteePrincipal"]?.string == order.grantee)
            #expect(body["RetiringPrincipal"]?.string == order.retiring && body["Name"]?.string == "n")
            #expect(body["Operations"]?.elements?.map(\.string) == ["Decrypt"])
            let subset = try #require(body["Constraints"]?["EncryptionContextSubset"])
            #expect(subset["aws:ebs:id"]?.string == "vol-1")
            #expect(body["Constraints"]?["EncryptionContextEquals"] == nil)
        }
        for answer in ["", "{}"] {
            try await TestKey.withService([.answer(answer)]) { service, server in
                try await service.retireGrant(.id(material, key: key), caller: caller)
                let (target, body) = try request(server)
                #expect(target == "TrentService.RetireGrant")
                #expect(body["GrantId"]?.string == material && body["KeyId"]?.string == "alias/app")
            }
        }
        try await TestKey.withService([.answer("{}")]) { service, server in
            try await service.retireGrant(.token("t"), caller: caller)
            #expect(try request(server).body["GrantToken"]?.string == "t")
        }
    }
}
