internal import CofferKMS
internal import CofferShapes
internal import CofferTesting
internal import Foundation
internal import Testing

/// `seal.json` as somebody else might leave it: refused before anybody is asked, and left alone.
@Suite struct HostileSealTests {
    private static let hardware: [String: String] = [
        "module": "/lib/module.so", "tokenLabel": "office", "keyLabel": "coffer root",
        "wrappedRootKey": String(repeating: "0", count: 120),
    ]
    private static let remote: [String: String] = [
        "key": "arn:aws:kms:us-east-1:111122223333:key/12345678-1234-4123-8123-123456789012",
        "ciphertextBlob": "AAAA", "endpoint": "https://kms.example", "region": "us-east-1",
    ]

    private func state(_ object: [String: Any]) async throws -> (AWSError?, SealTarget?) {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(
            atPath: folder.path("kms"),
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
        let bytes = Array(try JSONSerialization.data(withJSONObject: object))
        try folder.write(bytes, to: "kms/seal.json")
        let path = folder.path("kms/seal.json")
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        let store = SealStore(folder: folder.path("kms"))
        if let state = try? store.state() { return (nil, state) }
        let opened = await refusal { _ = try await store.open(with: .unasked) }
        let moved = await refusal {
            try await store.migrate(to: .file, current: .unasked, new: .unasked)
        }
        #expect(moved == opened)
        #expect(try folder.bytes("kms/seal.json") == bytes)
        #expect(try folder.names(in: "kms") == ["seal.json"])
        return (opened, nil)
    }

    @Test func `a whole description is understood`() async throws {
        let (_, hardware) = try await state(["version": 1, "kind": "pkcs11", "pkcs11": Self.hardware])
        #expect(hardware == .pkcs11(module: "/lib/module.so", token: "office", keyLabel: "coffer root"))
        let (_, remote) = try await state(["version": 1, "kind": "aws-kms", "aws-kms": Self.remote])
        let key = KeyReference(Self.remote["key"] ?? "")
        #expect(remote == .awsKMS(key: key, endpoint: "https://kms.example", region: .home))
    }

    @Test(arguments: ["module", "tokenLabel", "keyLabel", "wrappedRootKey"])
    func `a pkcs11 seal without one of its fields is damaged`(_ field: String) async throws {
        var record = Self.hardware
        record[field] = nil
        let (error, _) = try await state(["version": 1, "kind": "pkcs11", "pkcs11": record])
        #expect(error?.code == .damaged)
    }

    @Test(
        arguments: [
            ("module", ""), ("module", "module.so"), ("module", "/a\0b"), ("tokenLabel", ""),
            ("keyLabel", ""),
            ("module", "/" + String(repeating: "a", count: 4095)),
            ("tokenLabel", "\u{1B}[2J"), ("tokenLabel", String(repeating: "t", count: 33)),
            ("keyLabel", String(repeating: "k", count: 256)),
        ]
    ) func `a pkcs11 seal with a field that cannot be is damaged`(
        _ field: String,
        _ value: String
    ) async throws {
        var record = Self.hardware
        record[field] = value
        let (error, _) = try await state(["version": 1, "kind": "pkcs11", "pkcs11": record])
        #expect(error?.code == .damaged)
    }

    @Test(arguments: ["key", "ciphertextBlob"])
    func `an aws-kms seal without one of its fields is damaged`(_ field: String) async throws {
        var record = Self.remote
        record[field] = nil
        let (error, _) = try await state(["version": 1, "kind": "aws-kms", "aws-kms": record])
        #expect(error?.code == .damaged)
    }

    @Test(
        arguments: [
            ("key", ""), ("key", "alias/a"), ("key", "12345678-1234-4123-8123-123456789012"),
            ("key", "arn:aws:kms:us-east-1:111122223333:alias/a"), ("key", "arn:aws:s3:::bucket"),
            ("ciphertextBlob", ""), ("ciphertextBlob", "*"), ("ciphertextBlob", "AAA"),
            ("ciphertextBlob", Data(count: 6145).base64EncodedString()), ("endpoint", ""),
            ("endpoint", String(repeating: "h", count: 513)), ("region", ""), ("region", "US EAST"),
        ]
    ) func `an aws-kms seal with a field that cannot be is damaged`(
        _ field: String,
        _ value: String
    ) async throws {
        var record = Self.remote
        record[field] = value
        let (error, _) = try await state(["version": 1, "kind": "aws-kms", "aws-kms": record])
        #expect(error?.code == .damaged)
    }

    @Test(arguments: ["passphrase", "pkcs11", "aws-kms"])
    func `a kind without its description is damaged, whatever else is described`(_ kind: String) async throws
    {
        var object: [String: Any] = [
            "version": 1, "kind": kind, "pkcs11": Self.hardware, "aws-kms": Self.remote,
        ]
        object[kind] = nil
        #expect(try await state(object).0?.code == .damaged)
    }

    @Test(arguments: ["", "FILE", "tpm", "aws_kms"])
    func `an unknown kind is sealed, not damaged`(_ kind: String) async throws {
        let (error, _) = try await state(["version": 1, "kind": kind])
        #expect(error?.code == .sealed)
    }
}
