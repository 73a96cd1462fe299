internal import CofferCatalog
internal import CofferShapes
internal import CofferTesting
internal import Foundation
internal import GRDB
internal import Testing

@Suite struct CatalogMigrationTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// The schema of the first version, statement by statement as it stood in its files.
    private static let firstSchema = """
        CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
        INSERT INTO grdb_migrations VALUES ('1: volumes');
        CREATE TABLE "home" ("singleton" INTEGER PRIMARY KEY CHECK ("singleton" = 1), "account" TEXT NOT NULL, "region" TEXT NOT NULL);
        CREATE TABLE "volume" ("id" TEXT PRIMARY KEY NOT NULL, "name" TEXT UNIQUE, "sizeBytes" INTEGER NOT NULL, "dataUnitBytes" INTEGER NOT NULL, "cipherName" TEXT NOT NULL, "kmsKeyARN" TEXT NOT NULL, "created" INTEGER NOT NULL, "isComplete" BOOLEAN NOT NULL, "filesystem" TEXT NOT NULL);
        CREATE TABLE "rollbackMark" ("volume" TEXT PRIMARY KEY NOT NULL, "uuid" TEXT NOT NULL, "sequence" INTEGER NOT NULL, "attachEpoch" INTEGER NOT NULL);
        INSERT INTO home VALUES (1, '123456789012', 'eu-central-1');
        INSERT INTO volume VALUES ('vol-0aaaaaaaaaaaaaaaa', 'data', 1048576, 4096, 'aes-256-xts', 'arn:aws:kms:eu-central-1:123456789012:key/12345678-1234-4234-8234-123456789012', 5, 1, 'ext4');
        INSERT INTO rollbackMark VALUES ('vol-0aaaaaaaaaaaaaaaa', '12345678-1234-4234-8234-123456789012', 9, 3);
        """

    @Test func `a catalogue of the first version keeps what it has, and gets users`() throws {
        let path = folder.path("catalog.sqlite")
        let old = try DatabaseQueue(path: path)
        try old.write { try $0.execute(sql: Self.firstSchema) }
        try old.close()
        for _ in 0..<2 {
            let catalog = try Catalog(path: path)
            let fresh = HomeIdentity(account: AccountID(random: [1, 2, 3, 4, 5, 6]), region: .home)
            #expect(try catalog.identity(orElse: fresh).account.digits == "123456789012")
            let volume = try catalog.volume("data")
            #expect(volume.filesystem == .ext4 && volume.stage == .ready)
            #expect(volume.tags == [Tag(key: "Name", value: "data")] && volume.region.name == "eu-central-1")
            #expect(volume.type == .gp3 && volume.iops == 3000 && volume.isEncrypted)
            #expect(try catalog.mark(of: volume.id)?.sequence == 9)
            let user = UserRecord(id: "AIDA1", name: "bob", path: "/", created: Timestamp(nanoseconds: 7))
            try catalog.changeIdentities { rows in
                if try rows.user(named: "bob") == nil { try rows.insert(user) }
            }
            #expect(try catalog.readIdentities { try $0.users(pathPrefix: "/") } == [user])
        }
        // As it was, beside it, and a database of its own.
        let copies = try folder.names(in: "").filter { $0.hasPrefix("catalog.sqlite.before-") }
        let copy = try DatabaseQueue(path: folder.path(try #require(copies.first)))
        #expect(copies.count == 1)
        #expect(try copy.read { try String.fetchOne($0, sql: "SELECT name FROM volume") } == "data")
        let mode = try FileManager.default.attributesOfItem(atPath: folder.path(copies[0]))[.posixPermissions]
        #expect(mode as? Int == 0o600)
    }

    @Test func `a volume whose creation was cut short before the migration is still one`() throws {
        let path = folder.path("catalog.sqlite")
        let old = try DatabaseQueue(path: path)
        try old.write {
            try $0.execute(sql: Self.firstSchema + "UPDATE volume SET isComplete = 0, name = NULL;")
        }
        try old.close()
        let volume = try Catalog(path: path).volumes()[0]
        #expect(volume.stage == .creating && volume.name == nil && volume.tags.isEmpty)
    }

    @Test func `the schema itself keeps a user with policies or keys, and names apart whatever their case`()
        throws
    {
        let catalog = try Catalog(path: folder.path("catalog.sqlite"))
        let user = UserRecord(id: "AIDA1", name: "bob", path: "/", created: Timestamp(nanoseconds: 7))
        try catalog.changeIdentities { rows in
            try rows.insert(user)
            try rows.put(UserPolicyRecord(name: "p", document: "{}"), ofUser: "AIDA1")
        }
        #expect(refusal { try catalog.changeIdentities { try $0.removeUser(id: "AIDA1") } } != nil)
        let double = UserRecord(id: "AIDA2", name: "BOB", path: "/", created: Timestamp(nanoseconds: 7))
        #expect(refusal { try catalog.changeIdentities { try $0.insert(double) } } != nil)
    }

    @Test func `a change that throws leaves nothing behind`() throws {
        let catalog = try Catalog(path: folder.path("catalog.sqlite"))
        let user = UserRecord(id: "AIDA1", name: "bob", path: "/", created: Timestamp(nanoseconds: 7))
        let error = refusal {
            try catalog.changeIdentities { rows in
                try rows.insert(user)
                throw AWSError(.conflict, "no")
            }
        }
        #expect(error?.code == .conflict)
        #expect(try catalog.readIdentities { try $0.userCount() } == 0)
    }

    @Test func `the watch sees every commit of others, and nothing else`() throws {
        let path = folder.path("catalog.sqlite")
        let catalog = try Catalog(path: path)
        let watch = try catalog.watch()
        let first = try watch.version()
        #expect(try watch.version() == first)
        let user = UserRecord(id: "AIDA1", name: "bob", path: "/", created: Timestamp(nanoseconds: 7))
        try catalog.changeIdentities { try $0.insert(user) }
        let second = try watch.version()
        #expect(second != first)
        #expect(try watch.version() == second)
        try Catalog(path: path).changeIdentities { try $0.removeUser(id: "AIDA1") }
        let (third, count) = try watch.readIdentities { try $0.userCount() }
        #expect(try third != second && third == watch.version() && count == 0)
    }

    @Test func `a catalogue that was removed and made again is watched in its new file`() throws {
        let path = folder.path("catalog.sqlite")
        let old = try Catalog(path: path).watch()
        let before = try old.version()
        try FileManager.default.removeItem(atPath: path)
        let catalog = try Catalog(path: path)
        let watch = try catalog.watch()
        let first = try watch.version()
        let user = UserRecord(id: "AIDA1", name: "bob", path: "/", created: Timestamp(nanoseconds: 7))
        try catalog.changeIdentities { try $0.insert(user) }
        #expect(try watch.version() != first)
        #expect(try old.version() == before)
    }

    @Test func `a catalogue under a write-ahead log cannot be watched`() throws {
        let path = folder.path("catalog.sqlite")
        let catalog = try Catalog(path: path)
        var configuration = Configuration()
        configuration.journalMode = .wal
        try DatabaseQueue(path: path, configuration: configuration).close()
        #expect(refusal { try catalog.watch() }?.code == .damaged)
    }

    @Test func `values that no writer makes are refused by the schema or are damage, not a crash`() throws {
        let path = folder.path("catalog.sqlite")
        let catalog = try Catalog(path: path)
        let user = UserRecord(id: "AIDA1", name: "bob", path: "/", created: Timestamp(nanoseconds: 7))
        try catalog.changeIdentities { try $0.insert(user) }
        let database = try DatabaseQueue(path: path)
        for change in ["created = 'soon'", "path = x'FF'", "path = NULL"] {
            #expect(throws: DatabaseError.self, "\(change)") {
                try database.write { try $0.execute(sql: "UPDATE iamUser SET \(change)") }
            }
        }
        for change in ["UPDATE iamUser SET created = -1", "ALTER TABLE iamUser RENAME COLUMN path TO way"] {
            try database.write { try $0.execute(sql: change) }
            let again = try Catalog(path: path)
            #expect(
                refusal { try again.readIdentities { try $0.user(id: "AIDA1") } }?.code == .damaged,
                "\(change)"
            )
            try database.write { try $0.execute(sql: "UPDATE iamUser SET created = 7") }
        }
    }
}
