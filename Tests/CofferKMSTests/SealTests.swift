internal import CofferCrypto
internal import CofferKMS
internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import Foundation
internal import Synchronization
internal import Testing

@Suite struct SealTests {
    let folder: TemporaryFolder
    let store: SealStore

    /// Little work, for speed.
    static let cost = KeyDerivation.ScryptCost(cost: 1 << 10, blockSize: 8, parallelism: 1)

    init() throws {
        folder = try TemporaryFolder()
        store = SealStore(folder: folder.path("kms"), cost: Self.cost)
    }

    private func json(_ change: (inout [String: Any]) -> Void) throws {
        let data = Data(try folder.bytes("kms/seal.json"))
        var object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        change(&object)
        try folder.write(Array(try JSONSerialization.data(withJSONObject: object)), to: "kms/seal.json")
    }

    @Test func `a file seal gives the same root key back and asks nobody`() async throws {
        #expect(try store.state() == nil)
        let made = try await store.create(.file, with: .unasked)
        #expect(made.count == 32)
        #expect(try store.state() == .file)
        #expect(try await store.open(with: .unasked).copied == made.copied)
        #expect(try await store.create(.file, with: .unasked).copied == made.copied)
        let mode = try FileManager.default.attributesOfItem(atPath: folder.path("kms/root.key"))[
            .posixPermissions
        ]
        #expect((mode as? NSNumber)?.intValue == 0o600)
        #expect(try folder.names(in: "kms") == ["root.key", "seal.json"])
    }

    @Test(arguments: [0o640, 0o604, 0o620]) func `a root key file that others can reach is refused`(
        _ mode: Int
    ) async throws {
        _ = try await store.create(.file, with: .unasked)
        try FileManager.default.setAttributes(
            [.posixPermissions: mode],
            ofItemAtPath: folder.path("kms/root.key")
        )
        #expect(await refusal { _ = try await store.open(with: .unasked) }?.code == .sealed)
    }

    @Test(arguments: [0o620, 0o602, 0o666]) func `a seal.json that others can write is refused`(
        _ mode: Int
    ) async throws {
        _ = try await store.create(.file, with: .unasked)
        let path = folder.path("kms/seal.json")
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        #expect(await refusal { _ = try await store.open(with: .unasked) }?.code == .sealed)
        #expect(await refusal { _ = try store.state() }?.hint?.contains("chmod 600 \(path)") == true)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        _ = try await store.open(with: .unasked)
    }

    @Test(arguments: [0, 31, 33]) func `a root key file of another length is damaged`(
        _ count: Int
    ) async throws {
        _ = try await store.create(.file, with: .unasked)
        let handle = try #require(FileHandle(forUpdatingAtPath: folder.path("kms/root.key")))
        try handle.truncate(atOffset: UInt64(count))
        try handle.close()
        #expect(await refusal { _ = try await store.open(with: .unasked) }?.code == .damaged)
    }

