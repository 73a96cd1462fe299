internal import CofferJSON

/// A record as it stands on the trail: numbered and timed.
public struct TrailEntry: Sendable, Encodable, Hashable {
    /// From 1, without gaps.
    public let sequence: UInt64
    /// RFC 3339, UTC, with milliseconds.
    public let eventTime: String
    /// A UUID; nil on a line of the first version.
    public let eventID: String?
    public let record: TrailRecord
    private enum CodingKeys: String, CodingKey { case sequence, eventTime, eventID }

    /// One flat object: the record's fields beside number, time and id.
    public func encode(to encoder: any Encoder) throws {
        try record.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(sequence, forKey: .sequence)
        try container.encode(eventTime, forKey: .eventTime)
        try container.encodeIfPresent(eventID, forKey: .eventID)
    }

    /// What a line's object says; nil where it is no record. A field that is not known is passed over, for a
    /// later version may write it.
    init?(_ object: JSONValue) {
        guard let members = object.members else { return nil }
        let fields = Dictionary(members.map { ($0.name, $0.value) }) { first, _ in first }
        guard let sequence = Self.sequence(fields["sequence"]), let eventTime = fields["eventTime"]?.string,
            let source = fields["eventSource"]?.string, let name = fields["eventName"]?.string,
            let requestID = fields["requestID"]?.string
        else { return nil }
        (self.sequence, self.eventTime, eventID) = (sequence, eventTime, fields["eventID"]?.string)
        var record = TrailRecord(eventSource: source, eventName: name, requestID: requestID)
        record.userIdentity = fields["userIdentity"].flatMap(UserIdentity.init)
        record.awsRegion = fields["awsRegion"]?.string
        record.sourceIPAddress = fields["sourceIPAddress"]?.string
        record.userAgent = fields["userAgent"]?.string
        record.readOnly = fields["readOnly"]?.bool
        record.recipientAccountId = fields["recipientAccountId"]?.string
        record.requestParameters = fields["requestParameters"].flatMap(TrailValue.values)
        record.responseElements = fields["responseElements"].flatMap(TrailValue.values)
        record.resources = fields["resources"]?.elements?.compactMap(TrailResource.init)
        record.errorCode = fields["errorCode"]?.string
        record.errorMessage = fields["errorMessage"]?.string
        record.additionalEventData = fields["additionalEventData"].flatMap(TrailValue.values)
        record.tlsDetails = fields["tlsDetails"].flatMap(TLSDetails.init)
        self.record = record
    }

    /// The number of a line's object, for whoever needs nothing else.
    static func sequence(of object: JSONValue) -> UInt64? { sequence(object["sequence"]) }

    private static func sequence(_ value: JSONValue?) -> UInt64? {
        value?.integer.flatMap(UInt64.init(exactly:))
    }
}

extension UserIdentity {
    fileprivate init?(_ json: JSONValue) {
        guard let type = json["type"]?.string, let arn = json["arn"]?.string,
            let account = json["accountId"]?.string
        else { return nil }
        self.init(type: type, arn: arn, accountId: account)
        principalId = json["principalId"]?.string
        accessKeyId = json["accessKeyId"]?.string
        userName = json["userName"]?.string
        invokedBy = json["invokedBy"]?.string
    }
}

extension TrailResource {
    fileprivate init?(_ json: JSONValue) {
        guard let arn = json["ARN"]?.string, let account = json["accountId"]?.string,
            let type = json["type"]?.string
        else { return nil }
        self.init(ARN: arn, accountId: account, type: type)
    }
}

extension TLSDetails {
    fileprivate init?(_ json: JSONValue) {
        guard json.members != nil else { return nil }
        self.init(
            tlsVersion: json["tlsVersion"]?.string,
            cipherSuite: json["cipherSuite"]?.string,
            clientProvidedHostHeader: json["clientProvidedHostHeader"]?.string
        )
    }
}

extension TrailValue {
    fileprivate static func values(_ json: JSONValue) -> [String: TrailValue]? {
        guard let members = json.members else { return nil }
        var values: [String: TrailValue] = [:]
        for member in members { values[member.name] = TrailValue(member.value) }
        return values
    }

    private init?(_ json: JSONValue) {
        if let text = json.string {
            self = .text(text)
        } else if let number = json.integer {
            self = .number(number)
        } else if let double = json.double {
            self = .double(double)
        } else if let bool = json.bool {
            self = .bool(bool)
        } else if let elements = json.elements {
            self = .texts(elements.compactMap(\.string))
        } else if let members = json.members {
            self = .pairs(
                Dictionary(members.map { ($0.name, $0.value.string ?? "") }) { first, _ in first }
            )
        } else {
            return nil
        }
    }
}
