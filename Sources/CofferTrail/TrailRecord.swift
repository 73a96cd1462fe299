public import CofferShapes

/// What one call leaves on the trail, in CloudTrail's words. Nothing in it is secret: neither plaintext nor
/// ciphertext nor key bytes have a field. (AWS CloudTrail user guide, "CloudTrail record contents".)
public struct TrailRecord: Sendable, Encodable, Hashable {
    /// `kms.amazonaws.com`.
    public var eventSource: String
    /// The operation: `Decrypt`.
    public var eventName: String
    public var userIdentity: UserIdentity?
    public var awsRegion: String?
    /// The caller's address, or the name of the service that called; nil for a call within this machine.
    public var sourceIPAddress: String?
    public var userAgent: String?
    /// Whether the call changes nothing.
    public var readOnly: Bool?
    /// The account that owns what the call is about.
    public var recipientAccountId: String?
    public var requestParameters: [String: TrailValue]?
    /// What a call that changes something made of it; nil for all others.
    public var responseElements: [String: TrailValue]?
    public var resources: [TrailResource]?
    /// The AWS error code of a call that failed.
    public var errorCode: String?
    public var errorMessage: String?
    public var requestID: String
    public var additionalEventData: [String: TrailValue]?
    public var tlsDetails: TLSDetails?

    public init(eventSource: String, eventName: String, requestID: String, caller: Caller? = nil) {
        (self.eventSource, self.eventName, self.requestID) = (eventSource, eventName, requestID)
        guard let caller else { return }
        let identity = UserIdentity(caller)
        userIdentity = identity
        sourceIPAddress = identity.invokedBy ?? caller.origin?.sourceAddress
        userAgent = identity.invokedBy ?? caller.origin?.userAgent
    }
}

/// Who asked. (AWS CloudTrail user guide, "CloudTrail userIdentity element".)
public struct UserIdentity: Sendable, Encodable, Hashable {
    /// `Root`, `IAMUser` or `AssumedRole`.
    public let type: String
    /// The principal's unique id: `AIDA…`.
    public var principalId: String?
    public let arn: String
    public let accountId: String
    public var accessKeyId: String?
    public var userName: String?
    /// The service that asked on the principal's behalf: `ec2.amazonaws.com`.
    public var invokedBy: String?

    public init(_ caller: Caller) {
        let principal = caller.principal
        let parts = principal.resource.split(separator: "/")
        switch parts.first {
        case "root": type = "Root"
        case "assumed-role": type = "AssumedRole"
        default:
            type = "IAMUser"
            // Behind the path: `user/team/bob`.
            userName = parts.count > 1 ? parts.last.map(String.init) : nil
        }
        (arn, accountId) = (principal.description, principal.account)
        accessKeyId = caller.origin?.accessKeyID
        invokedBy = caller.via.map { "\($0.endpointPrefix).amazonaws.com" }
    }

    /// As it was read.
    init(type: String, arn: String, accountId: String) {
        (self.type, self.arn, self.accountId) = (type, arn, accountId)
    }
}

/// What a call was about.
public struct TrailResource: Sendable, Encodable, Hashable {
    public let ARN: String
    public let accountId: String
    public let type: String

    public init(ARN: String, accountId: String, type: String) {
        (self.ARN, self.accountId, self.type) = (ARN, accountId, type)
    }

    public init(key: CofferShapes.ARN) {
        self.init(ARN: key.description, accountId: key.account, type: "AWS::KMS::Key")
    }
}

/// How the connection was secured.
public struct TLSDetails: Sendable, Encodable, Hashable {
    /// `TLSv1.3`.
    public var tlsVersion: String?
    public var cipherSuite: String?
    public var clientProvidedHostHeader: String?

    public init(
        tlsVersion: String? = nil,
        cipherSuite: String? = nil,
        clientProvidedHostHeader: String? = nil
    ) {
        (self.tlsVersion, self.cipherSuite) = (tlsVersion, cipherSuite)
        self.clientProvidedHostHeader = clientProvidedHostHeader
    }
}

/// A parameter's value.
public enum TrailValue: Sendable, Hashable, Encodable, ExpressibleByStringLiteral,
    ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral
{
    case text(String)
    case number(Int)
    /// Read back as `number` where it is one. What is not finite is written as null.
    case double(Double)
    case bool(Bool)
    case texts([String])
    case pairs([String: String])

    public init(stringLiteral value: String) { self = .text(value) }
    public init(integerLiteral value: Int) { self = .number(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .number(let number): try container.encode(number)
        case .double(let double) where double.isFinite: try container.encode(double)
        case .double: try container.encodeNil()
        case .bool(let bool): try container.encode(bool)
        case .texts(let texts): try container.encode(texts)
        case .pairs(let pairs): try container.encode(pairs)
        }
    }
}
