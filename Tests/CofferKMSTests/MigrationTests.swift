internal import CofferKMS
internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import CofferTrail
internal import Foundation
internal import Testing

/// A home as the first version of the key store left it: two customer managed keys, of which one is disabled, an alias
/// for each, the AWS managed key of EBS, and the trail of their making. Its root key is `KMSHome.rootKeyBytes`.
@Suite struct MigrationTests {
    let home: KMSHome
    let clock = SetClock(seconds: 1_796_000_000)
    private let context: EncryptionContext = ["a": "b"]
    private let first = KeyID("cbdaffaf-2039-4f21-a42b-7aef3ce59823")!  // a UUID
    private let disabled = KeyID("f20ec692-7295-4450-ac92-885985a874f9")!  // a UUID

    init() throws {
        home = try KMSHome()
        let golden = try #require(Bundle.module.resourcePath) + "/Golden"
        for (file, place) in [
            ("keys-1.sqlite", "kms/keys.sqlite"), ("2026-11-18.jsonl", "trail/2026-11-18.jsonl"),
        ] {
            let folder = String(place.prefix { $0 != "/" })
            try FileManager.default.createDirectory(
                atPath: home.folder.path(folder),
                withIntermediateDirectories: false
            )
            try FileManager.default.copyItem(atPath: "\(golden)/\(file)", toPath: home.folder.path(place))
        }
    }

    private func open(_ hex: String, _ caller: Caller, _ kms: KeyManagementService) async throws -> [UInt8] {
        let blob = CiphertextBlob(try #require(Hex.bytes(hex)))
        return try await kms.decrypt(blob, key: nil, context: context, caller: caller).plaintext.copied
    }

    @Test func `its keys are as they were, with the policies that AWS gives such keys`() async throws {
        let kms = try home.service(clock: clock)
        let keys = try await kms.allKeys(caller: root)
        #expect(keys.count == 3)
        let described = try await kms.describeKey(.id(first), caller: root)
        #expect(described.description == "first")
        #expect(described.state == .enabled)
        #expect(described.manager == .customer)
        #expect(described.created.seconds == 1_795_000_000)
        #expect(described.spec == .symmetricDefault)
        #expect(described.currentKeyMaterialID?.hasPrefix("c97792ea") == true)
        #expect(try await kms.describeKey(.id(disabled), caller: root).state == .disabled)
        let policy = try await kms.getKeyPolicy(.id(first), name: nil, caller: root)
        let made = try await kms.createKey(caller: root)
        #expect(try await kms.getKeyPolicy(made.reference, name: nil, caller: root) == policy)
        let aliases = try await kms.allAliases(caller: root)
        #expect(aliases.map(\.name.text) == ["alias/app", "alias/app2", "alias/aws/ebs"])
        #expect(aliases.prefix(2).map(\.target) == [first, disabled])
    }

    @Test func `its blobs open, and its keys make new ones, rotate and go`() async throws {
        let kms = try home.service(clock: clock)
        #expect(try await open(Self.firstBlob, root, kms) == Array("of version 1".utf8))
        #expect(await refusal { _ = try await open(Self.disabledBlob, root, kms) }?.code == .disabled)
        try await kms.enableKey(.id(disabled), caller: root)
        #expect(try await open(Self.disabledBlob, root, kms) == Array("of version 1".utf8))
        let alias = KeyReference.alias(try AliasName("alias/app"))
        let blob = try await kms.encrypt("new", alias)
        _ = try await kms.rotateKeyOnDemand(.id(first), caller: root)
        #expect(try await kms.decrypt(blob) == "new")
        #expect(try await open(Self.firstBlob, root, kms) == Array("of version 1".utf8))
        _ = try await kms.scheduleKeyDeletion(.id(first), pendingWindowInDays: 7, caller: root)
        clock.advance(days: 7)
        #expect(await refusal { _ = try await open(Self.firstBlob, root, kms) }?.code == .accessDenied)
    }

    @Test func `its AWS managed key serves its service alone, and rotates a year after it was made`()
        async throws
    {
        let kms = try home.service(clock: clock)
        let alias = KeyReference.alias(.awsManaged(.ebs))
        let key = try await kms.describeKey(alias, caller: root)
        #expect(key.manager == .aws)
        let through = root.through(.ebs)
        #expect(try await Hex.lower(open(Self.ebsBlob, through, kms)) == Self.ebsKey)
        #expect(await refusal { _ = try await open(Self.ebsBlob, root, kms) }?.code == .accessDenied)
        #expect(try await kms.getKeyRotationStatus(key.reference, caller: root).isEnabled)
        clock.advance(days: 366)
        #expect(
            try await kms.describeKey(alias, caller: root).currentKeyMaterialID != key.currentKeyMaterialID
        )
        #expect(try await Hex.lower(open(Self.ebsBlob, through, kms)) == Self.ebsKey)
    }

    @Test func `its trail goes on, and another root key opens nothing`() async throws {
        let wrong = await refusal { _ = try home.service(rootKey: [UInt8](repeating: 1, count: 32)) }
        #expect(wrong?.code == .sealed)
        let kms = try home.service(clock: clock)
        let before = try home.entries().count
        _ = try await kms.describeKey(.id(first), caller: root)
        #expect(try home.entries().count == before + 1)
        #expect(try kms.trail.verify().finding == .intact)
        // Opened again, it is no longer of the first version, and the same.
        #expect(try await home.service(clock: clock).allKeys(caller: root).count == 3)
    }

    // MARK: - What its keys made, under the context a=b

    private static let firstBlob =
        "0100cbdaffaf20394f21a42b7aef3ce59823c97792ea72d295bbf1e6997a2289bfebe371a37389d1d28cafd112a7d766"
        + "dab1fe4073ea49ef131e756dabf03c1dbe82d6c5c2af25e42bdc8637c86a007627fe99e89416fed2642b7206c350f489"
        + "c03576c4c73405d1ce3aa915aa749e8aef25f75a2d5e200287b55eac35e2f17aa885a6e6e7ab3b3dcb60"
    private static let disabledBlob =
        "0100f20ec69272954450ac92885985a874f9a843922de77bbcc4af285740012a167b6ad7f4e59f2e1f803983577b98b2"
        + "72e0977b8412237ade8eff8dfe4c8c8e993b565e854571605fce5ab4f12128f97dc656f24531e8ba3ef0b0cbd5f5e91a"
        + "b6cd71ba45264a6debc4e2c71961c703bfc20252bedf94c1ef3599f9cc894a7386dd532b0be219d53e8a"
    private static let ebsBlob =
        "0100e89a8f1d040d4690ad22f5ea6190971c163658cb11ff8721f403425ce1ab09da4064cbf0b6879bfe9a11f5699e32"
        + "77571ad4e090084b02e619a791ef5b5c956ac8b35d8cecc78e48e25cee54e15ab80afafba1e97195e0068fa1c9d7bcf7"
        + "13144e11834df10b71d449541c6b53cdfb4316760893c1f2a31c88245d111fe551fd5ecc530834fc9fa2621918e89313"
        + "85a28e0eadd86ac153f1b77f5171e597fb8eb60a2a4076de46fa0f8e416e447181f07523ad1e74860b27f87250e7"
    private static let ebsKey =
        "bb28423ebdc456d052dcd07620c234a0a1f049473bb108e800672217ebd6cb42e3d59c34070e96f7595ecf309fd47ce7"
        + "aa9cf267801ad32873ffb3f6f9a20979"
}