    @Test func `a root key file that is a link or a folder is refused`() async throws {
        _ = try await store.create(.file, with: .unasked)
        let path = folder.path("kms/root.key")
        try FileManager.default.moveItem(atPath: path, toPath: folder.path("moved"))
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: folder.path("moved"))
        #expect(await refusal { _ = try await store.open(with: .unasked) }?.code == .sealed)
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        #expect(await refusal { _ = try await store.open(with: .unasked) } != nil)
    }

    @Test func `a passphrase seal opens with its passphrase and no other`() async throws {
        let made = try await store.create(.passphrase, with: .typing("correct horse"))
        #expect(try store.state() == .passphrase)
        #expect(try folder.names(in: "kms") == ["seal.json"])
        #expect(try await store.open(with: .typing("correct horse")).copied == made.copied)
        for wrong in ["correct hors", "Correct horse", "correct horse "] {
            let refused = await refusal { _ = try await store.open(with: .typing(wrong)) }
            #expect(refused?.code == .sealed)
        }
        let bytes = made.copied
        let onDisk = try folder.bytes("kms/seal.json")
        #expect(!contains(onDisk, bytes) && !contains(onDisk, Array(Hex.lower(bytes).utf8)))
    }

    @Test(
        arguments: [
            ("cost", UInt64(1) << 40), ("cost", 1 << 21), ("cost", 1000), ("cost", 0), ("cost", 1),
            ("blockSize", 17), ("blockSize", 0), ("blockSize", UInt64.max), ("parallelism", 5),
            ("parallelism", 0),
        ] as [(String, UInt64)]
    ) func `a hostile cost is refused before anybody is asked`(_ field: String, _ value: UInt64) async throws
    {
        _ = try await store.create(.passphrase, with: .typing("p"))
        try json { object in
            var parameters = object["passphrase"] as? [String: Any] ?? [:]
            parameters[field] = NSNumber(value: value)
            object["passphrase"] = parameters
        }
        #expect(await refusal { _ = try await store.open(with: .unasked) }?.code == .damaged)
    }

    @Test func `a cost that passes each bound but takes too much memory is refused`() async throws {
        _ = try await store.create(.passphrase, with: .typing("p"))
        try json { object in
            var parameters = object["passphrase"] as? [String: Any] ?? [:]
            (parameters["cost"], parameters["blockSize"]) = (1 << 20, 16)
            object["passphrase"] = parameters
        }
        #expect(await refusal { _ = try await store.open(with: .unasked) }?.code == .damaged)
    }

    @Test(arguments: ["salt", "wrappedRootKey"]) func `a changed or cut field stays shut`(
        _ field: String
    ) async throws {
        _ = try await store.create(.passphrase, with: .typing("p"))
        let good = try folder.bytes("kms/seal.json")
        let changes: [(AWSError.Code, (String) -> String)] = [
            (.sealed, { ($0.hasPrefix("0") ? "1" : "0") + $0.dropFirst() }),
            (.damaged, { String($0.dropLast(2)) }),
            (.damaged, { "g" + $0.dropFirst() }),
        ]
        for (code, change) in changes {
            try folder.write(good, to: "kms/seal.json")
            try json { object in
                var parameters = object["passphrase"] as? [String: Any] ?? [:]
                parameters[field] = change(parameters[field] as? String ?? "")
                object["passphrase"] = parameters
            }
            #expect(
                await refusal { _ = try await store.open(with: .typing("p")) }?.code == code
            )
        }
    }

    @Test(
        arguments: [
            "", "{}", "[]", "null", #"{"kind":"file"}"#, #"{"version":1}"#, #"{"version":1,"kind":"tpm"}"#,
            #"{"version":2,"kind":"file"}"#, #"{"version":1,"kind":"passphrase"}"#,
            String(repeating: " ", count: 5000),
            #"{"version":1,"kind":"file"}"# + String(repeating: " ", count: 16_400),
        ]
    ) func `a seal.json that makes no sense is refused and left alone`(_ text: String) async throws {
        _ = try await store.create(.file, with: .unasked)
        try folder.write(Array(text.utf8), to: "kms/seal.json")
        let opened = await refusal { _ = try await store.open(with: .unasked) }
        #expect(opened?.code == .sealed || opened?.code == .damaged)
        let created = await refusal { _ = try await store.create(.file, with: .unasked) }
        #expect(created?.code == .sealed || created?.code == .damaged)
        #expect(try folder.bytes("kms/seal.json") == Array(text.utf8))
    }

    @Test(arguments: [SealTarget.file, .passphrase]) func `many first uses at once end with one root key`(
        _ target: SealTarget
    ) async throws {
        let path = folder.path("kms")
        let keys = try await withThrowingTaskGroup(of: [UInt8].self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let store = SealStore(folder: path, cost: Self.cost)
                    let key = try await store.create(target, with: .typing("same"))
                    return key.copied
                }
            }
            return try await group.reduce(into: Set<[UInt8]>()) { $0.insert($1) }
        }
        #expect(keys.count == 1)
        let opened = try await store.open(with: .typing("same"))
        #expect(keys.contains(opened.copied))
    }

    @Test func `a first use that another overtakes at the keyboard gives way to it`() async throws {
        let path = folder.path("kms")
        let overtaken = Mutex(false)
        let kept = Mutex<[UInt8]>([])
        let slow = SealMakers.asking {
            if overtaken.withLock({ was in
                defer { was = true }; return !was
            }) {
                let other = SealStore(folder: path, cost: Self.cost)
                let made = try await other.create(.passphrase, with: .typing("same")).copied
                kept.withLock { $0 = made }
            }
            return secret("same")
        }
        let given = try await store.create(.passphrase, with: slow)
        #expect(given.copied == kept.withLock { $0 })
    }

    @Test func `a first use that another overtakes between look and lock gives way to it`() async throws {
        let other = try TemporaryFolder()
        let made = try await SealStore(folder: other.path("kms")).create(.file, with: .unasked)
        let overtaking = OvertakingByteSource(from: other.path("kms"), to: folder.path("kms"))
        let store = SealStore(folder: folder.path("kms"), random: overtaking)
        #expect(try await store.create(.file, with: .unasked).copied == made.copied)
        #expect(try folder.bytes("kms/root.key") == made.copied)
    }

    @Test func `the root key moves between seals and stays the same`() async throws {
        let made = try await store.create(.file, with: .unasked)
        try await store.migrate(to: .passphrase, current: .unasked, new: .typing("one"))
        #expect(try folder.names(in: "kms") == ["seal.json"])
        #expect(try await store.open(with: .typing("one")).copied == made.copied)
        try await store.migrate(to: .passphrase, current: .typing("one"), new: .typing("two"))
        #expect(
            await refusal { _ = try await store.open(with: .typing("one")) }?.code == .sealed
        )
        #expect(try await store.open(with: .typing("two")).copied == made.copied)
        try await store.migrate(to: .file, current: .typing("two"), new: .unasked)
        #expect(try store.state() == .file)
        #expect(try await store.open(with: .unasked).copied == made.copied)
    }

    @Test func `a wrong passphrase migrates nothing`() async throws {
        _ = try await store.create(.passphrase, with: .typing("p"))
        let before = try folder.bytes("kms/seal.json")
        let refused = await refusal {
            try await store.migrate(to: .file, current: .typing("q"), new: .unasked)
        }
        #expect(refused?.code == .sealed)
        #expect(try folder.bytes("kms/seal.json") == before)
        #expect(try folder.names(in: "kms") == ["seal.json"])
    }

    @Test func `a key file left by an interrupted migration goes at the next opening`() async throws {
        _ = try await store.create(.file, with: .unasked)
        let left = try folder.bytes("kms/root.key")
        try await store.migrate(to: .passphrase, current: .unasked, new: .typing("p"))
        try folder.write(left, to: "kms/root.key")
        #expect(await refusal { _ = try await store.open(with: .typing("q")) }?.code == .sealed)
        #expect(try folder.names(in: "kms") == ["root.key", "seal.json"])
        _ = try await store.open(with: .typing("p"))
        #expect(try folder.names(in: "kms") == ["seal.json"])
    }

    @Test func `a home that has keys gets no second root key when its seal is lost`() async throws {
        let rootKey = try await store.create(.file, with: .unasked)
        let kms = try KeyManagementService(
            folder: folder.path("kms"),
            trailFolder: folder.path("trail"),
            account: KMSHome.account,
            region: .home,
            rootKey: rootKey,
            identities: SetIdentities()
        )
        _ = try await kms.createKey(caller: root)
        try FileManager.default.removeItem(atPath: folder.path("kms/seal.json"))
        let left = try folder.bytes("kms/root.key")
        #expect(
            await refusal { _ = try await store.create(.file, with: .unasked) }?.code == .sealed
        )
        #expect(try folder.bytes("kms/root.key") == left)
    }
}

/// Puts another's seal in place while the root key is drawn.
private struct OvertakingByteSource: ByteSource {
    let from: String
    let to: String

    init(from: String, to: String) { (self.from, self.to) = (from, to) }

    func fill(_ span: inout MutableRawSpan) {
        SystemByteSource().fill(&span)
        // The first draw copies; at any other the copy is there already.
        try? FileManager.default.copyItem(atPath: from, toPath: to)
    }
}
