internal import CofferJSON
public import CofferShapes

/// Which entries are wanted: those that fit everything that is given.
public struct TrailFilter: Sendable {
    /// A KMS key's ARN or id, or an alias.
    public var key: String?
    /// A principal's ARN, or a user's name.
    public var user: String?
    /// This moment and later.
    public var since: Timestamp?
    /// The name of the operation: `Decrypt`.
    public var event: String?

    public init(
        key: String? = nil,
        user: String? = nil,
        since: Timestamp? = nil,
        event: String? = nil
    ) {
        (self.key, self.user, self.since, self.event) = (key, user, since, event)
    }

    /// The parameters that name a key.
    private static let keyParameters = ["keyId", "sourceKeyId", "destinationKeyId", "targetKeyId"]

    /// The entry of a line's object, where it is wanted.
    func entry(of line: TrailLine?) -> TrailEntry? {
        guard let json = line?.json else { return nil }
        if let event, json["eventName"]?.string != event { return nil }
        // Both have the same width, so that they sort as time does.
        if let since, json["eventTime"]?.string ?? "" < since.iso8601 { return nil }
        return TrailEntry(json).flatMap { matches($0.record) ? $0 : nil }
    }

    private func matches(_ record: TrailRecord) -> Bool {
        if let user, record.userIdentity.map({ Self.names($0, user) }) != true { return false }
        return key.map { Self.isAbout($0, record) } ?? true
    }

    /// Whether a file begun on `day` may hold what is wanted: a line's day is never after its file's.
    func mayMatch(fileOf day: String) -> Bool { since.map { day >= $0.iso8601.prefix(10) } ?? true }

    private static func names(_ identity: UserIdentity, _ user: String) -> Bool {
        // A line of the first version has no name beside its ARN.
        identity.arn == user || identity.userName == user
            || (identity.type == "IAMUser" && identity.arn.hasSuffix("/" + user))
    }

    private static func isAbout(_ key: String, _ record: TrailRecord) -> Bool {
        if record.resources?.contains(where: { isSame($0.ARN, key) }) == true { return true }
        return keyParameters.contains { name in
            guard case .text(let text) = record.requestParameters?[name] else { return false }
            return isSame(text, key)
        }
    }

    /// Whether one is the other, or the ARN of the other: never a mere part of a longer id or name.
    private static func isSame(_ left: String, _ right: String) -> Bool {
        left == right || isARN(left, of: right) || isARN(right, of: left)
    }

    private static func isARN(_ text: String, of name: String) -> Bool {
        guard text.hasPrefix("arn:"), let arn = ARN(text) else { return false }
        return arn.resource == name || arn.resource == "key/" + name
    }
}
