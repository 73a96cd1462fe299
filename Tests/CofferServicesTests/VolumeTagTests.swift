internal import Coffer
internal import CofferCatalog
internal import CofferEBS
internal import CofferShapes
internal import CofferTesting
internal import Testing

@Suite struct VolumeTagTests {
    private func create(_ home: VolumeHome, _ pairs: [(String, String)], on ids: [String]) async throws {
        try await home.volumes.createTags(
            pairs.map { Tag(key: $0.0, value: $0.1) },
            on: ids,
            caller: home.root
        )
    }

    @Test func `tags are put, changed, listed and taken away, and the Name tag is the name`() async throws {
        let home = try await VolumeHome()
        let one = try await home.volume("one").id.text
        let two = try await home.volume().id.text
        try await create(home, [("env", "prod"), ("Name", "first")], on: [one, two])
        #expect(try await home.now(one).name == "first")
        try await create(home, [("env", "test"), ("Name", "second"), ("empty", "")], on: [two])
        #expect(try await home.now("second").id.text == two)
        let all = try await home.volumes.describeTags(ResourceQuery(), caller: home.root).items
        #expect(all.filter { $0.resourceID == two }.map(\.tag.key) == ["Name", "empty", "env"])
        #expect(all.allSatisfy { $0.resourceType == "volume" })
        let cases: [(String, String, Int)] = [
            ("resource-id", one, 2), ("resource-type", "volume", 5), ("resource-type", "snapshot", 0),
            ("key", "env", 2), ("value", "prod", 1), ("tag:env", "*", 2), ("tag:Name", "second", 1),
        ]
        for (name, value, count) in cases {
            let query = ResourceQuery(filters: [Filter(name, [value])])
            #expect(
                try await home.volumes.describeTags(query, caller: home.root).items.count == count,
                "\(name)"
            )
        }
        try await home.volumes.deleteTags(
            [.init(key: "env", value: "prod"), .init(key: "none")],
            from: [one, two],
            caller: home.root
        )
        #expect(try await home.now(one).tags == [Tag(key: "Name", value: "first")])
        #expect(try await home.now(two).tags.count == 3, "another value stays")
        try await home.volumes.deleteTags([], from: [two], caller: home.root)
        #expect(try await home.now(two).tags.isEmpty)
    }

    @Test(arguments: [
        ([("", "x")], AWSError.Code.tagKeyMalformed), ([("aws:x", "")], .tagKeyMalformed),
        ([("AWS:x", "")], .tagKeyMalformed),
        ([("a\nb", "")], .tagKeyMalformed), ([("a", "b\u{0}")], .invalidParameterValue),
        ([(String(repeating: "k", count: 129), "")], .invalidParameterValue),
        ([("k", String(repeating: "v", count: 257))], .invalidParameterValue),
        ([("a", "1"), ("a", "2")], .invalidParameterValue),
        ([], .missingParameter), ((0...50).map { ("k\($0)", "") }, .tagLimitExceeded),
    ])
    func `tags that AWS has not are refused, also at a volume's creation`(
        _ pairs: [(String, String)],
        _ code: AWSError.Code
    ) async throws {
        let home = try await VolumeHome()
        let id = try await home.volume().id.text
        #expect(await refusal { try await create(home, pairs, on: [id]) }?.code == code)
        #expect(try await home.now(id).tags.isEmpty)
        guard !pairs.isEmpty else { return }
        let request = VolumeHome.request { $0.tags = pairs.map { Tag(key: $0.0, value: $0.1) } }
        #expect(
            await refusal { try await home.volumes.createVolume(request, caller: home.root) }?.code == code
        )
    }

    @Test func `a resource has at most fifty tags, and what goes past them changes none`() async throws {
        let home = try await VolumeHome()
        let one = try await home.volume().id.text
        let two = try await home.volume().id.text
        let longest = String(repeating: "é", count: 128)
        try await create(
            home,
            (0..<49).map { ("k\($0)", "v") } + [(longest, String(repeating: "v", count: 256))],
            on: [one]
        )
        let error = await refusal {
            try await create(home, [("k0", "changed"), ("more", "")], on: [two, one])
        }
        #expect(error?.code == .tagLimitExceeded)
        #expect(try await home.now(two).tags.isEmpty, "all resources or none")
        try await create(home, [("k0", "changed")], on: [one])
        #expect(try await home.now(one).tags.contains(Tag(key: "k0", value: "changed")))
    }

    @Test(arguments: [
        ("ami-blah", AWSError.Code.resourceIDInvalid), ("", .resourceIDInvalid),
        ("vol-xyz", .volumeIDMalformed),
        ("vol-0123456789abcdef0", .volumeNotFound), ("i-0123456789abcdef0", .instanceNotFound),
        ("i-zz", .instanceIDMalformed), ("snap-0123456789abcdef0", .snapshotNotFound),
        ("snap-x", .snapshotIDMalformed),
    ])
    func `what is not there bears no tags`(_ id: String, _ code: AWSError.Code) async throws {
        let home = try await VolumeHome()
        #expect(await refusal { try await create(home, [("a", "b")], on: [id]) }?.code == code)
        let selector = VolumeService.TagSelector(key: "a")
        let error = await refusal {
            try await home.volumes.deleteTags([selector], from: [id], caller: home.root)
        }
        #expect(error?.code == code)
        #expect(await refusal { try await create(home, [("a", "b")], on: []) }?.code == .missingParameter)
    }

    @Test func `the host bears tags as the instance that it is`() async throws {
        let home = try await VolumeHome()
        try await create(home, [("role", "db")], on: [home.volumes.instanceID.text])
        #expect(try await home.volumes.instanceTags() == [Tag(key: "role", value: "db")])
        let tags = try await home.volumes.describeTags(ResourceQuery(), caller: home.root).items
        #expect(tags.map(\.resourceType) == ["instance"])
    }
}
