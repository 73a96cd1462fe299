internal import CofferRDS
internal import CofferShapes

// What happened.
extension RDSCall {
    /// Of the last hour, unless the request says otherwise.
    func describeEvents(_ writer: inout XMLWriter) async throws {
        _ = try filters(knowing: [])
        let page = try page()
        let span = try span()
        var query = DatabaseEventQuery(from: span.from, to: span.to)
        query.categories = arguments.texts("EventCategories") ?? []
        let type = try sourceType()
        query.kind = type.flatMap { DatabaseEvent.Kind(rawValue: $0) }
        query.identifier = arguments.text("SourceIdentifier")
        guard query.identifier == nil || type != nil else {
            throw AWSError(.invalidParameterCombination, "SourceIdentifier needs SourceType beside it.")
        }
        let found = try await databases.describeEvents(query, caller: caller)
        let part = page.part(Self.numbered(type == nil || query.kind != nil ? found : [])) { $0.place }
        writer.list("Events", of: "Event", part.items) { writer, numbered in
            let event = numbered.event
            writer.element("SourceIdentifier", event.identifier)
            writer.element("SourceType", event.kind.rawValue)
            let kind = event.kind == .instance ? "db" : "snapshot"
            writer.element("SourceArn", "arn:aws:rds:\(region):\(account):\(kind):\(event.identifier)")
            writer.element("Date", event.time.iso8601)
            writer.element("EventCategories") { $0.element("EventCategory", event.category) }
            writer.element("Message", event.message)
        }
        writer.element("Marker", part.nextMarker)
    }

    func describeEventCategories(_ writer: inout XMLWriter) throws {
        _ = try filters(knowing: [])
        let type = try sourceType()
        let sources = DatabaseEvent.Kind.allCases.filter { type == nil || type == $0.rawValue }
        writer.list("EventCategoriesMapList", of: "EventCategoriesMap", sources) { writer, source in
            writer.element("SourceType", source.rawValue)
            writer.element("EventCategories") { writer in
                for category in source.categories { writer.element("EventCategory", category) }
            }
        }
    }

    // MARK: - Which

    /// The other types of AWS's have no events here.
    private func sourceType() throws(AWSError) -> String? {
        guard let type = arguments.text("SourceType") else { return nil }
        let others = [
            "db-parameter-group", "db-security-group", "db-cluster", "db-cluster-snapshot",
            "custom-engine-version", "db-proxy", "blue-green-deployment", "db-shard-group", "zero-etl",
        ]
        guard DatabaseEvent.Kind(rawValue: type) != nil || others.contains(type) else {
            throw AWSError(.invalidParameterValue, "Invalid source type: \(type.prefix(64))")
        }
        return type
    }

    /// 14 days.
    private static let longestMinutes = 20_160

    private func span() throws(AWSError) -> (from: Timestamp, to: Timestamp) {
        let now = SystemClock().now
        let duration = arguments.integer("Duration") ?? 60
        guard (1...Self.longestMinutes).contains(duration) else {
            throw AWSError(
                .invalidParameterValue,
                "Invalid duration \(duration): it is 1 to \(Self.longestMinutes) minutes, which are 14 days."
            )
        }
        let (start, end) = (arguments.time("StartTime"), arguments.time("EndTime"))
        let to = end ?? now
        let from = start ?? to.before(minutes: duration)
        guard from <= to else {
            throw AWSError(.invalidParameterCombination, "The start time is after the end time.")
        }
        if let start, start < now.before(minutes: Self.longestMinutes + 1) {
            throw AWSError(.invalidParameterValue, "The start time is more than 14 days ago.")
        }
        return (from, to)
    }

    /// An event with its place among all: by time, and by number where several are of one time.
    private struct Numbered: Sendable {
        let event: DatabaseEvent
        let place: String
    }

    private static func numbered(_ events: [DatabaseEvent]) -> [Numbered] {
        var counts: [Timestamp: Int] = [:]
        return events.sorted { $0.time < $1.time }.map { event in
            let number = counts[event.time, default: 0]
            counts[event.time] = number + 1
            return Numbered(
                event: event,
                place: "\(padded(event.time.nanoseconds, 20)).\(padded(UInt64(number), 6))"
            )
        }
    }

    private static func padded(_ number: UInt64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

extension Timestamp {
    fileprivate func before(minutes: Int) -> Timestamp {
        let span = UInt64(minutes) * 60_000_000_000
        return Timestamp(nanoseconds: nanoseconds > span ? nanoseconds - span : 0)
    }
}
