public import CofferShapes

extension DatabaseEvent.Kind {
    /// The categories that its events have. (RDS user guide, "Amazon RDS event categories and event messages".)
    public var categories: [String] {
        switch self {
        case .instance:
            [
                "availability", "backup", "configuration change", "creation", "deletion", "failure",
                "notification", "recovery", "restoration",
            ]
        case .snapshot: ["creation", "deletion", "notification", "restoration"]
        }
    }
}

/// Which events `describeEvents` tells.
public struct DatabaseEventQuery: Sendable {
    /// nil: of both.
    public var kind: DatabaseEvent.Kind?
    public var identifier: String?
    /// Empty: all.
    public var categories: [String] = []
    public let from: Timestamp
    public let to: Timestamp

    public init(from: Timestamp, to: Timestamp) { (self.from, self.to) = (from, to) }
}

extension DatabaseService {
    /// What happened to the region's instances and snapshots within a time, the oldest first, of what the home has kept;
    /// also to those that are gone. (`DescribeEvents`)
    public func describeEvents(_ query: DatabaseEventQuery, caller: Caller) async throws -> [DatabaseEvent] {
        let identifier = query.identifier?.lowercased()
        return try await describeEvents(caller: caller).filter { event in
            (query.from...max(query.from, query.to)).contains(event.time)
                && (query.kind == nil || query.kind == event.kind)
                && (identifier == nil || identifier == event.identifier)
                && (query.categories.isEmpty || query.categories.contains(event.category))
        }
    }
}
