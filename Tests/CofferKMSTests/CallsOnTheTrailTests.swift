internal import CofferKMS
internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import CofferTrail
internal import Foundation
internal import Testing

@Suite struct CallsOnTheTrailTests {
    let home: KMSHome
    let kms: KeyManagementService

    init() throws {
        home = try KMSHome()
        kms = try home.service()
    }

    @Test func `every verb leaves one line, whether it succeeds or fails`() async throws {
        let key = try await kms.createKey(caller: root)
        let id = KeyReference.id(key.keyID)
        let blob = try await kms.encrypt(secret("x"), key: id, context: context, caller: root).blob
        let name = try AliasName("alias/app")
        let missing = KeyReference.id(KeyID(random: SystemByteSource()))
        let calls: [(String, @Sendable (KeyReference) async throws -> Void)] = [
            ("CreateKey", { _ in _ = try await kms.createKey(caller: root) }),
            ("DescribeKey", { _ = try await kms.describeKey($0, caller: root) }),
            ("ListKeys", { _ in _ = try await kms.listKeys(caller: root) }),
            ("DisableKey", { try await kms.disableKey($0, caller: root) }),
            ("EnableKey", { try await kms.enableKey($0, caller: root) }),
            ("CreateAlias", { try await kms.createAlias(name, target: $0, caller: root) }),
            ("UpdateAlias", { try await kms.updateAlias(name, target: $0, caller: root) }),
            ("ListAliases", { _ = try await kms.listAliases(key: $0, caller: root) }),
            ("DeleteAlias", { _ in try await kms.deleteAlias(name, caller: root) }),
            ("Encrypt", { _ = try await kms.encrypt(secret("x"), key: $0, context: [:], caller: root) }),
            ("Decrypt", { _ = try await kms.decrypt(blob, key: $0, context: context, caller: root) }),
            (
                "GenerateDataKey",
                { _ = try await kms.generateDataKey(count: 1, key: $0, context: [:], caller: root) }
            ),
            (
                "GenerateDataKeyWithoutPlaintext",
                {
                    _ = try await kms.generateDataKeyWithoutPlaintext(
                        count: 1,
                        key: $0,
                        context: [:],
                        caller: root
                    )
                }
            ),
            (
                "ReEncrypt",
                {
                    _ = try await kms.reEncrypt(
                        blob,
                        sourceKey: nil,
                        sourceContext: context,
                        destinationKey: $0,
                        destinationContext: [:],
                        caller: root
                    )
                }
            ),
        ]
        for reference in [id, missing] {
            for (name, call) in calls {
                let before = try home.entries().count
                let refused = await refusal { try await call(reference) }
                let entries = try home.entries()
                #expect(entries.count == before + 1, "\(name)")
                #expect(entries.last?.record.eventName == name)
                #expect(entries.last?.record.errorCode == refused?.code.name, "\(name)")
                #expect(entries.last?.record.errorMessage == refused?.message, "\(name)")
                #expect(refused == nil || reference == missing, "\(name): \(String(describing: refused))")
            }
        }
        #expect(try kms.trail.verify().finding == .intact)
    }

    @Test func `a line says who asked for what, through which service`() async throws {
        let clock = SetClock(seconds: 1_795_000_000)
        let service = try home.service(clock: clock)
        let wrapped = try await service.generateDataKeyWithoutPlaintext(
            count: 64,
            key: .alias(.awsManaged(.ebs)),
            context: context,
            caller: root.through(.ebs)
        )
        let entry = try #require(try home.newestEntry())
        #expect(entry.eventTime == clock.now.iso8601)
        #expect(entry.record.eventSource == "kms.amazonaws.com")
        #expect(entry.record.awsRegion == "us-east-1")
        #expect(entry.record.userIdentity?.arn == "arn:aws:iam::123456789012:root")
        #expect(entry.record.userIdentity?.type == "Root")
        #expect(entry.record.userIdentity?.invokedBy == "ec2.amazonaws.com")
        #expect(
            entry.record.requestParameters == [
                "keyId": "alias/aws/ebs", "numberOfBytes": 64, "encryptionContext": .pairs(context.pairs),
            ]
        )
        #expect(entry.record.resources == [TrailResource(key: wrapped.keyARN)])
        #expect(entry.record.additionalEventData == ["keyMaterialId": .text(wrapped.keyMaterialID)])
        #expect(entry.record.requestID.count == 36)
        #expect(entry.record.errorCode == nil)
    }

    @Test func `a refused change leaves nothing behind but its line`() async throws {
        let refused = await refusal {
            _ = try await kms.generateDataKey(
                count: 2000,
                key: .alias(.awsManaged(.ebs)),
                context: [:],
                caller: root.through(.ebs)
            )
        }
        #expect(refused?.code == .validation)
        #expect(try home.entries().count == 1)
        #expect(try await kms.listKeys(caller: root).isEmpty)
    }

    @Test func `a call that cannot be put on the trail fails and changes nothing`() async throws {
        let key = try await kms.createKey(caller: root)
        let blob = try await kms.encrypt(secret("x"), key: .id(key.keyID), context: [:], caller: root).blob
        let day = try #require(try home.folder.names(in: "trail").first)
        let lines = try home.folder.bytes("trail/\(day)")
        try FileManager.default.removeItem(atPath: home.folder.path("trail"))
        try home.folder.write([], to: "trail")
        #expect(
            await refusal { try await kms.disableKey(.id(key.keyID), caller: root) }?.code == .kmsInternal
        )
        let decrypted = await refusal {
            _ = try await kms.decrypt(blob, key: nil, context: [:], caller: root)
        }
        #expect(decrypted?.code == .kmsInternal)
        try FileManager.default.removeItem(atPath: home.folder.path("trail"))
        try FileManager.default.createDirectory(
            atPath: home.folder.path("trail"),
            withIntermediateDirectories: false
        )
        try home.folder.write(lines, to: "trail/\(day)")
        #expect(try await kms.describeKey(.id(key.keyID), caller: root).state == .enabled)
        #expect(try kms.trail.verify().finding == .intact)
    }

    @Test func `the key store tells of a trail whose tail was cut`() async throws {
        for _ in 0..<3 { _ = try await kms.createKey(caller: root) }
        let day = try #require(try home.folder.names(in: "trail").first)
        let lines = try home.folder.bytes("trail/\(day)")
        let second = try #require(lines.dropLast().lastIndex(of: UInt8(ascii: "\n")))
        try home.folder.write(Array(lines[...second]), to: "trail/\(day)")
        #expect(try home.service().trail.verify().finding == .cut(last: 2, expected: 3))
    }
}
