internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import Foundation
internal import Testing

@testable internal import CofferTrail

@Suite struct RecordTests {
    private let home: TrailHome
    private let key = ARN.key(
        KeyID("1234abcd-12ab-34cd-56ef-1234567890ab")!,
        region: .home,
        account: TrailHome.account
    )

    init() throws { home = try TrailHome() }

    /// Every field is set.
    private var full: TrailRecord {
        var record = TrailRecord(
            eventSource: "kms.amazonaws.com",
            eventName: "Decrypt",
            requestID: "0d2c4a1e-0000-4000-8000-000000000001",
            caller: Caller(
                principal: .user("bob", path: "/team/", account: TrailHome.account),
                origin: RequestOrigin(
                    sourceAddress: "2001:db8::1",
                    userAgent: "aws-cli/2.15.0 \"quoted\"",
                    isSecureTransport: true,
                    requestID: "0d2c4a1e-0000-4000-8000-000000000001",
                    accessKeyID: "AKIAIOSFODNN7EXAMPLE"
                )
            )
        )
        record.userIdentity?.principalId = "AIDACKCEVSQ6C2EXAMPLE"
        record.awsRegion = "us-east-1"
        record.readOnly = true
        record.recipientAccountId = "123456789012"
        record.resources = [TrailResource(key: key)]
        record.requestParameters = [
            "keyId": .text(key.description), "bool": true, "double": .double(2.5), "number": -7,
            "texts": .texts(["a", "\"b\"", ""]), "empty": .texts([]),
            "encryptionContext": .pairs(["é\"\\/\u{1}\u{7f}\u{2028}😀": "\n\t\u{0}", "": ""]),
        ]
        record.responseElements = ["keyId": "x"]
        record.errorCode = "AccessDeniedException"
        record.errorMessage = "no"
        record.additionalEventData = ["keyMaterialId": "abc"]
        record.tlsDetails = TLSDetails(
            tlsVersion: "TLSv1.3",
            cipherSuite: "TLS_AES_128_GCM_SHA256",
            clientProvidedHostHeader: "kms.example"
        )
        return record
    }

    @Test func `every field comes back as it was written`() throws {
        let trail = try home.open()
        try trail.append(full)
        let entry = try #require(try trail.records(limit: 1).first)
        #expect(entry.record == full)
        #expect(entry.record.userIdentity?.userName == "bob")
        #expect(entry.record.userIdentity?.accessKeyId == "AKIAIOSFODNN7EXAMPLE")
        #expect(entry.record.sourceIPAddress == "2001:db8::1")
        let id = try #require(entry.eventID.flatMap(UUIDText.parse))
        #expect(id[6] >> 4 == 4 && id[8] >> 6 == 2)
        #expect(try trail.verify() == .intact(1))
    }

    @Test func `a line is one JSON object with CloudTrail's names, sorted, that others can read`() throws {
        try home.open().append(full)
        let line = try home.lines("2026-11-18.jsonl")[0]
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
        #expect(
            Set(object.keys) == [
                "additionalEventData", "awsRegion", "errorCode", "errorMessage", "eventCategory", "eventID",
                "eventName", "eventSource", "eventTime", "eventType", "eventVersion", "mac",
                "managementEvent",
                "readOnly", "recipientAccountId", "requestID", "requestParameters", "resources",
                "responseElements", "sequence", "sourceIPAddress", "tlsDetails", "userAgent", "userIdentity",
            ]
        )
        #expect(object["eventVersion"] as? String == "1.11")
        #expect(object["eventType"] as? String == "AwsApiCall")
        #expect(object["eventCategory"] as? String == "Management")
        #expect(object["managementEvent"] as? Bool == true)
        #expect(object["eventTime"] as? String == "2026-11-18T11:06:40.000Z")
        let text = String(decoding: line, as: UTF8.self)
        let names = object.keys.filter { $0 != "mac" }.sorted()
        let places = try names.map { try #require(text.firstRange(of: "\"\($0)\":")?.lowerBound, "\($0)") }
        #expect(places == places.sorted())
    }

    @Test func `a call without response elements says null, and one by a service has its name as address`()
        throws
    {
        var record = TrailHome.record("Decrypt")
        record.userIdentity = UserIdentity(TrailHome.root.through(.ebs))
        try home.open().append(record)
        let line = String(decoding: try home.lines("2026-11-18.jsonl")[0], as: UTF8.self)
        #expect(line.contains(#","responseElements":null,"#))
        let caller = TrailHome.root.through(.ebs)
        let called = TrailRecord(eventSource: "s", eventName: "n", requestID: "r", caller: caller)
        #expect(called.sourceIPAddress == "ec2.amazonaws.com")
        #expect(called.userIdentity?.type == "Root" && called.userIdentity?.userName == nil)
    }

