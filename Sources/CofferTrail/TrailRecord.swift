public import CofferShapes

/// What one call leaves on the trail, in CloudTrail's words. Nothing in it is secret: neither plaintext nor
/// ciphertext nor key bytes have a field. (AWS CloudTrail user guide, "CloudTrail record contents".)
public struct TrailRecord: Sendable, Codable, Hashable {
    /// `kms.amazonaws.com`.
    public var eventSource: String
    /// The operation: `Decrypt`.
    public var eventName: String
    public var userIdentity: UserIdentity?
    public var awsRegion: String?
    public var requestParameters: [String: TrailValue]?
    public var resources: [TrailResource]?
    /// The AWS error code of a call that failed.
    public var errorCode: String?
    public var errorMessage: String?
    public var requestID: String
    public var additionalEventData: [String: TrailValue]?

    public init(eventSource: String, eventName: String, requestID: String, caller: Caller? = nil) {
        (self.eventSource, self.eventName, self.requestID) = (eventSource, eventName, requestID)
        userIdentity = caller.map(UserIdentity.init)
    }
}

/// Who asked.
public struct UserIdentity: Sendable, Codable, Hashable {
    /// `Root`, `IAMUser` or `AssumedRole`.
    public let type: String
    public let arn: String
    public let accountId: String
    /// The service that asked on the principal's behalf: `ec2.amazonaws.com`.
    public let invokedBy: String?

    public init(_ caller: Caller) {
        let principal = caller.principal
        type =
            switch principal.resource.split(separator: "/").first {
            case "root": "Root"
            case "assumed-role": "AssumedRole"
            default: "IAMUser"
            }
        (arn, accountId) = (principal.description, principal.account)
        invokedBy = caller.via.map { "\($0.endpointPrefix).amazonaws.com" }
    }
}

/// What a call was about.
public struct TrailResource: Sendable, Codable, Hashable {
    public let ARN: String
    public let accountId: String
    public let type: String

    public init(key: CofferShapes.ARN) {
        (ARN, accountId, type) = (key.description, key.account, "AWS::KMS::Key")
    }
}

/// A parameter's value.
public enum TrailValue: Sendable, Hashable, Codable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    case text(String)
    case number(Int)
    case pairs([String: String])

    public init(stringLiteral value: String) { self = .text(value) }
    public init(integerLiteral value: Int) { self = .number(value) }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int.self) {
            self = .number(number)
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else {
            self = .pairs(try container.decode([String: String].self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .number(let number): try container.encode(number)
        case .pairs(let pairs): try container.encode(pairs)
        }
    }
}

/// A record as it stands on the trail: numbered and timed.
public struct TrailEntry: Sendable, Codable, Hashable {
    /// From 1, without gaps.
    public let sequence: UInt64
    /// RFC 3339, UTC.
    public let eventTime: String
    public let record: TrailRecord

    private enum CodingKeys: String, CodingKey { case sequence, eventTime }

    public init(sequence: UInt64, eventTime: String, record: TrailRecord) {
        (self.sequence, self.eventTime, self.record) = (sequence, eventTime, record)
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        sequence = try container.decode(UInt64.self, forKey: .sequence)
        eventTime = try container.decode(String.self, forKey: .eventTime)
        record = try TrailRecord(from: decoder)
    }

    /// One flat object: the record's fields beside number and time.
    public func encode(to encoder: any Encoder) throws {
        try record.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(sequence, forKey: .sequence)
        try container.encode(eventTime, forKey: .eventTime)
    }
}
