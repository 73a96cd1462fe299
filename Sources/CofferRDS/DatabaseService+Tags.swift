internal import CofferCatalog
public import CofferShapes

// Tags of instances, snapshots and parameter groups, each named by its ARN.
extension DatabaseService {
    /// Puts tags on a resource, in place of those of the same keys. (`AddTagsToResource`)
    public func addTags(_ tags: [Tag], to resource: String, caller: Caller) async throws {
        let found = try await tagged(resource, "AddTagsToResource", requestTags: tags, caller)
        try DatabaseTags.check(tags)
        try change(found) { held in
            let added = Set(tags.map(\.key))
            let all = held.filter { !added.contains($0.key) } + tags
            guard all.count <= DatabaseTags.limit else {
                throw AWSError(.tagQuotaExceeded, "A resource has at most \(DatabaseTags.limit) tags.")
            }
            return all
        }
    }

    /// Takes the tags of these keys away. (`RemoveTagsFromResource`)
    public func removeTags(_ keys: [String], from resource: String, caller: Caller) async throws {
        let found = try await tagged(resource, "RemoveTagsFromResource", caller)
        try change(found) { held in held.filter { !keys.contains($0.key) } }
    }

    /// By key. (`ListTagsForResource`)
    public func listTags(of resource: String, caller: Caller) async throws -> [Tag] {
        try await tagged(resource, "ListTagsForResource", caller).tags.sorted { $0.key < $1.key }
    }

    // MARK: - What an ARN names

    private enum Tagged {
        case instance(DatabaseRecord)
        case snapshot(DatabaseSnapshotRecord)
        case parameterGroup(ParameterGroupRecord)

        var tags: [Tag] {
            switch self {
            case .instance(let record): record.tags.map(\.tag)
            case .snapshot(let record): record.tags.map(\.tag)
            case .parameterGroup(let record): record.tags.map(\.tag)
            }
        }
    }

    private func tagged(
        _ text: String,
        _ action: String,
        requestTags: [Tag] = [],
        _ caller: Caller
    ) async throws -> Tagged {
        guard let arn = ARN(text), arn.service == "rds", arn.account == identity.account.digits,
            arn.region == region(of: caller).name, let colon = arn.resource.firstIndex(of: ":")
        else {
            throw AWSError(.invalidParameterValue, "Invalid resource name: \(text.prefix(255))")
        }
        let name = String(arn.resource[arn.resource.index(after: colon)...])
        let found = try lookUp(String(arn.resource[..<colon]), name, in: region(of: caller))
        try await require(
            action,
            String(arn.resource[..<colon]),
            name,
            tags: found?.tags ?? [],
            requestTags: requestTags,
            caller: caller
        )
        guard let found else { throw Self.notFound(String(arn.resource[..<colon]), name) }
        return found
    }

    private func lookUp(_ kind: String, _ name: String, in region: Region) throws -> Tagged? {
        switch kind {
        case "db":
            try DatabaseIdentifier(name).flatMap { try catalog.database($0, in: region) }.map {
                .instance($0)
            }
        case "snapshot":
            try DatabaseIdentifier(snapshot: name).flatMap { try catalog.databaseSnapshot($0, in: region) }
                .map { .snapshot($0) }
        case "pg":
            try DatabaseIdentifier(name).flatMap { try catalog.parameterGroup($0, in: region) }
                .map { .parameterGroup($0) }
        default: nil
        }
    }

    private static func notFound(_ kind: String, _ name: String) -> AWSError {
        switch kind {
        case "db": AWSError(.databaseNotFound, "DBInstance \(name.prefix(63)) not found.")
        case "snapshot": AWSError(.databaseSnapshotNotFound, "DBSnapshot \(name.prefix(255)) not found.")
        case "pg": AWSError(.parameterGroupNotFound, "DBParameterGroup not found: \(name.prefix(255))")
        default:
            AWSError(.invalidParameterValue, "Resources of the kind \(kind.prefix(32)) have no tags here.")
        }
    }

    private func change(_ found: Tagged, _ change: ([Tag]) throws -> [Tag]) throws {
        func changed(_ tags: [DatabaseTag]) throws -> [DatabaseTag] {
            try change(tags.map(\.tag)).map { DatabaseTag($0) }
        }
        switch found {
        case .instance(let record): try catalog.change(record.id) { $0.tags = try changed($0.tags) }
        case .snapshot(let record):
            try catalog.changeDatabaseSnapshot(record.identifier, in: record.region) {
                $0.tags = try changed($0.tags)
            }
        case .parameterGroup(let record):
            try catalog.changeParameterGroup(record.name, in: record.region) {
                $0.tags = try changed($0.tags)
            }
        }
    }
}
