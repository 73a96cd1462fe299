internal import Coffer
internal import CofferCatalog
internal import CofferShapes
internal import CofferTesting
internal import Testing

@testable internal import CofferEBS

@Suite struct FilterTests {
    @Test(arguments: [
        ("prod*", "production", true), ("prod*", "prod", true), ("prod*", "xprod", false),
        ("*", "", true), ("**", "a", true), ("?", "", false), ("?", "ü", true), ("?", "🇩🇪", false),
        ("a?c", "abc", true), ("a?c", "ac", false), ("*b*", "abc", true), ("*b", "abc", false),
        (#"a\*"#, "a*", true), (#"a\*"#, "ab", false), (#"\?"#, "?", true), (#"\?"#, "x", false),
        (#"a\\"#, #"a\"#, true), (#"a\b"#, #"a\b"#, true), (#"a\"#, #"a\"#, true), (#"\\*"#, #"\xyz"#, true),
        ("Prod", "prod", false), ("", "", true), ("", "a", false),
        ("*a*a*a*b", String(repeating: "a", count: 5000), false),
    ])
    func `patterns match as EC2's do`(_ pattern: String, _ text: String, _ fits: Bool) {
        #expect(FilterPattern(pattern).matches(text) == fits)
    }

    @Test func `every filter of volumes finds what has its value, and only that`() async throws {
        let home = try await VolumeHome()
        let key = try await home.key()
        let one = try await home.volumes.createVolume(
            VolumeHome.request {
                ($0.isEncrypted, $0.key) = (true, .id(key.keyID))
                ($0.type, $0.iops, $0.sizeBytes) = (.io2, 100, 5 << 30)
                $0.tags = [Tag(key: "env", value: "prod-1"), Tag(key: "Name", value: "one")]
            },
            caller: home.root
        )
        let two = try await home.volumes.createVolume(
            VolumeHome.request { $0.tags = [Tag(key: "env", value: "test")] },
            caller: home.root
        )
        let cases: [(String, [String], [VolumeID])] = [
            ("size", ["5"], [one.id]), ("size", ["1", "5"], [one.id, two.id]),
            ("encrypted", ["true"], [one.id]),
            ("encrypted", ["false"], [two.id]), ("volume-type", ["io?"], [one.id]),
            ("tag:env", ["prod*"], [one.id]), ("tag:env", ["*"], [one.id, two.id]), ("tag:Env", ["*"], []),
            ("tag-key", ["Name"], [one.id]), ("tag-value", ["test"], [two.id]),
            ("volume-id", [two.id.text], [two.id]), ("status", ["available"], [one.id, two.id]),
            ("status", ["in-use"], []), ("availability-zone", ["us-east-1a"], [one.id, two.id]),
            ("availability-zone", ["us-east-1b"], []), ("create-time", [one.created.iso8601], [one.id]),
            ("multi-attach-enabled", ["false"], [one.id, two.id]), ("fast-restored", ["true"], []),
            ("snapshot-id", ["*"], []), ("attachment.status", ["attached"], []),
            ("attachment.instance-id", ["*"], []), ("attachment.device", ["*"], []),
            ("attachment.attach-time", ["*"], []), ("attachment.delete-on-termination", ["*"], []),
            ("operator.managed", ["false"], [one.id, two.id]), ("source-volume-id", ["*"], []),
        ]
        for (name, values, found) in cases {
            let query = ResourceQuery(filters: [Filter(name, values)])
            let listed = try await home.volumes.describeVolumes(query, caller: home.root)
            #expect(listed.items.map(\.id) == found, "\(name) \(values)")
        }
        let both = ResourceQuery(filters: [Filter("tag:env", ["*"]), Filter("encrypted", ["false"])])
        #expect(try await home.volumes.describeVolumes(both, caller: home.root).items.map(\.id) == [two.id])
    }

    @Test(arguments: [
        (Filter("colour", ["red"]), AWSError.Code.invalidParameterValue),
        (Filter("tag:", ["a"]), .invalidParameterValue),
        (Filter("size", []), .invalidParameterValue), (Filter("", ["a"]), .invalidParameterValue),
        (Filter("size", [String](repeating: "1", count: 201)), .filterLimitExceeded),
    ])
    func `a filter that there is not is refused`(_ filter: Filter, _ code: AWSError.Code) async throws {
        let home = try await VolumeHome()
        let query = ResourceQuery(filters: [filter])
        #expect(
            await refusal { try await home.volumes.describeVolumes(query, caller: home.root) }?.code == code
        )
    }

    @Test func `a copy is found by its source, and not by the snapshot that nobody sees`() async throws {
        let home = try await VolumeHome()
        let source = try await home.volume()
        let copy = try await home.volumes.copyVolume(
            CopyVolumeRequest(source: source.id.text),
            caller: home.root
        )
        await home.volumes.finishBegunWork()
        let bySource = ResourceQuery(filters: [Filter("source-volume-id", [source.id.text])])
        let found = try await home.volumes.describeVolumes(bySource, caller: home.root).items
        #expect(found.map(\.id) == [copy.id] && found[0].shownSnapshotID == nil)
        for pattern in ["*", "snap-*", found[0].snapshotID?.text ?? "none"] {
            let query = ResourceQuery(filters: [Filter("snapshot-id", [pattern])])
            let bySnapshot = try await home.volumes.describeVolumes(query, caller: home.root).items
            #expect(bySnapshot.isEmpty, "\(pattern)")
        }
    }

    @Test func `twelve volumes come in pages of 5, 5 and 2, whatever else happens to the first`() async throws
    {
        let home = try await VolumeHome()
        var ids: [VolumeID] = []
        for _ in 0..<12 {
            ids.append(try await home.volumes.createVolume(VolumeHome.request(), caller: home.root).id)
        }
        var query = ResourceQuery(limit: 5)
        var pages: [[VolumeID]] = []
        repeat {
            let page = try await home.volumes.describeVolumes(query, caller: home.root)
            pages.append(page.items.map(\.id))
            query.nextToken = page.nextMarker
            if pages.count == 1 {
                // The page's last volume going does not move the next.
                try await home.volumes.deleteVolume(ids[4].text, caller: home.root)
            }
        } while query.nextToken != nil
        #expect(pages.map(\.count) == [5, 5, 2] && pages.flatMap(\.self) == ids)
    }

    @Test func `page sizes, tokens and ids that do not go are refused`() async throws {
        let home = try await VolumeHome()
        for _ in 0..<6 { _ = try await home.volumes.createVolume(VolumeHome.request(), caller: home.root) }
        let first = try await home.volumes.describeVolumes(ResourceQuery(limit: 5), caller: home.root)
        let token = try #require(first.nextMarker)
        let id = first.items[0].id.text
        let cases: [(ResourceQuery, AWSError.Code)] = [
            (ResourceQuery(limit: 4), .invalidParameterValue),
            (ResourceQuery(limit: 1001), .invalidParameterValue),
            (ResourceQuery(ids: [id], limit: 5), .invalidParameterCombination),
            (ResourceQuery(ids: [id], nextToken: token), .invalidParameterCombination),
            (ResourceQuery(nextToken: ""), .invalidPaginationToken),
            (ResourceQuery(nextToken: "bm9uc2Vuc2U="), .invalidPaginationToken),
            (ResourceQuery(nextToken: token + "A"), .invalidPaginationToken),
            (ResourceQuery(nextToken: String(token.dropFirst(4))), .invalidPaginationToken),
            (ResourceQuery(filters: [Filter("size", ["1"])], nextToken: token), .invalidPaginationToken),
            (ResourceQuery(ids: ["vol-zz"]), .volumeIDMalformed),
            (ResourceQuery(ids: [""]), .volumeIDMalformed),
            (ResourceQuery(ids: ["snap-0123456789abcdef0"]), .volumeIDMalformed),
            (ResourceQuery(ids: ["vol-12345678"]), .volumeNotFound),
            (ResourceQuery(ids: [id, "vol-0123456789abcdef0"]), .volumeNotFound),
        ]
        for (query, code) in cases {
            #expect(
                await refusal { try await home.volumes.describeVolumes(query, caller: home.root) }?.code
                    == code
            )
        }
        // A token that still holds, with its bits changed one by one.
        let bytes = Array(token.utf8)
        for at in bytes.indices {
            var changed = bytes
            changed[at] = changed[at] == 0x41 ? 0x42 : 0x41
            guard changed != bytes else { continue }
            let query = ResourceQuery(nextToken: String(decoding: changed, as: UTF8.self))
            let error = await refusal { try await home.volumes.describeVolumes(query, caller: home.root) }
            #expect(error?.code == .invalidPaginationToken, "byte \(at)")
        }
    }

    @Test func `each region lists its own volumes`() async throws {
        let home = try await VolumeHome()
        var elsewhere = home.root
        elsewhere.region = Region("eu-west-1")
        let there = try await home.volumes.createVolume(
            VolumeHome.request { $0.zone = "eu-west-1a" },
            caller: elsewhere
        )
        #expect(there.arn.region == "eu-west-1")
        #expect(try await home.volumes.describeVolumes(caller: home.root).isEmpty)
        #expect(try await home.volumes.describeVolumes(caller: elsewhere).map(\.id) == [there.id])
        let error = await refusal { try await home.volumes.deleteVolume(there.id.text, caller: home.root) }
        #expect(error?.code == .volumeNotFound)
    }
}
