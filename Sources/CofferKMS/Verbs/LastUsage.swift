public import CofferShapes
internal import CofferTrail
internal import FoundationEssentials

extension KeyManagementService {
    /// When a key was last used, and for what: the newest successful cryptographic operation with it that the trail
    /// tells of. A multi-Region key's uses count in the region where they were made. (`GetKeyLastUsage`)
    ///
    /// Reads the trail, most of it for a key that was not used for long: a few seconds for each GiB.
    public func getKeyLastUsage(_ key: KeyReference, caller: Caller) async throws -> KeyLastUsage {
        try await use("GetKeyLastUsage", caller, ["keyId": .text("\(key)")]) { call in
            let key = try ownKey(key, Permission("GetKeyLastUsage"), &call)
            let (trail, folder, arn) = (trail, trailFolder, key.arn)
            let created = key.stored.created
            let (start, newest) = try await heavy { (try Trail.start(folder), try trail.newestUse(of: arn)) }
            // Older lines may have been moved away, and with them what they told.
            let trackingStart = max(created, start ?? created)
            var usage = KeyLastUsage(keyARN: arn, created: created, trackingStart: trackingStart)
            usage.operation = newest?.record.eventName
            usage.time = newest.flatMap { Timestamp(iso8601: $0.eventTime) }
            usage.eventID = newest?.eventID
            return usage
        }
    }
}

extension Trail {
    /// The time of the oldest line that is there.
    fileprivate static func start(_ folder: String) throws -> Timestamp? {
        var follower = try follow(folder: folder, from: .beginning)
        return try follower.next(limit: 1).first.flatMap { Timestamp(iso8601: $0.eventTime) }
    }

    /// Looks among the newest lines about a key first, and among more of them where none is a use.
    fileprivate func newestUse(of key: ARN) throws -> TrailEntry? {
        let resource = TrailResource(key: key)
        var limit = 32
        while true {
            let entries = try records(limit: limit, filter: TrailFilter(key: key.description))
            let use = entries.last { entry in
                entry.record.errorCode == nil && cryptographicOperations.contains(entry.record.eventName)
                    && entry.record.resources?.contains(resource) == true
            }
            if use != nil || entries.count < limit { return use }
            limit *= 32
        }
    }
}

/// (`GetKeyLastUsage`, "Operation")
private let cryptographicOperations: Set<String> = [
    "Decrypt", "DeriveSharedSecret", "Encrypt", "GenerateDataKey", "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext", "GenerateMac", "ReEncrypt",
    "Sign",
    "Verify", "VerifyMac",
]

extension Timestamp {
    /// As the trail writes times, to the millisecond.
    fileprivate init?(iso8601 text: String) {
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        guard let date = try? Date(text, strategy: style),
            let milliseconds = UInt64(exactly: (date.timeIntervalSince1970 * 1000).rounded())
        else { return nil }
        self.init(nanoseconds: milliseconds * 1_000_000)
    }
}
