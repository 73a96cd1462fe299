internal import CofferKMS
internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import Foundation
internal import Synchronization
internal import Testing

@Suite struct AWSKMSSealTests {
    let folder: TemporaryFolder
    let store: SealStore
    let kms: DistantKMS

    static let context: EncryptionContext = ["coffer:seal": "root-key/1"]

    init() async throws {
        folder = try TemporaryFolder()
        store = SealStore(folder: folder.path("kms"))
        kms = try await DistantKMS()
    }

    private var makers: SealMakers { .all("p", token: FakeToken(), kms: kms) }
    private var key: KeyReference { .id(kms.key.keyID) }

    private func seal(endpoint: String? = nil, region: Region? = nil) async throws -> [UInt8] {
        try await store.create(.awsKMS(key: key, endpoint: endpoint, region: region), with: makers).copied
    }

    private func record() throws -> [String: String] {
        let data = Data(try folder.bytes("kms/seal.json"))
        let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(object["kind"] as? String == "aws-kms")
        return try #require(object["aws-kms"] as? [String: String])
    }

    private func replaceBlob(_ bytes: [UInt8]) throws {
        let old = try #require(try record()["ciphertextBlob"])
        let text = String(decoding: try folder.bytes("kms/seal.json"), as: UTF8.self)
        let changed = text.replacingOccurrences(of: old, with: Data(bytes).base64EncodedString())
        try folder.write(Array(changed.utf8), to: "kms/seal.json")
    }

    private func opening() async -> AWSError? {
        await refusal { _ = try await store.open(with: makers) }
    }

