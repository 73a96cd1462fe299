import Coffer
import CofferCatalog
import CofferSecrets
import CofferShapes
import NIOHTTP1
import Testing

@testable import CofferServer

/// RDS's dialect of the Query protocol: parameters, answers and errors on the wire, of instances that only the catalogue
/// knows.
@Suite struct RDSProtocolTests {
    private func answer(_ query: String, _ subject: ServerSubject) async -> HTTPAnswer {
        await subject.responder.answer(subject.query("\(query)&Version=2014-10-31", service: "rds"))
    }

    /// Puts an instance into the catalogue that was made and stands still.
    @discardableResult
    private func instance(
        _ name: String,
        in subject: ServerSubject,
        engine: DatabaseEngineKind = .sqlite,
        changing change: (inout DatabaseRecord) -> Void = { _ in }
    ) throws -> DatabaseRecord {
        let home = subject.home
        let key = ARN.key(
            try #require(KeyID("11111111-2222-3333-4444-555555555555")),
            region: home.identity.region,
            account: home.identity.account
        )
        var record = DatabaseRecord(
            id: DatabaseID(random: SystemByteSource()),
            identifier: try #require(DatabaseIdentifier(name)),
            region: home.identity.region,
            engine: engine,
            engineVersion: "3.40",
            instanceClass: "db.t3.micro",
            allocatedGiB: 20,
            isEncrypted: true,
            kmsKeyARN: key,
            masterUser: "owner",
            port: engine == .sqlite ? 0 : 5432,
            parameterGroup: "default.sqlite3",
            backupRetentionDays: 1,
            backupWindow: "03:00-03:30",
            keyWatch: DatabaseRecord.KeyWatch(),
            created: Timestamp(nanoseconds: 1_700_000_000_000_000_000),
            origin: .empty,
            maker: home.root.principal
        )
        (record.stage, record.wanted) = (.ready, .stopped)
        change(&record)
        try home.catalog.insert(record)
        return record
    }