    @Test func `the lines of the first version are read and verified, and gone on from`() throws {
        let golden = try #require(Bundle.module.resourcePath) + "/Golden"
        for name in ["2026-11-18.jsonl", "2026-11-19.jsonl"] {
            _ = try home.open()
            try home.folder.write(
                Array(Data(contentsOf: URL(fileURLWithPath: "\(golden)/\(name)"))),
                to: "trail/\(name)"
            )
        }
        let trail = try Trail(
            folder: home.path,
            key: SecretBytes(copying: Array(0..<32)),
            head: home.head,
            clock: home.clock
        )
        #expect(try trail.verify() == .intact(3))
        let entries = try trail.records(limit: 10)
        #expect(entries.map(\.record.eventName) == ["Decrypt", "Encrypt", "ListKeys"])
        #expect(entries.map(\.eventTime).first == "2026-11-18T11:06:40.125Z")
        #expect(entries[0].eventID == nil)
        #expect(entries[0].record.userIdentity?.invokedBy == "ec2.amazonaws.com")
        #expect(entries[0].record.resources == [TrailResource(key: key)])
        let expected: [String: TrailValue] = [
            "keyId": .text(key.description), "numberOfBytes": 64,
            "encryptionContext": .pairs([
                "aws:ebs:id": "vol-0123456789abcdef0", "é\"\\/\u{1}\u{7f}\u{2028}😀": "\n\t",
            ]),
        ]
        #expect(entries[0].record.requestParameters == expected)
        #expect(entries[1].record.userIdentity?.type == "IAMUser")
        #expect(entries[1].record.errorCode == "AccessDeniedException")
        #expect(try trail.records(limit: 9, filter: TrailFilter(user: "bob")).map(\.sequence) == [2])
        try trail.append(TrailHome.record("New"))
        #expect(try trail.verify() == .intact(4))
        #expect(try home.files() == ["2026-11-18.jsonl", "2026-11-19.jsonl"])
    }

    @Test func `a long record is written whole while it fits, and cut short where it does not`() throws {
        let trail = try home.open()
        var long = TrailHome.record("Long")
        long.requestParameters = ["x": .text(String(repeating: "\u{1}", count: 40_000)), "y": "z"]
        try trail.append(long)
        #expect(try trail.records(limit: 1)[0].record == long)
        long.requestParameters?["x"] = .text(String(repeating: "\u{1}", count: 50_000))
        try trail.append(long)
        let parameters = try trail.records(limit: 1)[0].record.requestParameters
        #expect(parameters == ["x": .text(String(repeating: "\u{1}", count: 4093) + "…"), "y": "z"])
        #expect(try trail.verify() == .intact(2))
    }

    @Test func `a text is cut between characters`() throws {
        var record = TrailHome.record("Long")
        for count in 1020...1026 {
            record.errorMessage =
                String(repeating: "x", count: count % 4) + String(repeating: "é", count: 600)
            let trail = try home.open()
            try trail.append(record)
            let message = try #require(try trail.records(limit: 1)[0].record.errorMessage)
            #expect(message.hasSuffix("é…") && message.utf8.count <= 1024 && message.utf8.count > 1020)
            #expect(record.errorMessage?.hasPrefix(message.dropLast()) == true)
        }
    }

    @Test func `however much a caller sends, the line fits and the chain holds`() throws {
        let trail = try home.open()
        var record = full
        let nasty = String(repeating: "\u{1}", count: 1000)
        record.requestParameters = Dictionary(
            uniqueKeysWithValues: (0..<100).map { ("\($0)\(nasty)", TrailValue.pairs([nasty: nasty])) }
        )
        record.resources = Array(
            repeating: TrailResource(ARN: nasty, accountId: nasty, type: nasty),
            count: 500
        )
        record.userAgent = nasty
        record.additionalEventData = ["x": .texts(Array(repeating: nasty, count: 100))]
        record.tlsDetails?.cipherSuite = nasty
        try trail.append(record, durability: .soon)
        #expect(try home.lines("2026-11-18.jsonl")[0].count <= TrailLine.maximumBytes)
        let read = try #require(try trail.records(limit: 1).first?.record)
        #expect(read.eventName == "Decrypt" && read.requestParameters == nil && read.resources?.count == 16)
        // Names that are one when they are cut are no fault of the line.
        record.requestParameters = ["a" + nasty: "1", "b": .pairs([nasty + "1": "x", nasty + "2": "y"])]
        try trail.append(record)
        #expect(try trail.verify() == .intact(2))
        #expect(try trail.records(limit: 9).count == 2)
    }

    @Test func `a number that JSON cannot say is null`() throws {
        var record = TrailHome.record("A")
        record.requestParameters = ["x": .double(.infinity), "y": .double(.nan), "z": 1]
        let trail = try home.open()
        try trail.append(record)
        #expect(try trail.records(limit: 1)[0].record.requestParameters == ["z": 1])
        #expect(throws: Never.self) { try JSONEncoder().encode(record) }
    }
}
