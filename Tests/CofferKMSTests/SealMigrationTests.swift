internal import CofferKMS
internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import Foundation
internal import Synchronization
internal import Testing

/// From every kind of seal to every other, and to another of the same kind.
@Suite struct SealMigrationTests {
    let folder: TemporaryFolder
    let store: SealStore
    let kms: DistantKMS
    let token = FakeToken()

    init() async throws {
        folder = try TemporaryFolder()
        store = SealStore(folder: folder.path("kms"), cost: SealTests.cost)
        kms = try await DistantKMS()
    }

    /// Files of the `kms` folder by name.
    private typealias Files = [String: [UInt8]]

    private var old: SealMakers { .all("old", token: token, kms: kms) }
    private var new: SealMakers { .all("new", token: token, kms: kms) }

    private func target(_ kind: SealKind, keyLabel: String = "root") -> SealTarget {
        switch kind {
        case .file: .file
        case .passphrase: .passphrase
        case .pkcs11: .pkcs11(module: "/lib/module.so", token: "a token", keyLabel: keyLabel)
        case .awsKMS: .awsKMS(key: .id(kms.key.keyID), endpoint: "https://kms.example", region: nil)
        }
    }

    private func read() throws -> Files {
        try Dictionary(
            uniqueKeysWithValues: folder.names(in: "kms").map { ($0, try folder.bytes("kms/\($0)")) }
        )
    }

