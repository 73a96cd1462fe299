internal import CofferCatalog
public import CofferShapes

extension VolumeService {
    /// Adds tags to resources, in place of those of the same keys. The Name tag is a volume's name. (`CreateTags`)
    public func createTags(
        _ tags: [Tag],
        on resources: [String],
        isDryRun: Bool = false,
        caller: Caller
    ) async throws {
        try Self.requireSome(resources, "resourceIdSet")
        try Self.requireSome(tags, "tagSet")
        let bearers = try bearers(resources, caller)
        var request = ActionRequest("ec2:CreateTags", on: bearers)
        request.add(requestTags: tags)
        try await authoriser.require(request, caller: caller)
        try TagRules.check(tags)
        if isDryRun { throw AWSError.dryRunSucceeds }
        try catalog.putTags(tags, on: resources)
    }

    /// A tag to take away: with a value only where it has this one.
    public struct TagSelector: Sendable {
        public let key: String
        public let value: String?

        public init(key: String, value: String? = nil) { (self.key, self.value) = (key, value) }
    }

    /// Takes tags away from resources; without selectors all of them. Those that are not there are no error.
    /// (`DeleteTags`)
    public func deleteTags(
        _ selectors: [TagSelector],
        from resources: [String],
        isDryRun: Bool = false,
        caller: Caller
    ) async throws {
        try Self.requireSome(resources, "resourceIdSet")
        let bearers = try bearers(resources, caller)
        var request = ActionRequest("ec2:DeleteTags", on: bearers)
        if !selectors.isEmpty { request.facts["aws:TagKeys"] = selectors.map(\.key) }
        try await authoriser.require(request, caller: caller)
        if isDryRun { throw AWSError.dryRunSucceeds }
        if selectors.isEmpty {
            for resource in resources { try catalog.removeAllTags(from: resource) }
        } else {
            try catalog.removeTags(selectors.map { ($0.key, $0.value) }, from: resources)
        }
    }

    /// The tags of the region's resources, by resource and key. (`DescribeTags`)
    public func describeTags(
        _ query: ResourceQuery,
        isDryRun: Bool = false,
        caller: Caller
    ) async throws -> Listing<TagDescription> {
        try await requirePermission("ec2:DescribeTags", isDryRun: isDryRun, caller: caller)
        let filters = try FilterSet(query.filters, knowing: TagFilters.names)
        let region = region(of: caller)
        let here = Set(
            try catalog.volumes(in: region).map(\.id.text) + catalog.snapshots(in: region).map(\.id.text)
                + [instanceID.text]
        )
        let tags = try catalog.allTags().compactMap { resource, tag -> TagDescription? in
            guard let type = ResourceKind(resource), here.contains(resource) else { return nil }
            return TagDescription(resourceID: resource, resourceType: type.rawValue, tag: tag)
        }
        let wanted = tags.filter { tag in filters.match { TagFilters.values(of: $0, tag) } }
        return try ResourcePages(5...1000).part(wanted, query, filters) { tag in
            // One number for all: resource and key decide.
            (0, "\(tag.resourceID) \(tag.tag.key)")
        }
    }

    /// The tags of this host, as the instance that volumes are attached to. Permission is the asker's to see to.
    public func instanceTags() throws -> [Tag] { try catalog.tags(of: instanceID.text) }

    // MARK: - What bears tags

    /// The kinds of resources that tags are on, by the beginnings of their ids.
    private enum ResourceKind: String, CaseIterable {
        case volume, snapshot, instance

        init?(_ id: String) {
            let found = Self.allCases.first { id.hasPrefix($0.prefix) }
            guard let found else { return nil }
            self = found
        }

        private var prefix: String {
            switch self {
            case .volume: "vol-"
            case .snapshot: "snap-"
            case .instance: "i-"
            }
        }
    }

    /// The resources of these ids as policies see them; refuses those that are not there.
    private func bearers(_ resources: [String], _ caller: Caller) throws -> [ActionResource] {
        try resources.map { id in
            switch ResourceKind(id) {
            case .volume:
                let volume = try catalog.volume(id: try Self.volumeID(id))
                guard let volume, volume.region == region(of: caller) else {
                    throw AWSError(.volumeNotFound, "The volume '\(id)' does not exist.")
                }
                return resource(volume)
            case .instance:
                try requireHost(id)
                let host = instanceResource(caller)
                return ActionResource(arn: host.arn, tags: try catalog.tags(of: id), facts: host.facts)
            case .snapshot:
                let snapshot = try catalog.snapshot(id: try Self.snapshotID(id))
                guard let snapshot, snapshot.region == region(of: caller) else {
                    throw AWSError(.snapshotNotFound, "The snapshot '\(id)' does not exist.")
                }
                return resource(snapshot)
            case nil:
                throw AWSError(.resourceIDInvalid, "The ID '\(id.prefix(64))' is not valid")
            }
        }
    }

    private static func requireSome<Item>(_ items: [Item], _ parameter: String) throws {
        guard items.isEmpty else { return }
        throw AWSError(.missingParameter, "The request must contain the parameter \(parameter)")
    }
}
