internal import CofferCrypto
internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import CofferTrail
internal import Foundation
internal import GRDB
internal import Testing

@testable internal import CofferKMS

@Suite struct StoreTests {
    let home: KMSHome

    init() throws { home = try KMSHome() }

    @Test func `no key material stands in the clear on disk or on the trail`() async throws {
        let random = NotingByteSource()
        let kms = try home.service(random: random)
        let made = try await kms.createKey(description: "d", caller: root)
        let keyDraws = random.draws
        let dataKey = try await kms.generateDataKey(
            count: 64,
            key: .id(made.keyID),
            context: context,
            caller: root
        )
        let plaintext = secret("a plaintext that nobody may see!")
        let blob = try await kms.encrypt(plaintext, key: .id(made.keyID), context: context, caller: root).blob

        // In the order drawn: the material, which is the backing key, its id, which is public, the wrapping key.
        let large = keyDraws.filter { $0.count == 32 }
        try #require(large.count == 3)
        let (backingKey, materialID, wrappingKey) = (large[0], large[1], large[2])
        #expect(Hex.lower(materialID) == made.currentKeyMaterialID)
        // It is the backing key that opens the blob: otherwise this test would look for the wrong bytes.
        let envelope = try #require(Envelope(blob))
        let opened = try envelope.open(backingKey: SecretBytes(copying: backingKey), context: context)
        #expect(opened.copied == plaintext.copied)
        let dataKeyBytes = dataKey.plaintext.copied

        let files = try home.folder.names(in: "kms").map { "kms/\($0)" }
        #expect(files.contains("kms/keys.sqlite") && files.contains("kms/keys.sqlite-wal"))
        let store = try files.flatMap(home.folder.bytes)
        #expect(contains(store, materialID), "the search finds what is there")
        let trail = try home.folder.names(in: "trail").flatMap { try home.folder.bytes("trail/\($0)") }
        let secrets = [
            KMSHome.rootKeyBytes, wrappingKey, backingKey, dataKeyBytes,
            Array("a plaintext that nobody".utf8),
        ]
        for (index, secret) in secrets.enumerated() {
            for place in [store, trail] {
                #expect(!contains(place, secret), "secret \(index)")
                #expect(!contains(place, Array(Hex.lower(secret).utf8)), "secret \(index) in hex")
                let base64 = Data(secret).base64EncodedString().utf8.dropLast(4)
                #expect(!contains(place, Array(base64)), "secret \(index) in base64")
            }
        }
        #expect(!contains(trail, Array(Data(blob.bytes).base64EncodedString().utf8)))
    }

    @Test func `files and folders are for their owner alone`() async throws {
        // Open, for the journals go with the last connection.
        let kms = try home.service()
        _ = try await kms.createKey(caller: root)
        defer { withExtendedLifetime(kms) {} }
        for name in ["kms/keys.sqlite", "kms/keys.sqlite-wal", "kms/keys.sqlite-shm", "kms", "trail"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: home.folder.path(name))
            let mode = try #require(attributes[.posixPermissions] as? NSNumber).intValue
            #expect(mode & 0o077 == 0, "\(name)")
        }
    }

    @Test func `another root key does not open the store`() async throws {
        let key = try await home.service().createKey(caller: root)
        let refused = await refusal {
            _ = try home.service(rootKey: [UInt8](repeating: 1, count: 32))
        }
        #expect(refused?.code == .sealed)
        #expect(try await home.service().describeKey(.id(key.keyID), caller: root) == key)
    }

    @Test func `a store of a newer version is refused by name`() async throws {
        let kms = try home.service()
        _ = try await kms.createKey(caller: root)
        try home.changeStore("PRAGMA user_version = 3")
        let refused = await refusal { _ = try home.service() }
        #expect(refused?.code == .damaged)
        #expect(refused?.message.contains("version 3") == true)
    }

    @Test func `a store that is no database is damaged, and says so`() async throws {
        try FileManager.default.createDirectory(
            atPath: home.folder.path("kms"),
            withIntermediateDirectories: true
        )
        try home.folder.write([UInt8](repeating: 0x55, count: 8192), to: "kms/keys.sqlite")
        #expect(await refusal { _ = try home.service() }?.code == .damaged)
    }

    @Test func `a changed wrapped key is damage, not a bad ciphertext`() async throws {
        let kms = try home.service()
        let key = try await kms.createKey(caller: root)
        let other = try await kms.createKey(caller: root)
        let blob = try await kms.encrypt(secret("x"), key: .id(key.keyID), context: [:], caller: root).blob
        // Another key's record, whole and true, in this key's place.
        try home.changeStore(
            "UPDATE wrapping_key SET wrapped = "
                + "(SELECT wrapped FROM wrapping_key WHERE key_id = '\(other.keyID)') WHERE key_id = '\(key.keyID)'"
        )
        let refused = await refusal { _ = try await kms.decrypt(blob, key: nil, context: [:], caller: root) }
        #expect(refused?.code == .damaged)
        #expect(refused?.message.contains(key.arn.description) == true)
    }

    @Test func `a value that no Coffer writes is damage`() async throws {
        let kms = try home.service()
        let key = try await kms.createKey(caller: root)
        try home.changeStore("UPDATE kms_key SET spec = 'Melted'")
        #expect(
            await refusal { _ = try await kms.describeKey(.id(key.keyID), caller: root) }?.code == .damaged
        )
    }

    @Test func `many first openings at once make one store`() async throws {
        let home = home
        let services = try await withThrowingTaskGroup(of: KeyManagementService.self) { group in
            for _ in 0..<8 { group.addTask { try home.service() } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        for service in services { _ = try await service.createKey(caller: root) }
        #expect(try await services[0].allKeys(caller: root).count == 8)
    }

    @Test func `what stores and files throw becomes an AWSError of its kind, without detail of theirs`() {
        let full = AWSError(
            meeting: DatabaseError(resultCode: .SQLITE_FULL, message: "detail", sql: "SELECT detail")
        )
        #expect(full.code == .storageFull)
        #expect(!full.description.contains("detail"))
        let table: [(any Error, AWSError.Code)] = [
            (DatabaseError(resultCode: .SQLITE_CORRUPT), .damaged),
            (DatabaseError(resultCode: .SQLITE_NOTADB), .damaged),
            (DatabaseError(resultCode: .SQLITE_READONLY), .kmsInternal),
            (DatabaseError(resultCode: .SQLITE_BUSY), .kmsInternal),
            (DatabaseError(resultCode: .SQLITE_IOERR), .kmsInternal),
            (FileError("writing", code: ENOSPC), .storageFull),
            (FileError("writing", code: EDQUOT), .storageFull),
            (FileError("writing", code: EROFS), .kmsInternal),
            (CryptoError.engine, .kmsInternal),
            (CancellationError(), .kmsInternal),
            (AWSError(.disabled, "as it is"), .disabled),
        ]
        for (error, code) in table { #expect(AWSError(meeting: error).code == code, "\(error)") }
    }
}
