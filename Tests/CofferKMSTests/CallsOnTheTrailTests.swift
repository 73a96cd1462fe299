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

    @Test(arguments: Operation.all.map(\.name))
    func `a verb about a key leaves one line, whether it succeeds or fails`(_ name: String) async throws {
        let operation = try #require(Operation.named(name).first)
        let subject = try await Subject(operation.kind, .enabled, in: kms)
        for isKnown in [true, false] {
            if !isKnown { try home.forget(subject) }
            let before = try home.entries().count
            let refused = await refusal { try await operation.run(subject, KeyUse()) }
            // Nothing waits for deletion; an alias that was moved away is still there; and no key is asked for.
            let isOther = ["CancelKeyDeletion", "UpdateAlias from", "ListRetirableGrants"].contains(name)
            #expect((refused == nil) == isKnown || isOther)
            let lines = try home.entries().dropFirst(before).filter {
                // An import asks for its parameters first.
                $0.record.eventName != "GetParametersForImport" || name == "GetParametersForImport"
            }
            let wanted =
                refused?.code == .notFound && name == "ImportKeyMaterial" ? [] : [operation.eventName]
            #expect(lines.map(\.record.eventName) == wanted)
            for line in lines {
                #expect(line.record.errorCode == refused?.code.name)
                #expect(line.record.errorMessage == refused?.message)
                #expect(line.record.userIdentity?.arn == root.principal.description)
                #expect(line.record.awsRegion == "us-east-1")
                #expect(
                    !isKnown || name == "ListRetirableGrants"
                        || line.record.resources?.contains(TrailResource(key: subject.arn)) == true
                )
            }
        }
        #expect(try kms.trail.verify().finding == .intact)
    }

    @Test func `verbs about no key leave one line too`() async throws {
        let home = try KMSHome(tokens: MemoryTokens())
        let kms = try home.service()
        let store = try await kms.connectedStore()
        let calls: [(String, @Sendable () async throws -> Void)] = [
            ("CreateKey", { _ = try await kms.createKey(caller: root) }),
            ("ListKeys", { _ = try await kms.listKeys(caller: root) }),
            ("ListAliases", { _ = try await kms.listAliases(caller: root) }),
            ("GenerateRandom", { _ = try await kms.generateRandom(count: 8, caller: root) }),
            ("DescribeCustomKeyStores", { _ = try await kms.describeCustomKeyStores(caller: root) }),
            ("DisconnectCustomKeyStore", { try await kms.disconnectCustomKeyStore(store, caller: root) }),
            ("ConnectCustomKeyStore", { try await kms.connectCustomKeyStore(store, caller: root) }),
            (
                "UpdateCustomKeyStore",
                {
                    let change = CustomKeyStoreChange(newName: "other", tokenLabel: nil, pin: nil)
                    try await kms.updateCustomKeyStore(store, change, caller: root)
                }
            ),
            ("CreateCustomKeyStore", { _ = try await kms.createSecondStore() }),
            ("DeleteCustomKeyStore", { try await kms.deleteCustomKeyStore("cks-none", caller: root) }),
        ]
        for (name, call) in calls {
            let before = try home.entries().count
            let refused = await refusal(call)
            let lines = try home.entries().dropFirst(before)
            #expect(lines.map(\.record.eventName) == [name])
            #expect(lines.map(\.record.errorCode) == [refused?.code.name])
            #expect(refused == nil || name == "DeleteCustomKeyStore", "\(name)")
        }
    }

    @Test(arguments: Operation.all.filter(\.takesDryRun).map(\.name))
    func `a dry run ends in its own error, changes nothing and is on the trail`(_ name: String) async throws {
        let operation = try #require(Operation.named(name).first)
        let subject = try await Subject(operation.kind, .enabled, in: kms)
        let grants = try await kms.listGrants(subject.key, caller: root).items
        let refused = await refusal { try await operation.run(subject, KeyUse(isDryRun: true)) }
        let words = "The request would have succeeded, but the DryRun option is set."
        #expect(refused == AWSError(.dryRunOperation, words))
        let line = try #require(try home.newestEntry())
        #expect(line.record.eventName == operation.eventName)
        #expect(line.record.errorCode == "DryRunOperationException")
        #expect(line.record.requestParameters?["dryRun"] == true)
        #expect(try await kms.listGrants(subject.key, caller: root).items == grants)
        // Every other failure comes first.
        try await kms.disableKey(subject.key, caller: root)
        let disabled = await refusal { try await operation.run(subject, KeyUse(isDryRun: true)) }
        let isAlways = ["RetireGrant", "RevokeGrant"].contains(name)
        #expect(disabled?.code == (isAlways ? .dryRunOperation : .disabled))
    }

    @Test func `the last use of a key is the newest that succeeded`() async throws {
        let clock = SetClock(seconds: 1_800_000_000)
        let kms = try home.service(clock: clock)
        let key = try await kms.createKey(caller: root)
        func usage() async throws -> KeyLastUsage {
            try await kms.getKeyLastUsage(key.reference, caller: root)
        }
        let unused = try await usage()
        #expect(unused == KeyLastUsage(keyARN: key.arn, created: key.created, trackingStart: key.created))
        clock.advance(seconds: 10)
        let blob = try await kms.encrypt("x", key.reference)
        let line = try #require(try home.newestEntry())
        clock.advance(seconds: 10)
        _ = await refusal {
            _ = try await kms.decrypt(blob, key: nil, context: ["not": "its"], caller: root)
        }
        for _ in 0..<40 { _ = try await kms.describeKey(key.reference, caller: root) }
        let used = try await usage()
        #expect(used.operation == "Encrypt")
        #expect(used.time?.seconds == 1_800_000_010)
        #expect(used.eventID == line.eventID)
        clock.advance(days: 2)
        #expect(try await kms.decrypt(blob) == "x")
        #expect(try await usage().operation == "Decrypt")
        #expect(try await usage().time == clock.now)
        // The first day's file moved away, tracking began with the second's.
        let day = try #require(try home.folder.names(in: "trail").min())
        try FileManager.default.removeItem(atPath: home.folder.path("trail/\(day)"))
        #expect(try await usage().trackingStart > key.created)
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
        #expect(entry.record.additionalEventData == ["keyMaterialId": .text(wrapped.keyMaterialID ?? "")])
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
        #expect(try await kms.allKeys(caller: root).isEmpty)
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

extension KeyManagementService {
    fileprivate func createSecondStore() async throws -> String {
        let order = CustomKeyStoreOrder(
            name: "second",
            tokenLabel: "other",
            module: nil,
            trustAnchorCertificate: nil,
            pin: secret("1234")
        )
        return try await createCustomKeyStore(order, caller: root)
    }
}

extension KMSHome {
    /// Takes a key out of the store behind the KMS's back, with all that belongs to it.
    fileprivate func forget(_ subject: Subject) throws {
        guard case .id(let id) = subject.key else { return }
        for table in ["key_grant", "tag", "alias", "key_material", "wrapping_key", "kms_key"] {
            try changeStore("DELETE FROM \(table) WHERE key_id = '\(id)'")
        }
    }
}