    private func lay(_ files: Files) throws {
        for name in try folder.names(in: "kms") {
            try FileManager.default.removeItem(atPath: folder.path("kms/\(name)"))
        }
        for (name, bytes) in files {
            try folder.write(bytes, to: "kms/\(name)")
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o600],
                ofItemAtPath: folder.path("kms/\(name)")
            )
        }
    }

    private func names(under kind: SealKind) -> [String] {
        kind == .file ? ["root.key", "seal.json"] : ["seal.json"]
    }

    @Test(arguments: SealKind.allCases, SealKind.allCases)
    func `the root key moves and stays the same, and nothing of it is left behind`(
        _ from: SealKind,
        _ to: SealKind
    ) async throws {
        let rootKey = try await store.create(target(from), with: old).copied
        try await store.migrate(to: target(to, keyLabel: "next"), current: old, new: new)
        #expect(try store.state()?.kind == to)
        #expect(try await store.open(with: new).copied == rootKey)
        let files = try read()
        #expect(files.keys.sorted() == names(under: to))
        #expect(!tells(try #require(files["seal.json"]), rootKey))
        for name in files.keys {
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.path("kms/\(name)"))
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        }
        let (opened, closed) = (kms.openings.withLock { $0.count }, kms.closings.withLock { $0 })
        #expect(opened == closed)
    }

    @Test(arguments: SealKind.allCases, SealKind.allCases)
    func `a crash at any step leaves a seal that opens, and the next migration ends the work`(
        _ from: SealKind,
        _ to: SealKind
    ) async throws {
        let rootKey = try await store.create(target(from), with: old).copied
        let before = try read()
        try await store.migrate(to: target(to), current: old, new: new)
        let after = try read()
        for (files, isMoved) in try crashes(before, after, rootKey: rootKey) {
            try lay(files)
            let makers = isMoved ? new : old
            let kind = isMoved ? to : from
            #expect(try await store.open(with: makers).copied == rootKey)
            let left = try folder.names(in: "kms").filter { $0.hasPrefix("root.key") }
            #expect(kind == .file || left.isEmpty)
            try await store.migrate(to: target(to), current: makers, new: new)
            #expect(try await store.open(with: new).copied == rootKey)
            #expect(try folder.names(in: "kms") == names(under: to))
        }
    }

    /// What the steps of a migration leave when they end early, and whether the new seal is in place by then.
    private func crashes(
        _ before: Files,
        _ after: Files,
        rootKey: [UInt8]
    ) throws -> [(files: Files, isMoved: Bool)] {
        let description = try #require(after["seal.json"])
        var states: [(Files, Bool)] = []
        if after["root.key"] != nil {
            for count in [0, 17, 32] {
                states.append((before.merging(["root.key.new": Array(rootKey.prefix(count))]) { $1 }, false))
            }
            states.append((before.merging(["root.key": rootKey]) { $1 }, false))
        }
        for count in [0, description.count / 2, description.count] {
            var files = before
            files["seal.json.new"] = Array(description.prefix(count))
            if after["root.key"] != nil { files["root.key"] = rootKey }
            states.append((files, false))
        }
        if before["root.key"] != nil && after["root.key"] == nil {
            for left in [rootKey, [UInt8](repeating: 0, count: 32)] {
                states.append((after.merging(["root.key": left]) { $1 }, true))
            }
        }
        return states
    }

    @Test(arguments: SealKind.allCases, SealKind.allCases)
    func `where the new description cannot be put in place, the old seal stays`(
        _ from: SealKind,
        _ to: SealKind
    ) async throws {
        let rootKey = try await store.create(target(from), with: old).copied
        let before = try folder.bytes("kms/seal.json")
        // In the way of the description's temporary file.
        let obstacle = folder.path("kms/seal.json.new")
        try FileManager.default.createDirectory(atPath: obstacle, withIntermediateDirectories: false)
        let refused = await refusal { try await store.migrate(to: target(to), current: old, new: new) }
        #expect(refused?.code == .kmsInternal)
        try FileManager.default.removeItem(atPath: obstacle)
        #expect(try folder.bytes("kms/seal.json") == before)
        #expect(try await store.open(with: old).copied == rootKey)
        #expect(try folder.names(in: "kms") == names(under: from))
    }

    @Test(arguments: SealKind.allCases)
    func `a key file is there before the description that leads to it`(_ from: SealKind) async throws {
        _ = try await store.create(target(from), with: old)
        try await store.migrate(to: .file, current: old, new: .unasked)
        var times: [Date] = []
        for name in ["root.key", "seal.json"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.path("kms/\(name)"))
            times.append(try #require(attributes[.modificationDate] as? Date))
        }
        #expect(times[0] <= times[1])
    }

    @Test func `a migration that another overtakes changes nothing`() async throws {
        let rootKey = try await store.create(.file, with: .unasked).copied
        let (other, overtaken) = (
            SealStore(folder: folder.path("kms"), cost: SealTests.cost), target(.awsKMS)
        )
        let slow = SealMakers.asking { [makers = new] in
            try await other.migrate(to: overtaken, current: .unasked, new: makers)
            return secret("late")
        }
        let refused = await refusal {
            try await store.migrate(to: .passphrase, current: .unasked, new: slow)
        }
        #expect(refused?.code == .sealed && refused?.message.contains("meanwhile") == true)
        #expect(try store.state()?.kind == .awsKMS)
        #expect(try await store.open(with: new).copied == rootKey)
    }

    @Test(
        arguments: [
            .pkcs11(module: "module.so", token: "t", keyLabel: "k"),
            .pkcs11(module: "/m\0", token: "t", keyLabel: "k"),
            .pkcs11(module: "/m", token: "", keyLabel: "k"),
            .pkcs11(module: "/m", token: String(repeating: "t", count: 33), keyLabel: "k"),
            .pkcs11(module: "/m", token: "t", keyLabel: ""),
            .pkcs11(module: "/m", token: "t", keyLabel: String(repeating: "k", count: 256)),
            .awsKMS(key: .other("no key"), endpoint: nil, region: nil),
            .awsKMS(key: KeyReference("alias/k"), endpoint: "", region: nil),
            .awsKMS(key: KeyReference("alias/k"), endpoint: String(repeating: "h", count: 513), region: nil),
        ] as [SealTarget]
    ) func `what could not be opened again is refused before anybody is asked`(
        _ target: SealTarget
    ) async throws {
        _ = try await store.create(.file, with: .unasked)
        let refused = await refusal {
            try await store.migrate(to: target, current: .unasked, new: .unasked)
        }
        #expect(refused?.code == .validation)
        #expect(try store.state() == .file)
    }
}
