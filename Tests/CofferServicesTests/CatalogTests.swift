internal import CofferCatalog
internal import CofferShapes
internal import CofferTesting
internal import Foundation
internal import Testing

@Suite struct CatalogTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path("catalog.sqlite") }

    init() throws { folder = try TemporaryFolder() }

    @Test(arguments: 0..<20) func `of many first uses at once one identity wins`(round: Int) async throws {
        let path = folder.path("catalog-\(round).sqlite")
        let identities = try await withThrowingTaskGroup(of: HomeIdentity.self) { group in
            for number in 0..<8 {
                group.addTask {
                    let account = try #require(AccountID("10000000000\(number)"))
                    return try Catalog(path: path).identity(
                        orElse: HomeIdentity(account: account, region: .home)
                    )
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(identities.map(\.account)).count == 1)
    }

    @Test func `a volume is found by id, by the beginning of one, and by name`() throws {
        let catalog = try Catalog(path: path)
        try catalog.insert(try record("vol-0aaaaaaaaaaaaaaaa", name: "data"))
        try catalog.insert(try record("vol-0abbbbbbbbbbbbbbb", name: nil))
        #expect(try catalog.volume("vol-0aaaaaaaaaaaaaaaa").name == "data")
        #expect(try catalog.volume("data").id.text == "vol-0aaaaaaaaaaaaaaaa")
        #expect(try catalog.volume("vol-0aa").id.text == "vol-0aaaaaaaaaaaaaaaa")
        #expect(code { try catalog.volume("vol-0a") } == .invalidParameterValue)
        #expect(code { try catalog.volume("vol-") } == .invalidParameterValue)
        #expect(code { try catalog.volume("dat") } == .volumeNotFound)
        #expect(
            code { try catalog.insert(try record("vol-0cccccccccccccccc", name: "data"), namesApart: true) }
                == .invalidParameterValue
        )
        // Tags may repeat a name, which then means no one volume; and none hides a volume behind its id.
        try catalog.insert(try record("vol-0cccccccccccccccc", name: "data"))
        #expect(code { try catalog.volume("data") } == .invalidParameterValue)
        try catalog.putTags([Tag(key: "Name", value: "vol-0abb")], on: ["vol-0cccccccccccccccc"])
        #expect(try catalog.volume("vol-0abb").id.text == "vol-0abbbbbbbbbbbbbbb")
        #expect(try catalog.volume("data").id.text == "vol-0aaaaaaaaaaaaaaaa")
    }

    @Test func `what was written is there for the next process`() throws {
        let id = try #require(VolumeID("vol-0aaaaaaaaaaaaaaaa"))
        let mark = RollbackMark(uuid: Array(0..<16), sequence: .max - 1, attachEpoch: 7)
        do {
            let catalog = try Catalog(path: path)
            try catalog.insert(try record(id.text, name: nil))
            try catalog.markCreated(id)
            try catalog.setFilesystem(.xfs, of: id)
            try catalog.setMark(mark, of: id)
        }
        let again = try Catalog(path: path)
        let found = try again.volume(id.text)
        #expect(found.stage == .ready && found.filesystem == .xfs)
        #expect(try again.mark(of: id) == mark)
        try again.removeVolume(id)
        #expect(try again.volumes().isEmpty)
        #expect(try again.mark(of: id) == mark, "an old copy put back later is still known as old")
    }

    @Test func `a file that is no catalogue, and one of a newer version, are refused by name`() throws {
        try folder.write(Array("no database, and long enough to be read as one".utf8), to: "catalog.sqlite")
        #expect(code { try Catalog(path: path) } == .damaged)

        let other = folder.path("other.sqlite")
        _ = try Catalog(path: other)
        _ = try SQLite.run(other, "INSERT INTO grdb_migrations VALUES ('99: from the future')")
        let refusal = error { try Catalog(path: other) }
        #expect(refusal?.code == .damaged && refusal?.message.contains("newer version") == true)
    }

    @Test func `an entry that no writer made is damage, not a crash`() throws {
        let catalog = try Catalog(path: path)
        try catalog.insert(try record("vol-0aaaaaaaaaaaaaaaa", name: nil))
        for change in [
            "id = 'vol-x'", "kmsKeyARN = ''", "filesystem = 'zfs'", "sizeBytes = -1", "created = -1",
            "stage = 'gone'", "region = 'No Region'", "type = 'gp9'", "dataUnitBytes = 7",
        ] {
            _ = try SQLite.run(path, "BEGIN; UPDATE volume SET \(change); COMMIT")
            #expect(code { try catalog.volumes() } == .damaged, "\(change)")
            _ = try SQLite.run(path, "DELETE FROM volume")
            try catalog.insert(try record("vol-0aaaaaaaaaaaaaaaa", name: nil))
        }
    }

    private func record(_ id: String, name: String?) throws -> VolumeRecord {
        var record = VolumeRecord(
            id: try #require(VolumeID(id)),
            sizeBytes: 1 << 20,
            dataUnitBytes: 4096,
            cipherName: "aes-256-xts",
            kmsKeyARN: try #require(
                ARN("arn:aws:kms:us-east-1:111122223333:key/12345678-1234-4234-8234-123456789012")
            ),
            created: Timestamp(nanoseconds: 5),
            region: .home
        )
        if let name { record.tags = [Tag(key: "Name", value: name)] }
        return record
    }

    private func error<Value>(_ body: () throws -> Value) -> AWSError? {
        do {
            _ = try body()
            return nil
        } catch {
            return error as? AWSError
        }
    }

    private func code<Value>(_ body: () throws -> Value) -> AWSError.Code? { error(body)?.code }
}
