internal import Coffer
internal import CofferCatalog
internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import CofferTrail
internal import Foundation
internal import GRDB
internal import Testing

/// A home's files, without a KMS: a catalogue, a key store that is any database in WAL mode, a seal and a trail.
@Suite struct HomeBackupTests {
    private let folder: TemporaryFolder
    private let keys: DatabaseQueue
    private let trail: Trail
    private var home: String { folder.path("home") }
    private var backup: String { folder.path("backup") }
    private var restored: String { folder.path("restored") }

    init() throws {
        folder = try TemporaryFolder()
        let home = folder.path("home")
        for name in ["kms", "trail", "volumes"] {
            try FileManager.default.createDirectory(
                atPath: "\(home)/\(name)",
                withIntermediateDirectories: true
            )
        }
        let account = try #require(AccountID("111122223333"))
        _ = try Catalog(path: "\(home)/catalog.sqlite").identity(
            orElse: HomeIdentity(account: account, region: .home)
        )
        var configuration = Configuration()
        configuration.journalMode = .wal
        keys = try DatabaseQueue(path: "\(home)/kms/keys.sqlite", configuration: configuration)
        try keys.write {
            try $0.execute(sql: "CREATE TABLE pair (a INTEGER, b INTEGER); INSERT INTO pair VALUES (0, 0)")
        }
        trail = try Trail(
            folder: "\(home)/trail",
            key: SecretBytes(copying: [UInt8](repeating: 1, count: 32)),
            head: MemoryHead(),
            clock: StillClock(nanoseconds: 1_764_000_000_000_000_000)
        )
        try trail.append(TrailRecord(eventSource: "kms.amazonaws.com", eventName: "First", requestID: "0"))
        try put(#"{"kind":"file","version":1}"#, "kms/seal.json")
        try put(String(repeating: "K", count: 32), "kms/root.key")
        try put("half", "kms/seal.json.new")
        try put("elsewhere", "volumes/vol-1.img")
    }

    @Test func `a home comes back from its backup, without root key and volumes`() throws {
        let written = try HomeBackup.write(home: home, to: backup)
        #expect(
            written.members == [
                "catalog.sqlite", "kms/seal.json", "kms/keys.sqlite", "trail/2025-11-24.jsonl",
            ]
        )
        #expect(written.lacksRootKey)
        #expect(try folder.bytes("backup").count == written.sizeBytes)
        #expect(try mode("backup") == 0o600)
        #expect(try folder.names(in: ".").sorted() == ["backup", "home"], "no copy is left")
        #expect(try HomeBackup.restore(backup, to: restored) == written)
        #expect(try folder.names(in: "restored") == ["catalog.sqlite", "kms", "trail", "volumes"])
        #expect(try folder.names(in: "restored/kms") == ["keys.sqlite", "seal.json"])
        #expect(try folder.names(in: "restored/volumes").isEmpty)
        #expect(
            try mode("restored") == 0o700 && mode("restored/kms") == 0o700
                && mode("restored/kms/keys.sqlite") == 0o600
        )
        for name in ["kms/seal.json", "trail/2025-11-24.jsonl"] {
            #expect(try folder.bytes("restored/\(name)") == folder.bytes("home/\(name)"))
        }
        let identity = try Catalog(path: "\(restored)/catalog.sqlite").identity(
            orElse: HomeIdentity(account: AccountID(random: [1]), region: .home)
        )
        #expect(identity.account.digits == "111122223333")
        #expect(try HomeCheck.databases(home: restored).map(\.problems) == [[], []])
        #expect(try folder.bytes("backup").firstRange(of: Array("KKKK".utf8)) == nil)
    }

    @Test func `the root key is in it when asked for`() throws {
        let written = try HomeBackup.write(home: home, to: backup, withRootKey: true)
        #expect(written.members.contains("kms/root.key") && !written.lacksRootKey)
        #expect(try !HomeBackup.restore(backup, to: restored).lacksRootKey)
        #expect(try folder.bytes("restored/kms/root.key") == folder.bytes("home/kms/root.key"))
        #expect(try mode("restored/kms/root.key") == 0o600)
    }

    @Test func `a flipped bit anywhere is refused, and so is a file cut off or gone on with`() throws {
        _ = try HomeBackup.write(home: home, to: backup)
        let good = try folder.bytes("backup")
        var places = Array(stride(from: 0, to: good.count, by: 997)) + Array(0..<60)
        places += [good.count - 1, good.count - 33, good.count - 37]
        for place in places {
            var bad = good
            bad[place] ^= 1 << UInt8(place % 8)
            try folder.write(bad, to: "bad")
            #expect(
                refusal { try HomeBackup.restore(folder.path("bad"), to: restored) }?.code == .damaged,
                "byte \(place)"
            )
        }
        for bad in [Array(good.dropLast()), Array(good.dropLast(37)), good + [0], Array(good.prefix(12)), []]
        {
            try folder.write(bad, to: "bad")
            #expect(refusal { try HomeBackup.restore(folder.path("bad"), to: restored) }?.code == .damaged)
        }
        #expect(!FileManager.default.fileExists(atPath: restored), "nothing was written")
        #expect(!FileManager.default.fileExists(atPath: restored + ".restoring"))
    }

    @Test func `nothing is overwritten`() throws {
        try folder.write([1], to: "backup")
        #expect(refusal { try HomeBackup.write(home: home, to: backup) }?.code == .alreadyExists)
        #expect(try folder.bytes("backup") == [1])
        _ = try HomeBackup.write(home: home, to: folder.path("b2"))
        let isHome = refusal { try HomeBackup.restore(folder.path("b2"), to: home) }
        #expect(isHome?.code == .alreadyExists && isHome?.message.contains("is a home already") == true)
        try FileManager.default.createDirectory(atPath: restored, withIntermediateDirectories: false)
        try put("mine", "../restored/file")
        #expect(
            refusal { try HomeBackup.restore(folder.path("b2"), to: restored) }?.message.contains(
                "is not empty"
            ) == true
        )
        try FileManager.default.removeItem(atPath: "\(restored)/file")
        _ = try HomeBackup.restore(folder.path("b2"), to: restored + "/")
        #expect(try folder.names(in: "restored").contains("catalog.sqlite"))
        let none = refusal { try HomeBackup.write(home: folder.path("none"), to: folder.path("b3")) }
        #expect(none?.code == .notFound)
        #expect(!FileManager.default.fileExists(atPath: folder.path("b3")))
    }

    @Test func `a backup that cannot be made leaves nothing`() throws {
        try FileManager.default.removeItem(atPath: "\(home)/kms/seal.json")
        try FileManager.default.createDirectory(
            atPath: "\(home)/kms/seal.json",
            withIntermediateDirectories: false
        )
        #expect(refusal { try HomeBackup.write(home: home, to: backup) } != nil)
        #expect(try folder.names(in: ".") == ["home"])
    }

    /// Both numbers of the pair change together, and the trail only grows: a copy of a moment has them so.
    @Test func `a backup is of one moment while another thread commits`() throws {
        let (keys, trail, path) = (keys, trail, folder.path)
        let (home, isDone) = (home, Flag())
        let problems = inParallel(2) { index in
            if index == 0 {
                var number = 0
                while !isDone.isSet {
                    number += 1
                    try trail.locked { writer in
                        try keys.write {
                            try $0.execute(
                                sql: "UPDATE pair SET a = \(number); UPDATE pair SET b = \(number)"
                            )
                        }
                        try writer.append(
                            TrailRecord(
                                eventSource: "kms.amazonaws.com",
                                eventName: "N",
                                requestID: "\(number)"
                            )
                        )
                    }
                }
                return number > 5 ? nil : "the writer got nowhere: \(number)"
            }
            defer { isDone.set() }
            for round in 0..<5 {
                _ = try HomeBackup.write(home: home, to: path + "/b\(round)")
                _ = try HomeBackup.restore(path + "/b\(round)", to: path + "/r\(round)")
                let copy = try DatabaseQueue(path: path + "/r\(round)/kms/keys.sqlite")
                let pair = try copy.read { try Row.fetchOne($0, sql: "SELECT a, b FROM pair") }
                let (a, b) = (pair?["a"] as Int?, pair?["b"] as Int?)
                guard let a, a == b else {
                    return "round \(round): \(String(describing: a)) and \(String(describing: b))"
                }
                let text = try String(
                    contentsOfFile: path + "/r\(round)/trail/2025-11-24.jsonl",
                    encoding: .utf8
                )
                guard text.hasSuffix("\n") else { return "a torn line in the copy" }
                // The first record, then one for each number.
                let lines = text.split(separator: "\n").count
                guard lines == a + 1 else { return "round \(round): \(lines) lines and number \(a)" }
            }
            return nil
        }
        #expect(problems.isEmpty, "\(problems)")
    }

    @Test func `an archive cannot name what is no part of a home`() throws {
        for name in [
            "../evil", "/etc/evil", "kms/../evil", "kms/.ssh", "trail/x", "volumes/v", "kms/a/b", "",
        ] {
            try folder.write(Forged.archive([("catalog.sqlite", [1]), (name, [2])]), to: "bad")
            #expect(
                refusal { try HomeBackup.restore(folder.path("bad"), to: restored) }?.code == .damaged,
                "\(name)"
            )
        }
        try folder.write(Forged.archive([("catalog.sqlite", [1]), ("catalog.sqlite", [2])]), to: "bad")
        #expect(refusal { try HomeBackup.restore(folder.path("bad"), to: restored) }?.code == .damaged)
        try folder.write(Forged.archive([("kms/seal.json", [1])]), to: "bad")
        #expect(
            refusal { try HomeBackup.restore(folder.path("bad"), to: restored) }?.message.contains(
                "no catalogue"
            ) == true
        )
        try folder.write(Forged.archive([("catalog.sqlite", [1]), ("kms/seal.json", [2])]), to: "good")
        _ = try HomeBackup.restore(folder.path("good"), to: restored)
        #expect(try folder.bytes("restored/catalog.sqlite") == [1], "the forger makes valid archives")
    }

    private func put(_ text: String, _ name: String) throws {
        try folder.write(Array(text.utf8), to: "home/\(name)")
    }

    private func mode(_ name: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.path(name))
        return try #require(attributes[.posixPermissions] as? Int)
    }
}
