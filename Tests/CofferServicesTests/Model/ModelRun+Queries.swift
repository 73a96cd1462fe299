internal import CofferEBS
internal import CofferShapes

// Descriptions by filters, pages and names, held against the same over the model.
extension ModelRun {
    func listVolumes() async throws {
        let names = [
            "status", "size", "snapshot-id", "source-volume-id", "encrypted", "tag:env", "tag:Name",
            "tag-key",
            "tag-value", "volume-id", "volume-type", "attachment.status", "attachment.device",
            "multi-attach-enabled", "availability-zone",
        ]
        let filters = someFilters(names) { name in self.model.volumes.flatMap { $0.values(of: name) } }
        say("list volumes by \(filters.map { "\($0.name)=\($0.values)" })")
        let expected = model.volumes.filter { volume in
            filters.allSatisfy { Self.passes($0, volume.values(of: $0.name)) }
        }
        let found = try await pages(filters) { query in
            let page = try await self.service.describeVolumes(query, caller: self.root)
            return Listing(items: page.items.map(\.id.text), nextMarker: page.nextMarker)
        }
        guard found == expected.map(\.id.text) else {
            throw Difference("found \(found), and \(expected.map { "\($0.name) \($0.id)" }) pass")
        }
    }

    func listSnapshots() async throws {
        let names = [
            "description", "encrypted", "progress", "snapshot-id", "status", "tag:env", "tag:Name", "tag-key",
            "tag-value", "volume-id", "volume-size", "owner-id",
        ]
        let filters = someFilters(names) { name in self.model.snapshots.flatMap { $0.values(of: name) } }
        say("list snapshots by \(filters.map { "\($0.name)=\($0.values)" })")
        let expected = model.snapshots.filter { snapshot in
            filters.allSatisfy { Self.passes($0, snapshot.values(of: $0.name)) }
        }
        let found = try await pages(filters) { query in
            let page = try await self.service.describeSnapshots(query, caller: self.root)
            return Listing(items: page.items.map(\.id.text), nextMarker: page.nextMarker)
        }
        guard found == expected.map(\.id.text) else {
            throw Difference("found \(found), and \(expected.map { "\($0.name) \($0.id)" }) pass")
        }
    }

    func findByName() async throws {
        let name = one(of: ["one", "two", "three", "four"])
        say("find \(name)")
        let volumes = model.volumes.filter { $0.tags["Name"] == name }.map(\.id)
        let found = try await attempt(Self.refusal(volumes.count, .volumeNotFound)) {
            try await self.service.describeVolumes([name], caller: self.root)
        }
        guard found == nil || found?.map(\.id) == volumes else { throw Difference("another volume") }
        let snapshots = model.snapshots.filter { $0.tags["Name"] == name }.map(\.id)
        let shown = try await attempt(Self.refusal(snapshots.count, .snapshotNotFound)) {
            try await self.service.describeSnapshots([name], caller: self.root)
        }
        guard shown == nil || shown?.map(\.id) == snapshots else { throw Difference("another snapshot") }
    }

    private static func refusal(_ count: Int, _ missing: AWSError.Code) -> AWSError.Code? {
        count == 0 ? missing : count == 1 ? nil : .invalidParameterValue
    }

    /// All pages of five, or all at once.
    private func pages(
        _ filters: [Filter],
        _ page: (ResourceQuery) async throws -> Listing<String>
    ) async throws -> [String] {
        var query = ResourceQuery(filters: filters, limit: chance(60) ? 5 : nil)
        var found: [String] = []
        while true {
            let part = try await page(query)
            found += part.items
            guard let next = part.nextMarker else { return found }
            guard part.items.count == query.limit else { throw Difference("a page is not full") }
            query.nextToken = next
        }
    }

    // MARK: - Filters

    private func someFilters(_ names: [String], _ values: (String) -> [String]) -> [Filter] {
        (0..<below(3)).map { _ in
            let name = one(of: names)
            let known = values(name)
            let patterns = (0...below(2)).map { _ in known.isEmpty ? "none" : pattern(of: one(of: known)) }
            return Filter(name, patterns)
        }
    }

    private func pattern(of value: String) -> String {
        let characters = Array(value)
        guard !characters.isEmpty else { return one(of: ["", "*", "?"]) }
        let at = below(characters.count)
        switch below(8) {
        case 0: return "*"
        case 1: return String(characters[..<at]) + "*"
        case 2: return "*" + String(characters[at...])
        case 3: return String(characters[..<at]) + "?" + String(characters[(at + 1)...])
        case 4: return String(characters[..<at]) + #"\*"# + String(characters[(at + 1)...])
        case 5: return value + "x"
        default: return value
        }
    }

    static func passes(_ filter: Filter, _ values: [String]) -> Bool {
        values.contains { value in
            filter.values.contains { fits(Array($0)[...], Array(value)[...]) }
        }
    }

    /// `*` is any characters, `?` one; a backslash takes either, or another, as it is. (docs/volumes.md)
    private static func fits(_ pattern: ArraySlice<Character>, _ text: ArraySlice<Character>) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        let rest = pattern.dropFirst()
        if first == "*" { return fits(rest, text) || !text.isEmpty && fits(pattern, text.dropFirst()) }
        if first == "?" { return !text.isEmpty && fits(rest, text.dropFirst()) }
        if first == #"\"#, let next = rest.first, #"*?\"#.contains(next) {
            return text.first == next && fits(rest.dropFirst(), text.dropFirst())
        }
        return text.first == first && fits(rest, text.dropFirst())
    }
}

extension ModelVolume {
    func values(of name: String) -> [String] {
        switch name {
        case "status": [state]
        case "size": ["1"]
        case "snapshot-id": snapshot.map { [$0.text] } ?? []
        case "source-volume-id": source.map { [$0.text] } ?? []
        case "encrypted": ["\(isEncrypted)"]
        case "tag:env": tags["env"].map { [$0] } ?? []
        case "tag:Name": tags["Name"].map { [$0] } ?? []
        case "tag-key": tags.keys.sorted()
        case "tag-value": tags.values.sorted()
        case "volume-id": [id.text]
        case "volume-type": [shape.type.rawValue]
        case "attachment.status": attachment.map { [$0.isBusy ? "busy" : "attached"] } ?? []
        case "attachment.device": attachment.map { [$0.device] } ?? []
        case "multi-attach-enabled": ["false"]
        default: ["us-east-1a"]
        }
    }
}

extension ModelSnapshot {
    func values(of name: String) -> [String] {
        switch name {
        case "description": [description]
        case "encrypted": ["\(isEncrypted)"]
        case "progress": [isFailed ? "0%" : "100%"]
        case "snapshot-id": [id.text]
        case "status": [isFailed ? "error" : "completed"]
        case "tag:env": tags["env"].map { [$0] } ?? []
        case "tag:Name": tags["Name"].map { [$0] } ?? []
        case "tag-key": tags.keys.sorted()
        case "tag-value": tags.values.sorted()
        case "volume-id": [volume?.text ?? "vol-ffffffff"]
        case "volume-size": ["1"]
        default: ["111122223333"]
        }
    }
}