    @Test func `the KMS key gives the root key back, and each opening of the KMS is closed`() async throws {
        let rootKey = try await seal()
        #expect(rootKey.count == 32)
        for _ in 0..<2 { #expect(try await store.open(with: makers).copied == rootKey) }
        #expect(kms.openings.withLock { $0.count } == 3)
        #expect(kms.closings.withLock { $0 } == 3)
        #expect(try folder.names(in: "kms") == ["seal.json"])
        #expect(!tells(try folder.bytes("kms/seal.json"), rootKey))
    }

    @Test func `the description holds the key's ARN, also where an alias named it, and what was given`()
        async throws
    {
        try await kms.kms.createAlias("alias/homes", target: key, caller: root)
        let target = SealTarget.awsKMS(
            key: KeyReference("alias/homes"),
            endpoint: "https://kms.example",
            region: Region("eu-central-1")
        )
        _ = try await store.create(target, with: makers)
        let record = try record()
        #expect(record["key"] == kms.key.arn.description)
        #expect(record["endpoint"] == "https://kms.example")
        #expect(record["region"] == "eu-central-1")
        let arn = KeyReference(kms.key.arn.description)
        #expect(
            try store.state()
                == .awsKMS(key: arn, endpoint: "https://kms.example", region: Region("eu-central-1"))
        )
        _ = try await store.open(with: makers)
        #expect(
            kms.openings.withLock { $0 } == Array(repeating: "https://kms.example eu-central-1", count: 2)
        )
    }

    @Test func `a region that nobody gave is the key's own`() async throws {
        _ = try await seal()
        #expect(try record().keys.sorted() == ["ciphertextBlob", "key"])
        _ = try await store.open(with: makers)
        try await store.migrate(
            to: .awsKMS(key: KeyReference(kms.key.arn.description), endpoint: nil, region: nil),
            current: makers,
            new: makers
        )
        // The first knew an id alone; the others an ARN.
        #expect(kms.openings.withLock { $0 } == ["- -"] + Array(repeating: "- us-east-1", count: 3))
    }

    @Test func `the ciphertext is bound to its use, so that the AWS CLI can open it with the context alone`()
        async throws
    {
        let rootKey = try await seal()
        let blob = CiphertextBlob(
            Array(try #require(Data(base64Encoded: try record()["ciphertextBlob"] ?? "")))
        )
        let opened = try await kms.kms.decrypt(blob, key: nil, context: Self.context, caller: root)
        #expect(opened.plaintext.copied == rootKey)
        for wrong in [[:], ["coffer:seal": "root-key/2"]] as [EncryptionContext] {
            let refused = await refusal {
                _ = try await kms.kms.decrypt(blob, key: nil, context: wrong, caller: root)
            }
            #expect(refused?.code == .invalidCiphertext)
        }
    }

    @Test func `a disabled key keeps the home shut until it is enabled`() async throws {
        let rootKey = try await seal(endpoint: "https://kms.example")
        try await kms.kms.disableKey(key, caller: root)
        let refused = await opening()
        #expect(refused?.code == .sealed)
        #expect(refused?.message.contains("DisabledException") == true)
        #expect(refused?.message.contains("\(kms.key.arn) at https://kms.example") == true)
        #expect(refused?.hint?.contains("enable that key") == true)
        try await kms.kms.enableKey(key, caller: root)
        #expect(try await store.open(with: makers).copied == rootKey)
    }

    @Test func `a key that is to be deleted keeps the home shut until that is cancelled`() async throws {
        let rootKey = try await seal()
        _ = try await kms.kms.scheduleKeyDeletion(key, pendingWindowInDays: 7, caller: root)
        let refused = await opening()
        #expect(refused?.code == .sealed)
        #expect(refused?.message.contains("KMSInvalidStateException") == true)
        _ = try await kms.kms.cancelKeyDeletion(key, caller: root)
        try await kms.kms.enableKey(key, caller: root)
        #expect(try await store.open(with: makers).copied == rootKey)
    }

    @Test(
        arguments: [
            (AWSError(.accessDenied, "no policy allows it"), "kms:Decrypt"),
            (AWSError(.notFound, "no such key"), "look for that key"),
            (AWSError(AWSError.Code("Coffer.KMSUnreachable", .internalFailure), "refused"), "can be reached"),
            (AWSError(AWSError.Code("Coffer.NoCredentials", .usage), "none", hint: "set a key"), "set a key"),
        ]
    ) func `a KMS that refuses or does not answer leaves the home sealed, with the cause and a hint`(
        _ cause: AWSError,
        _ hint: String
    ) async throws {
        let rootKey = try await seal()
        kms.failure.withLock { $0 = cause }
        let refused = await opening()
        #expect(refused?.code == .sealed)
        #expect(refused?.message.hasSuffix("\(cause)") == true)
        #expect(refused?.hint?.contains(hint) == true)
        #expect(kms.closings.withLock { $0 } == 2)
        kms.failure.withLock { $0 = nil }
        #expect(try await store.open(with: makers).copied == rootKey)
    }

    @Test func `a KMS that cannot even be looked for leaves the home sealed`() async throws {
        _ = try await seal(endpoint: "https://kms.example")
        let lost = SealMakers(
            passphrase: { secret("p") },
            pin: { _ in secret("p") },
            hardware: FakeToken(),
            keyService: { _, _ in throw AWSError(.validation, "that is no URL") }
        )
        let refused = await refusal { _ = try await store.open(with: lost) }
        #expect(refused?.code == .sealed)
        #expect(refused?.message.contains("that is no URL") == true)
    }

    @Test(arguments: [1, 31, 33]) func `what is no root key is not taken for one`(_ count: Int) async throws {
        _ = try await seal()
        kms.lie.withLock { $0 = [UInt8](repeating: 7, count: count) }
        #expect(await opening()?.code == .sealed)
    }

    @Test func `another ciphertext of the same key stays shut`() async throws {
        _ = try await seal()
        let other = try await kms.kms.encrypt(secret("x"), key: key, context: [:], caller: root)
        try replaceBlob(other.blob.bytes)
        let refused = await opening()
        #expect(refused?.code == .sealed)
        #expect(refused?.message.contains("InvalidCiphertextException") == true)
    }

    @Test func `another key's ciphertext stays shut, for the key is named`() async throws {
        _ = try await seal()
        let second = try await kms.kms.createKey(caller: root)
        let other = try await kms.kms.encrypt(
            SecretBytes(copying: [UInt8](repeating: 7, count: 32)),
            key: .id(second.keyID),
            context: Self.context,
            caller: root
        )
        try replaceBlob(other.blob.bytes)
        let refused = await opening()
        #expect(refused?.message.contains("IncorrectKeyException") == true)
    }

    @Test func `a key that encrypts but does not decrypt is refused as a seal`() async throws {
        let rootKey = try await store.create(.file, with: .unasked).copied
        let target = SealTarget.awsKMS(key: key, endpoint: nil, region: nil)
        kms.decryptFailure.withLock { $0 = AWSError(.accessDenied, "no") }
        let denied = await refusal { try await store.migrate(to: target, current: .unasked, new: makers) }
        #expect(denied?.code == .accessDenied)
        #expect(denied?.message.contains("\(key)") == true)
        kms.decryptFailure.withLock { $0 = nil }
        kms.lie.withLock { $0 = [UInt8](repeating: 7, count: 32) }
        let lied = await refusal { try await store.migrate(to: target, current: .unasked, new: makers) }
        #expect(lied?.code == .kmsInternal)
        #expect(try store.state() == .file)
        #expect(try await store.open(with: .unasked).copied == rootKey)
        #expect(kms.closings.withLock { $0 } == 2)
    }

    @Test func `a disabled or unknown key seals nothing`() async throws {
        _ = try await store.create(.file, with: .unasked)
        try await kms.kms.disableKey(key, caller: root)
        let unknown = "00000000-0000-4000-8000-000000000000"
        for (key, code) in [(key, AWSError.Code.disabled), (KeyReference(unknown), .notFound)] {
            let target = SealTarget.awsKMS(key: key, endpoint: nil, region: nil)
            let refused = await refusal {
                try await store.migrate(to: target, current: .unasked, new: makers)
            }
            #expect(refused?.code == code)
        }
        #expect(try store.state() == .file)
        #expect(try folder.names(in: "kms") == ["root.key", "seal.json"])
    }

    @Test func `a home is not sealed under a key of its own`() async throws {
        let own = SealStore(folder: kms.home.folder.path("kms"))
        // The key store is there already; give it back the seal that a home starts with.
        try kms.home.folder.write(KMSHome.rootKeyBytes, to: "kms/root.key")
        try kms.home.folder.write(Array(#"{"kind":"file","version":1}"#.utf8), to: "kms/seal.json")
        for name in ["root.key", "seal.json"] {
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o600],
                ofItemAtPath: kms.home.folder.path("kms/\(name)")
            )
        }
        let refused = await refusal {
            try await own.migrate(
                to: .awsKMS(key: key, endpoint: nil, region: nil),
                current: .unasked,
                new: makers
            )
        }
        #expect(refused?.code == .validation)
        #expect(refused?.message.contains("a key of this home") == true)
        #expect(try own.state() == .file)
    }
}