    @Test func `an answer has a result, and its lists have items with names of their own`() async throws {
        let subject = try await ServerSubject()
        let record = try instance("app", in: subject) { $0.tags = [DatabaseTag(Tag(key: "a", value: "<b>"))] }
        let answer = await answer("Action=DescribeDBInstances", subject)
        #expect(answer.status == 200 && answer.contentType == .xml)
        let text = answer.text
        #expect(
            text.hasPrefix(
                "<DescribeDBInstancesResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\">"
                    + "<DescribeDBInstancesResult><DBInstances><DBInstance><DBInstanceIdentifier>app<"
            )
        )
        #expect(
            text.hasSuffix(
                "</DBInstance></DBInstances></DescribeDBInstancesResult><ResponseMetadata><RequestId>"
                    + "\(answer.requestID)</RequestId></ResponseMetadata></DescribeDBInstancesResponse>"
            )
        )
        for part in [
            "<DbiResourceId>\(record.id)</DbiResourceId>", "<DBInstanceStatus>stopped</DBInstanceStatus>",
            "<StorageEncrypted>true</StorageEncrypted>", "<KmsKeyId>\(record.kmsKeyARN)</KmsKeyId>",
            "<InstanceCreateTime>2023-11-14T22:13:20.000Z</InstanceCreateTime>",
            "<TagList><Tag><Key>a</Key><Value>&lt;b&gt;</Value></Tag></TagList>",
            "<PendingModifiedValues></PendingModifiedValues>",
        ] {
            #expect(text.contains(part), "\(part) is not in \(text)")
        }
    }

    @Test func `an error says its type, code and sentence, with the model's status`() async throws {
        let subject = try await ServerSubject()
        let answer = await answer(
            "Action=DeleteDBInstance&DBInstanceIdentifier=no&SkipFinalSnapshot=true",
            subject
        )
        #expect(answer.status == 404)
        #expect(
            answer.text
                == "<ErrorResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><Error><Type>Sender</Type>"
                + "<Code>DBInstanceNotFound</Code><Message>DBInstance no not found.</Message></Error>"
                + "<RequestId>\(answer.requestID)</RequestId></ErrorResponse>"
        )
    }

    @Test func `an instance that is not encrypted by its own account names no key`() async throws {
        let subject = try await ServerSubject()
        try instance("plain", in: subject) { record in
            record = DatabaseRecord(
                id: record.id,
                identifier: record.identifier,
                region: record.region,
                engine: .sqlite,
                engineVersion: "3.40",
                instanceClass: "db.t3.micro",
                allocatedGiB: 1,
                isEncrypted: false,
                kmsKeyARN: record.kmsKeyARN,
                masterUser: "owner",
                port: 0,
                parameterGroup: "default.sqlite3",
                backupRetentionDays: 0,
                backupWindow: "03:00-03:30",
                keyWatch: record.keyWatch,
                created: record.created,
                origin: .empty,
                maker: record.maker
            )
            record.stage = .ready
            record.wanted = .stopped
        }
        let text = await answer("Action=DescribeDBInstances", subject).text
        #expect(text.contains("<StorageEncrypted>false</StorageEncrypted>"))
        #expect(!text.contains("KmsKeyId") && !text.contains("LatestRestorableTime"))
    }

    @Test func `instances come in pages, each once`() async throws {
        let subject = try await ServerSubject()
        for number in 100..<145 { try instance("db-\(number)", in: subject) }
        var (names, marker, pages): ([String], String, Int) = ([], "", 0)
        repeat {
            let text = await answer("Action=DescribeDBInstances&MaxRecords=20\(marker)", subject).text
            names += text.matches(of: #/<DBInstanceIdentifier>(.*?)</#).map { String($0.1) }
            marker = text.firstMatch(of: #/<Marker>(.*?)</#).map { "&Marker=\(escaped($0.1))" } ?? ""
            pages += 1
        } while !marker.isEmpty && pages < 9
        #expect(pages == 3)
        #expect(names == (100..<145).map { "db-\($0)" })
    }

    private func escaped(_ text: Substring) -> String {
        text.map { $0 == "+" ? "%2B" : $0 == "/" ? "%2F" : $0 == "=" ? "%3D" : String($0) }.joined()
    }

    @Test(arguments: [
        ("engine", "sqlite", ["one", "two"]), ("engine", "postgres", []),
        ("db-instance-id", "TWO", ["two"]), ("db-cluster-id", "one", []),
    ]) func `filters narrow what is told`(_ name: String, _ value: String, _ wanted: [String]) async throws {
        let subject = try await ServerSubject()
        for name in ["one", "two"] { try instance(name, in: subject) }
        let filter = "&Filters.Filter.1.Name=\(name)&Filters.Filter.1.Values.Value.1=\(value)"
        let text = await answer("Action=DescribeDBInstances\(filter)", subject).text
        #expect(text.matches(of: #/<DBInstanceIdentifier>(.*?)</#).map { String($0.1) } == wanted)
    }

    @Test func `a protected instance stays, and one without a last snapshot has to be told so`() async throws
    {
        let subject = try await ServerSubject()
        try instance("safe", in: subject) { $0.isProtected = true }
        try instance("app", in: subject)
        for (query, word) in [
            ("DBInstanceIdentifier=safe&SkipFinalSnapshot=true", "protected"),
            ("DBInstanceIdentifier=app", "FinalDBSnapshotIdentifier"),
            (
                "DBInstanceIdentifier=app&SkipFinalSnapshot=true&FinalDBSnapshotIdentifier=x",
                "SkipFinalSnapshot"
            ),
        ] {
            let answer = await answer("Action=DeleteDBInstance&\(query)", subject)
            #expect(answer.status == 400 && answer.text.contains("InvalidParameterCombination"))
            #expect(answer.text.contains(word))
        }
        #expect(try subject.home.catalog.databases().count == 2)
    }

    @Test func `events are told of their time, kind and category`() async throws {
        let subject = try await ServerSubject()
        let catalog = subject.home.catalog
        let now = SystemClock().now.nanoseconds
        func note(_ resource: String, _ category: String, minutesAgo: UInt64) throws {
            try catalog.add(
                EventRecord(
                    time: Timestamp(nanoseconds: now - minutesAgo * 60_000_000_000),
                    resource: resource,
                    name: category,
                    result: "",
                    cause: "\(resource) \(category)",
                    region: subject.home.identity.region
                )
            )
        }
        try note("db:app", "creation", minutesAgo: 90)
        try note("db:app", "backup", minutesAgo: 5)
        try note("db-snapshot:rds:app-1", "creation", minutesAgo: 5)
        try note("vol-0123456789abcdef0", "createVolume", minutesAgo: 4)
        func told(_ query: String) async -> [String] {
            await answer("Action=DescribeEvents\(query)", subject).text.matches(of: #/<Message>(.*?)</#)
                .map { String($0.1) }
        }
        #expect(await told("") == ["db:app backup", "db-snapshot:rds:app-1 creation"])
        #expect(await told("&Duration=120").count == 3)
        #expect(await told("&SourceType=db-snapshot") == ["db-snapshot:rds:app-1 creation"])
        #expect(await told("&SourceType=db-cluster") == [])
        #expect(await told("&SourceType=db-instance&SourceIdentifier=APP") == ["db:app backup"])
        #expect(
            await told("&Duration=120&EventCategories.EventCategory.1=creation")
                == ["db:app creation", "db-snapshot:rds:app-1 creation"]
        )
    }

    @Test func `tags of an instance are named by its ARN`() async throws {
        let subject = try await ServerSubject()
        let record = try instance("app", in: subject)
        let arn = "arn%3Aaws%3Ards%3A\(record.region)%3A\(subject.home.identity.account)%3Adb%3Aapp"
        let tag = "Tags.Tag.1.Key=k&Tags.Tag.1.Value=v"
        let put = await answer("Action=AddTagsToResource&ResourceName=\(arn)&\(tag)", subject)
        #expect(put.status == 200 && !put.text.contains("Result"))
        #expect(
            try subject.home.catalog.database(id: record.id)?.tags.map(\.tag) == [Tag(key: "k", value: "v")]
        )
        let text = await answer("Action=ListTagsForResource&ResourceName=\(arn)", subject).text
        #expect(text.contains("<TagList><Tag><Key>k</Key><Value>v</Value></Tag></TagList>"))
        _ = await answer("Action=RemoveTagsFromResource&ResourceName=\(arn)&TagKeys.member.1=k", subject)
        #expect(try subject.home.catalog.database(id: record.id)?.tags.isEmpty == true)
    }

    @Test func `every operation has its name and its place in the table, with no member twice`() {
        for operation in RDSOperation.allCases {
            #expect(RDSOperation(action: operation.name) == operation)
            let names = RDSInputs.members(of: operation).map(\.name)
            #expect(Set(names).count == names.count)
        }
        #expect(RDSInputs.members(of: .modifyDBInstance).allSatisfy { $0.name != "StorageEncrypted" })
        #expect(RDSOperation(action: "describeDBInstances") == nil)
    }

    @Test(
        arguments: [
            ("2026-11-24T22:48:30Z", 1_795_560_510_000_000_000), ("1970-01-01T00:00:00Z", 0),
            ("2026-11-24T22:48:30.125Z", 1_795_560_510_125_000_000),
            ("2026-11-24t22:48:30.1+02:00", 1_795_553_310_100_000_000),
            ("2024-02-29T00:00:00-00:30", 1_709_166_600_000_000_000),
        ] as [(String, UInt64)]
    ) func `a time is read`(_ text: String, _ nanoseconds: UInt64) {
        #expect(Timestamp(iso8601: text)?.nanoseconds == nanoseconds)
    }

    @Test(arguments: [
        "", "now", "2026-11-24", "2026-11-24T22:48:30", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z",
        "1969-12-31T23:59:59Z", "2026-11-24T24:00:00Z", "2026-11-24T22:60:30Z", "99999-01-01T00:00:00Z",
        "٢٠٢٦-11-24T22:48:30Z", "2026-11-24T22:48:30.1234567890Z", "2026-11-24T22:48:30+99:00",
    ]) func `what is no time is none`(_ text: String) { #expect(Timestamp(iso8601: text) == nil) }
}
